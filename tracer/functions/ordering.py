"""Order: sort, argsort, partition, searchsorted. A nan is larger than every number."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...ir.errors import ShapeError
from ...ir.functions import order, search
from ..operands import builder, lift, same_dtype, wrap
from ..promotion import normalise_axis
from ..registry import call, implements
from ..trace import is_traced


def _along(a: Any, axis: Any, who: str) -> tuple[Any, int]:
    """The array and the axis of the rows to sort; None flattens."""
    x: Any = lift(a, who)
    if axis is None:
        return x.reshape(-1), 0
    return x, normalise_axis(axis, x.ndim, who)


def _order(x: Any, axis: int) -> Any:
    """Where the elements along `axis` stand that are first, second, … in order."""
    b = builder()
    dtype = x.value.type.dtype
    keys = b.cast(x.value, "i32") if dtype == "bool" else x.value
    return wrap(order.argsort(b, keys, axis=axis, descending=False))


def sorted_along(x: Any, axis: int) -> Any:
    """The elements along `axis` in order."""
    return wrap(order.take_along(builder(), x.value, _order(x, axis).value, axis=axis))


# --- sort: every kind is stable ---


@implements(np.sort)
def _sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None
) -> Any:
    return sorted_along(*_along(a, axis, "np.sort"))


@implements(np.argsort)
def _argsort(
    a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None
) -> Any:
    return _order(*_along(a, axis, "np.argsort"))


@implements(np.lexsort)
def _lexsort(keys: Any, axis: int = -1) -> Any:
    """The last key counts most: sort by each in turn, and keep the order of equal ones."""
    rows = [lift(key, "np.lexsort") for key in keys]
    if not rows:
        raise TypeError("np.lexsort: need sequence of keys with len > 0 in lexsort")
    at = normalise_axis(axis, rows[0].ndim, "np.lexsort")
    found = _order(rows[0], at)
    for row in rows[1:]:
        again = _order(call(np.take_along_axis, row, found, at), at)
        found = call(np.take_along_axis, found, again, at)
    return found


# --- partition: a sorted row is partitioned everywhere ---


@implements(np.partition)
def _partition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None
) -> Any:
    x, at = _along(a, axis, "np.partition")
    _check_places(kth, x.shape[at], "np.partition")
    return sorted_along(x, at)


@implements(np.argpartition)
def _argpartition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None
) -> Any:
    x, at = _along(a, axis, "np.argpartition")
    _check_places(kth, x.shape[at], "np.argpartition")
    return _order(x, at)


def _check_places(kth: Any, extent: int, who: str) -> None:
    if is_traced(kth):  # the result is sorted for any of them
        return
    for place in map(operator.index, np.ravel(kth)):
        if not -extent <= place < extent:
            raise ShapeError(f"{who}: kth(={place}) out of bounds ({extent})")


# --- search ---


@implements(np.searchsorted)
def _searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    row, points = lift(a, "np.searchsorted"), lift(v, "np.searchsorted")
    if row.ndim != 1:
        raise ShapeError("np.searchsorted: object of too small depth for desired array")
    if side not in ("left", "right"):
        raise ValueError(f"np.searchsorted: side must be 'left' or 'right' (got {side!r})")
    if sorter is not None:
        row = call(np.take, row, sorter)
    left, right = same_dtype([row, points], "np.searchsorted")
    return wrap(search.bisect(builder(), left, right, right=side == "right"))
