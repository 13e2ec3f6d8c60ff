"""NumPy's functions that call one of the user's, in eager mode: that one gets eager arrays, and may
compute with others that it finds outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .numpy import as_eager, values

__all__ = ["CALLBACKS"]


def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    axis = range(arr.ndim)[axis]
    moved = np.moveaxis(arr, axis, -1)
    around = moved.shape[:-1]
    if not all(around):
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    found = [func1d(moved[place], *args, **kwargs) for place in np.ndindex(around)]
    stacked = as_eager(np.stack(found))
    extents = stacked.shape[1:]
    result = np.reshape(stacked, (*around, *extents))
    behind = range(len(around), len(around) + len(extents))
    return np.moveaxis(result, tuple(behind), tuple(range(axis, axis + len(extents))))


def _apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    for axis in axes if isinstance(axes, Sequence | np.ndarray) else (axes,):
        found = func(a, axis)
        a = found if found.ndim == a.ndim else np.expand_dims(found, axis)
    return a


def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kwargs: Any) -> Any:
    given = values(condlist)
    first = given[0] if np.ndim(given) or isinstance(given, list) else given
    conditions = np.asarray([given] if np.ndim(first) == 0 and x.ndim else given, bool)
    if len(conditions) == len(funclist) - 1:
        conditions = np.concatenate([conditions, ~conditions.any(0, keepdims=True)])
    if len(conditions) != len(funclist):
        count = len(conditions)
        raise ValueError(
            f"with {count} condition(s), either {count} or {count + 1} functions are expected"
        )
    # One element stands in a row, for boolean indices to pick it.
    points, rows = (x, conditions) if x.ndim else (np.reshape(x, (1,)), conditions[:, None])
    result = as_eager(np.zeros(points.shape, x.dtype))
    for condition, piece in zip(rows, funclist, strict=True):
        if not callable(piece):
            result[condition] = piece
        elif condition.any():
            result[condition] = piece(points[condition], *args, **kwargs)
    return result if x.ndim else np.reshape(result, ())


CALLBACKS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.apply_along_axis: _apply_along_axis,
    np.apply_over_axes: _apply_over_axes,
    np.piecewise: _piecewise,
}
