"""Automatic differentiation of eager tensors: `backward`, `grad`, and the nodes that they walk."""

from __future__ import annotations

from .runtime.eager.autograd import backward, grad
from .runtime.eager.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .runtime.eager.node import Node

__all__ = [
    "Node",
    "backward",
    "enable_grad",
    "grad",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
