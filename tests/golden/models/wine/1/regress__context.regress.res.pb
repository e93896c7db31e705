

„\C
kÜäB
‘Î*C
wineregress