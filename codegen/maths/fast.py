"""The functions under `fastmath`: 4 ULP are allowed, and each rounding error may stay where it is.

The reductions, ranges and polynomials are those of the exact functions, as are nan, infinities,
zeros and subnormal numbers; one term less of a polynomial would cost more than 4 ULP. What is left
out are the second parts of reduced arguments, of sums and of quotients. Functions that gain less
than a tenth by that have no form here, and stay what they are.
"""

from __future__ import annotations

import math

from .exponential import (
    EXP,
    EXP_RANGE,
    EXPM1_RANGE,
    EXPM1_TINY,
    nearest,
    power_of_two,
    scaled_by_power,
)
from .formats import FORMATS, LN2, LOG2E
from .hyperbolic import SATURATED
from .logarithm import SHORT_LN2, higher, special, split
from .registry import MathsFunction
from .terms import Term, fma, polynomial, where
from .trigonometric import COS, HALF_PI, SIN, TWO_OVER_PI, is_odd, or_huge, signed

# As for the exact functions, but in f32 with a third part that is positive as well.
_HALF_PI = {**HALF_PI, "f32": (1.570796251296997, 7.549789415861596e-08, 5.390302953474238e-15)}


def exp(x: Term) -> Term:
    """Largest error: 1.1 ULP in f64, 1.1 in f32."""
    low, high = EXP_RANGE[x.dtype]
    fraction, n = _expm1_of_rest(x.at_most(high).at_least(low))
    return scaled_by_power(fraction, n)


def expm1(x: Term) -> Term:
    """Largest error: 2.0 ULP in f64, 1.7 in f32.

    Half of it is added up, because 2**n may overflow.
    """
    low, high = EXPM1_RANGE[x.dtype]
    fraction, n = _expm1_of_rest(x.at_most(high).at_least(low))
    scale = power_of_two(n, -1)
    half = fma(scale, fraction, scale - 0.5)
    return where(abs(x) < EXPM1_TINY[x.dtype], x, half + half)


def logistic(x: Term) -> Term:
    """Largest error: 2.8 ULP in f64, 2.7 in f32."""
    z = exp(-abs(x))
    inverse = 1.0 / (z + 1.0)
    return where(x < 0.0, z * inverse, inverse)


def tanh(x: Term) -> Term:
    """Largest error: 2.9 ULP in f64, 2.5 in f32. It is E/(E + 2) with E = expm1(2 |x|)."""
    size = abs(x).at_most(SATURATED[x.dtype])
    fraction, n = _expm1_of_rest(size + size)
    scale = power_of_two(n)
    e = fma(scale, fraction, scale - 1.0)
    return (e / (e + 2.0)).copysign(x)


def _expm1_of_rest(x: Term) -> tuple[Term, Term]:
    """f and n with e**x = (1 + f) 2**n."""
    high, low = LN2[x.dtype]
    n = nearest(x, LOG2E[x.dtype][0])
    r = fma(n, -low, fma(n, -high, x))
    return fma(r * r, polynomial(r, EXP[x.dtype]), r), n


def log1p(x: Term) -> Term:
    """Largest error: 1.1 ULP in f64, 1.2 in f32.

    The rounding error of 1 + x enters as in the exact function.
    """
    one_plus = x + 1.0
    k, f = split(one_plus)
    scale = power_of_two((-k).at_least(1.0 - FORMATS[x.dtype].bias))
    error = (x - (one_plus - 1.0)) * scale
    result = _combined(k, f, fma(error, 1.0 - f, _tail(f)))
    usual = (one_plus > 0.0) & (x < math.inf)
    return result.copysign(x).rescue(~usual, lambda: special(one_plus, one_plus))


def _tail(f: Term) -> Term:
    """log(1 + f) - f."""
    half_square = 0.5 * f * f
    return higher(f, half_square) - half_square


def _combined(k: Term, f: Term, rest: Term) -> Term:
    """k ln 2 + f + rest."""
    high, low = SHORT_LN2[f.dtype]
    return fma(k, high, f + fma(k, low, rest))


def sin(x: Term) -> Term:
    """Largest error: 2.5 ULP in f64, 2.0 in f32."""
    quadrant, cosine, sine = _parts(x)
    return or_huge(x, signed(quadrant, where(is_odd(quadrant), cosine, sine)), "sin_rare")


def cos(x: Term) -> Term:
    """Largest error: 2.3 ULP in f64, 2.0 in f32."""
    quadrant, cosine, sine = _parts(x)
    return or_huge(x, signed(quadrant + 1, where(is_odd(quadrant), sine, cosine)), "cos_rare")


def tan(x: Term) -> Term:
    """Largest error: 3.4 ULP in f64, 3.5 in f32."""
    quadrant, cosine, sine = _parts(x)
    odd = is_odd(quadrant)
    return or_huge(x, where(odd, -cosine, sine) / where(odd, sine, cosine), "tan_rare")


def _parts(x: Term) -> tuple[Term, Term, Term]:
    """The quadrant in the low bits of an integer; cos and sin of what is left of x.

    No product here is +0 where x is -0, so that the sine of -0 is that.
    """
    shifter = FORMATS[x.dtype].shifter
    first, second, third = _HALF_PI[x.dtype]
    shifted = fma(x, TWO_OVER_PI, shifter)
    n = shifted - shifter
    r = fma(n, -third, fma(n, -second, fma(n, -first, x)))
    z = r * r
    cosine = fma(z, fma(z, polynomial(z, COS[x.dtype]), -0.5), 1.0)
    return shifted.bits(), cosine, r * fma(-z, polynomial(z, SIN[x.dtype]), 1.0)


FUNCTIONS = (
    MathsFunction("exp", 1, exp),
    MathsFunction("expm1", 1, expm1),
    MathsFunction("logistic", 1, logistic),
    MathsFunction("tanh", 1, tanh),
    MathsFunction("log1p", 1, log1p),
    MathsFunction("sin", 1, sin),
    MathsFunction("cos", 1, cos),
    MathsFunction("tan", 1, tan),
)
