"""`make soak`: the product attacked for longer than tests may take."""
