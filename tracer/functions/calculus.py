"""Derivatives and integrals of sampled functions, and what reads between the samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.errors import ShapeError
from ...ir.functions import search
from ..errors import CastError, TraceError
from ..operands import builder, lift, wrap
from ..promotion import normalise_axes, normalise_axis
from ..registry import call, implements
from .ufuncs import call_ufunc


def _part(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    return x[(*(slice(None),) * axis, slice(start, stop))]


# --- differences ---


@implements(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    x: Any = lift(ary, "np.ediff1d").reshape(-1)
    ends = [None if e is None else lift(e).reshape(-1).astype(x.dtype) for e in (to_begin, to_end)]
    parts = [ends[0], x[1:] - x[:-1], ends[1]]
    return call(np.concatenate, [part for part in parts if part is not None])


@implements(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    x: Any = lift(f, "np.gradient")
    if axis is not None and not isinstance(axis, tuple | list):
        axis = (axis,)
    axes = (
        range(x.ndim) if axis is None else [normalise_axis(a, x.ndim, "np.gradient") for a in axis]
    )
    spacings = _spacings(varargs, len(axes))
    if edge_order not in (1, 2):
        raise CastError("np.gradient: edge_order greater than 2 not supported")
    if not x.value.type.is_float:
        x = x.astype(np.float64)
    slopes = tuple(
        _slope(x, at, spacing, edge_order) for at, spacing in zip(axes, spacings, strict=True)
    )
    return slopes[0] if len(slopes) == 1 else slopes


def _spacings(given: tuple[Any, ...], count: int) -> list[Any]:
    if not given:
        return [1.0] * count
    if len(given) == 1 and np.ndim(given[0]) == 0:
        return list(given) * count
    if len(given) != count:
        raise TraceError("np.gradient: invalid number of arguments")
    return list(given)


def _slope(x: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    extent = x.shape[axis]
    if extent < edge_order + 1:
        raise ShapeError(
            "Shape of array too small to calculate a numerical gradient, at least "
            "(edge_order + 1) elements are required."
        )
    steps = _steps(x, axis, spacing)
    left, middle, right = (_part(x, axis, i, extent - 2 + i) for i in range(3))
    before, after = (steps, steps) if steps.ndim == 0 else (steps[:-1], steps[1:])
    if steps.ndim == 0:
        inner = (right - left) / (2.0 * steps)
    else:
        before, after = (s.reshape((-1,) + (1,) * (x.ndim - axis - 1)) for s in (before, after))
        inner = (
            -(after / (before * (before + after))) * left
            + (after - before) / (before * after) * middle
            + before / (after * (before + after)) * right
        )
    ends = [_end_slope(x, axis, steps, edge_order, last=last) for last in (False, True)]
    return call(np.concatenate, [ends[0], inner, ends[1]], axis)


def _steps(x: Any, axis: int, spacing: Any) -> Any:
    """The distance of the samples, or all of their distances."""
    steps: Any = lift(spacing, "np.gradient")
    if steps.ndim == 0:
        return steps
    if steps.shape != (x.shape[axis],):
        raise CastError("when 1d, distances must match the length of the corresponding dimension")
    return call(np.diff, steps * 1.0)


def _end_slope(x: Any, axis: int, steps: Any, edge_order: int, *, last: bool) -> Any:
    """The one-sided difference at an end."""
    sign = -1 if last else 1
    points = [
        _part(x, axis, (i if not last else x.shape[axis] - 1 - i), None)
        for i in range(edge_order + 1)
    ]
    first, *rest = (_part(p, axis, 0, 1) for p in points)
    near = steps if steps.ndim == 0 else steps[-1 if last else 0]
    if edge_order == 1:
        return sign * (rest[0] - first) / near
    far = steps if steps.ndim == 0 else steps[-2 if last else 1]
    a = -(2.0 * near + far) / (near * (near + far))
    b = (near + far) / (near * far)
    c = -near / (far * (near + far))
    return sign * (a * first + b * rest[0] + c * rest[1])


# --- phases ---


@implements(np.unwrap)
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Any:
    """The jumps that are taken out are constants, so that the derivative is 1."""
    x: Any = lift(p, "np.unwrap")
    at = normalise_axis(axis, x.ndim, "np.unwrap")
    steps = call(np.diff, _constant(x), axis=at)
    half = period / 2 if not isinstance(period, int) else (period + 1) // 2
    whole = isinstance(period, int) and not x.value.type.is_float
    low = -(period // 2) if whole else -period / 2
    folded = call_ufunc(np.remainder, (steps - low, period)) + low
    if not (whole and period % 2):
        folded = call(np.where, (folded == low) & (steps > 0), -low, folded)
    jumps = call(np.where, abs(steps) < (half if discont is None else discont), 0, folded - steps)
    moved = _part(x, at, 1, None) + call(np.cumsum, jumps, at)
    return call(np.concatenate, [_part(x, at, 0, 1), moved], at)


def without_derivative(x: Any) -> Any:
    """x as a constant: a call among array functions."""
    return x.__array_function__(without_derivative, (), (x,), {})


@implements(without_derivative)
def _constant(x: Any) -> Any:
    array: Any = lift(x)
    return wrap(builder()("stop_gradient", array.value)) if array.value.type.is_float else array


# --- interpolation ---


@implements(np.interp)
def _interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    points, knots, values = (lift(each, "np.interp").astype(np.float64) for each in (x, xp, fp))
    if knots.ndim != 1 or knots.shape != values.shape:
        raise CastError("fp and xp are not of the same length, or not 1-d.")
    if not knots.shape[0]:
        raise CastError("array of sample points is empty")
    if period is not None:
        points, knots, values = _periodic(points, knots, values, period)
        left = right = None
    return _between(points, knots, values, left, right)


def _periodic(x: Any, knots: Any, values: Any, period: Any) -> tuple[Any, Any, Any]:
    """Points and knots within one period, with a knot of the next period on either side."""
    period = abs(period)
    if not isinstance(period, int | float) or period == 0:
        raise CastError("period must be a non-zero value")
    x, knots = call_ufunc(np.remainder, (x, period)), call_ufunc(np.remainder, (knots, period))
    order = wrap(builder()("argsort", knots.value, axis=0, descending=False))
    knots, values = knots[order], values[order]
    wide = call(np.concatenate, [knots[-1:] - period, knots, knots[:1] + period])
    return x, wide, call(np.concatenate, [values[-1:], values, values[:1]])


def _between(x: Any, knots: Any, values: Any, left: Any, right: Any) -> Any:
    count = knots.shape[0]
    low = values[0] if left is None else left
    high = values[-1] if right is None else right
    result = values[0]
    if count > 1:
        found = wrap(search.bisect(builder(), knots.value, x.value, right=True))
        place = call(np.clip, found - 1, 0, count - 2)
        start, x0 = values[place], knots[place]
        slope = (values[place + 1] - start) / (knots[place + 1] - x0)
        result = slope * (x - x0) + start
        result = call(np.where, x == knots[-1], values[-1], result)
    result = call(np.where, x < knots[0], low, result)
    result = call(np.where, x > knots[-1], high, result)
    nan = call_ufunc(np.isnan, (x,))
    return call(np.where, nan, x, result) if count > 1 else result


# --- sums along a given function ---


@implements(np.apply_over_axes)
def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    x: Any = lift(a, "np.apply_over_axes")
    for axis in normalise_axes(axes, x.ndim, "np.apply_over_axes"):
        result = func(x, axis)
        x = result if np.ndim(result) == x.ndim else call(np.expand_dims, result, axis)
        if np.ndim(x) != np.ndim(a):
            raise CastError("function is not returning an array of the correct shape")
    return x


@implements(np.apply_along_axis)
def _apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """The function is run on each row in turn, with what else it is given."""
    x: Any = lift(arr, "np.apply_along_axis")
    at = normalise_axis(axis, x.ndim, "np.apply_along_axis")
    rest = (*x.shape[:at], *x.shape[at + 1 :])
    if 0 in rest:
        raise CastError("Cannot apply_along_axis when any iteration dimensions are 0")
    rows = call(np.moveaxis, x, at, -1).reshape(-1, x.shape[at])
    results = [lift(func1d(row, *args, **kwargs), "np.apply_along_axis") for row in rows]
    joined = call(np.stack, results).reshape(*rest, *results[0].shape)
    inner = results[0].ndim
    axes = (*range(at), *range(len(rest), len(rest) + inner), *range(at, len(rest)))
    return call(np.transpose, joined, axes)
