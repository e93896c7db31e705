

y*e¼?serving_default