
$
half_plus_two_tf1serving_default
x*i#k¾Éõè½