

4	úB
1½C
°1B
wineregress