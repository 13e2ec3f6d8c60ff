"""Arrays made from others: choice, filling, triangles, diagonals, picking along an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir.errors import ShapeError
from ..ir.functions import elementwise as composed
from ..ir.graph import Value
from ..ir.types import TensorType
from .errors import UnsupportedError
from .indexing import (
    Positions,
    check_index,
    counting,
    fixed_positions,
    gather_many,
    positions,
)
from .operands import builder, kind_of, lift, lift_unless_number, materialise, together, wrap, wrap_view
from .promotion import broadcast_shapes, normalise_axis, result_dtype, static_shape, supported_dtype
from .registry import implements
from .trace import current_trace
from .ufuncs import call_ufunc

if TYPE_CHECKING:
    from .array import TracedArray

_UNSET: Any = np._NoValue  # type: ignore[attr-defined]


# --- choice ---


@implements(np.where)
def _where(condition: Any, x: Any = _UNSET, y: Any = _UNSET, /) -> TracedArray:
    if x is _UNSET or y is _UNSET:
        raise UnsupportedError(
            "np.where with a condition alone is not supported while tracing: "
            "the size of its result depends on the values",
            hint="np.where(condition, x, y)",
        )
    mask = lift(condition, "np.where")
    operands = [lift_unless_number(each, "np.where") for each in (x, y)]
    dtype = result_dtype([kind_of(each) for each in operands])
    shapes = [each.shape if hasattr(each, "value") else () for each in operands]
    shape = broadcast_shapes("np.where", [mask.shape, *shapes])
    chosen, other = (materialise(each, dtype, shape) for each in operands)
    return wrap(builder().select(materialise(mask, "bool", shape), chosen, other))


@implements(np.clip)
def _clip(
    a: Any, a_min: Any = _UNSET, a_max: Any = _UNSET, *, min: Any = _UNSET, max: Any = _UNSET
) -> TracedArray:
    low = min if a_min is _UNSET else a_min
    high = max if a_max is _UNSET else a_max
    x = lift(a, "np.clip")
    bounds = [None if each is _UNSET else each for each in (low, high)]
    values, _ = together([x, *(each for each in bounds if each is not None)], "np.clip")
    rest = iter(values[1:])
    first, second = (None if each is None else next(rest) for each in bounds)
    return wrap(composed.clip(builder(), values[0], first, second))


@implements(np.nan_to_num)
def _nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> TracedArray:
    array = lift(x, "np.nan_to_num")
    if not array.value.type.is_float:
        return wrap(array.value)
    b, value, type = builder(), array.value, array.value.type
    limits = np.finfo(array.dtype)
    for found, wanted in (
        (b.compare("eq", value, b.full_like(value, math.inf)), limits.max if posinf is None else posinf),
        (b.compare("eq", value, b.full_like(value, -math.inf)), limits.min if neginf is None else neginf),
        (b.compare("ne", value, value), nan),
    ):
        value = b.select(found, materialise(wanted, type.dtype, type.shape), value)
    return wrap(value)


@implements(np.round, np.around)
def _round(a: Any, decimals: int = 0) -> Any:
    x = lift(a, "np.round")
    if not x.value.type.is_float:
        if decimals >= 0 and x.value.type.dtype != "bool":
            return wrap(x.value)
        raise UnsupportedError("np.round of integers with decimals < 0 is not supported")
    if decimals == 0:
        return call_ufunc(np.rint, (x,))
    factor = 10.0 ** abs(decimals)
    if decimals > 0:
        return call_ufunc(np.rint, (x * factor,)) / factor
    return call_ufunc(np.rint, (x / factor,)) * factor


@implements(np.sinc)
def _sinc(x: Any) -> TracedArray:
    array = lift(x, "np.sinc")
    dtype = "f32" if array.value.type.dtype == "f32" else "f64"
    return wrap(composed.sinc(builder(), materialise(array, dtype, array.shape)))


@implements(np.real, np.conj if not isinstance(np.conj, np.ufunc) else None)
def _real(val: Any) -> TracedArray:
    return lift(val, "np.real")


# --- filling ---


def _filled(a: Any, value: Any, dtype: Any, shape: Any, who: str) -> TracedArray:
    x = lift(a, who)
    name = x.value.type.dtype if dtype is None else supported_dtype(dtype, f"the result of {who}")
    extents = x.shape if shape is None else static_shape(shape)
    return wrap(builder().constant(value, TensorType(name, extents)))


@implements(np.zeros_like, np.empty_like)
def _zeros_like(a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> TracedArray:
    return _filled(a, 0, dtype, shape, "np.zeros_like")


@implements(np.ones_like)
def _ones_like(a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> TracedArray:
    return _filled(a, 1, dtype, shape, "np.ones_like")


@implements(np.full_like)
def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
) -> TracedArray:
    x = lift(a, "np.full_like")
    name = x.value.type.dtype if dtype is None else supported_dtype(dtype, "np.full_like")
    extents = x.shape if shape is None else static_shape(shape)
    value = lift_unless_number(fill_value, "np.full_like")
    return wrap(materialise(value, name, extents))


# --- triangles and diagonals ---


def _triangle(m: Any, k: int, predicate: str, who: str) -> TracedArray:
    x = lift(m, who)
    if x.ndim == 1:
        x = lift(np.broadcast_to(x, (x.shape[0], x.shape[0])))  # type: ignore[arg-type]
    b = builder()
    rows, columns = counting(x.shape, x.ndim - 2), counting(x.shape, x.ndim - 1)
    kept = b.compare(predicate, columns, b.add(rows, b.full_like(rows, k)))
    return wrap(b.select(kept, x.value, b.zeros_like(x.value)))


@implements(np.tril)
def _tril(m: Any, k: int = 0) -> TracedArray:
    return _triangle(m, k, "le", "np.tril")


@implements(np.triu)
def _triu(m: Any, k: int = 0) -> TracedArray:
    return _triangle(m, k, "ge", "np.triu")


@implements(np.diagonal, getattr(np.linalg, "diagonal", None))
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> TracedArray:
    x = lift(a, "np.diagonal")
    if x.ndim < 2:
        raise ShapeError("np.diagonal: diag requires an array of at least two dimensions")
    moved: Any = np.moveaxis(x, (axis1, axis2), (-2, -1))  # type: ignore[arg-type]
    square = moved[..., max(-offset, 0) :, max(offset, 0) :]
    rows, columns = square.shape[-2:]
    count = min(rows, columns)
    flat = square[..., :count, :].reshape(*square.shape[:-2], count * columns)
    return wrap_view(flat[..., :: columns + 1][..., :count].value, x)


@implements(np.diag)
def _diag(v: Any, k: int = 0) -> TracedArray:
    x = lift(v, "np.diag")
    if x.ndim == 2:
        return _diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError("np.diag: Input must be 1- or 2-d.")
    return _diagonal_matrix(x, k)


def _diagonal_matrix(x: TracedArray, k: int) -> TracedArray:
    """The flat matrix has the elements one row and one column apart: zeros are put in between."""
    count = x.shape[0]
    size = count + abs(k)
    first = k if k > 0 else -k * size
    span = count + max(count - 1, 0) * size
    b = builder()
    flat = b("pad", x.value, low=(first,), high=(size * size - first - span,), interior=(size,))
    return wrap(b.reshape(flat, (size, size)))


@implements(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> TracedArray:
    return _diagonal_matrix(lift(v, "np.diagflat").reshape(-1), k)


# --- picking ---


@implements(np.take)
def _take(a: Any, indices: Any, axis: Any = None, *, mode: str = "raise") -> TracedArray:
    x = lift(a, "np.take")
    if axis is None:
        x, axis = x.reshape(-1), 0
    at = normalise_axis(axis, x.ndim, "np.take")
    extent = x.shape[at]
    index = np.asarray(indices) if isinstance(indices, int | np.integer | list | tuple) else indices
    if mode in ("clip", "wrap"):
        inside = np.clip(lift(index), 0, extent - 1) if mode == "clip" else lift(index) % extent  # type: ignore[call-overload]
        found = Positions(materialise(inside, "i64", inside.shape), extent, in_range=True)
    elif index is not indices:
        found = _positions_of_list(indices, extent, at)
    else:
        found = positions(index, extent, at)
    return wrap(gather_many(x.value, [at], [found]))


def _positions_of_list(indices: Any, extent: int, axis: int) -> Positions:
    array = np.asarray(indices, np.int64)
    if not isinstance(indices, int | np.integer):
        current_trace().bake(indices, np.asarray(indices))
    for index in array.ravel():
        check_index(int(index), extent, axis)
    return fixed_positions(np.where(array < 0, array + extent, array), extent)


@implements(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> TracedArray:
    x = lift(arr, "np.take_along_axis")
    index = lift(indices, "np.take_along_axis")
    if axis is None:
        x, axis = x.reshape(-1), 0
    at = normalise_axis(axis, x.ndim, "np.take_along_axis")
    if index.ndim != x.ndim:
        raise ShapeError("np.take_along_axis: `indices` and `arr` must have the same number of dimensions")
    wanted = positions(index, x.shape[at], at)
    along = [1 if i == at else n for i, n in enumerate(x.shape)]
    shape = broadcast_shapes("np.take_along_axis", [index.shape, tuple(along)])
    others = [
        Positions(counting(shape, i), x.shape[i], in_range=True) if i != at else wanted
        for i in range(x.ndim)
    ]
    return wrap(gather_many(_repeated_to(x, shape, at), list(range(x.ndim)), others))


def _repeated_to(x: TracedArray, shape: Sequence[int], axis: int) -> Value:
    """x broadcast along every axis but `axis`."""
    full = tuple(x.shape[i] if i == axis else n for i, n in enumerate(shape))
    return builder().broadcast(x.value, full)  # type: ignore[no-any-return]


# --- around the edges ---


@implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> TracedArray:
    x = lift(array, "np.pad")
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    if mode == "constant":
        return _pad_constant(x, widths, constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise UnsupportedError(f"np.pad with mode={mode!r} is not supported while tracing")
    for axis, (low, high) in enumerate(widths):
        if low or high:
            source = np.pad(np.arange(x.shape[axis]), (low, high), mode=mode)
            found = fixed_positions(source, x.shape[axis])
            x = wrap(gather_many(x.value, [axis], [found]))
    return x


def _pad_constant(x: TracedArray, widths: Any, constants: Any) -> TracedArray:
    low, high = tuple(int(a) for a, _ in widths), tuple(int(b) for _, b in widths)
    if min((*low, *high), default=0) < 0:
        raise ShapeError("np.pad: index can't contain negative values")
    b = builder()
    if isinstance(constants, int | float) and constants == 0:
        return wrap(b("pad", x.value, low=low, high=high, interior=(0,) * x.ndim))
    if not isinstance(constants, int | float | np.generic):
        raise UnsupportedError("np.pad with constant_values of several numbers is not supported")
    value = x.value
    for axis in range(x.ndim):
        parts = [_block(value, axis, low[axis], constants), value, _block(value, axis, high[axis], constants)]
        value = b.concatenate([part for part in parts if part.shape[axis] or part is value], axis)
    return wrap(value)


def _block(value: Value, axis: int, extent: int, constant: Any) -> Value:
    shape = (*value.shape[:axis], extent, *value.shape[axis + 1 :])
    return builder().constant(constant, value.type.with_shape(shape))  # type: ignore[no-any-return]


@implements(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, *, prepend: Any = _UNSET, append: Any = _UNSET) -> Any:
    x: Any = lift(a, "np.diff")
    at = normalise_axis(axis, x.ndim, "np.diff")
    x = np.concatenate([*_ends(prepend, x, at), x, *_ends(append, x, at)], at)
    before = (slice(None),) * at
    for _ in range(n):
        later, earlier = x[(*before, slice(1, None))], x[(*before, slice(None, -1))]
        x = later != earlier if x.dtype == np.bool_ else later - earlier
    return x


def _ends(end: Any, x: TracedArray, axis: int) -> list[Any]:
    if end is _UNSET:
        return []
    part = lift(end, "np.diff")
    if part.ndim == 0:
        part = lift(np.broadcast_to(part, tuple(1 if i == axis else n for i, n in enumerate(x.shape))))  # type: ignore[arg-type]
    return [part]


@implements(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    values: Any = lift(y, "np.trapezoid")
    at = normalise_axis(axis, values.ndim, "np.trapezoid")
    before = (slice(None),) * at
    step: Any = dx
    if x is not None:
        points: Any = lift(x, "np.trapezoid")
        step = np.diff(points, axis=0 if points.ndim == 1 else at)
        if points.ndim == 1:
            step = step.reshape((-1,) + (1,) * (values.ndim - at - 1))
    heights = values[(*before, slice(1, None))] + values[(*before, slice(None, -1))]
    return (step * heights / 2.0).sum(axis=at)
