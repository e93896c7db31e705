

wineregressÑ
inputsÆB[
Y
H
measurements86
4¬Ëë¿GüAëò@Ã˜AÊû@'tö@Ş}A¼‚BA«Âá@Jë@TI?
f¿@Å•A

x
^é$>B[
Y
H
measurements86
4Ú<Ï@šPÊ@—œA¼Ë2A²“Ö@¾û@‡4NA%Â’AfÇ@pWAGé@³ü½@ ¦¾

x
ë×)@