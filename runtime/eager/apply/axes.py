"""Axes as users give them: negative ones, several, `dim=` or `axis=`."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

__all__ = [
    "Dim",
    "axis_of",
    "either",
    "new_shape",
    "normalise",
    "normalise_all",
    "shape_of",
    "whole",
]

Dim = int | Sequence[int] | None


def either(name: str, dim: Any, axis: Any, default: Any = None) -> Any:
    """The one of PyTorch's `dim` and NumPy's `axis` that was given."""
    if axis is None:
        return default if dim is None else dim
    if dim is not None:
        raise TypeError(f"{name}() takes dim= or axis=, not both")
    return axis


def normalise(dim: int, ndim: int) -> int:
    """
    >>> normalise(-1, 3)
    2
    """
    if dim.__class__ is not int:
        dim = index(dim)  # of an array that is being traced: it asks for the value
    room = max(ndim, 1)
    if not -room <= dim < room:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-room}, {room - 1}], "
            f"but got {dim})"
        )
    return dim % room


def whole(n: Any) -> Any:
    """A number as an int, also one of an array without axes; what is no number stays."""
    if n.__class__ is int or getattr(n, "ndim", None) != 0:
        return n
    return index(n)


def axis_of(x: Any, dim: int) -> int:
    """The axis of x that `dim` names."""
    return normalise(dim, len(x.shape))


def normalise_all(dim: Dim, ndim: int) -> tuple[int, ...]:
    """The axes of a reduction, sorted; all of them for None and for ().

    >>> normalise_all((-1, 0), 3), normalise_all(None, 2)
    ((0, 2), (0, 1))
    """
    one = whole(dim)
    dims = [one] if isinstance(one, int) else list(one or ())
    if not dims:
        return tuple(range(ndim))
    axes = sorted(normalise(d, ndim) for d in dims)
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"dim {axes[0]} appears multiple times in the list of dims {dims}")
    return tuple(axes) if ndim else ()


def shape_of(sizes: Sequence[Any]) -> tuple[int, ...]:
    """The shape given as f(2, 3) or as f((2, 3))."""
    if len(sizes) == 1 and not hasattr(sizes[0], "__index__"):
        sizes = tuple(sizes[0])
    return tuple(int(n) for n in sizes)


def new_shape(sizes: Sequence[Any]) -> tuple[int, ...]:
    """The shape of a tensor to be made, given as f(2, 3) or as f((2, 3))."""
    shape = shape_of(sizes)
    if min(shape, default=0) < 0:
        raise RuntimeError(f"Dimension size must be non-negative, got {list(shape)}")
    return shape
