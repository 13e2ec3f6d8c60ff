"""sinh, cosh, tanh, without cancellation and with one rounding that matters.

For sinh and cosh, x = n ln 2 + r and sinh(x) = S cosh(r) + C sinh(r), cosh(x) = C cosh(r) +
S sinh(r), where S and C are sinh and cosh of n ln 2, which are exact or nearly so; the terms of the
sum are kept as a rounded value and its error. tanh is E/(E + 2) with E = expm1(2 x) in two parts.
Polynomials: minimax, made for this module.
"""

from __future__ import annotations

from .exponential import half_expm1, nearest, power_of_two, remainder
from .formats import FORMATS, LOG2E
from .registry import MathsFunction
from .terms import Pair, Term, fma, normalised, polynomial, where

# sinh(r) = r + r**3 * P(r**2) on |r| <= ln(2)/2, relative error 2**-61.7 and 2**-26.2
_SINH = {
    "f64": (
        0.16666666666666677, 0.00833333333332144, 0.0001984126988657613, 2.755724377882609e-06,
        2.510918142863646e-08,
    ),
    "f32": (0.1666666716337204, 0.008333178237080574, 0.00019970892753917724),
}  # fmt: skip

# cosh(r) = 1 + r**2 * P(r**2), error 2**-70.0 and 2**-33.2
_COSH = {
    "f64": (
        0.5, 0.041666666666666685, 0.0013888888888873296, 2.4801587349145874e-05,
        2.7557251894093476e-07, 2.0921739019112325e-09,
    ),
    "f32": (0.5, 0.04166645556688309, 0.0013935768511146307),
}  # fmt: skip

_OVERFLOWS = {"f64": 710.5, "f32": 89.5}  # a little above the last finite result
_TINY = {"f64": 2.0**-28, "f32": 2.0**-13}  # sinh(x) rounds to x below
SATURATED = {"f64": 20.0, "f32": 10.0}  # tanh(x) rounds to 1 above


def sinh(x: Term) -> Term:
    """Largest error: 0.88 ULP in f64, 0.96 in f32."""
    sine, cosine, first, sine_tail, cosine_tail = _parts(x)
    result = _expanded(*sine, cosine[0], first, sine_tail, cosine_tail)
    return where(abs(x) < _TINY[x.dtype], x, (result + result).copysign(x))


def cosh(x: Term) -> Term:
    """Largest error: 0.81 ULP in f64, 0.76 in f32."""
    sine, cosine, first, sine_tail, cosine_tail = _parts(x)
    result = _expanded(*cosine, sine[0], first, sine_tail, cosine_tail)
    return result + result


def tanh(x: Term) -> Term:
    """Largest error: 1.0 ULP in f64, 1.0 in f32."""
    size = abs(x).at_most(SATURATED[x.dtype])
    high, low = normalised(*half_expm1(size + size))
    divisor = high + 1.0
    divisor_low = ((1.0 - divisor) + high) + low
    inverse = 1.0 / divisor
    quotient = high * inverse
    error = fma(-quotient, divisor_low, fma(-quotient, divisor, high) + low)
    return fma(error, inverse, quotient).copysign(x)


def _parts(x: Term) -> tuple[Pair, Pair, Term, Term, Term]:
    """S/2 and C/2 with their rounding errors; r; sinh(r) - r; cosh(r) - 1."""
    dtype = x.dtype
    size = abs(x).at_most(_OVERFLOWS[dtype])
    n = nearest(size, LOG2E[dtype][0])
    first, r, last = remainder(size, n)
    z = r * r
    sine_tail = fma(r * z, polynomial(z, _SINH[dtype]), last)
    cosine_tail = z * polynomial(z, _COSH[dtype])
    up = power_of_two(n, -2)
    down = power_of_two((-2.0 - n).at_least(1.0 - FORMATS[dtype].bias))
    return normalised(up, -down), normalised(up, down), first, sine_tail, cosine_tail


def _expanded(
    even: Term, even_low: Term, odd: Term, r: Term, odd_tail: Term, even_tail: Term
) -> Term:
    """even*(1 + even_tail) + odd*(r + odd_tail)."""
    high = fma(odd, r, even)
    error = fma(odd, r, even - high) + even_low
    return high + fma(odd, odd_tail, fma(even, even_tail, error))


FUNCTIONS = (
    MathsFunction("sinh", 1, sinh),
    MathsFunction("cosh", 1, cosh),
    MathsFunction("tanh", 1, tanh),
)
