"""exp, exp2, expm1: x = n ln 2 + r with |r| <= ln(2)/2, a polynomial in r, and a scaling by 2**n.

The reduction is Cody and Waite's (Software Manual for the Elementary Functions, 1980) in two steps
of fused multiply-add, the first of which is exact. Results near the subnormals are scaled in two
steps, so that they are rounded once. Polynomials: minimax, made for this module.
"""

from __future__ import annotations

from .formats import FORMATS, LN2, LOG2E
from .registry import MathsFunction
from .terms import Term, fma, polynomial, where

# exp(r) = 1 + r + r**2 * P(r) on |r| <= ln(2)/2, relative error 2**-57.9 and 2**-28.2
EXP = {
    "f64": (
        0.5000000000000013, 0.16666666666666685, 0.04166666666651146, 0.008333333333315391,
        0.001388888894791876, 0.00019841269900665095, 2.4801489096887284e-05,
        2.755723058051509e-06, 2.7631559546723553e-07, 2.511350092797868e-08,
    ),
    "f32": (
        0.5, 0.166665181517601, 0.041666436940431595, 0.0083689596503973, 0.0013937500771135092,
    ),
}  # fmt: skip

# 2**r = 1 + r * (LN2 + P(r)) on |r| <= 1/2, relative error 2**-58.0 and 2**-28.9
_EXP2 = {
    "f64": (
        2.1840342470800484e-17, 0.24022650695910133, 0.055504108664821736, 0.009618129107593337,
        0.0013333558146380623, 0.00015403530458067325, 1.525273386602057e-05,
        1.3215434824729736e-06, 1.0178047074050802e-07, 7.073858677878216e-09,
        4.4572988267229807e-10,
    ),
    "f32": (
        2.407056243214356e-08, 0.24022650718688965, 0.055503275245428085, 0.009618074633181095,
        0.0013400329044088721, 0.0001545759296277538,
    ),
}  # fmt: skip

# As EXP, but good relative to expm1(r): 2**-61.6 and 2**-31.0
_EXPM1 = {
    "f64": (
        0.5, 0.16666666666666677, 0.04166666666666662, 0.008333333333321457, 0.0013888888888915513,
        0.00019841269886507933, 2.4801587254502207e-05, 2.7557243862204355e-06,
        2.7557338441916984e-07, 2.5109149139926294e-08, 2.089388662661987e-09,
    ),
    "f32": (
        0.5, 0.1666666567325592, 0.04166647791862488, 0.008333567529916763,
        0.0013933698646724224, 0.00019742539734579623,
    ),
}  # fmt: skip

# Where exp is certainly 0, and certainly infinite
EXP_RANGE = {"f64": (-746.0, 710.0), "f32": (-104.0, 89.0)}
_EXP2_RANGE = {"f64": (-1080.0, 1024.0), "f32": (-156.0, 128.0)}
# Below the first, expm1 is -1; below the second in size, x
EXPM1_RANGE = {"f64": (-40.0, 710.0), "f32": (-18.0, 89.0)}
EXPM1_TINY = {"f64": 2.0**-54, "f32": 2.0**-25}


def exp(x: Term) -> Term:
    """e**x. Largest error: 1.0 ULP in f64, 0.92 in f32."""
    low, high = EXP_RANGE[x.dtype]
    x = x.at_most(high).at_least(low)
    n = nearest(x, LOG2E[x.dtype][0])
    first, r, last = remainder(x, n)
    return scaled_by_power(first + fma(r * r, polynomial(r, EXP[x.dtype]), last), n)


def exp2(x: Term) -> Term:
    """2**x. Largest error: 1.0 ULP in f64, 0.86 in f32."""
    low, high = _EXP2_RANGE[x.dtype]
    x = x.at_most(high).at_least(low)
    n = nearest(x)
    r = x - n
    rest = r * polynomial(r, _EXP2[x.dtype])
    return scaled_by_power(fma(r, LN2[x.dtype][0], rest), n)


def expm1(x: Term) -> Term:
    """e**x - 1. Largest error: 1.07 ULP in f64, 0.87 in f32."""
    low, high = EXPM1_RANGE[x.dtype]
    high_part, low_part = half_expm1(x.at_most(high).at_least(low))
    result = high_part + low_part
    return where(abs(x) < EXPM1_TINY[x.dtype], x, result + result)


def half_expm1(x: Term) -> tuple[Term, Term]:
    """(e**x - 1)/2 as a sum of two, half of it because 2**n may overflow.

    With B = 2**n/2 and A = B - 1/2 it is A + B*(e**r - 1), whose leading terms A + B*r are kept
    with their rounding errors.
    """
    n = nearest(x, LOG2E[x.dtype][0])
    first, r, last = remainder(x, n)
    tail = fma(r * r, polynomial(r, _EXPM1[x.dtype], lead=2), last)
    scale = power_of_two(n, -1)
    start = scale - 0.5
    high = fma(scale, first, start)
    error = fma(scale, first, start - high) + ((scale - start) - 0.5)
    return high, fma(scale, tail, error)


def logistic(x: Term) -> Term:
    """1/(1 + e**-x). Largest error: 0.93 ULP in f64, 0.93 in f32.

    It is 1/(1 + z) or z/(1 + z) with z = e**-|x| = 2**n (1 + f), all sums kept with their rounding
    errors. The 2**n above the line comes last, where it rounds once, to a subnormal.
    """
    low, _ = EXP_RANGE[x.dtype]
    size = (-abs(x)).at_least(low)
    n = nearest(size, LOG2E[x.dtype][0])
    first, r, last = remainder(size, n)
    fraction = first + fma(r * r, polynomial(r, EXP[x.dtype]), last)
    high = fraction + 1.0
    low_part = fraction - (high - 1.0)
    scale = power_of_two(n.at_least(1.0 - FORMATS[x.dtype].bias))
    z = high * scale
    divisor = z + 1.0
    divisor_low = fma(low_part, scale, z - (divisor - 1.0))
    negative = x < 0.0
    above, above_low = where(negative, high, 1.0), where(negative, low_part, 0.0)
    inverse = 1.0 / divisor
    quotient = above * inverse
    error = fma(-quotient, divisor, above) + fma(-quotient, divisor_low, above_low)
    result = fma(error, inverse, quotient)
    for factor in scale_factors(where(negative, n, 0.0)):
        result = result * factor
    return result


def nearest(x: Term, factor: float = 1.0) -> Term:
    """The integer nearest to x*factor, of moderate size."""
    shifter = FORMATS[x.dtype].shifter
    shifted = x + shifter if factor == 1.0 else fma(x, factor, shifter)
    return shifted - shifter


def remainder(x: Term, n: Term) -> tuple[Term, Term, Term]:
    """r = x - n ln 2: its exact first part, its rounded sum, and the small second part."""
    high, low = LN2[x.dtype]
    first = fma(n, -high, x)  # exact: a multiple of high's last place, and smaller than one
    last = n * -low
    return first, first + last, last


def power_of_two(n: Term, offset: int = 0) -> Term:
    """2**(n + offset), if normal: the biased sum, left in the low bits by the shifter, moves up."""
    form = FORMATS[n.dtype]
    return ((n + (form.shifter + form.bias + offset)).bits() << form.mantissa).as_float()


def scaled_by_power(fraction: Term, n: Term) -> Term:
    """(1 + fraction) * 2**n, of which only the last product rounds."""
    large, rest = scale_factors(n)
    return fma(fraction, large, large) * rest


def scale_factors(n: Term) -> tuple[Term, Term]:
    """Two powers of two with the product 2**n, which itself may be too large or too small."""
    form = FORMATS[n.dtype]
    whole = (n + (form.shifter + 2 * form.bias)).bits()
    half = fma(n, 0.5, form.shifter + form.bias).bits()
    return (half << form.mantissa).as_float(), ((whole - half) << form.mantissa).as_float()


FUNCTIONS = (
    MathsFunction("exp", 1, exp),
    MathsFunction("exp2", 1, exp2),
    MathsFunction("expm1", 1, expm1),
    MathsFunction("logistic", 1, logistic),
)
