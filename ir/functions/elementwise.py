"""Elementwise functions. Operands have one shape and dtype, as those of ops.

Where a formula has branches, each is the same analytic function at the point where they meet, so
that derivatives of every order are right there; |x| is written by `select`, since `abs` has slope 0
at 0. What only scales intermediate results, and not the value, is behind `stop_gradient`.
"""

from __future__ import annotations

import math

from ..builder import Builder, Handle


def not_negative(b: Builder, x: Handle) -> Handle:
    return b.compare("ge", x, b.zeros_like(x))


def minus_absolute(b: Builder, x: Handle) -> Handle:
    """-|x|, with derivative -1 at 0."""
    return b.select(not_negative(b, x), b.neg(x), x)


def _plus(b: Builder, x: Handle, value: float) -> Handle:
    return b.add(x, b.full_like(x, value))


# --- powers and quotients ---


def square(b: Builder, x: Handle) -> Handle:
    return b.mul(x, x)


def reciprocal(b: Builder, x: Handle) -> Handle:
    return b.div(b.full_like(x, 1), x)


def hypot(b: Builder, x: Handle, y: Handle) -> Handle:
    """√(x² + y²) without overflow, inf beside a nan; its gradient at 0 is 0. In f32 by f64."""
    if b.type_of(x).dtype == "f32":
        return b.cast(hypot(b, b.cast(x, "f64"), b.cast(y, "f64")), "f32")
    largest = b("maximum", b("abs", x), b("abs", y))
    usable = b("logical_and", b.compare("gt", largest, b.zeros_like(x)), isfinite(b, largest))
    scale = b("stop_gradient", b.select(usable, largest, b.full_like(x, 1)))
    total = b.add(square(b, b.div(x, scale)), square(b, b.div(y, scale)))
    infinite = b("logical_or", isinf(b, x), isinf(b, y))
    hidden = b("logical_and", infinite, b.compare("ne", largest, largest))
    return b.select(hidden, b.full_like(x, math.inf), b.mul(scale, root(b, total)))


def root(b: Builder, x: Handle) -> Handle:
    """√x, with derivative 0 at 0: for norms and deviations."""
    zero = b.compare("eq", x, b.zeros_like(x))
    return b.select(zero, x, b("sqrt", b.select(zero, b.full_like(x, 1), x)))


# --- logistic functions ---


def sigmoid(b: Builder, x: Handle) -> Handle:
    """1 / (1 + e^-x)."""
    return b("logistic", x)


def softplus(b: Builder, x: Handle) -> Handle:
    """log(1 + e^x) = max(x, 0) + log1p(e^-|x|)."""
    positive = b.select(not_negative(b, x), x, b.zeros_like(x))
    return b.add(positive, b("log1p", b("exp", minus_absolute(b, x))))


def log_sigmoid(b: Builder, x: Handle) -> Handle:
    return b.neg(softplus(b, b.neg(x)))


def _larger_and_gap(b: Builder, x: Handle, y: Handle) -> tuple[Handle, Handle]:
    """max(x, y) and -|x - y|, which is 0 where both are the same infinity."""
    first = b.compare("ge", x, y)
    difference = b.sub(x, y)
    gap = b.select(first, b.neg(difference), difference)
    infinite = b("logical_and", first, b.compare("ne", difference, difference))
    return b.select(first, x, y), b.select(infinite, b.zeros_like(gap), gap)


def logaddexp(b: Builder, x: Handle, y: Handle) -> Handle:
    """log(e^x + e^y) = max + log1p(e^-|x-y|)."""
    larger, gap = _larger_and_gap(b, x, y)
    return b.add(larger, b("log1p", b("exp", gap)))


def logaddexp2(b: Builder, x: Handle, y: Handle) -> Handle:
    """log2(2^x + 2^y)."""
    larger, gap = _larger_and_gap(b, x, y)
    return b.add(larger, b.scale(b("log1p", b("exp2", gap)), 1 / math.log(2)))


# --- activations ---


def relu(b: Builder, x: Handle) -> Handle:
    """max(x, 0); its derivative at 0 is 0, and a nan stays."""
    return b("relu", x)


def leaky_relu(b: Builder, x: Handle, *, slope: float = 0.01) -> Handle:
    return b.select(b.compare("gt", x, b.zeros_like(x)), x, b.scale(x, slope))


def elu(b: Builder, x: Handle, *, alpha: float = 1.0) -> Handle:
    """x where x > 0, else alpha · (e^x - 1)."""
    positive = b.compare("gt", x, b.zeros_like(x))
    safe = b.select(positive, b.zeros_like(x), x)
    return b.select(positive, x, b.scale(b("expm1", safe), alpha))


def silu(b: Builder, x: Handle) -> Handle:
    return b.mul(x, sigmoid(b, x))


def gelu(b: Builder, x: Handle, *, approximate: str = "none") -> Handle:
    """x · Φ(x), the normal distribution's Φ by erfc or (`approximate` = "tanh") by tanh."""
    half = b.scale(x, 0.5)
    if approximate == "none":
        return b.mul(half, b("erfc", b.scale(x, -math.sqrt(0.5))))
    cubic = b.add(x, b.scale(b.mul(b.mul(x, x), x), 0.044715))
    return b.mul(half, _plus(b, b("tanh", b.scale(cubic, math.sqrt(2 / math.pi))), 1))


# --- limits ---


def clip(b: Builder, x: Handle, low: Handle | None, high: Handle | None) -> Handle:
    """x between `low` and `high` (`high`, where they cross); at a bound the derivative is 1."""
    if low is not None:
        x = b.select(b.compare("lt", x, low), low, x)
    if high is not None:
        x = b.select(b.compare("gt", x, high), high, x)
    return x


def fmax(b: Builder, x: Handle, y: Handle) -> Handle:
    """The larger one; a nan gives way to a number."""
    return _extremum_of_numbers(b, "maximum", x, y)


def fmin(b: Builder, x: Handle, y: Handle) -> Handle:
    """The smaller one; a nan gives way to a number."""
    return _extremum_of_numbers(b, "minimum", x, y)


def _extremum_of_numbers(b: Builder, name: str, x: Handle, y: Handle) -> Handle:
    first, second = b.select(isnan(b, x), y, x), b.select(isnan(b, y), x, y)
    return b(name, first, second)


# --- truth values about floats ---


def isnan(b: Builder, x: Handle) -> Handle:
    return b.compare("ne", x, x)


def isinf(b: Builder, x: Handle) -> Handle:
    return b.compare("eq", b("abs", x), b.full_like(x, math.inf))


def isfinite(b: Builder, x: Handle) -> Handle:
    return b.compare("lt", b("abs", x), b.full_like(x, math.inf))


# --- rounding towards zero ---


def trunc(b: Builder, x: Handle) -> Handle:
    negative = b.compare("lt", x, b.zeros_like(x))
    return b.select(negative, b("ceil", x), b("floor", x))


def fmod(b: Builder, x: Handle, y: Handle) -> Handle:
    """C's remainder: it has the sign of x, be that 0 or -0."""
    rest = b("remainder", b("abs", x), b("abs", y))
    zero = b.zeros_like(x)
    signed = b.select(b.compare("lt", x, zero), b.neg(rest), rest)
    whole = b("logical_and", b.compare("eq", x, zero), b.compare("eq", rest, zero))
    return b.select(whole, x, signed)


# --- sinc ---

# (-1)^k / (2k+1)! for k = 11, 10, …, 0: sin u / u in powers of u²  (DLMF 4.19.1)
_SINC_SERIES = tuple((-1) ** k / math.factorial(2 * k + 1) for k in reversed(range(12)))


def sinc(b: Builder, x: Handle) -> Handle:
    """sin(πx) / (πx), and 1 at 0: a series near 0, which the derivatives there come from."""
    u = b.scale(x, math.pi)
    near = b.compare("lt", b("abs", u), b.full_like(x, 1))
    far_u = b.select(near, b.full_like(x, 1), u)
    t = b.mul(b.select(near, u, b.zeros_like(x)), u)
    series = b.full_like(x, _SINC_SERIES[0])
    for coefficient in _SINC_SERIES[1:]:
        series = _plus(b, b.mul(series, t), coefficient)
    return b.select(near, series, b.div(b("sin", far_u), far_u))
