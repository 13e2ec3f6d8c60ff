"""fusegrad: NumPy functions compiled to native code, together with their gradients.

    @fusegrad.value_and_grad
    def loss(w, x, y): ...          # plain NumPy

    value, gradient = loss(w, x, y)
"""

from __future__ import annotations

from .runtime.compiled.api import compile, eager, grad, value_and_grad

__version__ = "0.1.0"
__all__ = ["compile", "eager", "grad", "value_and_grad"]
