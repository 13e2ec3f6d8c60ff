"""Compiled functions called on Tensors: nodes, results, what is saved."""
