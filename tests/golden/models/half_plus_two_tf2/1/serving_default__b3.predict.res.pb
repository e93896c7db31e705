

y*¾É»?wæ÷?o@serving_default