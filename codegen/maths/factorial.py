"""gamma: Γ(x). Numbers of formulas are DLMF's.

Up to 9/2, Γ(2 + t) is a polynomial in t, multiplied or divided by what the recurrence 5.5.1 asks
for. Beyond, it is the exponential of Stirling's series 5.11.1, whose argument is a sum of two.
Arguments below 0 are rare and take the reflection 5.5.3. All factors are sums of two: only the last
operation's rounding counts. f32 is computed in f64. Polynomials: minimax, made for this module.
"""

from __future__ import annotations

import math

from .exponential import scale_factors
from .gamma import LEVEL, STIRLING
from .logarithm import split
from .power import exponential_parts, long_logarithm
from .registry import MathsFunction
from .terms import Pair, Term, divided, fma, normalised, polynomial, product, where
from .trigonometric import cos_sin_parts

# Γ(2 + t) = 1 + t P(t) on |t| <= 1/2, relative error 2**-59.1
_AT_TWO = (
    0.42278433509846713, 0.4118403304264402, 0.08157691924708443, 0.0742490107534264,
    -0.0002669820685080452, 0.01115404572319596, -0.0028526458313185427, 0.0021039331997268445,
    -0.0009195736200342233, 0.0004903906446882514, -0.00024094415678683023,
    0.00012165337384423055, -6.07721613796459e-05, 3.0569655994510995e-05,
    -1.5332903602886785e-05, 7.23001057257788e-06, -3.5340439913936657e-06,
    2.6141875932183313e-06, -1.3780647933801264e-06,
)  # fmt: skip

PI = (3.141592653589793, 1.2246467991473532e-16)
_LEVEL_LOW = 1.6728209650585413e-17  # what LEVEL falls short of log(2 pi)/2 - 1/2
_FAR = 4.5
_TINY = 2.0**-60  # below, Γ(x) = 1/x
_LARGEST = 200.25  # by here Γ(x) is infinite, and Γ(-x) is 0 (at no pole)


def gamma(x: Term) -> Term:
    """Γ(x); ±inf at ±0, nan at the other poles and at -inf.

    Largest error: 0.95 ULP in f64, 0.501 in f32.
    """
    if x.dtype == "f32":
        return x.to("f64").call("gamma").to("f32")
    usual = x >= _TINY
    high, low, n = positive_gamma(where(usual, x, 1.0).at_most(_LARGEST))
    return _scaled(high + low, n).rescue(~usual, lambda: x.call("gamma_rare"))


def gamma_rare(x: Term) -> Term:
    """Γ of what is tiny, negative or nan: Γ(-a) = -π / (a sin(πa) Γ(a))."""
    size = abs(x)
    a = size.at_most(_LARGEST).at_least(_TINY)
    high, low, n = negative_gamma(a)
    nearest = size.rint()
    fraction = size - nearest
    result = _scaled(high + low, -n)
    odd = (nearest * 0.5).rint().differs(nearest * 0.5)
    positive = odd.differs(fraction < 0.0)
    result = where(positive, result, -result)
    result = where((size < 2.0**60) & fraction.differs(0.0), result, math.nan)
    return where(size < _TINY, 1.0 / x, result)


def _scaled(value: Term, n: Term) -> Term:
    for factor in scale_factors(n):
        value = value * factor
    return value


def positive_gamma(x: Term) -> tuple[Term, Term, Term]:
    """high, low and n with Γ(x) = (high + low) 2**n, for x from _TINY to _LARGEST."""
    far = x > _FAR
    fraction, n = exponential_parts(*_stirling(x.at_least(_FAR)), largest=900.0)
    near, near_low = _moderate(x.at_most(_FAR))
    high, low = normalised(x.constant(1.0), fraction)
    return where(far, high, near), where(far, low, near_low), where(far, n, 0.0)


def _stirling(x: Term) -> Pair:
    """log Γ(x) = (x - 1/2) (log x - 1) + log(2 pi)/2 - 1/2 + P(1/x**2)/x, x >= 9/2."""
    high, low = long_logarithm(*split(x))
    less = high - 1.0
    low = low + ((high - less) - 1.0)
    half_below = x - 0.5
    product = half_below * less
    product_low = fma(half_below, low, fma(half_below, less, -product))
    inverse = 1.0 / x
    tail = fma(inverse, polynomial(inverse * inverse, STIRLING["f64"]), _LEVEL_LOW)
    total = product + LEVEL
    return total, ((product - total) + LEVEL) + (product_low + tail)


def _moderate(x: Term) -> Pair:
    """Γ(x) up to 9/2, by Γ(2 + t) with t the distance from the nearest integer."""
    n = x.rint()
    t = x - n
    value = normalised(x.constant(1.0), t * polynomial(t, _AT_TWO, 4, lead=3))
    first = where(n < 3.0, 1.0, x - 1.0)
    second = where(n < 4.0, 1.0, x - 2.0)
    none = x.constant(0.0)
    high, low = product((first, none), (second, none))
    square = x * x
    below = where(n.equals(0.0), square, none), where(n.equals(0.0), fma(x, x, -square), none)
    # x + x**2, larger first
    divisor, divisor_low = normalised(where(n < 2.0, x, 1.0), below[0])
    return divided(product(value, (high, low)), (divisor, divisor_low + below[1]))


def turned(x: Term) -> tuple[Pair, Pair]:
    """sin πx and cos πx for 0 <= x <= 1/2."""
    steep = x <= 0.25
    folded = where(steep, x, 0.5 - x)
    angle = folded * PI[0]
    excess = -fma(folded, PI[1], fma(folded, PI[0], -angle))
    cosine, sine = cos_sin_parts(angle, excess)
    sines = where(steep, sine[0], cosine[0]), where(steep, sine[1], cosine[1])
    cosines = where(steep, cosine[0], sine[0]), where(steep, cosine[1], sine[1])
    return sines, cosines


def negative_gamma(a: Term) -> tuple[Term, Term, Term]:
    """high, low and n with |Γ(-a)| = (high + low) 2**-n = π / (a |sin πa| Γ(a)), a > 0."""
    high, low, n = positive_gamma(a)
    sine, _ = turned(abs(a - a.rint()))
    divisor = product((a, a.constant(0.0)), product(sine, (high, low)))
    return *divided((a.constant(PI[0]), a.constant(PI[1])), divisor), n


FUNCTIONS = (
    MathsFunction("gamma", 1, gamma),
    MathsFunction("gamma_rare", 1, gamma_rare, cold=True),
)
