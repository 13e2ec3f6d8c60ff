"""asinh, acosh, atanh: logarithms of 1 + y, where y is a sum of two (DLMF 4.37.16 to 4.37.21).

asinh x = log(1 + x + x²/(1 + √(x² + 1))), acosh x = log(1 + t + √(t (t + 2))) with t = x - 1, which
is exact, and atanh x = ½ log(1 + 2x/(1 - x)). All of y's rounding errors that matter are kept, so
that the results are as good as log1p's. Where x² would overflow or 1 is lost, asinh and acosh are
log 2x. f32 is computed in f64.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .exponential import power_of_two
from .formats import FORMATS
from .logarithm import combined, split, tail
from .registry import MathsFunction
from .terms import Pair, Term, fma, normalised, where

_LARGE = 2.0**28  # from here on √(x² ± 1) is x


def asinh(x: Term) -> Term:
    """Largest error: 1.1 ULP in f64, 0.501 in f32."""
    size = abs(x)
    moderate = size.at_most(_LARGE)
    square = moderate * moderate
    y = normalised(moderate, square / ((square + 1.0).sqrt() + 1.0))
    result = _logarithm(y, size, size > _LARGE)
    return where(size < math.inf, result, size).copysign(x)


def acosh(x: Term) -> Term:
    """Largest error: 0.8 ULP in f64, 0.501 in f32. Below 1 it is nan."""
    moderate = x.at_most(_LARGE).at_least(1.0)
    t, above = moderate - 1.0, moderate + 1.0
    product = t * above
    product_low = fma(t, above, -product) + t * (1.0 - (above - moderate))
    root = product.sqrt()
    root_low = (fma(-root, root, product) + product_low) * (0.5 / root.at_least(2.0**-60))
    high, low = normalised(root, t)
    result = _logarithm((high, low + root_low), x, x > _LARGE)
    return where(x >= 1.0, where(x < math.inf, result, x), math.nan)


def atanh(x: Term) -> Term:
    """Largest error: 1.0 ULP in f64, 0.501 in f32. Beyond 1 it is nan."""
    size = abs(x)
    below = size.at_most(0.99999999999999989)  # the largest number below 1
    divisor = 1.0 - below
    divisor_low = (1.0 - divisor) - below
    inverse = 1.0 / divisor
    twice = below + below
    quotient = twice * inverse
    error = fma(-quotient, divisor_low, fma(-quotient, divisor, twice))
    result = 0.5 * _logarithm((quotient, error * inverse), below, below > 1.0)
    beyond = where(size.equals(1.0), size.constant(math.inf), math.nan)
    return where(size < 1.0, result, beyond).copysign(x)


def _logarithm(y: Pair, x: Term, large: Term) -> Term:
    """log(1 + y), but log 2x where `large`. See `logarithm.log1p`."""
    one_plus = y[0] + 1.0
    k, f = split(where(large, x, one_plus))
    scale = power_of_two((-k).at_least(1.0 - FORMATS[x.dtype].bias))
    error = ((y[0] - (one_plus - 1.0)) + y[1]) * scale
    correction = where(large, 0.0, error * fma(f, f - 1.0, 1.0))
    return combined(k + where(large, k.constant(1.0), 0.0), f, tail(f) + correction)


def _by_f64(name: str, formula: Callable[[Term], Term]) -> MathsFunction:
    def function(x: Term) -> Term:
        return formula(x) if x.dtype == "f64" else x.to("f64").call(name).to("f32")

    return MathsFunction(name, 1, function)


FUNCTIONS = tuple(_by_f64(f.__name__, f) for f in (asinh, acosh, atanh))
