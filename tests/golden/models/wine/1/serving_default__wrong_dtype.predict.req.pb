

wineserving_default
measurementsBtext