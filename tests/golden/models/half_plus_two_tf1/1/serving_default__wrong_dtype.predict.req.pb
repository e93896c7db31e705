
$
half_plus_two_tf1serving_default
xBtext