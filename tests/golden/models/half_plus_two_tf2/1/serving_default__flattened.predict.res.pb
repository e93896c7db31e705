

y*„B@ê“@serving_default