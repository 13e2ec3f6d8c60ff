"""fusegrad: NumPy functions compiled to native code, together with their gradients.

>>> import numpy as np, fusegrad as fg
>>> @fg.value_and_grad
... def loss(w, x, y):
...     return np.mean((np.tanh(x @ w) - y) ** 2)
>>> value, gradient = loss(np.zeros(2), np.eye(2), np.ones(2))
>>> float(value), gradient
(1.0, array([-1., -1.]))

`compile`, `grad` and `value_and_grad` make compiled functions; `.lower`, `.explain`, `.compare` and
`.eager` look inside them. Beside them stands an eager mode with PyTorch's semantics: `tensor`,
`.backward()`, `autograd`, `nn`, `optim`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# What is public stands in the rooms below, and is imported when it is first asked for: eager mode needs no
# compiler, compiled functions no eager tensors, and importing the package next to nothing.
_HOMES = {
    ".runtime.compiled.api": ("CompiledFunction", "compile", "eager", "grad", "value_and_grad"),
    ".runtime.eager": (
        "Tensor",
        "arange",
        "as_tensor",
        "asarray",
        "empty",
        "empty_like",
        "enable_grad",
        "eye",
        "from_numpy",
        "full",
        "full_like",
        "get_default_dtype",
        "is_grad_enabled",
        "is_tensor",
        "linspace",
        "manual_seed",
        "no_grad",
        "ones",
        "ones_like",
        "rand",
        "rand_like",
        "randint",
        "randn",
        "randn_like",
        "randperm",
        "set_default_dtype",
        "set_grad_enabled",
        "tensor",
        "zeros",
        "zeros_like",
    ),
    ".runtime.eager.dtypes": ("bool", "float32", "float64", "int32", "int64"),
    ".ir.errors": ("DTypeError", "FusegradError", "ShapeError"),
    ".tracer.errors": ("TraceError", "UnsupportedError"),
    ".tracer.pytree": ("register_pytree_node",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = ("autograd", "ir", "nn", "optim")

__all__ = ["__version__", *sorted(_HOME_OF), *_MODULES]  # noqa: PLE0604

if TYPE_CHECKING:
    from . import autograd, ir, nn, optim
    from .ir.errors import DTypeError, FusegradError, ShapeError
    from .runtime.compiled.api import CompiledFunction, compile, eager, grad, value_and_grad
    from .runtime.eager import (
        Tensor,
        arange,
        as_tensor,
        asarray,
        empty,
        empty_like,
        enable_grad,
        eye,
        from_numpy,
        full,
        full_like,
        get_default_dtype,
        is_grad_enabled,
        is_tensor,
        linspace,
        manual_seed,
        no_grad,
        ones,
        ones_like,
        rand,
        rand_like,
        randint,
        randn,
        randn_like,
        randperm,
        set_default_dtype,
        set_grad_enabled,
        tensor,
        zeros,
        zeros_like,
    )
    from .runtime.eager.dtypes import bool, float32, float64, int32, int64
    from .tracer.errors import TraceError, UnsupportedError
    from .tracer.pytree import register_pytree_node


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF, *_MODULES})
