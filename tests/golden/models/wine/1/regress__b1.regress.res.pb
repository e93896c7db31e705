

ÇáHB
wineregress