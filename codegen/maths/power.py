"""pow(x, y) = exp(y log x), with the logarithm as a sum of two.

In f64, log(1 + f) comes from the series of 2 atanh(s), s = f/(2 + f), whose first two terms are
carried in double-double arithmetic (Dekker 1971): its relative error is about 2**-66, and the
result's hardly more than the rounding of exp. In f32 everything is plain f64 arithmetic, where also
the subnormals of f32 are normal. The special cases are those of C99, annex F.9.4.4.
"""

from __future__ import annotations

import math

from .exponential import EXP, nearest, power_of_two, scaled_by_power
from .formats import FORMATS, LN2, LOG2E
from .logarithm import SHORT_LN2, split, without_subnormals
from .registry import MathsFunction
from .terms import Term, fma, normalised, polynomial, where

# 2 atanh(s) = 2 s + s**3 (2/3 + s**2 P(s**2)), relative error 2**-70
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
_ATANH = (
    0.4000000000000227, 0.2857142857009134, 0.22222222521442625, 0.1818178423003224,
    0.15386763822993504, 0.13256662749614503, 0.1319780049868346,
)  # fmt: skip

# For f32: log2(1 + f) = f * P(f), relative error 2**-35.3, and 2**r = 1 + r * P(r), 2**-34.3
_LOG2 = (
    1.4426950408687116, -0.7213475208692289, 0.4808983613988957, -0.36067367473991935,
    0.28853729293548375, -0.24045316918208304, 0.20617537676323092, -0.18030054486337124,
    0.15876957452698695, -0.14315689296927625, 0.14474986855217015, -0.14283781185349342,
    0.07736625504256711,
)  # fmt: skip
_EXP2 = (
    0.6931471805417878, 0.24022651075896737, 0.05550410962175668, 0.009618036910118628,
    0.0013333431094418684, 0.00015467109751842947, 1.5314879207367422e-05,
)  # fmt: skip

_LARGEST_EXPONENT = 2.0**66  # of the result: beyond, it is saturated for every x but 1


def power(x: Term, y: Term) -> Term:
    """x**y. Largest error: 1.0 ULP in f64, 0.53 in f32."""
    usual = (x >= FORMATS[x.dtype].smallest_normal) & (x < math.inf) & y.equals(y)
    return _positive_power(x, 0.0, y).rescue(~usual, lambda: x.call("pow_rare", y))


def power_rare(x: Term, y: Term) -> Term:
    """x**y with all its special cases."""
    size = abs(x)
    result = _positive_power(*without_subnormals(size), y)
    grows = y > 0.0
    at_zero = where(grows, x.constant(0.0), math.inf)
    at_infinity = where(grows, x.constant(math.inf), 0.0)
    result = where(size.equals(0.0), at_zero, result)
    result = where(size.equals(math.inf), at_infinity, result)
    result = where((x < 0.0) & (size < math.inf) & ~_is_integer(y), math.nan, result)
    result = where(_is_odd(y), result.copysign(x), result)
    result = where(x.is_nan() | y.is_nan(), x + y, result)
    return where(y.equals(0.0) | x.equals(1.0), 1.0, result)


def _is_integer(y: Term) -> Term:
    return y.rint().equals(y)


def _is_odd(y: Term) -> Term:
    half = 0.5 * y
    return _is_integer(y) & half.rint().differs(half)


def _positive_power(x: Term, offset: Term | float, y: Term) -> Term:
    """(x * 2**-offset)**y for a positive, normal x."""
    y = y.at_most(_LARGEST_EXPONENT).at_least(-_LARGEST_EXPONENT)
    if x.dtype == "f32":
        return _power_in_f64(x.to("f64"), offset, y.to("f64")).to("f32")
    k, f = split(x)
    high, low = long_logarithm(_less(k, offset), f)
    product = y * high
    product_low = fma(y, low, fma(y, high, -product))
    return _exponential(product, product_low)


def _less(k: Term, offset: Term | float) -> Term:
    return k - offset.to(k.dtype) if isinstance(offset, Term) else k


def _power_in_f64(x: Term, offset: Term | float, y: Term) -> Term:
    k, f = split(x)
    product = y * fma(f, polynomial(f, _LOG2, 4), _less(k, offset))
    product = product.at_most(200.0).at_least(-200.0)  # far beyond the range of f32
    n = nearest(product)
    r = product - n
    scale = power_of_two(n)
    return fma(r * polynomial(r, _EXP2), scale, scale)


def long_logarithm(k: Term, f: Term) -> tuple[Term, Term]:
    """k ln 2 + log(1 + f) as a sum of two."""
    s, s_low = _quotient(f)
    z = s * s
    z_low = fma(s + s, s_low, fma(s, s, -z))
    third, third_low = _cubic(s, s_low, z, z_low)
    whole = k * SHORT_LN2["f64"][0]
    double = s + s
    total = whole + double
    error = (whole - total) + double
    sum_high = total + third
    error = error + ((total - sum_high) + third)
    rest = fma(k, SHORT_LN2["f64"][1], fma(s_low, 2.0, third_low))
    return normalised(sum_high, error + rest)


def _quotient(f: Term) -> tuple[Term, Term]:
    """f/(2 + f) as a sum of two."""
    divisor = f + 2.0
    divisor_low = f - (divisor - 2.0)
    inverse = 1.0 / divisor
    s = f * inverse
    return s, fma(-s, divisor_low, fma(-s, divisor, f)) * inverse


def _cubic(s: Term, s_low: Term, z: Term, z_low: Term) -> tuple[Term, Term]:
    """2 atanh(s) - 2 s = s z (2/3 + z P(z)), as a sum of two."""
    first, second = _TWO_THIRDS
    small = z * polynomial(z, _ATANH)
    factor = small + first
    factor_low = (small - (factor - first)) + second
    cube = s * z
    cube_low = fma(s_low, z, fma(s, z_low, fma(s, z, -cube)))
    product = cube * factor
    return product, fma(cube_low, factor, fma(cube, factor_low, fma(cube, factor, -product)))


def _exponential(x: Term, x_low: Term) -> Term:
    """exp(x + x_low)."""
    return scaled_by_power(*exponential_parts(x, x_low))


def exponential_parts(x: Term, x_low: Term, largest: float = 712.0) -> tuple[Term, Term]:
    """f and n with exp(x + x_low) = (1 + f) 2**n, in f64, for x up to `largest`."""
    x = x.at_most(largest).at_least(-748.0)  # 0 and infinity come out, whatever x_low
    x_low = x_low.at_most(1.0).at_least(-1.0)
    n = nearest(x, LOG2E["f64"][0])
    first = fma(n, -LN2["f64"][0], x)
    last = fma(n, -LN2["f64"][1], x_low)
    r = first + last
    return first + fma(r * r, polynomial(r, EXP["f64"]), last), n


FUNCTIONS = (
    MathsFunction("pow", 2, power),
    MathsFunction("pow_rare", 2, power_rare, cold=True),
)
