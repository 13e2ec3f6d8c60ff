"""Functions of SciPy's `special` that are short compositions, smooth where branches meet."""

from __future__ import annotations

import math

from ..builder import Builder, Handle
from .normal import ndtri
from .special import xlogy


def _plus(b: Builder, x: Handle, value: float) -> Handle:
    return b.add(x, b.full_like(x, value))


def _equals(b: Builder, x: Handle, value: float) -> Handle:
    return b.compare("eq", x, b.full_like(x, value))


# --- entropies and losses ---


def entr(b: Builder, x: Handle) -> Handle:
    """-x log x; 0 at 0, -inf below."""
    value = b.neg(xlogy(b, x, x))
    return b.select(b.compare("lt", x, b.zeros_like(x)), b.full_like(x, -math.inf), value)


def rel_entr(b: Builder, x: Handle, y: Handle) -> Handle:
    """x log(x / y) for positive x and y; 0 at x = 0 <= y; else inf."""
    zero, one = b.zeros_like(x), b.full_like(x, 1)
    positive = b("logical_and", b.compare("gt", x, zero), b.compare("gt", y, zero))
    ratio = b.div(b.select(positive, x, one), b.select(positive, y, one))
    value = b.mul(x, b("log", ratio))
    empty = b("logical_and", b.compare("eq", x, zero), b.compare("ge", y, zero))
    rest = b.select(empty, zero, b.full_like(x, math.inf))
    nan = b("logical_or", b.compare("ne", x, x), b.compare("ne", y, y))
    return b.select(positive, value, b.select(nan, b.add(x, y), rest))


def kl_div(b: Builder, x: Handle, y: Handle) -> Handle:
    """x log(x / y) - x + y."""
    value = rel_entr(b, x, y)
    finite = b.compare("lt", b("abs", value), b.full_like(value, math.inf))
    safe = b.select(finite, b.sub(y, x), b.zeros_like(x))
    return b.add(value, safe)


def huber(b: Builder, delta: Handle, r: Handle) -> Handle:
    """r²/2 up to delta, then a straight line; inf for a negative delta."""
    size = b("abs", r)
    square = b.scale(b.mul(r, r), 0.5)
    line = b.mul(delta, b.sub(size, b.scale(delta, 0.5)))
    return _of_width(b, delta, b.select(b.compare("le", size, delta), square, line))


def pseudo_huber(b: Builder, delta: Handle, r: Handle) -> Handle:
    """delta² (√(1 + (r / delta)²) - 1); 0 for delta = 0, inf for a negative one."""
    none = _equals(b, delta, 0)
    ratio = b.div(r, b.select(none, b.full_like(delta, 1), delta))
    square = b.mul(ratio, ratio)
    bend = b.div(square, _plus(b, b("sqrt", _plus(b, square, 1)), 1))
    value = b.mul(b.mul(delta, delta), bend)
    return _of_width(b, delta, b.select(none, b.zeros_like(r), value))


def _of_width(b: Builder, delta: Handle, value: Handle) -> Handle:
    negative = b.compare("lt", delta, b.zeros_like(delta))
    return b.select(negative, b.full_like(delta, math.inf), value)


# --- exponentials near 1 ---

_TERMS = 18  # of a power series, on |x| <= 1/2


def _series(b: Builder, x: Handle, coefficients: list[float]) -> Handle:
    total = b.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = _plus(b, b.mul(total, x), coefficient)
    return total


def _with_series(b: Builder, x: Handle, name: str, coefficients: list[float]) -> Handle:
    """name(x) / x, near 0 by its series, which the derivatives there come from."""
    near = b.compare("lt", b("abs", x), b.full_like(x, 0.5))
    far_x = b.select(near, b.full_like(x, 1), x)
    near_x = b.select(near, x, b.zeros_like(x))
    return b.select(near, _series(b, near_x, coefficients), b.div(b(name, far_x), far_x))


def exprel(b: Builder, x: Handle) -> Handle:
    """(e^x - 1) / x, and 1 at 0."""
    value = _with_series(b, x, "expm1", [1 / math.factorial(k + 1) for k in range(_TERMS)])
    infinite = _equals(b, x, math.inf)
    return b.select(infinite, b.full_like(x, math.inf), value)


def log1p_rel(b: Builder, x: Handle) -> Handle:
    """log(1 + x) / x, and 1 at 0."""
    return _with_series(b, x, "log1p", [(-1) ** k / (k + 1) for k in range(56)])


def boxcox(b: Builder, x: Handle, power: Handle) -> Handle:
    """(x^λ - 1) / λ, and log x for λ = 0."""
    return _of_logarithm(b, b("log", x), power)


def _of_logarithm(b: Builder, logarithm: Handle, power: Handle) -> Handle:
    """(e^(λ log) - 1) / λ, smooth where λ log is small; an infinite log is apart."""
    exponent = b.mul(power, logarithm)
    small = b.compare("lt", b("abs", exponent), b.full_like(exponent, 0.5))
    near = b.mul(b.select(small, logarithm, b.zeros_like(logarithm)), _exprel_near(b, exponent))
    none = _equals(b, power, 0)
    far = b.div(b("expm1", exponent), b.select(none, b.full_like(power, 1), power))
    return b.select(small, near, b.select(none, logarithm, far))


def _exprel_near(b: Builder, x: Handle) -> Handle:
    small = b.compare("lt", b("abs", x), b.full_like(x, 0.5))
    return exprel(b, b.select(small, x, b.zeros_like(x)))


def boxcox1p(b: Builder, x: Handle, power: Handle) -> Handle:
    """((1 + x)^λ - 1) / λ, and log(1 + x) for λ = 0."""
    return _of_logarithm(b, b("log1p", x), power)


def inv_boxcox(b: Builder, y: Handle, power: Handle) -> Handle:
    """(1 + λy)^(1/λ), and e^y for λ = 0."""
    return b("exp", b.mul(y, log1p_rel(b, b.mul(power, y))))


def inv_boxcox1p(b: Builder, y: Handle, power: Handle) -> Handle:
    """(1 + λy)^(1/λ) - 1, and e^y - 1 for λ = 0."""
    return b("expm1", b.mul(y, log1p_rel(b, b.mul(power, y))))


def exp10(b: Builder, x: Handle) -> Handle:
    return b("pow", b.full_like(x, 10), x)


def powm1(b: Builder, x: Handle, y: Handle) -> Handle:
    """x^y - 1, without cancellation where x^y is near 1."""
    positive = b.compare("gt", x, b.zeros_like(x))
    exponent = b.mul(y, b("log", b.select(positive, x, b.full_like(x, 1))))
    near = b("logical_and", positive, b.compare("lt", b("abs", exponent), b.full_like(x, 0.5)))
    small = b("expm1", b.select(near, exponent, b.zeros_like(x)))
    return b.select(near, small, _plus(b, b("pow", x, y), -1))


# --- trigonometry of degrees: the quadrant is taken out exactly ---


def _quadrant(b: Builder, x: Handle) -> tuple[Handle, Handle]:
    """The angle less the nearest multiple of 90°, in radians; and which quarter turn, 0 … 3."""
    turns = b("rint", b.scale(x, 1 / 360))
    within = b.sub(x, b.scale(turns, 360))
    quarters = b("stop_gradient", b("rint", b.scale(within, 1 / 90)))
    rest = b.scale(b.sub(within, b.scale(quarters, 90)), math.pi / 180)
    negative = b.compare("lt", quarters, b.zeros_like(x))
    return rest, b.select(negative, _plus(b, quarters, 4), quarters)


def _of_quadrant(b: Builder, quarter: Handle, values: tuple[Handle, ...]) -> Handle:
    """The value of the quarter turn that it is."""
    result = values[3]
    for k in (2, 1, 0):
        result = b.select(_equals(b, quarter, k), values[k], result)
    return result


def sindg(b: Builder, x: Handle) -> Handle:
    """The sine of degrees."""
    rest, quarter = _quadrant(b, x)
    sine, cosine = b("sin", rest), b("cos", rest)
    return _of_quadrant(b, quarter, (sine, cosine, b.neg(sine), b.neg(cosine)))


def cosdg(b: Builder, x: Handle) -> Handle:
    """The cosine of degrees."""
    rest, quarter = _quadrant(b, x)
    sine, cosine = b("sin", rest), b("cos", rest)
    return _of_quadrant(b, quarter, (cosine, b.neg(sine), b.neg(cosine), sine))


def tandg(b: Builder, x: Handle) -> Handle:
    """The tangent of degrees; inf at 90° and 270°."""
    rest, quarter = _quadrant(b, x)
    tangent = b("tan", rest)
    zero = _equals(b, rest, 0)
    inverse = b.div(b.full_like(x, -1), b.select(zero, b.full_like(x, 1), tangent))
    across = b.select(zero, b.full_like(x, math.inf), inverse)
    return _of_quadrant(b, quarter, (tangent, across, tangent, across))


def cotdg(b: Builder, x: Handle) -> Handle:
    """The cotangent of degrees; inf at 0° and 180°."""
    return tandg(b, b.sub(b.full_like(x, 90), x))


def cosm1(b: Builder, x: Handle) -> Handle:
    """cos x - 1, without cancellation."""
    half = b("sin", b.scale(x, 0.5))
    return b.scale(b.mul(half, half), -2)


def radian(b: Builder, degrees: Handle, minutes: Handle, seconds: Handle) -> Handle:
    total = b.add(degrees, b.add(b.scale(minutes, 1 / 60), b.scale(seconds, 1 / 3600)))
    return b.scale(total, math.pi / 180)


# --- quantiles ---


def erfcinv(b: Builder, x: Handle) -> Handle:
    """The y with erfc(y) = x."""
    return b.scale(ndtri(b, b.scale(x, 0.5)), -math.sqrt(0.5))


# --- complete elliptic integrals, by the arithmetic-geometric mean (DLMF 19.8.5, 19.8.6) ---

_MEANS = 9  # the error is squared at each step


def ellipkm1(b: Builder, p: Handle) -> Handle:
    """K(1 - p) = π / (2 AGM(1, √p)); inf at 0, nan below."""
    positive = b.compare("gt", p, b.zeros_like(p))
    mean, other = b.full_like(p, 1), b("sqrt", b.select(positive, p, b.full_like(p, 1)))
    for _ in range(_MEANS):
        mean, other = b.scale(b.add(mean, other), 0.5), b("sqrt", b.mul(mean, other))
    value = b.div(b.full_like(p, math.pi / 2), mean)
    value = b.select(positive, value, b.full_like(p, math.nan))
    return b.select(_equals(b, p, 0), b.full_like(p, math.inf), value)


def ellipk(b: Builder, m: Handle) -> Handle:
    """K(m), of the parameter m = k²."""
    return ellipkm1(b, b.sub(b.full_like(m, 1), m))


def ellipe(b: Builder, m: Handle) -> Handle:
    """E(m) = K(m) (1 - Σ 2^(n-1) c_n²), with c₀² = m and c_n = (a - b)/2; 1 at 1, nan beyond."""
    inside = b.compare("lt", m, b.full_like(m, 1))
    safe = b.select(inside, m, b.zeros_like(m))
    mean, other = b.full_like(m, 1), b("sqrt", b.sub(b.full_like(m, 1), safe))
    rest, weight = _plus(b, b.scale(safe, -0.5), 1), 1.0
    for _ in range(_MEANS):
        gap = b.scale(b.sub(mean, other), 0.5)
        mean, other = b.scale(b.add(mean, other), 0.5), b("sqrt", b.mul(mean, other))
        rest = b.sub(rest, b.scale(b.mul(gap, gap), weight))
        weight *= 2
    value = b.mul(b.div(b.full_like(m, math.pi / 2), mean), rest)
    value = b.select(inside, value, b.full_like(m, math.nan))
    return b.select(_equals(b, m, 1), b.full_like(m, 1), value)
