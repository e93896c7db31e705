

"•Š@
T]@
VË¨@ 
half_plus_two_tf1regress