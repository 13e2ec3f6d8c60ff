"""Pooling: windows that slide along the last axes, reduced to their largest element or mean."""

from __future__ import annotations

import math

from ..builder import Builder, Handle
from ..types import TensorType
from .order import take_along
from .window import Sizes, padded, unfolded, window_counts

Pairs = tuple[tuple[int, int], ...]


def _padding(shape: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, reach: Sizes) -> Pairs:
    """What is put around each axis: more at its end for `ceil`, so that the last window fits.

    `reach` is the extent of a window with its gaps.
    """
    pairs = []
    for n, s, p, r in zip(shape[len(shape) - len(kernel) :], stride, padding, reach, strict=True):
        count = -((n + 2 * p - r) // -s) + 1
        if (count - 1) * s >= n + p:  # the last window would start in the padding
            count -= 1
        pairs.append((p, max(p, (count - 1) * s + r - n - p)))
    return tuple(pairs)


def _around(
    shape: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil: bool
) -> Pairs:
    if not ceil:
        return tuple((p, p) for p in padding)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    return _padding(shape, kernel, stride, padding, reach)


def _pooled(
    b: Builder, name: str, x: Handle, kernel: Sizes, stride: Sizes, dilation: Sizes
) -> Handle:
    """Windows of x flattened: [..., counts…, kernel positions]."""
    shape = b.type_of(x).shape
    d = len(kernel)
    counts = window_counts(name, shape, kernel, stride, dilation)
    taken = unfolded(b, x, kernel, stride, dilation, counts)
    lead = len(shape) - d
    outer = tuple(lead + 2 * i for i in range(d))
    inner = tuple(lead + 2 * i + 1 for i in range(d))
    taken = b.transpose(taken, (*range(lead), *outer, *inner))
    return b.reshape(taken, (*shape[:lead], *counts, math.prod(kernel)))


# --- the largest element ---


def max_pool(
    b: Builder,
    x: Handle,
    *,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil: bool,
    places: bool,
) -> Handle | tuple[Handle, Handle]:
    """The largest element of each window; the first of equals takes the gradient.

    With `places` also where it stands, counted in the last axes of x.
    """
    whole = b.type_of(x).shape
    x = padded(b, x, _around(whole, kernel, stride, padding, dilation, ceil), -math.inf)
    taken = _pooled(b, "max_pool", x, kernel, stride, dilation)
    shape = b.type_of(taken).shape
    axis = len(shape) - 1
    winner = b("argmax", taken, axis=axis)
    place = b("iota", dtype="i64", shape=shape, axis=axis)
    chosen = b.compare("eq", b.expand(winner, (axis,), shape), place)
    values = b.sum(b.select(chosen, taken, b.zeros_like(taken)), (axis,))
    if not places:
        return values
    return values, _places(
        b, winner, whole[len(whole) - len(kernel) :], kernel, stride, padding, dilation
    )


def _places(
    b: Builder,
    winner: Handle,
    sizes: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
) -> Handle:
    """Flat positions in `sizes`, of flat positions in the windows."""
    shape = b.type_of(winner).shape
    first = len(shape) - len(kernel)
    total: Handle = None
    unit = 1
    for i in reversed(range(len(kernel))):
        inside = b("remainder", winner, b.full_like(winner, kernel[i]))
        rest = b.cast(b.sub(winner, inside), "f64")
        winner = b.cast(b.div(rest, b.full_like(rest, kernel[i])), "i64")
        window = b("iota", dtype="i64", shape=shape, axis=first + i)
        place = b.add(b.scale(window, stride[i]), b.scale(inside, dilation[i]))
        place = b("maximum", b.sub(place, b.full_like(place, padding[i])), b.zeros_like(place))
        term = b.scale(place, unit)
        total = term if total is None else b.add(total, term)
        unit *= sizes[i]
    return total


# --- the mean ---


def avg_pool(
    b: Builder,
    x: Handle,
    *,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    ceil: bool,
    count_include_pad: bool,
    divisor: int | None,
) -> Handle:
    """The mean of each window; what `ceil` puts at the end never counts."""
    ones = (1,) * len(kernel)
    type = b.type_of(x)
    around = _around(type.shape, kernel, stride, padding, ones, ceil)
    taken = _pooled(b, "avg_pool", padded(b, x, around, 0), kernel, stride, ones)
    total = b.sum(taken, (b.type_of(taken).ndim - 1,))
    even = around == tuple((p, p) for p in padding)
    if divisor is not None or (even and (count_include_pad or not any(padding))):
        return b.div(total, b.full_like(total, divisor or math.prod(kernel)))
    spatial = type.shape[type.ndim - len(kernel) :]
    inside = b.broadcast(b.constant(1, TensorType(type.dtype, ())), spatial)
    if count_include_pad:
        inside = padded(b, inside, tuple((p, p) for p in padding), 1)
        around = tuple((0, high - p) for (_, high), p in zip(around, padding, strict=True))
    inside = _pooled(b, "avg_pool", padded(b, inside, around, 0), kernel, stride, ones)
    counts = b.sum(inside, (b.type_of(inside).ndim - 1,))
    shape = b.type_of(total).shape
    lead = tuple(range(len(shape) - len(kernel)))
    return b.div(total, b.expand(counts, lead, shape))


# --- parts of nearly equal width ---


def _bounds(extent: int, count: int) -> list[tuple[int, int]]:
    return [(i * extent // count, -((-(i + 1) * extent) // count)) for i in range(count)]


def _cut(b: Builder, x: Handle, axis: int, first: int, last: int) -> Handle:
    shape = b.type_of(x).shape
    start = tuple(first if i == axis else 0 for i in range(len(shape)))
    return b.slice(x, start, tuple(last if i == axis else n for i, n in enumerate(shape)))


def adaptive_avg_pool(b: Builder, x: Handle, *, sizes: Sizes) -> Handle:
    """Means of parts of the last axes, which become `sizes` parts."""
    first = b.type_of(x).ndim - len(sizes)
    for axis, size in enumerate(sizes, start=first):
        extent = b.type_of(x).shape[axis]
        parts = [_mean(b, _cut(b, x, axis, *ends), axis) for ends in _bounds(extent, size)]
        x = b.concatenate(parts, axis)
    return x


def _mean(b: Builder, x: Handle, axis: int) -> Handle:
    """The mean along `axis`, which is kept."""
    shape = b.type_of(x).shape
    total = b.sum(x, (axis,))
    mean = b.div(total, b.full_like(total, shape[axis]))
    return b.reshape(mean, (*shape[:axis], 1, *shape[axis + 1 :]))


def adaptive_max_pool(b: Builder, x: Handle, *, sizes: Sizes) -> tuple[Handle, Handle]:
    """The largest elements of parts of the last axes, and where they stand in these."""
    shape = b.type_of(x).shape
    lead = len(shape) - len(sizes)
    spatial = shape[lead:]
    count = math.prod(spatial)
    ramp = b("iota", dtype="i64", shape=(count,), axis=0)
    flat_places = b.expand(b.reshape(ramp, spatial), tuple(range(lead)), shape)
    parts = [(x, flat_places)]
    for axis, size in enumerate(sizes, start=lead):
        parts = [
            (_cut(b, value, axis, *ends), _cut(b, place, axis, *ends))
            for value, place in parts
            for ends in _bounds(shape[axis], size)
        ]
    values, places = zip(*(_largest(b, *pair, lead) for pair in parts), strict=True)
    small = (*shape[:lead], *sizes)
    return (
        b.reshape(b.concatenate(values, lead), small),
        b.reshape(b.concatenate(places, lead), small),
    )


def _largest(b: Builder, x: Handle, places: Handle, lead: int) -> tuple[Handle, Handle]:
    """The largest element of the axes from `lead` on, and what stands there in `places`."""
    shape = b.type_of(x).shape
    flat = (*shape[:lead], math.prod(shape[lead:]))
    x, places = b.reshape(x, flat), b.reshape(places, flat)
    winner = b.reshape(b("argmax", x, axis=lead), (*shape[:lead], 1))
    return take_along(b, x, winner, axis=lead), take_along(b, places, winner, axis=lead)


# --- back from a pool ---


def max_unpool(b: Builder, x: Handle, places: Handle, *, sizes: Sizes) -> Handle:
    """Zeros of `sizes`, with the elements of x at flat `places` in the last axes."""
    shape = b.type_of(x).shape
    lead = shape[: len(shape) - len(sizes)]
    rows, count = math.prod(lead), math.prod(shape[len(lead) :])
    flat = b.reshape(places, (rows, count))
    row = b("iota", dtype="i64", shape=(rows, count), axis=0)
    area = math.prod(sizes)
    flat = b.reshape(b.add(flat, b.scale(row, area)), (rows * count,))
    updates = b.reshape(x, (rows * count,))
    total = b("scatter_add", flat, updates, axis=0, size=rows * area)
    return b.reshape(total, (*lead, *sizes))
