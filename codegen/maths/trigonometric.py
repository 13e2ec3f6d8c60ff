"""sin, cos, tan: x = n pi/2 + r with |r| <= pi/4, and polynomials in r.

The reduction is Cody and Waite's in three steps of fused multiply-add, the first of which is exact;
it keeps the rounding error of r. Arguments too large for it are rare, and reduced one by one, in
f64, by `huge`. Polynomials: minimax, made for this module.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .formats import FORMATS
from .huge import reduced
from .registry import MathsFunction
from .terms import Pair, Term, bits_of, fma, normalised, polynomial, where

# pi/2 in parts; in f64 the second is short, so that n times it is exact below LIMIT.
# The second is positive, so that -0 is reduced to -0.
HALF_PI = {
    "f64": (1.5707963267948966, 6.123233932053594e-17, 6.36831716351095e-25),
    "f32": (1.570796251296997, 7.549790126404332e-08, -1.7151245100058819e-15),
}

TWO_OVER_PI = 0.6366197723675814

# Beyond, the quotient is no longer good enough.
LIMIT = {"f64": 2.0**28, "f32": 2.0**15}

# sin(r) = r - r**3 * P(r**2), relative error 2**-58.0 and 2**-27.9
SIN = {
    "f64": (
        0.16666666666666632, -0.00833333333332246, 0.0001984126982981888,
        -2.755731368960856e-06, 2.5050757035988685e-08, -1.5896700201353884e-10,
    ),
    "f32": (0.16666655242443085, -0.008332186378538609, 0.0001951758749783039),
}  # fmt: skip

# cos(r) = 1 - r**2/2 + r**4 * P(r**2), error 2**-64.2 and 2**-33.1
COS = {
    "f64": (
        0.0416666666666666, -0.0013888888888874454, 2.480158728964863e-05,
        -2.7557314391683486e-07, 2.087572768008607e-09, -1.135983592262485e-11,
    ),
    "f32": (0.04166664555668831, -0.0013887308305129409, 2.4432054487988353e-05),
}  # fmt: skip


def sin(x: Term) -> Term:
    """Largest error: 0.78 ULP in f64, 0.77 in f32."""
    return _reduced_or_huge(x, _sin_of, "sin_rare")


def cos(x: Term) -> Term:
    """Largest error: 0.78 ULP in f64, 0.77 in f32."""
    return _reduced_or_huge(x, _cos_of, "cos_rare")


def tan(x: Term) -> Term:
    """Largest error: 0.89 ULP in f64, 0.91 in f32."""
    return _reduced_or_huge(x, _tan_of, "tan_rare")


def _reduced_or_huge(x: Term, evaluate: Callable[[Term, Term, Term], Term], rare: str) -> Term:
    return or_huge(x, evaluate(*reduce_moderate(x)), rare)


def or_huge(x: Term, result: Term, rare: str) -> Term:
    """`result`, but for what is too large for the reduction the function `rare`."""
    usual = abs(x) < LIMIT[x.dtype]
    return result.rescue(~usual, lambda: x.call(rare))


def _of_huge(x: Term, evaluate: Callable[[Term, Term, Term], Term]) -> Term:
    """The function, of arguments of any size, in f64."""
    quadrant, (r, low) = reduced(x.to("f64"))
    result = evaluate(quadrant, r, -low).to(x.dtype)
    return where(abs(x) < math.inf, result, math.nan)


def reduce_moderate(x: Term) -> tuple[Term, Term, Term]:
    """The quadrant in the low bits of an integer; r; and what is missing, to be subtracted."""
    shifter = FORMATS[x.dtype].shifter
    first, second, third = HALF_PI[x.dtype]
    shifted = fma(x, TWO_OVER_PI, shifter)
    n = shifted - shifter
    start = fma(n, -first, x)  # exact: a multiple of first's last place, and smaller than one
    step = n * second
    r = start - step
    excess = (r - start) + step
    if x.dtype == "f32":
        excess = excess + fma(n, second, -step)
    excess = fma(n, third, excess)
    return shifted.bits(), r, excess


def _sin_of(quadrant: Term, r: Term, excess: Term) -> Term:
    return signed(quadrant, where(is_odd(quadrant), *_cos_sin(r, excess)))


def _cos_of(quadrant: Term, r: Term, excess: Term) -> Term:
    cosine, sine = _cos_sin(r, excess)
    return signed(quadrant + 1, where(is_odd(quadrant), sine, cosine))


def _tan_of(quadrant: Term, r: Term, excess: Term) -> Term:
    """The quotient of sin and cos, each a sum of two, by a division and one correction."""
    cosine, sine = cos_sin_parts(r, excess)
    odd = is_odd(quadrant)
    high, low = (where(odd, -c, s) for c, s in zip(cosine, sine, strict=True))
    divisor, divisor_low = (where(odd, s, c) for c, s in zip(cosine, sine, strict=True))
    inverse = 1.0 / divisor
    quotient = high * inverse
    excess = fma(quotient, divisor_low, fma(quotient, divisor, -high) - low)
    return fma(-excess, inverse, quotient)  # so signed, -0 stays -0


def _cos_sin(r: Term, excess: Term) -> tuple[Term, Term]:
    """cos and sin of r - excess."""
    z = r * r
    half = 0.5 * z
    start = 1.0 - half
    low = (1.0 - start) - half
    cosine = start + (low + fma(z * z, polynomial(z, COS[r.dtype]), r * excess))
    return cosine, r - _sine_tail(r, z, half, excess)


def _sine_tail(r: Term, z: Term, half: Term, excess: Term) -> Term:
    """What sin(r - excess) falls short of r."""
    return fma(r * z, polynomial(z, SIN[r.dtype]), fma(-half, excess, excess))


def cos_sin_parts(r: Term, excess: Term) -> tuple[tuple[Term, Term], tuple[Term, Term]]:
    """cos and sin of r - excess, each as a sum of two."""
    z = r * r
    half = 0.5 * z
    start = 1.0 - half
    low = (1.0 - start) - half - 0.5 * fma(r, r, -z)
    low = low + fma(z * z, polynomial(z, COS[r.dtype]), r * excess)
    return normalised(start, low), normalised(r, -_sine_tail(r, z, half, excess))


def sine_and_cosine(quadrant: Term, r: Term, excess: Term) -> tuple[Pair, Pair]:
    """sin and cos of an angle that is reduced, each as a sum of two."""
    cosine, sine = cos_sin_parts(r, excess)
    odd = is_odd(quadrant)
    high, low = (signed(quadrant, where(odd, *both)) for both in zip(cosine, sine, strict=True))
    swapped = (where(odd, *both) for both in zip(sine, cosine, strict=True))
    other, other_low = (signed(quadrant + 1, value) for value in swapped)
    return (high, low), (other, other_low)


def is_odd(quadrant: Term) -> Term:
    return (quadrant & 1).differs(0)


def signed(quadrant: Term, value: Term) -> Term:
    """The value, negated in the quadrants 2 and 3."""
    sign = (quadrant & 2) << (bits_of(value.dtype) - 2)
    return (value.bits() ^ sign).as_float()


FUNCTIONS = (
    MathsFunction("sin", 1, sin),
    MathsFunction("cos", 1, cos),
    MathsFunction("tan", 1, tan),
    MathsFunction("sin_rare", 1, lambda x: _of_huge(x, _sin_of), cold=True),
    MathsFunction("cos_rare", 1, lambda x: _of_huge(x, _cos_of), cold=True),
    MathsFunction("tan_rare", 1, lambda x: _of_huge(x, _tan_of), cold=True),
)
