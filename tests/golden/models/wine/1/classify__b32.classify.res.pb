
ã

(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
-

baroloÑŒ;


grignolino\æ~?
	
barbera
-

baroloRâÉ


grignolinoÿÿ?
	
barbera
-

baroloú(


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

baroloÿÿ?


grignolino
	
barbera
(

baroloÿÿ?


grignolino
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
-

baroloÍÃ°-


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
2

baroloÿÿ?


grignolinoª?Ù%

barbera’Ño
(

barolo


grignolinoÿÿ?
	
barbera
(

baroloÿÿ?


grignolino
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
(

barolo


grignolinoÿÿ?
	
barbera
-

baroloÿÿ?


grignolino
¼
	
barbera
wineclassify