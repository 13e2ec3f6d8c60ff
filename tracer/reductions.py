"""NumPy's reductions: sums, means, extrema, norms and cumulative sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir.errors import ShapeError
from ..ir.functions import reduction as reduced_by
from ..ir.graph import Value
from ..ir.types import NUMPY_DTYPE
from .errors import TraceError, UnsupportedError
from .operands import builder, cast_to, float_dtype, lift, materialise, sum_dtype, wrap
from .promotion import Shape, normalise_axes, normalise_axis, shape_text, supported_dtype
from .registry import implements

if TYPE_CHECKING:
    from .array import TracedArray

_UNSET: Any = np._NoValue


def _given(x: Any) -> bool:
    return x is not None and x is not _UNSET


def _restore_axes(reduced: Value, axes: Sequence[int], shape: Shape, keepdims: Any) -> TracedArray:
    """A reduced value; with `keepdims` its axes come back with an extent of 1."""
    if not _given(keepdims) or not keepdims:
        return wrap(reduced)
    kept = tuple(1 if i in axes else extent for i, extent in enumerate(shape))
    return wrap(builder().reshape(reduced, kept))


def _number_dtype(x: TracedArray, dtype: Any, default: Callable[[str], str], who: str) -> str:
    if _given(dtype):
        return supported_dtype(dtype, f"the result of {who}")
    return default(x.value.type.dtype)


def _where(value: Value, where: Any, neutral: Any) -> Value:
    """`value`, with what a reduction passes over made neutral."""
    if where is True or not _given(where):
        return value
    b = builder()
    mask = materialise(lift(where), "bool", value.type.shape)
    return b.select(mask, value, b.full_like(value, neutral))  # type: ignore[no-any-return]


# --- sums and products ---


@implements(np.sum)
def _sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> TracedArray:
    x = lift(a, "np.sum")
    _no_out(out, "np.sum")
    target = _number_dtype(x, dtype, sum_dtype, "np.sum")
    axes = normalise_axes(axis, x.ndim, "np.sum")
    b = builder()
    result = wrap(b.sum(_where(cast_to(x, target), where, 0), axes))
    if _given(initial):
        result = result + initial
    return _restore_axes(result.value, axes, x.shape, keepdims)


@implements(np.prod)
def _prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> TracedArray:
    x = lift(a, "np.prod")
    _no_out(out, "np.prod")
    target = _number_dtype(x, dtype, sum_dtype, "np.prod")
    axes = normalise_axes(axis, x.ndim, "np.prod")
    value = _where(cast_to(x, target), where, 1)
    result = wrap(_reduce("prod", value, axes))
    if _given(initial):
        result = result * initial
    return _restore_axes(result.value, axes, x.shape, keepdims)


def _no_out(out: Any, who: str) -> None:
    if out is not None:
        raise UnsupportedError(
            f"{who}: out= is not supported while tracing", hint=f"result = {who}(...)"
        )


def _reduce(op: str, value: Value, axes: Shape) -> Value:
    return builder()(op, value, axes=axes) if axes else value


@implements(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> TracedArray:
    return _sum(lift(a).astype(bool), axis, keepdims=keepdims)


@implements(np.all)
def _all(
    a: Any, axis: Any = None, out: None = None, keepdims: Any = False, *, where: Any = True
) -> TracedArray:
    return _truth(a, axis, keepdims, where, "np.all")


@implements(np.any)
def _any(
    a: Any, axis: Any = None, out: None = None, keepdims: Any = False, *, where: Any = True
) -> TracedArray:
    return _truth(a, axis, keepdims, where, "np.any")


def _truth(a: Any, axis: Any, keepdims: Any, where: Any, who: str) -> TracedArray:
    x = lift(a, who)
    axes = normalise_axes(axis, x.ndim, who)
    truth = _where(cast_to(x, "bool"), where, who == "np.all")
    reduce = reduced_by.all_ if who == "np.all" else reduced_by.any_
    return _restore_axes(reduce(builder(), truth, axes), axes, x.shape, keepdims)


# --- means ---


def _count(shape: Shape, axes: Shape) -> int:
    return math.prod(shape[axis] for axis in axes)


@implements(np.mean)
def _mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> TracedArray:
    x = lift(a, "np.mean")
    _no_out(out, "np.mean")
    target = _number_dtype(x, dtype, float_dtype, "np.mean")
    axes = normalise_axes(axis, x.ndim, "np.mean")
    b = builder()
    value = cast_to(x, target)
    if where is True or not _given(where):
        return _restore_axes(reduced_by.mean(b, value, axes), axes, x.shape, keepdims)
    total = b.sum(_where(value, where, 0), axes)
    count = b.sum(_where(b.full_like(value, 1), where, 0), axes)
    return _restore_axes(b.div(total, count), axes, x.shape, keepdims)


@implements(np.var)
def _var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: Any = False,
    *,
    correction: Any = _UNSET,
) -> TracedArray:
    return _spread(a, axis, dtype, out, ddof, keepdims, correction, root=False)


@implements(np.std)
def _std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: Any = False,
    *,
    correction: Any = _UNSET,
) -> TracedArray:
    return _spread(a, axis, dtype, out, ddof, keepdims, correction, root=True)


def _spread(
    a: Any,
    axis: Any,
    dtype: Any,
    out: None,
    ddof: float,
    keepdims: Any,
    correction: Any,
    *,
    root: bool,
) -> TracedArray:
    """The variance, or its root."""
    who = "np.std" if root else "np.var"
    x = lift(a, who)
    _no_out(out, who)
    target = _number_dtype(x, dtype, float_dtype, who)
    axes = normalise_axes(axis, x.ndim, who)
    freedom = correction if _given(correction) else ddof
    measure = reduced_by.std if root else reduced_by.var
    value = measure(builder(), cast_to(x, target), axes, ddof=freedom)
    return _restore_axes(value, axes, x.shape, keepdims)


@implements(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, *, keepdims: Any = False
) -> TracedArray:
    if weights is None:
        return _mean(a, axis, keepdims=keepdims)
    x, w = lift(a, "np.average"), lift(weights, "np.average")
    if w.shape != x.shape:
        if axis is None or isinstance(axis, tuple):
            raise TraceError(
                "np.average: one axis must be given where the shapes of the array and of the "
                "weights differ"
            )
        if w.shape != (x.shape[axis],):
            raise ShapeError(
                f"np.average: weights of shape {shape_text(w.shape)} do not fit an array of shape "
                f"{shape_text(x.shape)} along axis {axis}"
            )
        at = normalise_axis(axis, x.ndim, "np.average")
        w = w.reshape((-1,) + (1,) * (x.ndim - at - 1))
    weighted = _sum(x * w, axis, keepdims=keepdims)
    return weighted / _sum(w * np.ones_like(x), axis, keepdims=keepdims)  # type: ignore[no-any-return]


# --- extrema ---


def _extremum(
    a: Any, axis: Any, keepdims: Any, initial: Any, where: Any, op: str, pair: np.ufunc
) -> TracedArray:
    who = "np.max" if op == "reduce_max" else "np.min"
    x = lift(a, who)
    axes = normalise_axes(axis, x.ndim, who)
    if _given(where) and where is not True:
        raise UnsupportedError(
            f"{who}: where= is not supported while tracing",
            hint=f"{who}(np.where(condition, x, value))",
        )
    if _count(x.shape, axes) == 0:
        return _restore_axes(_empty_extremum(x, axes, initial, who), axes, x.shape, keepdims)
    dtype = x.value.type.dtype
    b = builder()
    value = b.cast(x.value, "i32") if dtype == "bool" else x.value
    result = wrap(b.cast(_reduce(op, value, axes), dtype))
    if _given(initial):
        result = pair(result, initial)
    return _restore_axes(result.value, axes, x.shape, keepdims)


def _empty_extremum(x: TracedArray, axes: Shape, initial: Any, who: str) -> Value:
    if not _given(initial):
        name = "maximum" if who == "np.max" else "minimum"
        raise ShapeError(
            f"{who}: zero-size array to reduction operation {name} which has no identity",
            hint=f"{who}(x, initial=...)",
        )
    shape = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    return materialise(lift(initial), x.value.type.dtype, shape)


@implements(np.max, np.amax)
def _max(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> TracedArray:
    _no_out(out, "np.max")
    return _extremum(a, axis, keepdims, initial, where, "reduce_max", np.maximum)


@implements(np.min, np.amin)
def _min(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> TracedArray:
    _no_out(out, "np.min")
    return _extremum(a, axis, keepdims, initial, where, "reduce_min", np.minimum)


@implements(np.ptp)
def _ptp(a: Any, axis: Any = None, *, keepdims: Any = False) -> TracedArray:
    return _max(a, axis, keepdims=keepdims) - _min(a, axis, keepdims=keepdims)  # type: ignore[no-any-return]


@implements(np.argmax)
def _argmax(a: Any, axis: Any = None, *, keepdims: Any = False) -> TracedArray:
    return _position(a, axis, keepdims, "argmax")


@implements(np.argmin)
def _argmin(a: Any, axis: Any = None, *, keepdims: Any = False) -> TracedArray:
    return _position(a, axis, keepdims, "argmin")


def _position(a: Any, axis: Any, keepdims: Any, op: str) -> TracedArray:
    who = f"np.{op}"
    x = lift(a, who)
    b = builder()
    value = b.cast(x.value, "i32") if x.value.type.dtype == "bool" else x.value
    if axis is None:
        value, at, axes = b.reshape(value, (x.size,)), 0, tuple(range(x.ndim))
    else:
        at = normalise_axis(axis, x.ndim, who)
        axes = (at,)
    if value.type.shape[at] == 0:
        raise ShapeError(f"{who}: attempt to get {op} of an empty sequence")
    return _restore_axes(b(op, value, axis=at), axes, x.shape, keepdims)


# --- along an axis ---


@implements(np.cumsum)
def _cumsum(a: Any, axis: Any = None, dtype: Any = None) -> TracedArray:
    x = lift(a, "np.cumsum")
    target = _number_dtype(x, dtype, sum_dtype, "np.cumsum")
    b = builder()
    value = cast_to(x, target)
    if axis is None:
        return wrap(b("cumsum", b.reshape(value, (x.size,)), axis=0, reverse=False))
    at = normalise_axis(axis, x.ndim, "np.cumsum")
    return wrap(b("cumsum", value, axis=at, reverse=False))


# --- norms ---


@implements(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> TracedArray:
    array = lift(x, "np.linalg.norm")
    value = lift(array).astype(NUMPY_DTYPE[float_dtype(array.value.type.dtype)])
    axes = normalise_axes(axis, array.ndim, "np.linalg.norm")
    flat = ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2)
    if flat:
        return _euclidean(value, axes, keepdims)
    if len(axes) != 1:
        raise UnsupportedError(
            f"np.linalg.norm with ord={ord!r} over {len(axes)} axes is not supported",
            hint="the Frobenius norm (ord=None), or one axis at a time",
        )
    return _vector_norm(abs(value), ord, axes[0], keepdims)


def _euclidean(x: TracedArray, axes: Shape, keepdims: Any) -> TracedArray:
    norm = reduced_by.norm(builder(), x.value, axes)
    return _restore_axes(norm, axes, x.shape, keepdims)


def _vector_norm(size: Any, ord: Any, axis: int, keepdims: Any) -> TracedArray:
    if ord == math.inf:
        return _max(size, axis, keepdims=keepdims)
    if ord == -math.inf:
        return _min(size, axis, keepdims=keepdims)
    if ord == 0:
        return _sum((size != 0).astype(size.dtype), axis, keepdims=keepdims)
    if ord == 1:
        return _sum(size, axis, keepdims=keepdims)
    if not isinstance(ord, int | float):
        raise UnsupportedError(f"np.linalg.norm with ord={ord!r} is not supported for vectors")
    return _sum(size**ord, axis, keepdims=keepdims) ** (1.0 / ord)  # type: ignore[no-any-return]
