"""Functions that reduce over `axes` (which disappear), and those normalised over axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..builder import Builder, Handle
from .elementwise import isfinite, root, square

Axes = Sequence[int]


def count(b: Builder, x: Handle, axes: Axes) -> int:
    """How many elements of x each reduced element stands for."""
    shape = b.type_of(x).shape
    return math.prod(shape[axis] for axis in axes)


def _spread(b: Builder, reduced: Handle, x: Handle, axes: Axes) -> Handle:
    """A reduction of x, repeated over the shape of x."""
    return b.expand(reduced, tuple(axes), b.type_of(x).shape)


def _reduce(b: Builder, name: str, x: Handle, axes: Axes) -> Handle:
    return b(name, x, axes=tuple(sorted(axes)))


# --- moments ---


def mean(b: Builder, x: Handle, axes: Axes) -> Handle:
    total = b.sum(x, axes)
    return b.div(total, b.full_like(total, count(b, x, axes)))


def var(b: Builder, x: Handle, axes: Axes, *, ddof: float = 0) -> Handle:
    """Σ (x - mean)² / (n - ddof), in two passes."""
    deviation = b.sub(x, _spread(b, mean(b, x, axes), x, axes))
    total = b.sum(square(b, deviation), axes)
    return b.div(total, b.full_like(total, max(count(b, x, axes) - ddof, 0)))


def std(b: Builder, x: Handle, axes: Axes, *, ddof: float = 0) -> Handle:
    """√var; where that is 0, so is the gradient."""
    return root(b, var(b, x, axes, ddof=ddof))


# --- truth ---


def any_(b: Builder, x: Handle, axes: Axes) -> Handle:
    """Does it hold for some element? (x is bool.)"""
    held = b.sum(b.cast(x, "i32"), axes)
    return b.compare("ne", held, b.zeros_like(held))


def all_(b: Builder, x: Handle, axes: Axes) -> Handle:
    """Does it hold for every element? (x is bool.)"""
    failed = b.sum(b.cast(b("logical_not", x), "i32"), axes)
    return b.compare("eq", failed, b.zeros_like(failed))


def count_nonzero(b: Builder, x: Handle, axes: Axes) -> Handle:
    return b.sum(b.cast(b.cast(x, "bool"), "i64"), axes)


# --- exponentials: the maximum only scales, so that no derivative goes through it ---


def _maximum(b: Builder, x: Handle, axes: Axes) -> Handle:
    return b("stop_gradient", _reduce(b, "reduce_max", x, axes))


def logsumexp(b: Builder, x: Handle, axes: Axes) -> Handle:
    """log Σ e^x without overflow; ±inf as the limit, -inf of no elements."""
    if not count(b, x, axes):
        return b("log", b.sum(b("exp", x), axes))
    largest = _maximum(b, x, axes)
    shift = b.select(isfinite(b, largest), largest, b.zeros_like(largest))
    total = b.sum(b("exp", b.sub(x, _spread(b, shift, x, axes))), axes)
    return b.add(b("log", total), shift)


def softmax(b: Builder, x: Handle, axes: Axes) -> Handle:
    """e^x / Σ e^x."""
    weights = b("exp", b.sub(x, _spread(b, _maximum(b, x, axes), x, axes)))
    return b.div(weights, _spread(b, b.sum(weights, axes), x, axes))


def log_softmax(b: Builder, x: Handle, axes: Axes) -> Handle:
    """x - log Σ e^x."""
    shifted = b.sub(x, _spread(b, _maximum(b, x, axes), x, axes))
    total = b("log", b.sum(b("exp", shifted), axes))
    return b.sub(shifted, _spread(b, total, x, axes))


# --- norms ---


def norm(b: Builder, x: Handle, axes: Axes, *, order: float = 2) -> Handle:
    """The vector norm (Σ |x|^order)^(1/order); where it is 0, so is its gradient."""
    if order == 2:
        return root(b, b.sum(square(b, x), axes))
    size = b("abs", x)
    if order == 1:
        return b.sum(size, axes)
    if math.isinf(order):
        return _reduce(b, "reduce_max" if order > 0 else "reduce_min", size, axes)
    none = b.compare("eq", size, b.zeros_like(size))
    if order == 0:  # how many are not 0
        always = b.constant(True, b.type_of(size).with_dtype("bool"))  # a gradient of zeros
        ones = b.select(always, b.full_like(size, 1), size)
        return b.sum(b.select(none, b.zeros_like(size), ones), axes)
    if order < 1:  # whose slope at 0 is infinite
        size = b.select(none, b("stop_gradient", size), size)
    total = b.sum(b("pow", size, b.full_like(size, order)), axes)
    nothing = b.compare("eq", total, b.zeros_like(total))
    root_ = b("pow", b.select(nothing, b.full_like(total, 1), total), b.full_like(total, 1 / order))
    return b.select(
        nothing, b("pow", b("stop_gradient", total), b.full_like(total, 1 / order)), root_
    )
