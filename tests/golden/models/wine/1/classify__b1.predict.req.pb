

wineclassifyo
inputseB[
Y
H
measurements86
4FsA¶ÅAdí8?5yNA
@Ï@·þ°@Œ½Ar¾VA7’“Ai€A9TA!†@›A

x
‘lÀ