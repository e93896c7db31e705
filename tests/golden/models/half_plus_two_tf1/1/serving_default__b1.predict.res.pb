

y*À°›?serving_default