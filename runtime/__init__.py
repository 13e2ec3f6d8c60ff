"""Eager tensors, the backward engine and compiled functions."""
