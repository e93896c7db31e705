

v‹@
,lx@
Nç@@ 
half_plus_two_tf1regress