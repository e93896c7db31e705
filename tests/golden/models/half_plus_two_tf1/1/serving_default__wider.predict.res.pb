

y*ÉMñ?R¸ø?ÉMñ?R¸ø?serving_default