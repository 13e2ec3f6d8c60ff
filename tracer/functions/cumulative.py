"""Running sums, products and extrema, and the methods of ufuncs that fold along an axis."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.errors import ShapeError
from ...ir.functions import order
from ..errors import BoundsError
from ..indexing import fixed_positions, gather_many
from ..operands import builder, cast_to, lift, sum_dtype, wrap
from ..promotion import normalise_axes, normalise_axis, supported_dtype, ufunc_name
from ..registry import UNSET, dispatch, implements, is_given
from ..values import known_integers
from .ufuncs import METHODS, call_ufunc

if TYPE_CHECKING:
    from ..array import TracedArray


def _unless_given(dtype: Any, default: str, who: str) -> str:
    given = is_given(dtype)
    return supported_dtype(dtype, f"the result of {who}") if given else default


def _along(a: Any, axis: Any, who: str) -> tuple[Any, int]:
    """The array and an axis of it; None stands for the flat array."""
    x: Any = lift(a, who)
    return (x.reshape(-1), 0) if axis is None else (x, normalise_axis(axis, x.ndim, who))


# --- running sums and products ---


@implements(np.cumprod)
def _cumprod(a: Any, axis: Any = None, dtype: Any = None) -> TracedArray:
    x, at = _along(a, axis, "np.cumprod")
    value = cast_to(x, _unless_given(dtype, sum_dtype(x.value.type.dtype), "np.cumprod"))
    return wrap(order.cumprod(builder(), value, axis=at))


@implements(getattr(np, "cumulative_sum", None))
def _cumulative_sum(
    x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    return _cumulative(np.cumsum, 0, x, axis, dtype, include_initial)


@implements(getattr(np, "cumulative_prod", None))
def _cumulative_prod(
    x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    return _cumulative(np.cumprod, 1, x, axis, dtype, include_initial)


def _cumulative(
    function: Callable[..., Any], first: int, x: Any, axis: Any, dtype: Any, initial: bool
) -> Any:
    array: Any = lift(x, "np.cumulative_sum")
    if axis is None and array.ndim > 1:
        raise ShapeError("For arrays which have more than one dimension ``axis`` is required.")
    at = normalise_axis(0 if axis is None else axis, array.ndim, "np.cumulative_sum")
    result = dispatch(function, (array, at, dtype), {})
    if not initial:
        return result
    shape = (*array.shape[:at], 1, *array.shape[at + 1 :])
    return dispatch(np.concatenate, ([np.full(shape, first, result.dtype), result], at), {})


# --- ufunc.reduce, accumulate, reduceat: any ufunc of two operands, folded from the left ---


def _operands_of_fold(
    ufunc: np.ufunc, x: Any, axis: Any, dtype: Any
) -> tuple[Any, int, Callable[[Any, Any], Any]]:
    """The array in the dtype of the fold, its axis, and the step of the fold."""
    who = ufunc_name(ufunc)
    array, at = _along(x, axis, who)
    forced = None if dtype is None else supported_dtype(dtype, f"the result of {who}")
    if forced is not None:
        array = wrap(cast_to(array, forced))
    elif ufunc in (np.add, np.multiply):
        array = wrap(cast_to(array, sum_dtype(array.value.type.dtype)))
    return array, at, lambda left, right: call_ufunc(ufunc, (left, right), forced)


def _slices(x: Any, axis: int) -> list[Any]:
    before = (slice(None),) * axis
    return [x[(*before, i)] for i in range(x.shape[axis])]


def _fold(parts: list[Any], step: Callable[[Any, Any], Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = step(total, part)
    return total


def _reduce(
    ufunc: np.ufunc,
    x: Any,
    axis: Any = 0,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = UNSET,
    where: Any = True,
) -> Any:
    """``ufunc.reduce`` of a ufunc that has no reduction of its own."""
    array: Any = lift(x, ufunc_name(ufunc))
    axes = normalise_axes(axis, array.ndim, f"{ufunc_name(ufunc)}.reduce")
    if len(axes) > 1 and ufunc.identity is None and ufunc not in _REORDERABLE:
        raise ShapeError(
            f"reduction operation '{ufunc.__name__}' is not reorderable, "
            "so at most one axis may be specified"
        )
    neutral = ufunc.identity if initial is UNSET else initial
    if where is not True:
        array = _masked(ufunc, array, where, neutral)
    result = array
    for at in reversed(axes):
        result = _reduce_one(ufunc, result, at, dtype, neutral)
    if initial is not UNSET and initial is not None:
        result = call_ufunc(ufunc, (initial, result))
    kept = tuple(1 if i in axes else n for i, n in enumerate(array.shape))
    return result.reshape(kept) if keepdims else result


_REORDERABLE = {np.fmax, np.fmin, np.maximum, np.minimum}


def _masked(ufunc: np.ufunc, x: Any, where: Any, neutral: Any) -> Any:
    if neutral is None or neutral is UNSET:
        raise ShapeError(
            f"reduction operation '{ufunc.__name__}' does not have an identity, "
            "so to use a where mask one has to specify 'initial'"
        )
    return dispatch(np.where, (where, x, neutral), {})


def _reduce_one(ufunc: np.ufunc, x: Any, axis: int, dtype: Any, neutral: Any) -> Any:
    array, at, step = _operands_of_fold(ufunc, x, axis, dtype)
    if array.shape[at]:
        return _fold(_slices(array, at), step)
    if neutral is None or neutral is UNSET:
        raise ShapeError(
            f"zero-size array to reduction operation {ufunc.__name__} which has no identity"
        )
    shape = (*array.shape[:at], *array.shape[at + 1 :])
    return dispatch(np.full_like, (array, neutral), {"shape": shape})


def _accumulate(ufunc: np.ufunc, x: Any, axis: int = 0, dtype: Any = None) -> Any:
    if ufunc in (np.add, np.multiply):
        return dispatch(np.cumsum if ufunc is np.add else np.cumprod, (x, axis, dtype), {})
    array, at, step = _operands_of_fold(ufunc, x, axis, dtype)
    if ufunc in (np.maximum, np.minimum) and array.value.type.dtype != "bool":
        largest = ufunc is np.maximum
        return wrap(order.running_extremum(builder(), array.value, axis=at, largest=largest)[0])
    parts = _slices(array, at)
    for i in range(1, len(parts)):
        parts[i] = step(parts[i - 1], parts[i])
    return dispatch(np.stack, (parts, at), {}) if parts else array


def _reduceat(ufunc: np.ufunc, x: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    array, at, step = _operands_of_fold(ufunc, x, axis, dtype)
    bounds = _bounds(indices, array.shape[at], ufunc)
    if ufunc is np.add:
        return _sums_of_segments(array, at, bounds)
    parts = _slices(array, at)
    folded = [_fold(parts[first:last], step) for first, last in bounds]
    return dispatch(np.stack, (folded, at), {})


def _bounds(indices: Any, extent: int, ufunc: np.ufunc) -> list[tuple[int, int]]:
    """Start and end of each segment; one that would end before its start is a single element."""
    starts = known_integers(indices, f"{ufunc_name(ufunc)}.reduceat")
    for start in starts:
        if not 0 <= start < extent:
            raise BoundsError(f"index {start} out-of-bounds in {ufunc.__name__}.reduceat")
    return [(a, b if b > a else a + 1) for a, b in pairwise([*starts, extent])]


def _sums_of_segments(x: Any, axis: int, bounds: list[tuple[int, int]]) -> TracedArray:
    """The elements of all segments one after the other, each added into the sum of its own."""
    elements = np.concatenate([np.arange(a, b) for a, b in bounds])
    owners = np.repeat(np.arange(len(bounds)), [b - a for a, b in bounds])
    taken = gather_many(x.value, [axis], [fixed_positions(elements, x.shape[axis])])
    places = fixed_positions(owners, len(bounds)).value
    return wrap(builder()("scatter_add", places, taken, axis=axis, size=len(bounds)))


METHODS.update(reduce=_reduce, accumulate=_accumulate, reduceat=_reduceat)
