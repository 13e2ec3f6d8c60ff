"""Arrays joined into one, and split into several."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.errors import ShapeError
from ...ir.graph import Value
from ..operands import builder, lift, same_dtype, wrap
from ..promotion import normalise_axis, supported_dtype
from ..registry import dispatch, implements
from ..values import known_integers

if TYPE_CHECKING:
    from ..array import TracedArray


# --- joins ---


@implements(np.concatenate)
def _concatenate(arrays: Any, axis: Any = 0, out: None = None, *, dtype: Any = None) -> TracedArray:
    values = _of_one_dtype(arrays, dtype, "np.concatenate")
    if axis is None:
        values = [builder().reshape(value, (value.type.size,)) for value in values]
        axis = 0
    return wrap(_joined(values, axis, "np.concatenate"))


def _of_one_dtype(arrays: Any, dtype: Any, who: str) -> list[Value]:
    parts = list(arrays)
    if not parts:
        raise ShapeError(f"{who}: need at least one array")
    values = same_dtype(parts, who)
    if dtype is None:
        return values
    target = supported_dtype(dtype, f"the result of {who}")
    return [builder().cast(value, target) for value in values]


def _joined(values: Sequence[Value], axis: int, who: str) -> Value:
    ndim = values[0].type.ndim
    if ndim == 0:
        raise ShapeError(f"{who}: zero-dimensional arrays cannot be concatenated")
    at = normalise_axis(axis, ndim, who)
    rest = [value.shape[:at] + value.shape[at + 1 :] for value in values]
    if any(value.type.ndim != ndim for value in values) or len(set(rest)) > 1:
        shapes = " and ".join(str(value.type) for value in values)
        raise ShapeError(f"{who}: all extents but those of axis {at} must match, got {shapes}")
    return builder().concatenate(values, at)  # type: ignore[no-any-return]


@implements(np.stack)
def _stack(arrays: Any, axis: int = 0, out: None = None, *, dtype: Any = None) -> TracedArray:
    values = _of_one_dtype(arrays, dtype, "np.stack")
    if len({value.shape for value in values}) > 1:
        raise ShapeError("np.stack: all input arrays must have the same shape")
    shape = values[0].shape
    at = normalise_axis(axis, len(shape) + 1, "np.stack")
    row = (*shape[:at], 1, *shape[at:])
    return wrap(_joined([builder().reshape(v, row) for v in values], at, "np.stack"))


@implements(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None) -> TracedArray:
    return _concatenate([dispatch(np.atleast_2d, (x,), {}) for x in tup], 0, dtype=dtype)


@implements(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None) -> TracedArray:
    parts = [dispatch(np.atleast_1d, (x,), {}) for x in tup]
    return _concatenate(parts, 0 if parts and parts[0].ndim == 1 else 1, dtype=dtype)


@implements(np.dstack)
def _dstack(tup: Any) -> TracedArray:
    return _concatenate([dispatch(np.atleast_3d, (x,), {}) for x in tup], 2)


@implements(np.column_stack)
def _column_stack(tup: Any) -> TracedArray:
    columns = [lift(x, "np.column_stack") for x in tup]
    return _concatenate([x if x.ndim > 1 else x.reshape(-1, 1) for x in columns], 1)


@implements(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> TracedArray:
    return _concatenate((arr, values), axis)


def stack_nested(x: Any) -> TracedArray:
    """A list (of lists) of arrays and numbers as one array."""
    rows = [stack_nested(row) if isinstance(row, list | tuple) else row for row in x]
    return _stack(rows)


# --- splits ---


@implements(np.array_split)
def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[TracedArray]:
    return _split_at(ary, indices_or_sections, axis, "np.array_split", equal=False)


@implements(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[TracedArray]:
    return _split_at(ary, indices_or_sections, axis, "np.split", equal=True)


@implements(np.vsplit)
def _vsplit(ary: Any, indices_or_sections: Any) -> list[TracedArray]:
    return _split(ary, indices_or_sections, 0)


@implements(np.hsplit)
def _hsplit(ary: Any, indices_or_sections: Any) -> list[TracedArray]:
    x = lift(ary, "np.hsplit")
    return _split(x, indices_or_sections, 0 if x.ndim == 1 else 1)


@implements(getattr(np, "unstack", None))
def _unstack(x: Any, /, *, axis: int = 0) -> tuple[TracedArray, ...]:
    return tuple(dispatch(np.moveaxis, (x, axis, 0), {}))


def _split_at(ary: Any, sections: Any, axis: int, who: str, *, equal: bool) -> list[TracedArray]:
    x = lift(ary, who)
    at = normalise_axis(axis, x.ndim, who)
    bounds = _split_bounds(sections, x.shape[at], who, equal=equal)
    before = (slice(None),) * at
    return [x[(*before, slice(a, b))] for a, b in pairwise(bounds)]


def _split_bounds(sections: Any, extent: int, who: str, *, equal: bool) -> list[Any]:
    if isinstance(sections, tuple | list | np.ndarray):
        return [0, *known_integers(sections, who), None]
    count = operator.index(sections)
    if count <= 0:
        raise ShapeError(f"{who}: number sections must be larger than 0")
    if equal and extent % count:
        raise ShapeError(f"{who}: {extent} elements do not divide into {count} equal parts")
    small, more = divmod(extent, count)
    return [i * small + min(i, more) for i in range(count + 1)]
