"""Functions composed of ops, each defined once: plain functions of a builder.

They serve tracing (under NumPy's names), eager mode (under PyTorch's) and derivative rules alike.
Import the family: `from ..ir.functions import elementwise`, then `elementwise.sigmoid(b, x)`.
"""
