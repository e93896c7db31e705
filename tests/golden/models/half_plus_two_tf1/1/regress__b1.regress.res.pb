

7q"@ 
half_plus_two_tf1regress