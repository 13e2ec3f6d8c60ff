"""lgamma and digamma below 0, which `gamma` leaves to cold functions. Formulas are DLMF's.

Between the poles at the negative integers both have roots, which differ ever less from the poles.
There the terms of the reflections 5.5.3 and 5.5.4 cancel. They are sums of two, good to some 2**-58
of the largest term, so that only what is that much closer to a root has a larger relative error.
"""

from __future__ import annotations

import math

from .factorial import PI, negative_gamma, turned
from .formats import LN2
from .gamma import digamma_right, lgamma_right
from .logarithm import split
from .power import long_logarithm
from .registry import MathsFunction
from .terms import Pair, Term, divided, fma, normalised, product, where

_TINY = 2.0**-54  # below, lgamma(x) = -log |x| and digamma(x) = -1/x
_ALL_INTEGERS = 2.0**52  # every larger f64 is an integer
_MODERATE = 100.0  # below, Γ is within f64's range; beyond, lgamma has no roots that matter


def lgamma_rare(x: Term) -> Term:
    """lgamma of what is not positive and normal: log |Γ(-a)|, for large a by its factors."""
    size = abs(x)
    tiny = size < _TINY
    near = _logarithm_of_gamma(size.at_least(_TINY).at_most(_MODERATE))
    sine = abs((_fraction(size) * math.pi).call("sin"))
    far = -(sine / math.pi).call("log") - lgamma_right(size.at_least(1.0) + 1.0, "f64")
    result = where(size < _MODERATE, near, far)
    result = where(tiny, -size.call("log"), result)
    result = where(_fraction(size).equals(0.0) | (size >= _ALL_INTEGERS), math.inf, result)
    return where(x.is_nan(), x, result)


def _logarithm_of_gamma(a: Term) -> Term:
    """log |Γ(-a)| for a moderate a, and garbage at the poles."""
    high, low, n = negative_gamma(a)
    high, low = normalised(high, low)
    k, f = split(high)
    # log(1 + f) by itself: near a root k = n = 0, and this is all there is
    part, part_low = long_logarithm(k - k, f)
    whole = (k - n) * LN2["f64"][0]
    whole_low = fma(k - n, LN2["f64"][1], fma(k - n, LN2["f64"][0], -whole))
    total, rest = _sum(whole, part)
    return total + (rest + (whole_low + part_low + low / high))


def digamma_rare(x: Term) -> Term:
    """digamma of what is negative, infinite or nan: ψ(-a) = ψ(1 + a) + π/tan πa."""
    size = abs(x)
    fraction = _fraction(size)
    sine, cosine = turned(abs(fraction))
    turns = divided(product((size.constant(PI[0]), size.constant(PI[1])), cosine), sine)
    negative = fraction < 0.0
    turns = where(negative, -turns[0], turns[0]), where(negative, -turns[1], turns[1])
    above = size + 1.0
    lost = where(size < 1.0, size - (above - 1.0), 1.0 - (above - size))
    right, right_low = digamma_right(above, "f64")
    right_low = right_low + where(size < 2.0**50, lost / (size + 0.6), 0.0)  # ψ' there, roughly
    total, rest = _sum(turns[0], right)
    result = total + (rest + (turns[1] + right_low))
    result = where(size < _TINY, -1.0 / x, result)
    result = where(fraction.equals(0.0), math.nan, result)
    return where(x > 0.0, x, result)


def _sum(x: Term, y: Term) -> Pair:
    """x + y and its rounding error (Knuth's two-sum)."""
    total = x + y
    second = total - x
    return total, (x - (total - second)) + (y - second)


def _fraction(x: Term) -> Term:
    """x less the nearest integer, exactly."""
    return x - x.rint()


FUNCTIONS = (
    MathsFunction("lgamma_rare", 1, lgamma_rare, cold=True),
    MathsFunction("digamma_rare", 1, digamma_rare, cold=True),
)
