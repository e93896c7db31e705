

y*„B@ê“@„B@ê“@serving_default