

wineregressª
inputsŸB[
Y
H
measurements86
4ß
@Vö½Ak¡Ÿ@”A¼QAmïü@ˆH©@”™
A™š@6JŒA=6yA¿õ•@V0LA

x
Ñ§ı?B[
Y
H
measurements86
4Ì²3Aã,TAúiÓ?Sk@•ú<A.èX@'êò@eÀ@öUAXŞã@ÿA+r“AO/@

x
ß5@B[
Y
H
measurements86
4'=AŸv¯@<IA$%A¨³A1×@I1¹ApUï@T6¡@x€kALãõ@ŠôtAÏTA

x
i3À