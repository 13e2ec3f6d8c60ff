"""Reductions of what comes to one place: `scatter` with a product, a mean or an extremum.

The elements are brought into the order of their places; a running reduction by doubling that stops
at the borders between places has each result at the end of its run. So products are right with
zeros among them, to every order.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..types import NUMPY_DTYPE, TensorType
from .elementwise import isfinite
from .order import flat_positions

REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def scatter_reduce(
    b: Builder,
    x: Handle,
    indices: Handle,
    source: Handle,
    *,
    axis: int,
    reduce: str,
    include_self: bool,
) -> Handle:
    """x, with elements of `source` reduced into those at `indices` along `axis`.

    Without `include_self` what x holds there does not count.
    """
    shape = b.type_of(indices).shape
    have = b.type_of(source).shape
    if len(have) != len(shape) or any(n > m for n, m in zip(shape, have, strict=True)):
        raise ShapeError(f"scatter_reduce: {b.type_of(source)} has no place for each {list(shape)}")
    if not b.type_of(indices).size:
        return x
    places = flat_positions(b, indices, b.type_of(x).shape, axis)
    updates = b.slice(source, (0,) * len(shape), shape)
    return _reduced(b, x, places, updates, reduce, include_self)


def index_reduce(
    b: Builder,
    x: Handle,
    indices: Handle,
    source: Handle,
    *,
    axis: int,
    reduce: str,
    include_self: bool,
) -> Handle:
    """x, with the entries of `source` along `axis` reduced into those that `indices` name."""
    shape = b.type_of(source).shape
    others = tuple(i for i in range(len(shape)) if i != axis)
    wide = b.expand(indices, others, shape)
    return scatter_reduce(b, x, wide, source, axis=axis, reduce=reduce, include_self=include_self)


def _reduced(
    b: Builder, x: Handle, places: Handle, updates: Handle, reduce: str, include_self: bool
) -> Handle:
    """x, with `updates` reduced into it at flat `places`."""
    type = b.type_of(x)
    size = type.size
    places, flat = b.reshape(places, (b.type_of(places).size,)), b.reshape(x, (size,))
    updates = b.reshape(updates, b.type_of(places).shape)
    ones = b.broadcast(b.constant(1, TensorType("f64", ())), b.type_of(places).shape)
    hits = b("scatter_add", places, ones, axis=0, size=size)
    hit = b.compare("gt", hits, b.zeros_like(hits))
    if include_self:
        ramp = b("iota", dtype=b.type_of(places).dtype, shape=(size,), axis=0)
        places, updates = b.concatenate([ramp, places], 0), b.concatenate([flat, updates], 0)
        hits = b.add(hits, b.full_like(hits, 1))
    total = _of_places(b, places, updates, size, reduce)
    if reduce == "mean":
        total = _shared(b, total, b.select(hit, hits, b.full_like(hits, 1)))
    return b.reshape(b.select(hit, total, flat), type.shape)


def _shared(b: Builder, total: Handle, counts: Handle) -> Handle:
    """total / counts, rounded down for integers."""
    dtype = b.type_of(total).dtype
    if b.type_of(total).is_float:
        return b.div(total, b.cast(counts, dtype))
    return b.cast(b("floor", b.div(b.cast(total, "f64"), counts)), dtype)


def _of_places(b: Builder, places: Handle, x: Handle, size: int, reduce: str) -> Handle:
    """For each place the reduction of the elements of x that come to it."""
    if reduce in ("sum", "mean"):
        return b("scatter_add", places, x, axis=0, size=size)
    if reduce == "prod":
        return _by_runs(b, places, x, size, 1, b.mul)
    return _extremum(b, places, x, size, reduce)


def _extremum(b: Builder, places: Handle, x: Handle, size: int, reduce: str) -> Handle:
    """Equal ones share the gradient evenly."""
    op = "maximum" if reduce == "amax" else "minimum"
    neutral = _least(b.type_of(x).dtype, largest=reduce == "amax")
    best = _by_runs(b, places, b("stop_gradient", x), size, neutral, lambda y, z: b(op, y, z))
    if not b.type_of(x).is_float:
        return best
    chosen = b.compare("eq", x, b("gather", best, places, axis=0))
    count = b.cast(chosen, b.type_of(x).dtype)
    count = b("gather", b("scatter_add", places, count, axis=0, size=size), places, axis=0)
    share = b.select(chosen, b.div(x, b.select(chosen, count, b.full_like(count, 1))), count)
    share = b.select(chosen, share, b.zeros_like(share))
    total = b("scatter_add", places, share, axis=0, size=size)
    exact = b.add(best, b.sub(total, b("stop_gradient", total)))
    nan = b.compare("ne", best, best)
    return b.select(nan, best, b.select(isfinite(b, best), exact, total))


def _least(dtype: str, *, largest: bool) -> float | int:
    """What changes no maximum (or, with `largest` false, no minimum)."""
    if dtype in ("f32", "f64"):
        return -math.inf if largest else math.inf
    bounds = np.iinfo(NUMPY_DTYPE[dtype])
    return int(bounds.min if largest else bounds.max)


def _by_runs(
    b: Builder,
    places: Handle,
    x: Handle,
    size: int,
    neutral: float,
    join: Callable[[Handle, Handle], Handle],
) -> Handle:
    """The elements of x joined by place; 0 where none comes."""
    order = b("argsort", places, axis=0, descending=False)
    places, x = b("gather", places, order, axis=0), b("gather", x, order, axis=0)
    (count,) = b.type_of(x).shape
    step = 1
    while step < count:
        earlier = _moved(b, x, step, neutral)
        same = b.compare("eq", places, _moved(b, places, step, -1))
        x = join(x, b.select(same, earlier, b.full_like(x, neutral)))
        step *= 2
    after = b.concatenate([b.slice(places, (1,), (count,)), _filled(b, places, 1, -1)], 0)
    last = b.compare("ne", places, after)
    return b("scatter_add", places, b.select(last, x, b.zeros_like(x)), axis=0, size=size)


def _moved(b: Builder, x: Handle, step: int, value: float) -> Handle:
    """x moved back by `step`, with `value` in front."""
    (count,) = b.type_of(x).shape
    return b.concatenate([_filled(b, x, step, value), b.slice(x, (0,), (count - step,))], 0)


def _filled(b: Builder, x: Handle, count: int, value: float) -> Handle:
    return b.constant(value, b.type_of(x).with_shape((count,)))
