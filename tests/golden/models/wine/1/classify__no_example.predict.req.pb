

wineclassify,
inputs"Bno exampleBno example