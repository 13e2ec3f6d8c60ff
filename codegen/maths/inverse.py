"""asin, acos, atan, atan2: an argument reduction with a square root or a division, a polynomial.

Roots and quotients are followed by their rounding errors, in one fused multiply-add and a coarse
reciprocal, so that these cost next to nothing in accuracy. Polynomials: minimax, made for this
module. See Muller, Elementary Functions, chapter 10.
"""

from __future__ import annotations

import math

from .formats import HALF_PI
from .registry import MathsFunction
from .terms import Term, fma, polynomial, where

# asin(x) = x + x**3 * P(x**2) on |x| <= 1/2, relative error 2**-59.8 and 2**-31.7
_ASIN = {
    "f64": (
        0.16666666666666763, 0.07499999999970113, 0.04464285717527965, 0.03038194267543289,
        0.022372215903204633, 0.017351595543810834, 0.013981017940782913, 0.01139729885780397,
        0.010789283052902231, 0.00367234812423232, 0.021790210227679546,
        -0.021116053043175213, 0.03270172038089419,
    ),
    "f32": (
        0.16666659712791443, 0.0750051885843277, 0.04451436549425125, 0.03182799369096756,
        0.014365839771926403, 0.037614211440086365,
    ),
}  # fmt: skip

# atan(x) = x + x**3 * P(x**2) on |x| <= 1, relative error 2**-57.6 and 2**-28.5
_ATAN = {
    "f64": (
        -0.33333333333333065, 0.19999999999951087, -0.14285714282557294, 0.11111111006571117,
        -0.09090906995821581, 0.0769227976350616, -0.06666403489980312, 0.05880524687941056,
        -0.052535055512896944, 0.04722280674945378, -0.042190758064356126,
        0.036639908869922605, -0.029900818977161785, 0.021981260978520434,
        -0.013897292002644135, 0.007194260416207979, -0.0028837960547628775,
        0.0008309354769017868, -0.00015207910493984043, 1.3217060431741412e-05,
    ),
    "f32": (
        -0.33333298563957214, 0.1999853402376175, -0.14264102280139923, 0.10951504856348038,
        -0.08401571214199066, 0.05792693793773651, -0.031148536130785942,
        0.010899423621594906, -0.0017903322586789727,
    ),
}  # fmt: skip

# Integers that, less the bits of s, are the bits of 1/(2 s) within some 6 %
_HALF_RECIPROCAL = {"f64": 0x7FCE_624D_D2F1_A800, "f32": 0x7E73_126E}


# Where the larger operand of atan2 has a reciprocal, and the rounding error of the quotient too
_ATAN2_RANGE = {"f64": (2.0**-900, 2.0**1020), "f32": (2.0**-90, 2.0**124)}


def asin(x: Term) -> Term:
    """Largest error: 0.65 ULP in f64, 0.66 in f32."""
    small, t, low = _near_one(x)
    first, second = HALF_PI[x.dtype]
    high = where(small, x.constant(0.0), first)
    # beyond 1/2: pi/2 - 2 asin(t)
    lead = where(small, t, -2.0 * t)
    rest = where(small, low, fma(low, -2.0, second))
    return _sum(high, lead, rest).copysign(x)


def acos(x: Term) -> Term:
    """Largest error: 0.61 ULP in f64, 0.64 in f32."""
    small, t, low = _near_one(x)
    first, second = HALF_PI[x.dtype]
    negative = x < 0.0
    factor = where(small, x.constant(-1.0), 2.0)
    factor = where(negative, -factor, factor)
    start = where(negative, x.constant(2.0), 0.0)
    start = where(small, 1.0, start)
    return _sum(start * first, factor * t, fma(factor, low, start * second))


def _near_one(x: Term) -> tuple[Term, Term, Term]:
    """Whether |x| < 1/2; t = |x| or sqrt((1 - |x|)/2); and asin(t) - t."""
    dtype = x.dtype
    size = abs(x)
    small = size < 0.5
    folded = fma(size, -0.5, 0.5)
    z = where(small, size * size, folded)
    root = folded.sqrt()
    t = where(small, size, root)
    inverse = _half_reciprocal(root)
    missing = where(small, 0.0, fma(-root, root, folded) * inverse)
    return small, t, fma(t * z, polynomial(z, _ASIN[dtype], 4), missing)


def _half_reciprocal(s: Term) -> Term:
    """1/(2 s), roughly: subtracting the bits negates the exponent."""
    return (_HALF_RECIPROCAL[s.dtype] - s.bits()).as_float()


def _sum(high: Term, lead: Term, rest: Term) -> Term:
    """high + lead + rest, where high is 0 or greater than lead."""
    total = high + lead
    return total + (((high - total) + lead) + rest)


def atan(x: Term) -> Term:
    """Largest error: 1.3 ULP in f64, 0.96 in f32."""
    first, second = HALF_PI[x.dtype]
    size = abs(x).at_most(2.0**60)  # where it has long been pi/2
    large = size > 1.0
    inverse = 1.0 / size
    missing = where(large, fma(-inverse, size, 1.0) * inverse, 0.0)
    t = where(large, inverse, size)
    low = _atan_tail(t, missing, where(large, x.constant(-second), 0.0))
    folded = _sum(x.constant(first), -t, -low)
    return where(large, folded, t + low).copysign(x)


def _atan_tail(t: Term, missing: Term, offset: Term) -> Term:
    """atan(t + missing) - t + offset; the slope there, 1/(1 + t**2), is close to 1 - t**2/2."""
    z = t * t
    offset = fma(missing, fma(z, -0.5, 1.0), offset)
    cube, series = t * z, polynomial(z, _ATAN[t.dtype], 4, lead=5)
    if t.dtype == "f32":  # held to 1 ULP, which the rounding errors of the cube would cost
        lost = fma(t, fma(t, t, -z), fma(t, z, -cube))
        offset = fma(lost, series, offset)
    return fma(cube, series, offset)


def atan2(y: Term, x: Term) -> Term:
    """The angle of the point (x, y). Largest error: 1.3 ULP in f64, 0.96 in f32."""
    low, high = _ATAN2_RANGE[x.dtype]
    larger = _larger(abs(y), abs(x))
    usual = (larger > low) & (larger < high)
    return _angle(y, x).rescue(~usual, lambda: y.call("atan2_rare", x))


def _larger(a: Term, b: Term) -> Term:
    return where(a > b, a, b)


def _angle(y: Term, x: Term) -> Term:
    """atan2 where the larger of |x| and |y| is within _ATAN2_RANGE.

    It is start + sign*(t + low): from pi/2 if steep, from pi if leftwards, otherwise from 0.
    """
    a, b = abs(y), abs(x)
    steep = a > b
    larger, smaller = where(steep, a, b), where(steep, b, a)
    t = smaller / larger
    missing = fma(-t, larger, smaller) * (_half_reciprocal(larger) * 2.0)
    left = x.bits() < 0
    first, second = HALF_PI[x.dtype]
    turns = where(steep, 1.0, where(left, x.constant(2.0), 0.0))
    turned = left.differs(steep)
    low = _atan_tail(t, missing, where(turned, -turns, turns) * second)
    return _sum(turns * first, where(turned, -t, t), where(turned, -low, low)).copysign(y)


def atan2_rare(y: Term, x: Term) -> Term:
    """atan2 of what is very large, very small, zero, infinite or nan."""
    low, _ = _ATAN2_RANGE[x.dtype]
    larger = _larger(abs(y), abs(x))
    infinite = larger.equals(math.inf)
    factor = where(larger > 1.0, x.constant(2.0**-8), 1.0 / low)
    scaled_y = where(infinite, _infinite_to_one(y), y * factor)
    scaled_x = where(infinite, _infinite_to_one(x), x * factor)
    scaled_x = where(larger.equals(0.0), x.constant(1.0).copysign(x), scaled_x)
    result = _angle(scaled_y, scaled_x)
    return where(x.is_nan(), x, where(y.is_nan(), y, result))


def _infinite_to_one(x: Term) -> Term:
    return where(abs(x) < math.inf, x.constant(0.0), 1.0).copysign(x)


FUNCTIONS = (
    MathsFunction("asin", 1, asin),
    MathsFunction("acos", 1, acos),
    MathsFunction("atan", 1, atan),
    MathsFunction("atan2", 2, atan2),
    MathsFunction("atan2_rare", 2, atan2_rare, cold=True),
)
