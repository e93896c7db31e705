

y*ÉMñ?R¸ø?serving_default