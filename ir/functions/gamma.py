"""Γ(x), and the beta function without cancellation. Numbers of formulas are DLMF's."""

from __future__ import annotations

import math

from ..builder import Builder, Handle
from .bessel import chebyshev

# Γ(2.5 + t/2) on [-1, 1], made by `tests/ops/chebyshev.py`
# fmt: off
_GAMMA = (
    2.8275644840489047, 0.49172848008900727, 0.08532454170609606, 0.008214558154673682,
    0.0008879278094690782, 5.6765679151886106e-05, 5.264076190531452e-06, 1.9612784848738765e-07,
    2.425465919964936e-08, -4.340584399846537e-11, 1.2813542241531117e-10, -7.185158744735293e-12,
    9.878862168080628e-13, -8.935248942385424e-14, 9.472673359391568e-15, -9.426686010233666e-16,
    9.59100989075118e-17,
)
# fmt: on

# Γ(x) = √(2π) x^(x-½) e^-x (1 + Σ g_k / x^k)  (5.11.3)
_STIRLING = (1 / 12, 1 / 288, -139 / 51840, -571 / 2488320, 163879 / 209018880,
             5246819 / 75246796800, -534703531 / 902961561600, -4483131259 / 86684309913600,
             432261921612371 / 514904800886784000)  # fmt: skip
_FAR = 20.0
_STEPS = 17  # from [2, 3) up to _FAR


def _plus(b: Builder, x: Handle, value: float) -> Handle:
    return b.add(x, b.full_like(x, value))


def _at_least(b: Builder, x: Handle, bound: float) -> Handle:
    return b.compare("ge", x, b.full_like(x, bound))


def gamma(b: Builder, x: Handle) -> Handle:
    """Γ(x); ±inf at ±0, nan at the other poles. Γ(-a) = -π / (a sin πa Γ(a)) (5.5.1, 5.5.3)."""
    left = b.compare("lt", x, b.zeros_like(x))
    tiny = b.compare("lt", b("abs", x), b.full_like(x, 1e-150))
    value = _gamma_right(b, b.select(tiny, b.full_like(x, 1), b("abs", x)))
    fraction = b.select(left, b.sub(x, b("rint", x)), b.full_like(x, 0.5))
    sine = b("sin", b.scale(fraction, math.pi))
    nearest = b("rint", x)  # sin πx = sin π(x - n) (-1)^n
    odd = b.compare("ne", b.scale(nearest, 0.5), b("floor", b.scale(nearest, 0.5)))
    sine = b.select(odd, b.neg(sine), sine)
    reflected = b.div(b.div(b.full_like(x, -math.pi), b.mul(sine, x)), value)
    pole = b("logical_and", left, b.compare("eq", x, b("rint", x)))
    reflected = b.select(pole, b.full_like(x, math.nan), reflected)
    value = b.select(left, reflected, value)
    value = b.select(tiny, b.div(b.full_like(x, 1), x), value)
    return b.select(b.compare("ne", x, x), x, value)


def loggamma(b: Builder, x: Handle) -> Handle:
    """log Γ(x) as a real number: nan below 0."""
    negative = b.compare("lt", x, b.zeros_like(x))
    value = b("lgamma", b.select(negative, b.full_like(x, 1), x))
    return b.select(negative, b.full_like(x, math.nan), value)


def _gamma_right(b: Builder, x: Handle) -> Handle:
    """Γ(x) for x >= 0."""
    far = _at_least(b, x, _FAR)
    moderate = b.select(far, b.full_like(x, 2.5), x)
    small = b.compare("lt", moderate, b.full_like(x, 2))
    product = b.full_like(x, 1)
    rest = moderate
    for _ in range(_STEPS):  # Γ(x) = (x - 1) Γ(x - 1)
        large = _at_least(b, rest, 3)
        below = _plus(b, rest, -1)
        rest = b.select(large, below, rest)
        product = b.select(large, b.mul(product, below), product)
    one_more = _plus(b, moderate, 1)
    middle = _at_least(b, moderate, 1)
    divisor = b.select(middle, moderate, b.mul(moderate, one_more))  # Γ(x) = Γ(x + n) / (x)_n
    up = b.select(middle, one_more, _plus(b, one_more, 1))
    at = b.select(small, up, rest)
    value = chebyshev(b, _plus(b, b.add(at, at), -5), _GAMMA)
    near = b.select(small, b.div(value, divisor), b.mul(value, product))
    return b.select(far, _stirling(b, b.select(far, x, b.full_like(x, _FAR))), near)


def _stirling(b: Builder, x: Handle) -> Handle:
    """Γ(x) for x >= 20; the power in two steps, since it overflows before the whole."""
    inverse = b.div(b.full_like(x, 1), x)
    series = b.full_like(x, _STIRLING[-1])
    for coefficient in reversed(_STIRLING[:-1]):
        series = _plus(b, b.mul(series, inverse), coefficient)
    series = _plus(b, b.mul(series, inverse), 1)
    power = b("pow", x, b.scale(_plus(b, x, -0.5), 0.5))
    value = b.mul(b.mul(b.div(power, b("exp", x)), power), b.scale(series, math.sqrt(2 * math.pi)))
    return b.select(_at_least(b, x, 171.7), b.full_like(x, math.inf), value)


# --- the beta function ---

# log Γ(x) - (x - ½) log x + x - ½ log 2π = Σ B_2k / (2k (2k - 1) x^(2k-1))  (5.11.1)
_REMAINDER = (
    1 / 12,
    -1 / 360,
    1 / 1260,
    -1 / 1680,
    1 / 1188,
    -691 / 360360,
    1 / 156,
    -3617 / 122400,
)
_LARGE = 10.0


def _remainder(b: Builder, x: Handle) -> Handle:
    inverse = b.div(b.full_like(x, 1), x)
    square = b.mul(inverse, inverse)
    series = b.full_like(x, _REMAINDER[-1])
    for coefficient in reversed(_REMAINDER[:-1]):
        series = _plus(b, b.mul(series, square), coefficient)
    return b.mul(series, inverse)


def _logarithm(b: Builder, x: Handle, y: Handle) -> Handle:
    """log |B(x, y)| = log |Γ(x) Γ(y) / Γ(x + y)|.

    The logarithms are large where an argument is, and cancel; there Stirling's series is put in and
    its large terms are joined.
    """
    smaller, larger = b("minimum", x, y), b("maximum", x, y)
    far = _at_least(b, larger, _LARGE)
    both = _at_least(b, smaller, _LARGE)
    one_far = b("logical_and", far, b.compare("gt", smaller, b.zeros_like(x)))
    direct = b.sub(b.add(b("lgamma", x), b("lgamma", y)), b("lgamma", b.add(x, y)))
    p = b.select(one_far, smaller, b.full_like(x, 1))
    q = b.select(one_far, larger, b.full_like(x, _LARGE))
    p_large = b.select(both, p, b.full_like(x, _LARGE))
    return b.select(
        both, _of_two_large(b, p_large, q), b.select(one_far, _of_one_large(b, p, q), direct)
    )


def _of_one_large(b: Builder, p: Handle, q: Handle) -> Handle:
    """With log Γ(q) - log Γ(p + q) from Stirling's series."""
    total = b.add(p, q)
    bend = b.mul(_plus(b, q, -0.5), b("log1p", b.div(p, q)))
    drop = b.mul(p, _plus(b, b("log", total), -1))
    rest = b.sub(_remainder(b, q), _remainder(b, total))
    return b.add(b.sub(b.sub(b("lgamma", p), drop), bend), rest)


def _of_two_large(b: Builder, p: Handle, q: Handle) -> Handle:
    total = b.add(p, q)
    rest = b.sub(b.add(_remainder(b, p), _remainder(b, q)), _remainder(b, total))
    rest = _plus(b, rest, 0.5 * math.log(2 * math.pi))
    rest = b.sub(rest, b.scale(b("log", q), 0.5))
    first = b.mul(_plus(b, p, -0.5), b("log", b.div(p, total)))
    return b.add(b.sub(first, b.mul(q, b("log1p", b.div(p, q)))), rest)


def _lost(b: Builder, x: Handle, y: Handle, total: Handle) -> Handle:
    """The relative change of Γ by the rounding error of x + y (Knuth's two-sum): ψ times that."""
    second = b.sub(total, x)
    error = b.add(b.sub(x, b.sub(total, second)), b.sub(y, second))
    usable = _at_least(b, total, 4)
    rate = b("log", b.select(usable, total, b.full_like(total, 1)))
    return b("stop_gradient", b.mul(error, rate))


def _beta(b: Builder, x: Handle, y: Handle) -> Handle:
    """B(x, y), by gamma functions while they are moderate and else by the logarithm."""
    total = b.add(x, y)
    moderate = b.compare("lt", b("maximum", b("abs", x), b("abs", y)), b.full_like(x, 60))
    safe = [b.select(moderate, z, b.full_like(z, 1)) for z in (x, y, total)]
    direct = b.mul(b.div(b("gamma", safe[0]), b("gamma", safe[2])), b("gamma", safe[1]))
    direct = b.sub(direct, b.mul(direct, _lost(b, *safe)))
    far = [b.select(moderate, b.full_like(z, 1), z) for z in (x, y)]
    size = b("exp", _logarithm(b, *far))
    return b.select(moderate, direct, b.select(_is_negative(b, x, y), b.neg(size), size))


def _is_negative(b: Builder, x: Handle, y: Handle) -> Handle:
    """Is B(x, y) < 0? Γ(z) is for z < 0 where the integer below z is odd."""
    signs = []
    for z in (x, y, b.add(x, y)):
        below = b("floor", z)
        odd = b.compare("ne", b.scale(below, 0.5), b("floor", b.scale(below, 0.5)))
        signs.append(b("logical_and", b.compare("lt", z, b.zeros_like(z)), odd))
    return b("logical_xor", b("logical_xor", signs[0], signs[1]), signs[2])


# --- 0, -1, -2, …: poles, unless the other argument is an integer that makes up for them ---


def beta(b: Builder, x: Handle, y: Handle) -> Handle:
    """B(x, y); at an integer -n it is (-1)^y B(1 + n - y, y) for an integer y <= n, else inf."""
    value = _beta(b, x, y)
    for pole, other in ((y, x), (x, y)):
        value = _at_pole(b, pole, other, value, logarithm=False)
    return value


def betaln(b: Builder, x: Handle, y: Handle) -> Handle:
    """log |B(x, y)|."""
    value = _logarithm(b, x, y)
    for pole, other in ((y, x), (x, y)):
        value = _at_pole(b, pole, other, value, logarithm=True)
    return value


def _at_pole(b: Builder, x: Handle, y: Handle, value: Handle, *, logarithm: bool) -> Handle:
    one = b.full_like(x, 1)
    pole = b("logical_and", b.compare("eq", x, b("rint", x)), b.compare("le", x, b.zeros_like(x)))
    rest = b.sub(b.sub(one, x), y)
    whole = b("logical_and", b.compare("eq", y, b("rint", y)), _at_least(b, y, 1))
    mended = b("logical_and", pole, b("logical_and", whole, _at_least(b, rest, 1)))
    p, q = b.select(mended, rest, one), b.select(mended, y, one)
    half = b.scale(q, 0.5)
    odd = b.compare("ne", half, b("floor", half))
    if logarithm:
        finite = _logarithm(b, p, q)
    else:
        size = _beta(b, p, q)
        finite = b.select(odd, b.neg(size), size)
    found = b.select(mended, finite, b.full_like(x, math.inf))
    return b.select(pole, found, value)
