

digitsserving_default
imageBtext