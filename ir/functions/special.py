"""Special functions as compositions."""

from __future__ import annotations

import math

from ..builder import Builder, Handle
from .bessel import chebyshev

# B_2k for k = 8, 7, …, 1: ψ'(x) ~ 1/x + 1/(2x²) + Σ B_2k / x^(2k+1)  (DLMF 5.15.8)
_TRIGAMMA_SERIES = (-3617 / 510, 7 / 6, -691 / 2730, 5 / 66, -1 / 30, 1 / 42, -1 / 30, 1 / 6)
_SHIFT = 9


def trigamma(b: Builder, x: Handle) -> Handle:
    """ψ'(x), by ψ'(x) = ψ'(x+n) + Σ 1/(x+k)²; on the left by ψ'(x) = π²/sin²(πx) - ψ'(1-x).

    DLMF 5.15.5 and 5.15.6. Every operation in it has a derivative: all polygammas come with it.
    """
    left = b.compare("lt", x, b.full_like(x, 0.5))
    one = b.full_like(x, 1)
    right = _trigamma_right(b, b.select(left, b.sub(one, x), x))
    fraction = b.select(left, b.sub(x, b("rint", x)), b.full_like(x, 0.5))
    sine = b("sin", b.scale(fraction, math.pi))
    reflected = b.sub(b.div(b.full_like(x, math.pi**2), b.mul(sine, sine)), right)
    return b.select(left, reflected, right)


def _trigamma_right(b: Builder, x: Handle) -> Handle:
    one = b.full_like(x, 1)
    shifted = b.add(x, b.full_like(x, _SHIFT))
    inverse = b.div(one, shifted)
    square = b.mul(inverse, inverse)
    series = b.full_like(x, _TRIGAMMA_SERIES[0])
    for coefficient in _TRIGAMMA_SERIES[1:]:
        series = b.add(b.mul(series, square), b.full_like(x, coefficient))
    result = b.mul(b.add(b.add(one, b.scale(inverse, 0.5)), b.mul(series, square)), inverse)
    for k in reversed(range(_SHIFT)):
        term = b.add(x, b.full_like(x, k))
        result = b.add(result, b.div(one, b.mul(term, term)))
    return result


# B_2k for k = 1, 2, …, 10
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
              43867 / 798, -174611 / 330)  # fmt: skip


def polygamma(b: Builder, x: Handle, *, order: int) -> Handle:
    """ψ⁽ⁿ⁾(x) = (-1)ⁿ⁺¹ n! ζ(n + 1, x) for n >= 2, by Euler and Maclaurin's sum (DLMF 25.11.7).

    Below 0 it is nan, as SciPy's.
    """
    if order < 2:
        return trigamma(b, x) if order else b("digamma", x)
    steps, power = 10 + order, order + 1
    positive = b.compare("gt", x, b.zeros_like(x))
    point = b.select(positive, x, b.full_like(x, 1))
    far = b.add(point, b.full_like(x, steps))
    inverse = b.div(b.full_like(x, 1), far)
    square = b.mul(inverse, inverse)
    series = b.zeros_like(x)
    for k in reversed(range(1, len(_BERNOULLI) + 1)):
        rising = math.prod(range(power, power + 2 * k - 1)) / math.factorial(2 * k)
        series = b.add(b.mul(series, square), b.full_like(x, _BERNOULLI[k - 1] * rising))
    tail = b.add(b.mul(series, square), b.add(b.scale(inverse, 0.5), b.full_like(x, 1 / order)))
    total = b.mul(tail, _power(b, inverse, order))
    for k in reversed(range(steps)):
        term = b.div(b.full_like(x, 1), b.add(point, b.full_like(x, k)))
        total = b.add(total, _power(b, term, power))
    value = b.scale(total, (-1) ** (order + 1) * math.factorial(order))
    return b.select(positive, value, b.full_like(x, math.nan))


def _power(b: Builder, x: Handle, exponent: int) -> Handle:
    result = x
    for _ in range(exponent - 1):
        result = b.mul(result, x)
    return result


def ndtr(b: Builder, x: Handle) -> Handle:
    """The normal distribution's Φ(x) = ½ erfc(-x/√2)."""
    return b("ndtr", x)


def half_erfc(b: Builder, x: Handle) -> Handle:
    """½ erfc(-x/√2), which the op `ndtr` is."""
    return b.scale(b("erfc", b.scale(x, -math.sqrt(0.5))), 0.5)


def logit(b: Builder, x: Handle) -> Handle:
    """log(x / (1 - x))."""
    return b.sub(b("log", x), b("log1p", b.neg(x)))


def xlogy(b: Builder, x: Handle, y: Handle) -> Handle:
    """x log y, and 0 where x = 0 (unless y is nan); its gradient is 0 where log y is not finite."""
    bad = b("logical_or", _at_most(b, y, 0), b.compare("eq", y, b.full_like(y, math.inf)))
    empty = b("logical_and", b.compare("eq", x, b.zeros_like(x)), bad)
    return b.mul(x, b("log", b.select(empty, b.full_like(y, 1), y)))


def xlog1py(b: Builder, x: Handle, y: Handle) -> Handle:
    """x log(1 + y), and 0 where x = 0 (unless y is nan)."""
    bad = b("logical_or", _at_most(b, y, -1), b.compare("eq", y, b.full_like(y, math.inf)))
    empty = b("logical_and", b.compare("eq", x, b.zeros_like(x)), bad)
    return b.mul(x, b("log1p", b.select(empty, b.zeros_like(y), y)))


def _at_most(b: Builder, x: Handle, bound: float) -> Handle:
    return b.compare("le", x, b.full_like(x, bound))


def multigammaln(b: Builder, x: Handle, *, dimension: int) -> Handle:
    """The logarithm of the multivariate gamma function."""
    total = b.full_like(x, dimension * (dimension - 1) / 4 * math.log(math.pi))
    for j in range(dimension):
        total = b.add(total, b("lgamma", b.add(x, b.full_like(x, -j / 2))))
    return total


# (1 + 2x/√π) e^(x²) erfc x = c₀/2 + Σ c_k T_k((x - 3.5)/(x + 3.5)); `tests/ops/chebyshev.py`
# fmt: off
_ERFCX = (
    1.6013056591622035, -0.19304567499409284, 0.025603940154920585, 0.008395961549995124,
    -0.007185402561828381, 0.002825486540486803, -0.000748975531051283, 0.00013488113774695677,
    -1.2928319714956377e-05, -7.31946023348273e-07, 4.304713403114528e-07,
    -3.7885055558386233e-08, -7.70379987857632e-09, 1.8440460001519026e-09, 9.273388238233555e-11,
    -6.552304263149724e-11, 1.4890793881236795e-13, 2.2927471740008873e-12,
    -6.291995193309817e-14, -8.547430514561582e-14, 2.703951549952685e-15, 3.4460131156477767e-15,
    -5.354391053747555e-17, -1.4747882849176963e-16,
)
# fmt: on


def erfcx(b: Builder, x: Handle) -> Handle:
    """e^(x²) erfc(x)."""
    return b("erfcx", x)


def scaled_erfc(b: Builder, x: Handle) -> Handle:
    """e^(x²) erfc(x), which the op `erfcx` is: 2e^(x²) - erfcx(-x) on the left (DLMF 7.4.2)."""
    size = b("abs", x)
    finite = b.compare("lt", size, b.full_like(x, 1e150))
    bounded = b.select(finite, size, b.full_like(x, 1e150))
    inverse = b.div(b.full_like(x, 1), b.add(bounded, b.full_like(x, 3.5)))
    t = b.mul(b.sub(bounded, b.full_like(x, 3.5)), inverse)
    slope = b.scale(size, 2 / math.sqrt(math.pi))
    right = b.div(chebyshev(b, t, _ERFCX), b.add(slope, b.full_like(x, 1)))
    negative = b.compare("lt", x, b.zeros_like(x))
    left = b.select(negative, size, b.zeros_like(x))
    left = b.select(b.compare("lt", left, b.full_like(x, 27)), left, b.full_like(x, 27))
    value = b.select(negative, b.sub(b.scale(_exp_of_square(b, left), 2), right), right)
    return b.select(b.compare("ne", x, x), x, value)


def _exp_of_square(b: Builder, x: Handle) -> Handle:
    """e^(x²), with the rounding error of x² (by Dekker's splitting) put back."""
    square = b.mul(x, x)
    wide = b.scale(x, 134217729.0)
    high = b.sub(wide, b.sub(wide, x))
    low = b.sub(x, high)
    error = b.add(b.sub(b.mul(high, high), square), b.scale(b.mul(high, low), 2))
    error = b.add(error, b.mul(low, low))
    value = b("exp", square)
    infinite = b.compare("eq", value, b.full_like(x, math.inf))
    return b.select(infinite, value, b.add(value, b.mul(value, error)))


def erfcx_slope(b: Builder, x: Handle, value: Handle) -> Handle:
    """The derivative 2x erfcx(x) - 2/√π; far on the right by its series, where that cancels."""
    far = b.compare("gt", x, b.full_like(x, 25))
    near_x = b.select(far, b.zeros_like(x), x)
    near = b.sub(b.scale(b.mul(near_x, value), 2), b.full_like(x, 2 / math.sqrt(math.pi)))
    inverse = b.div(b.full_like(x, 1), b.select(far, x, b.full_like(x, 25)))
    half_square = b.scale(b.mul(inverse, inverse), 0.5)
    series = b.full_like(x, 1)
    for k in reversed(range(2, 9)):
        series = b.sub(b.full_like(x, 1), b.mul(b.scale(half_square, 2 * k - 1), series))
    slope = b.mul(b.scale(b.mul(inverse, inverse), -1 / math.sqrt(math.pi)), series)
    return b.select(far, slope, near)
