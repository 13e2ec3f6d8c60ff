"""Threads: a pool of our own, and kernels, rows and products cut into blocks for it."""
