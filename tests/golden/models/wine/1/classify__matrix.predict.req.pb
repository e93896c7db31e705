

wineclassifyÑ
inputsÆB[
Y
H
measurements86
4ccA“¹@AY0LAdê¼¡EAûâù@ PAæ‚Ò@—ptAŠ€â@ï¤+AÂŞ Aè€A

x
#Óä¾B[
Y
H
measurements86
49$-AïÃ@ƒˆAx0£@OFù@‹õÅ@š×@y+ï@é%…@¤A6A›ªlA¾rÔ@fÉsA

x
×ZÀ