"""Activations beyond the logistic family. At a kink the derivative is the one that PyTorch has."""

from __future__ import annotations

import math

from ..builder import Builder, Handle
from .elementwise import elu, sigmoid, softplus

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _at_most(b: Builder, x: Handle, bound: float) -> Handle:
    return b.compare("le", x, b.full_like(x, bound))


def _plus(b: Builder, x: Handle, value: float) -> Handle:
    return b.add(x, b.full_like(x, value))


def absolute(b: Builder, x: Handle) -> Handle:
    """|x|, with derivative 1 at 0."""
    return b.select(b.compare("lt", x, b.zeros_like(x)), b.neg(x), x)


def selu(b: Builder, x: Handle) -> Handle:
    return b.scale(elu(b, x, alpha=_SELU_ALPHA), _SELU_SCALE)


def celu(b: Builder, x: Handle, *, alpha: float) -> Handle:
    """x where x > 0, else alpha · (e^(x/alpha) - 1)."""
    positive = b.compare("gt", x, b.zeros_like(x))
    safe = b.select(positive, b.zeros_like(x), x)
    return b.select(positive, x, b.scale(b("expm1", b.scale(safe, 1 / alpha)), alpha))


def softplus_scaled(b: Builder, x: Handle, *, beta: float) -> Handle:
    """log(1 + e^(beta x)) / beta."""
    return b.scale(softplus(b, b.scale(x, beta)), 1 / beta)


def mish(b: Builder, x: Handle) -> Handle:
    return b.mul(x, b("tanh", softplus(b, x)))


def hardtanh(b: Builder, x: Handle, *, low: float, high: float) -> Handle:
    """x limited to [low, high]; at a bound the derivative is 0."""
    below, above = _at_most(b, x, low), b.compare("ge", x, b.full_like(x, high))
    return b.select(below, b.full_like(x, low), b.select(above, b.full_like(x, high), x))


def hardsigmoid(b: Builder, x: Handle) -> Handle:
    return b.scale(hardtanh(b, _plus(b, x, 3), low=0, high=6), 1 / 6)


def hardswish(b: Builder, x: Handle) -> Handle:
    return b.mul(x, hardsigmoid(b, x))


def softsign(b: Builder, x: Handle) -> Handle:
    return b.div(x, _plus(b, absolute(b, x), 1))


def tanhshrink(b: Builder, x: Handle) -> Handle:
    return b.sub(x, b("tanh", x))


def softshrink(b: Builder, x: Handle, *, bound: float) -> Handle:
    """x moved towards 0 by `bound`, and 0 where it would cross."""
    inside = b("logical_and", _at_most(b, x, bound), b.compare("ge", x, b.full_like(x, -bound)))
    positive = b.compare("gt", x, b.zeros_like(x))
    moved = b.select(positive, _plus(b, x, -bound), _plus(b, x, bound))
    return b.select(inside, b.zeros_like(x), moved)


def hardshrink(b: Builder, x: Handle, *, bound: float) -> Handle:
    """x, and 0 in [-bound, bound]."""
    inside = b("logical_and", _at_most(b, x, bound), b.compare("ge", x, b.full_like(x, -bound)))
    return b.select(inside, b.zeros_like(x), x)


def threshold(b: Builder, x: Handle, *, bound: float, value: float) -> Handle:
    """x where it is above `bound`, else `value`."""
    return b.select(_at_most(b, x, bound), b.full_like(x, value), x)


def prelu(b: Builder, x: Handle, weight: Handle) -> Handle:
    """x where x > 0, else weight · x; a weight for each channel, along axis 1, or one for all."""
    shape = b.type_of(x).shape
    (count,) = b.type_of(weight).shape or (1,)
    at = 1 if len(shape) > 1 else 0
    wide = (count,) if not shape else tuple(count if i == at else 1 for i in range(len(shape)))
    slope = b.broadcast(b.reshape(weight, wide if shape else ()), shape)
    return b.select(b.compare("gt", x, b.zeros_like(x)), x, b.mul(slope, x))


def glu(b: Builder, x: Handle, *, axis: int) -> Handle:
    """The first half along `axis`, times sigmoid of the second."""
    shape = b.type_of(x).shape
    half = shape[axis] // 2
    middle = tuple(half if i == axis else n for i, n in enumerate(shape))
    start = tuple(half if i == axis else 0 for i in range(len(shape)))
    first = b.slice(x, (0,) * len(shape), middle)
    return b.mul(first, sigmoid(b, b.slice(x, start, shape)))


# --- elementwise functions that are no activations ---


def lerp(b: Builder, x: Handle, end: Handle, weight: Handle) -> Handle:
    """x + weight · (end - x), from the nearer end."""
    gap = b.sub(end, x)
    near = b.compare("lt", weight, b.full_like(weight, 0.5))
    rest = b.sub(b.full_like(weight, 1), weight)
    return b.select(near, b.add(x, b.mul(weight, gap)), b.sub(end, b.mul(gap, rest)))


def addcmul(b: Builder, x: Handle, y: Handle, z: Handle, *, value: float) -> Handle:
    """x + value · y · z."""
    product = b.mul(y, z)
    return b.add(x, product if value == 1 else b.scale(product, value))


def addcdiv(b: Builder, x: Handle, y: Handle, z: Handle, *, value: float) -> Handle:
    """x + value · y / z."""
    quotient = b.div(y, z)
    return b.add(x, quotient if value == 1 else b.scale(quotient, value))


def frac(b: Builder, x: Handle) -> Handle:
    """x without its whole part; it keeps its sign."""
    negative = b.compare("lt", x, b.zeros_like(x))
    return b.sub(x, b.select(negative, b("ceil", x), b("floor", x)))


def copysign(b: Builder, x: Handle, y: Handle) -> Handle:
    """|x| with the sign of y; the derivative at 0 is 0."""
    one = b.full_like(y, 1)
    infinite = b.div(one, y)  # a zero has the sign of its reciprocal
    zero = b.compare("eq", y, b.zeros_like(y))
    negative = b.compare("lt", b.select(zero, infinite, y), b.zeros_like(y))
    size = b("abs", x)
    return b.select(negative, b.neg(size), size)


def entropy(b: Builder, x: Handle) -> Handle:
    """-x log x; 0 at 0, and -inf below."""
    positive = b.compare("gt", x, b.zeros_like(x))
    safe = b.select(positive, x, b.full_like(x, 1))
    inside = b.neg(b.mul(safe, b("log", safe)))
    bad = b.compare("lt", x, b.zeros_like(x))
    outside = b.select(bad, b.full_like(x, -math.inf), x)  # 0 at 0, and a nan stays
    return b.select(positive, inside, outside)


def nan_to_num(b: Builder, x: Handle, *, nan: float, high: float, low: float) -> Handle:
    """Numbers in place of nan and the infinities; the derivative there is 0."""
    x_or = b.select(b.compare("ne", x, x), b.full_like(x, nan), x)
    above = b.compare("eq", x, b.full_like(x, math.inf))
    below = b.compare("eq", x, b.full_like(x, -math.inf))
    return b.select(above, b.full_like(x, high), b.select(below, b.full_like(x, low), x_or))


def log_ndtr(b: Builder, x: Handle) -> Handle:
    """log Φ(x): by erfcx on the left, where Φ is small, and else by what it lacks to 1."""
    left = b.compare("lt", x, b.full_like(x, -1))
    low = b.select(left, x, b.full_like(x, -1))
    scaled = b("erfcx", b.scale(low, -math.sqrt(0.5)))
    small = b.sub(b("log", b.scale(scaled, 0.5)), b.scale(b.mul(low, low), 0.5))
    high = b.select(left, b.zeros_like(x), x)
    rest = b("log1p", b.scale(b("erfc", b.scale(high, math.sqrt(0.5))), -0.5))
    return b.select(left, small, rest)
