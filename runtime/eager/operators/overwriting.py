"""Functions that change their first operand in place, under PyTorch's names: `relu_` and others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import functions
from ..apply.dispatch import is_tensor_like, traced
from ..family_methods import FamilyMethods
from ..methods import Methods

# Each is the method of that name, `name_`.
_NAMES = """
    abs acos acosh addmv arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh ceil
    clamp clamp_max clamp_min clip cos cosh deg2rad erf erfc exp exp2 expm1 fix floor frac gcd i0
    index_put lcm ldexp log log10 log1p log2 logit nan_to_num neg negative rad2deg reciprocal relu
    round rsqrt sigmoid sin sinc sinh sqrt square tan tanh trunc xlogy
"""

__all__: list[str] = ["detach_", "fill", "fill_", "zero_"]


def changing(name: str) -> Callable[..., Any]:
    """The function `name_`: the method of a Tensor; of an array that is being traced, or a NumPy
    array, a store of what the function `name` gives.
    """
    method = getattr(Methods, f"{name}_", None) or getattr(FamilyMethods, f"{name}_")
    function = getattr(functions, name)

    def run(x: Any, *args: Any, **kwargs: Any) -> Any:
        if is_tensor_like(x):
            return method(x, *args, **kwargs)
        x[...] = function(x, *args, **kwargs)
        return x

    run.__name__ = run.__qualname__ = f"{name}_"
    run.__doc__ = f"{name}(), in place."
    return run


def fill_(x: Any, value: Any) -> Any:
    """Every element set to `value`."""
    if is_tensor_like(x):
        return x.fill_(value)
    x[...] = value
    return x


def fill(x: Any, value: Any) -> Any:
    """`value` in every element, in the shape and dtype of x."""
    if is_tensor_like(x):
        return x.clone().fill_(value)
    return (np.zeros_like(x) if traced((x,)) is not None else np.zeros_like(np.asarray(x))) + value


def zero_(x: Any) -> Any:
    """Every element set to 0."""
    return fill_(x, 0)


def detach_(x: Any) -> Any:
    """The tensor itself, cut off from the graph."""
    return x.detach_()


def _bind() -> None:
    for name in _NAMES.split():
        globals()[f"{name}_"] = changing(name)
        __all__.append(f"{name}_")


_bind()
