"""NumPy's and SciPy's functions in terms of ops, a module for each family."""
