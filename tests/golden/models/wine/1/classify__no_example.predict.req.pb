

wineclassify.
inputs$Bÿþno exampleBÿþno example