

half_plus_two_tf1regresso
inputseB[
Y
H
measurements86
4åÉ*Aù.Ğ@H²dAJAõAAdó@³|9AC¤ö@jBGA­bÀpò¸@}¦A)KA

x
ÂèĞ½