
/
-

barolo_í?


grignolinoö•9
	
barbera
wineclassify