

wineregress,
inputs"Bno exampleBno example