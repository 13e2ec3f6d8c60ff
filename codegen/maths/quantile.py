"""erfinv and ndtri: erf and the normal distribution's function backwards.

Wichura's rational approximations and one step of Newton's method, whose residual is as good as if
erf, up to ½, and erfc, beyond, were known to some 60 bits. f32 is computed in f64.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ...ir.functions.normal import CENTRE, FAR, MIDDLE, NEAR, Ratio
from .error import ROOT_HALF, erf_factor, erfc_parts, scaled_erfc
from .exponential import scale_factors
from .registry import MathsFunction
from .terms import Pair, Term, fma, polynomial, where

_SMALLEST = 5e-324


def erfinv(x: Term) -> Term:
    """Largest error: 1.0 ULP in f64, 0.501 in f32."""
    size = abs(x)
    rest = 1.0 - size
    y, y_low = _inverse(size, rest)
    return _with_ends(y + y_low, rest).copysign(x)


def ndtri(p: Term) -> Term:
    """Largest error: 1.2 ULP in f64, 0.501 in f32."""
    twice = p + p
    x = twice - 1.0
    rest = where(p > 0.5, 2.0 - twice, twice)
    y, y_low = _inverse(abs(x), rest)
    root, root_low = 2.0 * ROOT_HALF[0], 2.0 * ROOT_HALF[1]
    z = y * root
    z_low = fma(y, root_low, fma(y_low, root, fma(y, root, -z)))
    return _with_ends(z + z_low, rest).copysign(x)


def _with_ends(value: Term, rest: Term) -> Term:
    """The value, infinity where nothing is left beyond it, and nan where less than nothing is."""
    return where(rest > 0.0, value, where(rest.equals(0.0), rest.constant(math.inf), math.nan))


def _inverse(x: Term, rest: Term) -> Pair:
    """The y with erf(y) = x >= 0 and erfc(y) = rest: a number, and what it lacks."""
    rest = rest.at_least(_SMALLEST)
    y = _start(x, rest)
    factor, factor_low = scaled_erfc(y)
    square = y * y
    high, low, n = erfc_parts((factor, factor_low), (square, fma(y, y, -square)))
    scaled = rest
    for power in scale_factors(-n):
        scaled = scaled * power
    missing = where(x <= 0.5, (x - y) - y * erf_factor(square), (high - scaled) + low)
    return y, missing * factor / (high * _SLOPE)


_SLOPE = 2 / math.sqrt(math.pi)


def _start(x: Term, rest: Term) -> Term:
    """The same, to some 50 bits."""
    half = (0.5 * x).at_most(CENTRE)
    middle = half * _ratio(CENTRE**2 - half * half, MIDDLE)
    r = (-(0.5 * rest).at_least(_SMALLEST).call("log")).sqrt()
    outer = where(r <= 5.0, _ratio(r - 1.6, NEAR), _ratio(r - 5.0, FAR))
    return where(x <= 2 * CENTRE, middle, outer) * ROOT_HALF[0]


def _ratio(x: Term, ratio: Ratio) -> Term:
    above, below = (polynomial(x, c[::-1]) for c in ratio)
    return above / below


def _by_f64(name: str, formula: Callable[[Term], Term]) -> MathsFunction:
    def function(x: Term) -> Term:
        return formula(x) if x.dtype == "f64" else x.to("f64").call(name).to("f32")

    return MathsFunction(name, 1, function)


FUNCTIONS = tuple(_by_f64(f.__name__, f) for f in (erfinv, ndtri))
