"""How an operation is applied: which operands it takes, compositions as one node, native blocks."""
