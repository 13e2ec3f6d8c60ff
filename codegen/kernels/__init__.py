"""Fused kernels as loops: nests, rows, reductions, memory accesses."""
