"""Operands of any kind: Tensors, arrays that are being traced, plain arrays and Python numbers.

The functions of the families beside this module take all of them: what they need of an operand is
its shape and dtype, and the composition does the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ....ir import ShapeError
from ..core import make
from ..errors import EagerError, OutOfRangeError
from ..promotion import default_dtype, result_dtype, scalar_dtype
from .dispatch import call, is_tensor_like, traced

__all__ = [
    "as_numbers",
    "as_operand",
    "call",
    "call_in_rows",
    "cast",
    "floating",
    "is_truth",
    "promoted",
    "shape_of",
    "tensor_of",
    "through_numpy",
]


def as_operand(x: Any) -> Any:
    """x itself, or the array of what is no array yet (a list, a Python number)."""
    return x if hasattr(x, "shape") else np.asarray(x)


def shape_of(x: Any) -> tuple[int, ...]:
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def promoted(*operands: Any, floats: bool = False) -> tuple[Any, ...]:
    """The operands in their common dtype, by PyTorch's rule; with `floats` a floating one."""
    first = getattr(operands[0], "dtype", None)
    if first is not None and (not floats or first.kind in "fc"):
        for x in operands:
            if getattr(x, "dtype", None) != first:
                break
        else:
            return operands
    shaped: list[np.dtype[Any]] = []
    scalars: list[np.dtype[Any]] = []
    numbers: list[np.dtype[Any]] = []
    for x in operands:
        if not hasattr(x, "shape") or isinstance(x, np.generic) or getattr(x, "weak", False):
            numbers.append(scalar_dtype(x) if not hasattr(x, "dtype") else np.dtype(x.dtype))
        else:
            (shaped if x.shape else scalars).append(np.dtype(x.dtype))
    dtype = result_dtype(tuple(shaped), tuple(scalars), tuple(numbers))
    if floats and dtype.kind not in "fc":
        dtype = default_dtype()
    return tuple(_cast(x, dtype) for x in operands)


def floating(*operands: Any) -> tuple[Any, ...]:
    """The operands in their common floating-point dtype."""
    return promoted(*operands, floats=True)


def _cast(x: Any, dtype: np.dtype[Any]) -> Any:
    if getattr(x, "dtype", None) == dtype:
        return x
    if is_tensor_like(x):
        return x.to(dtype)
    return x.astype(dtype) if hasattr(x, "astype") else np.asarray(x, dtype)


def cast(x: Any, dtype: Any) -> Any:
    """An operand of any kind in another dtype."""
    return _cast(as_operand(x), np.dtype(dtype))


def is_truth(x: Any) -> bool:
    """Whether the elements are truth values, which the ops of numbers do not take."""
    return bool(np.dtype(x.dtype).kind == "b")


def as_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, of one or more operands, for truth values too: they are computed with as 0 and
    1, and so are results that are no places (of dtype int32).
    """

    @wraps(function)
    def run(x: Any, *args: Any, **kwargs: Any) -> Any:
        x = as_operand(x)
        if not is_truth(x):
            return function(x, *args, **kwargs)
        others = [cast(y, np.int32) if hasattr(y, "dtype") and is_truth(y) else y for y in args]
        return _as_truth(function(cast(x, np.int32), *others, **kwargs))

    return run


def _as_truth(result: Any) -> Any:
    if isinstance(result, tuple):
        parts = [_as_truth(x) for x in result]
        return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    return cast(result, np.bool_) if np.dtype(result.dtype) == np.int32 else result


def call_in_rows(
    name: str, function: Callable[..., Any], x: Any, *others: Any, title: str = "", **static: Any
) -> Any:
    """The function of x, with results of its shape: one element without axes is put along one."""
    if shape_of(x):
        return call(name, function, x, *others, title=title, **static)
    return call(name, _of_one_element, x, *others, title=title, of=function, **static)


def _of_one_element(b: Any, *xs: Any, of: Callable[..., Any], **static: Any) -> Any:
    rows = [x if b.type_of(x).ndim else b.reshape(x, (1,)) for x in xs]
    result = of(b, *rows, **static)
    if isinstance(result, tuple):
        return tuple(b.reshape(x, ()) for x in result)
    return b.reshape(result, ())


def tensor_of(x: Any) -> Any:
    """x as a Tensor, where it is none and not being traced."""
    return x if is_tensor_like(x) or traced((x,)) is not None else make(np.asarray(x))


def through_numpy(name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The NumPy function: the tracer knows what it is composed of. One node, named after `name`."""
    if not _holds_tensor(args):
        return function(*args, **kwargs)
    from .numpy_protocol import apply_named

    try:
        return apply_named(name, function, args, kwargs)
    except ShapeError as error:
        kind = OutOfRangeError if isinstance(error, IndexError) else EagerError
        raise kind(f"{name}: {error.what}", at=error.at, hint=error.hint) from None


def _holds_tensor(args: Any) -> bool:
    return any(
        is_tensor_like(x) or (isinstance(x, list | tuple) and _holds_tensor(x)) for x in args
    )
