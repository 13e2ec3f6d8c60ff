"""NumPy in eager mode: what makes arrays, and how they come to share memory.

The function that runs is the copy that sees NumPy through `tracer.surroundings.namespace`. A buffer
that it makes is an eager array from the start: what depends on a gradient can be stored into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ....ir.types import dtype_name
from ....tracer.complexes import ComplexArray
from ....tracer.errors import StoreError
from ....tracer.pytree import flatten, map_leaves
from ....tracer.registry import FUNCTIONS
from ....tracer.surroundings import namespace
from ....tracer.surroundings.conversions import MODE
from ....tracer.surroundings.mathematics import in_domain
from ....tracer.surroundings.rebind import Rebinder
from ...eager import Tensor
from ...eager.apply.numpy_protocol import apply_function

Function = Callable[..., Any]


@contextmanager
def seen_eagerly(function: Function, tensors: bool = False) -> Iterator[Function]:
    """The copy of a user's function that makes eager arrays, for as long as the block runs.

    Captured Tensors are eager arrays for it, as the arguments are, or Tensors if those are.
    """
    seen: list[tuple[np.ndarray, Any]] = []

    def outside(array: np.ndarray) -> Any:
        seen.append((array, as_eager(array)))
        return seen[-1][1]

    rebinder, before = Rebinder(outside, _same if tensors else _as_array), MODE.eager
    MODE.eager = _run
    try:
        yield rebinder.version(function)
        for array, version in seen:
            if version is not array and version.memory.version:
                _store(array, version.tensor)
    finally:
        MODE.eager = before
        rebinder.close()


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _as_array(tensor: Tensor) -> Any:
    from .array import EagerArray

    return EagerArray(tensor, boxed=True)


def _store(array: np.ndarray, tensor: Tensor) -> None:
    """What the function has stored into an array from outside."""
    if tensor.requires_grad:
        raise StoreError(
            "a value that depends on what is differentiated is stored into an array from outside",
            hint="make that array inside of the function, or copy it there first: a = a.copy()",
        )
    array[...] = tensor._data


def _run(version: Function, function: Function, args: Any, kwargs: Any) -> Any:
    """A function of NumPy's, called by a function that runs eagerly."""
    from .array import EagerArray, array_first, unwrap, wrap

    if function is np.fromiter and args:  # an iterator is looked into once
        args = (list(args[0]), *args[1:])
    leaves = flatten((args, kwargs))[0]
    if not any(isinstance(leaf, EagerArray) for leaf in leaves):
        return namespace.complex_buffer(function, as_eager(function(*args, **kwargs)), as_eager)
    if function in _AS_ARRAYS:
        positional, named = array_first(args, kwargs)
        alone = positional and isinstance(positional[0], EagerArray)
        same = _same_array(function, *positional, **named) if alone else None
        if same is not None:
            return same
    direct = any(isinstance(x, EagerArray | ComplexArray) for x in (*args, *kwargs.values()))
    if direct and function not in namespace.MAKERS and _asks_arrays(function):
        return function(*args, **kwargs)
    if not requires_grad(leaves) and not _is_math(function):
        return as_eager(function(*values(args), **values(kwargs)))
    if _is_math(function) and not in_domain(function.__name__, *values(args)):
        raise ValueError("math domain error")
    made = wrap(apply_function(version, unwrap(args), unwrap(kwargs)))
    if function in namespace.MAKERS and isinstance(made, EagerArray):
        made.boxed = not made.shape
    return made


_AS_ARRAYS = (np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray)


def _same_array(function: Function, x: Any, *args: Any, **kwargs: Any) -> Any:
    """The array `x`, or the same elements in a view, where NumPy makes no copy; else None."""
    from .array import EagerArray

    layout = x.layout_now()
    found = function(layout, *args, **kwargs)
    if found is layout:
        return x if x.shape or x.boxed else EagerArray(x.tensor, boxed=True)
    shares = found.dtype == x.dtype and np.may_share_memory(found, layout)
    return x.view(function.__name__) if shares else None


def _is_math(function: Function) -> bool:
    return getattr(function, "__module__", "") == "math"


def _asks_arrays(function: Function) -> bool:
    """Does a function give arrays a say? Some of `math`, SciPy and np.polynomial do not."""
    module = str(getattr(function, "__module__", ""))
    if module == "math" or module.startswith("scipy."):
        return False
    return hasattr(function, "_implementation") or function not in FUNCTIONS


def as_eager(x: Any) -> Any:
    """New arrays of NumPy's as eager ones."""
    from .array import EagerArray

    if isinstance(x, tuple | list) and any(isinstance(each, np.ndarray) for each in x):
        made = [as_eager(each) for each in x]
        return type(x)(*made) if hasattr(x, "_fields") else type(x)(made)
    if type(x) is not np.ndarray or dtype_name(x.dtype) is None:
        return x
    return EagerArray(Tensor(np.array(x)), boxed=x.ndim == 0)


def requires_grad(leaves: list[Any]) -> bool:
    """Does any eager array depend on what is differentiated?"""
    return any(getattr(x, "tensor", None) is not None and x.tensor.requires_grad for x in leaves)


def values(x: Any) -> Any:
    """Eager arrays anywhere in `x` as the arrays that hold their values."""
    from .array import EagerArray

    return map_leaves(lambda leaf: leaf.tensor._data if isinstance(leaf, EagerArray) else leaf, x)


def operands(x: Any) -> Any:
    """Eager arrays anywhere in `x` as Tensors, or as plain arrays where no gradient is wanted."""

    def operand(leaf: Any) -> Any:
        tensor = getattr(leaf, "tensor", None)
        if not isinstance(tensor, Tensor):
            return leaf
        return tensor if tensor.requires_grad else tensor._data

    return map_leaves(operand, x)
