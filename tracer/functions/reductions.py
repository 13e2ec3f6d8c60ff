"""NumPy's reductions: sums, means, extrema, norms and cumulative sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.errors import ShapeError
from ...ir.functions import elementwise as composed
from ...ir.functions import reduction as reduced_by
from ...ir.graph import Value
from ...ir.types import NUMPY_DTYPE
from ..operands import builder, cast_to, float_dtype, lift, materialise, sum_dtype, wrap
from ..promotion import Shape, broadcast_shapes, normalise_axes, normalise_axis, supported_dtype
from ..registry import UNSET, implements, is_given

if TYPE_CHECKING:
    from ..array import TracedArray


def _restore_axes(reduced: Value, axes: Sequence[int], shape: Shape, keepdims: Any) -> TracedArray:
    """A reduced value; with `keepdims` its axes come back with an extent of 1."""
    if not is_given(keepdims) or not keepdims:
        return wrap(reduced)
    kept = tuple(1 if i in axes else extent for i, extent in enumerate(shape))
    return wrap(builder().reshape(reduced, kept))


def _number_dtype(x: TracedArray, dtype: Any, default: Callable[[str], str], who: str) -> str:
    if is_given(dtype):
        return supported_dtype(dtype, f"the result of {who}")
    return default(x.value.type.dtype)


def _where(value: Value, where: Any, neutral: Any) -> Value:
    """`value`, with what a reduction passes over made neutral."""
    if where is True or not is_given(where):
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
    target = _number_dtype(x, dtype, sum_dtype, "np.sum")
    axes = normalise_axes(axis, x.ndim, "np.sum")
    b = builder()
    result = wrap(b.sum(_where(cast_to(x, target), where, 0), axes))
    if is_given(initial):
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
    target = _number_dtype(x, dtype, sum_dtype, "np.prod")
    axes = normalise_axes(axis, x.ndim, "np.prod")
    value = _where(cast_to(x, target), where, 1)
    result = wrap(_reduce("prod", value, axes))
    if is_given(initial):
        result = result * initial
    return _restore_axes(result.value, axes, x.shape, keepdims)


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
    target = _number_dtype(x, dtype, float_dtype, "np.mean")
    axes = normalise_axes(axis, x.ndim, "np.mean")
    b = builder()
    value = cast_to(x, target)
    if where is True or not is_given(where):
        return _restore_axes(reduced_by.mean(b, value, axes), axes, x.shape, keepdims)
    total = b.sum(_where(value, where, 0), axes)
    count = b.sum(_where(b.full_like(value, 1), where, 0), axes)
    return _restore_axes(b.div(total, count), axes, x.shape, keepdims)


def _measure(root: bool) -> Callable[..., TracedArray]:
    """np.std if `root`, else np.var."""

    def measured(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        ddof: float = 0,
        keepdims: Any = False,
        *,
        where: Any = True,
        mean: Any = UNSET,
        correction: Any = UNSET,
    ) -> TracedArray:
        freedom = correction if is_given(correction) else ddof
        return _spread(a, axis, dtype, freedom, keepdims, where, mean, root=root)

    return measured


implements(np.var)(_measure(root=False))
implements(np.std)(_measure(root=True))


def _spread(
    a: Any,
    axis: Any,
    dtype: Any,
    freedom: float,
    keepdims: Any,
    where: Any,
    mean: Any,
    *,
    root: bool,
) -> TracedArray:
    """The variance, or its root."""
    who = "np.std" if root else "np.var"
    x = lift(a, who)
    target = _number_dtype(x, dtype, float_dtype, who)
    axes = normalise_axes(axis, x.ndim, who)
    value = cast_to(x, target)
    if (where is True or not is_given(where)) and not is_given(mean):
        measure = reduced_by.std if root else reduced_by.var
        return _restore_axes(measure(builder(), value, axes, ddof=freedom), axes, x.shape, keepdims)
    centre = (
        mean if is_given(mean) else _mean(x, axes, NUMPY_DTYPE[target], None, True, where=where)
    )
    variance = _mean_square(wrap(value) - centre, axes, where, freedom)
    spread = composed.root(builder(), variance) if root else variance
    return _restore_axes(spread, axes, x.shape, keepdims)


def _mean_square(deviation: Any, axes: Shape, where: Any, freedom: float) -> Value:
    """The sum of the squares over how many there are, less the degrees of freedom."""
    b = builder()
    value = deviation.value
    total = b.sum(_where(b.mul(value, value), where, 0), axes)
    count = b.sum(_where(b.full_like(value, 1), where, 0), axes)
    left = b("maximum", b.sub(count, b.full_like(count, freedom)), b.zeros_like(count))
    return b.div(total, left)  # type: ignore[no-any-return]


# --- extrema ---


def _extremum(
    a: Any, axis: Any, keepdims: Any, initial: Any, where: Any, op: str, pair: np.ufunc
) -> TracedArray:
    who = "np.max" if op == "reduce_max" else "np.min"
    x = lift(a, who)
    axes = normalise_axes(axis, x.ndim, who)
    if is_given(where) and where is not True:
        x = _limited(x, where, initial, pair)
    if _count(x.shape, axes) == 0:
        return _restore_axes(_empty_extremum(x, axes, initial, who), axes, x.shape, keepdims)
    dtype = x.value.type.dtype
    b = builder()
    value = b.cast(x.value, "i32") if dtype == "bool" else x.value
    result = wrap(b.cast(_reduce(op, value, axes), dtype))
    if is_given(initial):
        result = pair(result, initial)
    return _restore_axes(result.value, axes, x.shape, keepdims)


def _limited(x: TracedArray, where: Any, initial: Any, pair: np.ufunc) -> TracedArray:
    """x with `initial` in the place of what an extremum passes over."""
    if not is_given(initial):
        raise ShapeError(
            f"reduction operation '{pair.__name__}' does not have an identity, so to use a where "
            "mask one has to specify 'initial'"
        )
    dtype, shape = x.value.type.dtype, x.shape
    mask, other = lift(where), lift(initial)
    full = broadcast_shapes(f"np.{pair.__name__}", [shape, mask.shape])
    parts = (materialise(mask, "bool", full), materialise(x, dtype, full))
    return wrap(builder().select(*parts, materialise(other, dtype, full)))


def _empty_extremum(x: TracedArray, axes: Shape, initial: Any, who: str) -> Value:
    if not is_given(initial):
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
