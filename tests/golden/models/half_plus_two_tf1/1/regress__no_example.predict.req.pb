

half_plus_two_tf1regress,
inputs"Bno exampleBno example