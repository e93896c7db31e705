
$
half_plus_two_tf1serving_default#
x"F)@<i¿˘%>j 6>èºF¿