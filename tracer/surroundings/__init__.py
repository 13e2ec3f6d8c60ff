"""What else a traced function sees: NumPy's namespace, containers, constants."""
