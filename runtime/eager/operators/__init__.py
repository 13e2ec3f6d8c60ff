"""The operators, under PyTorch's names and signatures, a module for each family."""
