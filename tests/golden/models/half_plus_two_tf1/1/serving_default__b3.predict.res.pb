

y*†ût?JÒê?‚€@serving_default