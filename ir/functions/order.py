"""Elements by their order or by computed positions: what sort, gather and scatter are made of.

A position along one axis becomes a flat position in the whole; that is read by the op `gather`,
or written by `scatter_add`. A position out of range raises IndexError where it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..types import TensorType
from .elementwise import logaddexp


def flat_positions(b: Builder, indices: Handle, shape: tuple[int, ...], axis: int) -> Handle:
    """Flat places in `shape` of the elements at `indices` along `axis`, elsewhere at their own."""
    type = b.type_of(indices)
    _check_places(type, shape, axis)
    extent = shape[axis]
    high = b.compare("lt", indices, b.full_like(indices, extent))
    inside = b("logical_and", b.compare("ge", indices, b.zeros_like(indices)), high)
    total: Handle = None
    for i in range(len(shape)):
        stride = math.prod(shape[i + 1 :])
        place = indices
        if i != axis:
            place = b("iota", dtype=type.dtype, shape=type.shape, axis=i)
        term = place if stride == 1 else b.mul(place, b.full_like(place, stride))
        total = term if total is None else b.add(total, term)
    return b.select(inside, total, b.full_like(total, -1))


def _check_places(indices: TensorType, shape: tuple[int, ...], axis: int) -> None:
    fits = indices.ndim == len(shape) and all(
        n <= m for i, (n, m) in enumerate(zip(indices.shape, shape, strict=True)) if i != axis
    )
    if not fits:
        raise ShapeError(
            f"index {indices} does not fit: apart from axis {axis} its size may not exceed that of "
            f"shape {list(shape)}"
        )


def _flat(b: Builder, x: Handle) -> Handle:
    return b.reshape(x, (b.type_of(x).size,))


def take_along(b: Builder, x: Handle, indices: Handle, *, axis: int) -> Handle:
    """x at `indices` along `axis`; elsewhere each element at its own place."""
    shape = b.type_of(x).shape
    if not b.type_of(indices).size:
        return b("gather", _flat(b, x), indices, axis=0)
    if len(shape) == 1:
        return b("gather", x, indices, axis=0)
    return b("gather", _flat(b, x), flat_positions(b, indices, shape, axis), axis=0)


def _placed(
    b: Builder, indices: Handle, updates: Handle, shape: tuple[int, ...], axis: int
) -> Handle:
    """Zeros of `shape`, with `updates` added at `indices` along `axis`."""
    places = _flat(b, flat_positions(b, indices, shape, axis))
    size = math.prod(shape)
    return b.reshape(b("scatter_add", places, _flat(b, updates), axis=0, size=size), shape)


def _corner(b: Builder, x: Handle, shape: tuple[int, ...]) -> Handle:
    """The first part of x, of `shape`."""
    have = b.type_of(x).shape
    if len(have) != len(shape) or any(n > m for n, m in zip(shape, have, strict=True)):
        raise ShapeError(f"the source {b.type_of(x)} has no place for each index of {list(shape)}")
    return b.slice(x, (0,) * len(shape), shape)


def scatter_add(b: Builder, x: Handle, indices: Handle, source: Handle, *, axis: int) -> Handle:
    """x, with elements of `source` added at `indices` along `axis`."""
    shape = b.type_of(indices).shape
    updates = _corner(b, source, shape)
    if not b.type_of(indices).size:
        return x
    return b.add(x, _placed(b, indices, updates, b.type_of(x).shape, axis))


def scatter(b: Builder, x: Handle, indices: Handle, source: Handle, *, axis: int) -> Handle:
    """x, with elements of `source` in place of those at `indices` along `axis`.

    Of several that go to one place the last one stays, and has the gradient.
    """
    type, shape = b.type_of(x), b.type_of(indices).shape
    if not b.type_of(indices).size:
        return x
    updates = _flat(b, _corner(b, source, shape))
    places = _flat(b, flat_positions(b, indices, type.shape, axis))
    return b.reshape(index_copy(b, _flat(b, x), places, updates, axis=0), type.shape)


def index_add(
    b: Builder, x: Handle, indices: Handle, source: Handle, *, axis: int, alpha: float
) -> Handle:
    """x, with the entries of alpha · `source` along `axis` added to those that `indices` name."""
    size = b.type_of(x).shape[axis]
    source = source if alpha == 1 else b.scale(source, alpha)
    return b.add(x, b("scatter_add", indices, source, axis=axis, size=size))


def index_copy(b: Builder, x: Handle, indices: Handle, source: Handle, *, axis: int) -> Handle:
    """x, with the entries of `source` along `axis` in place of those that `indices` name.

    Of several for one place the last one stays.
    """
    if not b.type_of(source).size:
        return x
    last = b("last_of", indices, size=_shape(b, x)[axis])
    written = b.compare("ge", last, b.zeros_like(last))
    new = b("gather", source, b.select(written, last, b.zeros_like(last)), axis=axis)
    others = tuple(i for i in range(b.type_of(x).ndim) if i != axis)
    return b.select(b.expand(written, others, _shape(b, x)), new, x)


def index_fill(b: Builder, x: Handle, indices: Handle, value: Handle, *, axis: int) -> Handle:
    """x, with `value` in the entries along `axis` that `indices` name."""
    hits = _hits(b, indices, b.type_of(x), axis)
    return b.select(b.compare("gt", hits, b.zeros_like(hits)), b.broadcast(value, _shape(b, x)), x)


def _shape(b: Builder, x: Handle) -> tuple[int, ...]:
    return b.type_of(x).shape


def _hits(b: Builder, indices: Handle, type: TensorType, axis: int) -> Handle:
    """How often each entry along `axis` is named, in the shape of `type`."""
    ones = b.broadcast(b.constant(1, TensorType("f64", ())), b.type_of(indices).shape)
    hits = b("scatter_add", indices, ones, axis=0, size=type.shape[axis])
    others = tuple(i for i in range(type.ndim) if i != axis)
    return b.expand(hits, others, type.shape)


# --- order ---


def sort(b: Builder, x: Handle, *, axis: int, descending: bool) -> tuple[Handle, Handle]:
    """The sorted elements and where they stood. Equal ones keep their order."""
    order = b("argsort", x, axis=axis, descending=descending)
    return take_along(b, x, order, axis=axis), order


def argsort(b: Builder, x: Handle, *, axis: int, descending: bool) -> Handle:
    return b("argsort", x, axis=axis, descending=descending)


def top(b: Builder, x: Handle, *, axis: int, count: int, largest: bool) -> tuple[Handle, Handle]:
    """The first `count` elements in order, and where they stood."""
    order = b("argsort", x, axis=axis, descending=largest)
    order = _entries(b, order, axis, 0, count)
    return take_along(b, x, order, axis=axis), order


def ranked(b: Builder, x: Handle, *, axis: int, rank: int, keep: bool) -> tuple[Handle, Handle]:
    """The element with `rank` smaller ones before it, and where it stood."""
    order = b("argsort", x, axis=axis, descending=False)
    return _picked(b, x, _entries(b, order, axis, rank, rank + 1), axis, keep)


def median(b: Builder, x: Handle, *, axis: int, keep: bool) -> tuple[Handle, Handle]:
    """The (lower) middle element, and where it stood; a nan where there is one."""
    shape = _shape(b, x)
    rank = (shape[axis] - 1) // 2
    order = b("argsort", x, axis=axis, descending=False)
    place = _entries(b, order, axis, rank, rank + 1)
    if b.type_of(x).is_float:
        last = _entries(b, order, axis, shape[axis] - 1, shape[axis])
        largest = take_along(b, x, last, axis=axis)
        place = b.select(b.compare("ne", largest, largest), last, place)
    return _picked(b, x, place, axis, keep)


def mode(b: Builder, x: Handle, *, axis: int, keep: bool) -> tuple[Handle, Handle]:
    """The element that stands most often, of several the smallest; and where it stood last."""
    order = b("argsort", x, axis=axis, descending=False)
    often = _in_run(b, take_along(b, b("stop_gradient", x), order, axis=axis), axis)
    shape = _shape(b, x)
    end = b.reshape(b("argmax", often, axis=axis), (*shape[:axis], 1, *shape[axis + 1 :]))
    return _picked(b, x, take_along(b, order, end, axis=axis), axis, keep)


def _in_run(b: Builder, ordered: Handle, axis: int) -> Handle:
    """How many elements up to each one are equal to it."""
    shape = _shape(b, ordered)
    place = b("iota", dtype="i64", shape=shape, axis=axis)
    new = b.compare("ne", ordered, _moved(b, ordered, 1, axis))
    start = b.select(new, place, b.zeros_like(place))
    step = 1
    while step < shape[axis]:
        start = b("maximum", start, _moved(b, start, step, axis))
        step *= 2
    return b.sub(place, start)


def _moved(b: Builder, x: Handle, step: int, axis: int) -> Handle:
    """x moved back by `step`, behind zeros."""
    extent = _shape(b, x)[axis]
    zeros = b.zeros_like(_entries(b, x, axis, 0, step))
    return b.concatenate([zeros, _entries(b, x, axis, 0, extent - step)], axis)


def extremum(b: Builder, x: Handle, *, axis: int, keep: bool, op: str) -> tuple[Handle, Handle]:
    """The largest (`op` = "argmax") or smallest element, and where the first of them stands."""
    shape = _shape(b, x)
    wide = (*shape[:axis], 1, *shape[axis + 1 :])
    return _picked(b, x, b.reshape(b(op, x, axis=axis), wide), axis, keep)


def _picked(b: Builder, x: Handle, place: Handle, axis: int, keep: bool) -> tuple[Handle, Handle]:
    value = take_along(b, x, place, axis=axis)
    if keep:
        return value, place
    shape = _shape(b, x)
    narrow = (*shape[:axis], *shape[axis + 1 :])
    return b.reshape(value, narrow), b.reshape(place, narrow)


def _entries(b: Builder, x: Handle, axis: int, start: int, stop: int) -> Handle:
    shape = _shape(b, x)
    low = tuple(start if i == axis else 0 for i in range(len(shape)))
    return b.slice(x, low, tuple(stop if i == axis else n for i, n in enumerate(shape)))


# --- running products and sums: by doubling, so that their derivatives are right with zeros too ---


def cumprod(b: Builder, x: Handle, *, axis: int) -> Handle:
    """Running products along `axis`."""
    return _doubling(b, x, axis, 1, b.mul)


def logcumsumexp(b: Builder, x: Handle, *, axis: int) -> Handle:
    """log of the running sums of e^x."""
    return _doubling(b, x, axis, -math.inf, lambda x, y: logaddexp(b, x, y))


def _doubling(
    b: Builder, x: Handle, axis: int, neutral: float, join: Callable[[Handle, Handle], Handle]
) -> Handle:
    shape = _shape(b, x)
    step = 1
    while step < shape[axis]:
        rest = _entries(b, x, axis, 0, shape[axis] - step)
        front_shape = (*shape[:axis], step, *shape[axis + 1 :])
        front = b.constant(neutral, b.type_of(x).with_shape(front_shape))
        x = join(x, b.concatenate([front, rest], axis))
        step *= 2
    return x


def running_extremum(b: Builder, x: Handle, *, axis: int, largest: bool) -> tuple[Handle, Handle]:
    """The extremum so far along `axis`, and the last place where it stands."""
    shape = _shape(b, x)
    best = b("stop_gradient", x)
    place = b("iota", dtype="i64", shape=shape, axis=axis)
    step = 1
    while step < shape[axis]:
        earlier, before = (_shifted(b, v, axis, step) for v in (best, place))
        better = b.compare("gt" if largest else "lt", earlier, best)
        better = b("logical_or", better, b.compare("ne", earlier, earlier))
        better = b("logical_and", better, b.compare("eq", best, best))
        best, place = b.select(better, earlier, best), b.select(better, before, place)
        step *= 2
    return take_along(b, x, place, axis=axis), place


def _shifted(b: Builder, x: Handle, axis: int, step: int) -> Handle:
    """x moved back by `step`; the first elements stay as they are."""
    size = _shape(b, x)[axis]
    first, rest = _entries(b, x, axis, 0, step), _entries(b, x, axis, 0, size - step)
    return b.concatenate([first, rest], axis)


def nanmedian(b: Builder, x: Handle, *, axis: int, keep: bool) -> tuple[Handle, Handle]:
    """The (lower) middle one of the numbers, which stand before the nans in order."""
    order = b("argsort", x, axis=axis, descending=False)
    numbers = b.sum(b.cast(b.compare("eq", x, x), "i64"), (axis,))
    shape = _shape(b, x)
    wide = (*shape[:axis], 1, *shape[axis + 1 :])
    rank = b("maximum", b.sub(numbers, b.full_like(numbers, 1)), b.zeros_like(numbers))
    half = b.cast(b("floor", b.scale(b.cast(rank, "f64"), 0.5)), "i64")
    return _picked(b, x, take_along(b, order, b.reshape(half, wide), axis=axis), axis, keep)
