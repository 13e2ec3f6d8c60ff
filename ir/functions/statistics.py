"""Statistics along an axis: quantiles, covariance; integrals and slopes of sampled functions."""

from __future__ import annotations

import math

from ..builder import Builder, Handle
from ..matrix import transposed
from ..types import TensorType
from .elementwise import clip
from .linear import matmul
from .order import take_along
from .reduction import norm


def _part(b: Builder, x: Handle, axis: int, start: int, stop: int) -> Handle:
    """x[start:stop] along `axis`; negative bounds count from the end."""
    shape = b.type_of(x).shape
    first, last = (max(n + shape[axis], 0) if n < 0 else n for n in (start, stop))
    first, last = min(first, shape[axis]), min(last, shape[axis])
    last = max(first, last)
    low = tuple(first if i == axis else 0 for i in range(len(shape)))
    return b.slice(x, low, tuple(last if i == axis else n for i, n in enumerate(shape)))


# --- quantiles ---


def quantile(
    b: Builder,
    x: Handle,
    *,
    axis: int,
    at: tuple[float, ...],
    interpolation: str,
    ignore_nan: bool,
) -> Handle:
    """The quantiles `at` (in [0, 1]) along `axis`: one after the other along a new first axis.

    A nan makes those of its row nan, or (`ignore_nan`) does not count.
    """
    shape = b.type_of(x).shape
    rows = (*shape[:axis], 1, *shape[axis + 1 :])
    ordered = take_along(b, x, b("argsort", x, axis=axis, descending=False), axis=axis)
    there = b.reshape(b.sum(b.cast(b.compare("eq", x, x), "f64"), (axis,)), rows)
    whole = b.compare("eq", there, b.full_like(there, shape[axis]))
    last = (
        b.sub(there, b.full_like(there, 1)) if ignore_nan else b.full_like(there, shape[axis] - 1)
    )
    last = b("maximum", b.broadcast(last, rows), b.zeros_like(there))
    kept = (*shape[:axis], *shape[axis + 1 :])
    parts = []
    for q in at:
        value = _between(b, ordered, b.scale(last, q), axis, interpolation)
        if not ignore_nan:
            value = b.select(whole, value, b.full_like(value, math.nan))
        parts.append(b.reshape(value, (1, *kept)))
    return b.concatenate(parts, 0)


def _between(b: Builder, ordered: Handle, rank: Handle, axis: int, interpolation: str) -> Handle:
    """The element at `rank`, a real number, by one of the ways to interpolate."""
    below, above = b("floor", rank), b("ceil", rank)
    if interpolation in ("lower", "higher", "nearest"):
        place = {"lower": below, "higher": above}.get(interpolation, b("rint", rank))
        return take_along(b, ordered, b.cast(place, "i64"), axis=axis)
    weight = b.full_like(rank, 0.5) if interpolation == "midpoint" else b.sub(rank, below)
    first, second = (
        take_along(b, ordered, b.cast(place, "i64"), axis=axis) for place in (below, above)
    )
    dtype, shape = b.type_of(ordered).dtype, b.type_of(first).shape
    weight = b.broadcast(b.cast(weight, dtype), shape)
    gap = b.mul(weight, b.sub(second, first))
    same = b.compare("eq", first, second)  # the same infinity has no gap
    return b.add(first, b.select(same, b.zeros_like(gap), gap))


# --- covariance ---


def covariance(
    b: Builder, x: Handle, *weights: Handle, correction: float, words: tuple[str, ...]
) -> Handle:
    """Of the rows of x, whose columns are observations; `words` says what the `weights` are.

    "frequency": how often each observation counts; "importance": how much.
    """
    variables, count = b.type_of(x).shape
    dtype = b.type_of(x).dtype
    weight = b.constant(1, TensorType(dtype, (count,)))
    weight = b.broadcast(weight, (count,))
    importance = None
    for word, given in zip(words, weights, strict=True):
        weight = b.mul(weight, b.cast(given, dtype))
        importance = b.cast(given, dtype) if word == "importance" else importance
    total = b.sum(weight, (0,))
    wide = b.expand(weight, (0,), (variables, count))
    mean = b.sum(b.mul(x, wide), (1,))
    mean = b.div(mean, b.broadcast(total, (variables,)))
    deviation = b.sub(x, b.expand(mean, (1,), (variables, count)))
    lost = b.full_like(total, correction)
    if importance is not None:
        lost = b.scale(b.div(b.sum(b.mul(weight, importance), (0,)), total), correction)
    divisor = b("maximum", b.sub(total, lost), b.zeros_like(total))
    product = matmul(b, b.mul(deviation, wide), transposed(b, deviation))
    return b.div(product, b.broadcast(divisor, (variables, variables)))


def correlation(b: Builder, x: Handle) -> Handle:
    """Of the rows of x, in [-1, 1]."""
    variables, _ = b.type_of(x).shape
    shape = (variables, variables)
    cov = covariance(b, x, correction=1, words=())
    row, column = (b("iota", dtype="i64", shape=shape, axis=i) for i in (0, 1))
    on = b.compare("eq", row, column)
    spread = b("sqrt", b.sum(b.select(on, cov, b.zeros_like(cov)), (1,)))
    ratio = b.div(cov, b.expand(spread, (1,), shape))
    ratio = b.div(ratio, b.expand(spread, (0,), shape))
    return clip(b, ratio, b.full_like(ratio, -1), b.full_like(ratio, 1))


# --- integrals ---


def trapezoids(b: Builder, y: Handle, *x: Handle, axis: int, step: float) -> Handle:
    """The areas between neighbours along `axis`, `step` or the differences of x apart."""
    both = b.add(_part(b, y, axis, 0, -1), _part(b, y, axis, 1, b.type_of(y).shape[axis]))
    if not x:
        return b.scale(both, step / 2)
    shape = b.type_of(y).shape
    if b.type_of(x[0]).ndim == 1:
        places = b.expand(x[0], tuple(i for i in range(len(shape)) if i != axis), shape)
    else:
        places = b.broadcast(x[0], shape)
    gaps = b.sub(_part(b, places, axis, 1, shape[axis]), _part(b, places, axis, 0, -1))
    return b.scale(b.mul(both, gaps), 0.5)


def trapezoid(b: Builder, y: Handle, *x: Handle, axis: int, step: float) -> Handle:
    """The integral along `axis` by the trapezoidal rule; 0 of fewer than two samples."""
    if not b.type_of(y).shape[axis]:
        return b.sum(y, (axis,))
    return b.sum(trapezoids(b, y, *x, axis=axis, step=step), (axis,))


def cumulative_trapezoid(b: Builder, y: Handle, *x: Handle, axis: int, step: float) -> Handle:
    """The integrals up to the second, third, … sample."""
    areas = trapezoids(b, y, *x, axis=axis, step=step)
    return b("cumsum", areas, axis=axis, reverse=False)


# --- slopes ---


def slope(b: Builder, x: Handle, *places: Handle, axis: int, step: float, edge: int) -> Handle:
    """Central differences along `axis`, at the ends one-sided ones of order `edge` (1 or 2).

    The samples are `step` apart, or stand at `places`.
    """
    shape = b.type_of(x).shape
    n = shape[axis]
    if places:
        spread = b.expand(places[0], tuple(i for i in range(len(shape)) if i != axis), shape)
    else:
        spread = b.scale(b("iota", dtype=b.type_of(x).dtype, shape=shape, axis=axis), step)
    gaps = b.sub(_part(b, spread, axis, 1, n), _part(b, spread, axis, 0, -1))
    rises = b.div(b.sub(_part(b, x, axis, 1, n), _part(b, x, axis, 0, -1)), gaps)
    first, last = _part(b, rises, axis, 0, 1), _part(b, rises, axis, -1, n - 1)
    if n == 2:
        return b.concatenate([first, last], axis)
    # between two rises: each weighted by the gap on the other side
    before, after = _part(b, gaps, axis, 0, -1), _part(b, gaps, axis, 1, n - 1)
    left, right = _part(b, rises, axis, 0, -1), _part(b, rises, axis, 1, n - 1)
    total = b.add(before, after)
    inner = b.div(b.add(b.mul(left, after), b.mul(right, before)), total)
    if edge == 2:
        first = _extended(b, first, _part(b, inner, axis, 0, 1))
        last = _extended(b, last, _part(b, inner, axis, -1, n - 2))
    return b.concatenate([first, inner, last], axis)


def _extended(b: Builder, rise: Handle, neighbour: Handle) -> Handle:
    """The slope at an end of the parabola with this first rise and the neighbour's slope."""
    return b.sub(b.scale(rise, 2), neighbour)


# --- powers, lengths ---


def powers(b: Builder, x: Handle, *, count: int) -> Handle:
    """x⁰, x¹, …, along a new last axis."""
    shape = b.type_of(x).shape
    value = b.broadcast(b.full_like(x, 1), shape)
    parts = []
    for i in range(count):
        parts.append(b.reshape(value, (*shape, 1)))
        if i + 1 < count:
            value = x if not i else b.mul(value, x)
    if not parts:
        return b.constant(0, b.type_of(x).with_shape((*shape, 0)))
    return b.concatenate(parts, len(shape))


def shortened(b: Builder, x: Handle, *, axis: int, order: float, limit: float) -> Handle:
    """The entries along `axis`, scaled to the norm `limit` where theirs is larger."""
    shape = b.type_of(x).shape
    others = tuple(i for i in range(len(shape)) if i != axis)
    length = norm(b, x, others, order=order)
    long = b.compare("gt", length, b.full_like(length, limit))
    safe = b.add(b.select(long, length, b.full_like(length, 1)), b.full_like(length, 1e-7))
    factor = b.select(long, b.div(b.full_like(length, limit), safe), b.full_like(length, 1))
    return b.mul(x, b.expand(factor, others, shape))
