"""NumPy functions in, their compiled gradients out."""
