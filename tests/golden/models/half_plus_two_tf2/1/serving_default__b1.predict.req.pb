
$
half_plus_two_tf2serving_default
x*æ5‡¿