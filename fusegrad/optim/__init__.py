"""Optimisers of eager tensors, with PyTorch's names, options and formulas."""

from .adam import Adam
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer"]
