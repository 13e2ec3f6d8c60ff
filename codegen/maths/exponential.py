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
_EXP = {
    "f64": (
        0.5000000000000013, 0.16666666666666685, 0.04166666666651146, 0.008333333333315391,
        0.001388888894791876, 0.00019841269900665095, 2.4801489096887284e-05,
        2.755723058051509e-06, 2.7631559546723553e-07, 2.511350092797868e-08,
    ),
    "f32": (
        0.5, 0.166665181517601, 0.041666436940431595, 0.0083689596503973, 0.0013937500771135092,
    ),
}  # fmt: skip

# 2**r = 1 + r * P(r) on |r| <= 1/2, relative error 2**-57.7 and 2**-28.2
_EXP2 = {
    "f64": (
        0.6931471805599453, 0.24022650695910128, 0.05550410866482286, 0.009618129107595075,
        0.0013333558146184537, 0.00015403530456237707, 1.525273401829958e-05,
        1.3215435616055853e-06, 1.0177992810066206e-07, 7.073737701295665e-09,
        4.464538801444878e-10,
    ),
    "f32": (
        0.6931471824645996, 0.24022650718688965, 0.05550357699394226, 0.00961807370185852,
        0.0013391808606684208, 0.00015458016423508525,
    ),
}  # fmt: skip

# As _EXP, but good relative to expm1(r): 2**-61.6 and 2**-26.1
_EXPM1 = {
    "f64": (
        0.5, 0.16666666666666677, 0.04166666666666662, 0.008333333333321457, 0.0013888888888915513,
        0.00019841269886507933, 2.4801587254502207e-05, 2.7557243862204355e-06,
        2.7557338441916984e-07, 2.5109149139926294e-08, 2.089388662661987e-09,
    ),
    "f32": (
        0.4999999701976776, 0.1666654348373413, 0.04166750609874725, 0.008366541005671024,
        0.0013864216161891818,
    ),
}  # fmt: skip

# Where exp is certainly 0, and certainly infinite
_EXP_RANGE = {"f64": (-746.0, 710.0), "f32": (-104.0, 89.0)}
_EXP2_RANGE = {"f64": (-1080.0, 1024.0), "f32": (-156.0, 128.0)}
# Below the first, expm1 is -1; below the second in size, x
_EXPM1_RANGE = {"f64": (-40.0, 710.0), "f32": (-18.0, 89.0)}
_EXPM1_TINY = {"f64": 2.0**-54, "f32": 2.0**-25}


def exp(x: Term) -> Term:
    """e**x. Largest error: 0.xx ULP in f64, 0.xx in f32."""
    low, high = _EXP_RANGE[x.dtype]
    x = x.at_most(high).at_least(low)
    n = nearest(x, LOG2E[x.dtype][0])
    r, _ = remainder(x, n)
    return scaled_by_power(fma(r * r, polynomial(r, _EXP[x.dtype]), r), n)


def exp2(x: Term) -> Term:
    """2**x. Largest error: 0.xx ULP in f64, 0.xx in f32."""
    low, high = _EXP2_RANGE[x.dtype]
    x = x.at_most(high).at_least(low)
    n = nearest(x)
    r = x - n
    return scaled_by_power(r * polynomial(r, _EXP2[x.dtype]), n)


def expm1(x: Term) -> Term:
    """e**x - 1. Largest error: 0.xx ULP in f64, 0.xx in f32.

    With B = 2**n and A = B - 1 it is A + B*(e**r - 1), where A + B*r is kept as a sum of two.
    """
    dtype = x.dtype
    low, high = _EXPM1_RANGE[dtype]
    clamped = x.at_most(high).at_least(low)
    n = nearest(clamped, LOG2E[dtype][0])
    r, r_low = remainder(clamped, n)
    tail = fma(r * r, polynomial(r, _EXPM1[dtype]), r_low)
    half = power_of_two(n - 1.0)  # of B, which may overflow
    start = half - 0.5
    high_part = fma(half, r, start)
    low_part = fma(half, tail, fma(half, r, start - high_part))
    result = high_part + low_part
    return where(abs(x) < _EXPM1_TINY[dtype], x, result + result)


def nearest(x: Term, factor: float = 1.0) -> Term:
    """The integer nearest to x*factor, of moderate size."""
    shifter = FORMATS[x.dtype].shifter
    shifted = x + shifter if factor == 1.0 else fma(x, factor, shifter)
    return shifted - shifter


def remainder(x: Term, n: Term) -> tuple[Term, Term]:
    """x - n ln 2 as a rounded value and its rounding error."""
    high, low = LN2[x.dtype]
    first = fma(n, -high, x)  # exact: a multiple of high's last place, and smaller than one
    r = fma(n, -low, first)
    return r, fma(n, -low, first - r)


def power_of_two(n: Term) -> Term:
    """2**n for a normal result: the biased n, left in the low bits by the shifter, moves up."""
    form = FORMATS[n.dtype]
    return ((n + (form.shifter + form.bias)).bits() << form.mantissa).as_float()


def scaled_by_power(fraction: Term, n: Term) -> Term:
    """(1 + fraction) * 2**n, by two factors of about half the exponent: only the last one rounds."""
    form = FORMATS[n.dtype]
    whole = (n + (form.shifter + 2 * form.bias)).bits()
    half = fma(n, 0.5, form.shifter + form.bias).bits()
    first = (half << form.mantissa).as_float()
    second = ((whole - half) << form.mantissa).as_float()
    return fma(fraction, first, first) * second


FUNCTIONS = (
    MathsFunction("exp", 1, exp),
    MathsFunction("exp2", 1, exp2),
    MathsFunction("expm1", 1, expm1),
)
