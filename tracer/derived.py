"""NumPy functions that are short programs of other NumPy functions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from ..ir.errors import ShapeError
from .contractions import matmul
from .errors import UnsupportedError
from .operands import lift
from .promotion import normalise_axis
from .registry import dispatch, implements
from .ufuncs import call_ufunc

_UNSET: Any = np._NoValue


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return dispatch(function, args, kwargs)


# --- choice ---


@implements(np.select)
def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    if len(condlist) != len(choicelist) or not condlist:
        raise ShapeError("np.select: list of cases must be same length as list of conditions")
    pairs = list(zip(condlist, choicelist, strict=True))
    return reduce(lambda rest, pair: _call(np.where, *pair, rest), reversed(pairs), default)


@implements(np.delete)
def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    x: Any = lift(arr, "np.delete")
    if axis is None:
        x, axis = x.reshape(-1), 0
    at = normalise_axis(axis, x.ndim, "np.delete")
    if not isinstance(obj, int | np.integer | slice | list | tuple):
        raise UnsupportedError(
            "np.delete of positions in an array is not supported while tracing",
            hint="an int, a slice or a list of ints",
        )
    kept = np.delete(np.arange(x.shape[at]), obj)
    return _call(np.take, x, kept.tolist(), at)


# --- comparison ---


@implements(np.isclose)
def _isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    x, y = lift(a, "np.isclose"), lift(b, "np.isclose")
    near: Any = abs(x - y) <= atol + rtol * abs(y)
    close = (near & call_ufunc(np.isfinite, (y,))) | (x == y)
    if equal_nan:
        close = close | (call_ufunc(np.isnan, (x,)) & call_ufunc(np.isnan, (y,)))
    return close


@implements(np.allclose)
def _allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    return _call(np.all, _isclose(a, b, rtol, atol, equal_nan))


@implements(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    x, y = lift(a1, "np.array_equal"), lift(a2, "np.array_equal")
    if x.shape != y.shape:
        return False
    same = x == y
    if equal_nan:
        same = same | (call_ufunc(np.isnan, (x,)) & call_ufunc(np.isnan, (y,)))
    return _call(np.all, same)


# --- reductions that pass nans over ---


def _numbers(a: Any, neutral: float, who: str) -> tuple[Any, Any]:
    """The array with a neutral number in the place of its nans, and where its numbers are."""
    x = lift(a, who)
    present = ~call_ufunc(np.isnan, (x,))
    return _call(np.where, present, x, _call(np.full_like, x, neutral)), present


@implements(np.nansum)
def _nansum(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False) -> Any:
    return _call(np.sum, _numbers(a, 0, "np.nansum")[0], axis, dtype, keepdims=keepdims)


@implements(np.nanmean)
def _nanmean(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    numbers, present = _numbers(a, 0, "np.nanmean")
    total = _call(np.sum, numbers, axis, keepdims=keepdims)
    return total / _call(np.sum, present.astype(numbers.dtype), axis, keepdims=keepdims)


@implements(np.nanmax)
def _nanmax(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return _nan_extremum(a, axis, keepdims, -np.inf, np.max)


@implements(np.nanmin)
def _nanmin(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return _nan_extremum(a, axis, keepdims, np.inf, np.min)


def _nan_extremum(a: Any, axis: Any, keepdims: Any, neutral: float, extremum: Any) -> Any:
    """The extremum of the numbers; nan where there is none."""
    x: Any = lift(a, f"np.nan{extremum.__name__}")
    if not x.value.type.is_float:
        return _call(extremum, x, axis, keepdims=keepdims)
    numbers, present = _numbers(x, neutral, "")
    found = _call(extremum, numbers, axis, keepdims=keepdims)
    some = _call(np.any, present, axis, keepdims=keepdims)
    return _call(np.where, some, found, np.nan)


# --- grids, blocks, polynomials, products ---


@implements(np.linspace)
def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Any:
    first, last = lift(start, "np.linspace"), lift(stop, "np.linspace")
    count = operator.index(num)
    steps = count - 1 if endpoint else count
    step: Any = (last - first) / max(steps, 1)
    numbers = np.arange(float(count)).reshape((count,) + (1,) * step.ndim)
    found = first + numbers * step
    if not endpoint or count < 2:
        return found
    end = _call(np.broadcast_to, last, step.shape).astype(found.dtype)
    return _call(np.concatenate, [found[:-1], end[None]])


@implements(np.block)
def _block(arrays: Any) -> Any:
    depth, ndim = _depth(arrays), _most_axes(arrays)
    return _joined_blocks(arrays, depth, max(depth, ndim))


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _most_axes(arrays: Any) -> int:
    if isinstance(arrays, list):
        return max(map(_most_axes, arrays))
    return lift(arrays, "np.block").ndim


def _joined_blocks(arrays: Any, depth: int, ndim: int) -> Any:
    """Lists at the innermost level are joined along the last axis, those around them before it."""
    if not isinstance(arrays, list):
        x: Any = lift(arrays, "np.block")
        return x.reshape((1,) * (ndim - x.ndim) + x.shape)
    return _call(np.concatenate, [_joined_blocks(x, depth - 1, ndim) for x in arrays], -depth)


@implements(np.meshgrid)
def _meshgrid(*xi: Any, indexing: str = "xy") -> tuple[Any, ...]:
    axes: list[Any] = [lift(x, "np.meshgrid").reshape(-1) for x in xi]
    order = list(range(len(axes)))
    if indexing == "xy" and len(axes) > 1:
        order[0], order[1] = 1, 0
    spread = [
        x.reshape(tuple(-1 if i == place else 1 for i in range(len(axes))))
        for x, place in zip(axes, order, strict=True)
    ]
    grids = _call(np.broadcast_arrays, *spread)
    return tuple(grid.copy() for grid in grids)


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    coefficients, point = lift(p, "np.polyval"), lift(x, "np.polyval")
    result: Any = _call(np.zeros_like, point)
    for coefficient in coefficients:
        result = result * point + coefficient
    return result


@implements(np.kron)
def _kron(a: Any, b: Any) -> Any:
    x, y = lift(a, "np.kron"), lift(b, "np.kron")
    ndim = max(x.ndim, y.ndim)
    left, right = ((1,) * (ndim - z.ndim) + z.shape for z in (x, y))
    spread = x.reshape(tuple(n for extent in left for n in (extent, 1)))
    other = y.reshape(tuple(n for extent in right for n in (1, extent)))
    return (spread * other).reshape(tuple(m * n for m, n in zip(left, right, strict=True)))


@implements(np.fix)
def _fix(x: Any) -> Any:
    return call_ufunc(np.trunc, (x,))


# --- numpy.linalg ---


@implements(np.linalg.multi_dot)
def _multi_dot(arrays: Sequence[Any]) -> Any:
    return reduce(matmul, arrays)


@implements(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    x, exponent = lift(a, "np.linalg.matrix_power"), operator.index(n)
    if exponent < 1:
        raise UnsupportedError(
            f"np.linalg.matrix_power to the power of {exponent} is not supported while tracing"
        )
    result, square = None, x
    while exponent:
        if exponent & 1:
            result = square if result is None else matmul(result, square)
        exponent >>= 1
        square = matmul(square, square) if exponent else square
    return result


@implements(np.linalg.vector_norm)
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    array: Any = lift(x, "np.linalg.vector_norm")
    if axis is not None or array.ndim == 1:
        return _call(np.linalg.norm, array, ord, axis, keepdims)
    flat = _call(np.linalg.norm, array.reshape(-1), ord)
    return flat.reshape((1,) * array.ndim) if keepdims else flat


@implements(np.linalg.matmul)
def _linalg_matmul(x1: Any, x2: Any, /) -> Any:
    return matmul(x1, x2)


@implements(np.linalg.outer)
def _linalg_outer(x1: Any, x2: Any, /) -> Any:
    return _call(np.outer, x1, x2)


@implements(np.linalg.tensordot)
def _linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return _call(np.tensordot, x1, x2, axes)


@implements(np.linalg.trace)
def _linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return _call(np.trace, x, offset, -2, -1, dtype)
