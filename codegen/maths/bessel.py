"""i0, i1, k0, k1 and their scaled forms: modified Bessel functions. Numbers of formulas are DLMF's.

Up to 8, e^-x I(x) is a polynomial in x/4 - 1; beyond, √x e^-x I(x) one in 16/x - 1. Up to 2, K is
made of I and a logarithm (10.31.1, 10.31.2), by polynomials in x**2/4; beyond, √x e^x K(x) is a
polynomial in 4/x - 1. All factors are sums of two numbers: polynomials by Horner's rule with its
rounding errors carried along (Graillat, Langlois and Louvet, "Algorithms for accurate, validated
and fast polynomial evaluation", 2009), so that only the last operation's rounding counts. f32 is
computed in f64.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .bessel_series import (
    I_FAR,
    I_NEAR,
    I_SMALL,
    K_FAR,
    K_SMALL,
)
from .exponential import scale_factors
from .logarithm import split
from .power import exponential_parts, long_logarithm
from .registry import MathsFunction
from .terms import Pair, Term, divided, fma, horner, normalised, product, where

_EDGE_OF_I, _EDGE_OF_K = 8.0, 2.0
_LARGEST = 800.0  # by here I has overflowed, and K underflowed
_LOG_OF_K0 = 0.11593151565841245  # log 2 minus Euler's constant: K0(x) = that - log x near 0
_TINY = 2.0**-60  # below, I0 = 1, K1 = 1/x and so on


def _i(order: int, *, scaled: bool) -> Callable[[Term], Term]:
    name = f"i{order}e" if scaled else f"i{order}"

    def formula(x: Term) -> Term:
        if x.dtype == "f32":
            return x.to("f64").call(name).to("f32")
        size = abs(x)
        value = _scaled_i(order, size)
        if scaled:
            result = value[0] + value[1]
        else:
            zero = size.constant(0.0)
            growing = exponential_parts(size.at_most(_LARGEST), zero, _LARGEST)
            result = where(size >= _LARGEST, math.inf, _grown(value, *growing))
        return result.copysign(x) if order else result

    return formula


def _scaled_i(order: int, x: Term) -> Pair:
    """e^-x I(x) for x >= 0."""
    low = x.at_most(_EDGE_OF_I)
    quarter = low * 0.25
    t = quarter - 1.0
    second = t - quarter
    t_low = (quarter - (t - second)) + (-1.0 - second)
    near = horner((t, t_low), I_NEAR[order])
    near = product(near, (low, low.constant(0.0))) if order else near
    high = x.at_least(_EDGE_OF_I)
    far = product(horner((16.0 / high - 1.0, None), I_FAR[order]), inverse_root(high))
    use = x <= _EDGE_OF_I
    return where(use, near[0], far[0]), where(use, near[1], far[1])


def _k(order: int, *, scaled: bool) -> Callable[[Term], Term]:
    name = f"k{order}e" if scaled else f"k{order}"

    def formula(x: Term) -> Term:
        if x.dtype == "f32":
            return x.to("f64").call(name).to("f32")
        low = x.at_most(_EDGE_OF_K).at_least(_TINY)
        high = x.at_least(_EDGE_OF_K)
        near, zero = _small_k(order, low), x.constant(0.0)
        far = product(horner((4.0 / high - 1.0, None), K_FAR[order]), inverse_root(high))
        if scaled:
            near_result = _grown(near, *exponential_parts(low, zero))
            far_result = far[0] + far[1]
        else:
            near_result = near[0] + near[1]
            far_result = _grown(far, *exponential_parts(-high, zero))
        result = where(x <= _EDGE_OF_K, near_result, far_result)
        usual = (x >= _TINY) & (x < math.inf)
        return result.rescue(~usual, lambda: x.call(f"k{order}_rare"))

    return formula


def _k_rare(order: int, x: Term) -> Term:
    """K of what is tiny, zero, negative, infinite or nan; scaled or not."""
    at_zero = 1.0 / x if order else _LOG_OF_K0 - x.call("log")
    result = where(x > 1.0, 0.0, where(x.equals(0.0), x.constant(math.inf), at_zero))
    return where(x < 0.0, x.constant(math.nan), where(x.is_nan(), x, result))


def _small_k(order: int, x: Term) -> Pair:
    """K(x) for x up to 2: S(x²/4) - log(x/2) I0(x), and (S(x²/4) + x log(x/2) I1(x))/x."""
    half = x * 0.5
    z = half * half
    square = (z, fma(half, half, -z))
    logarithm = long_logarithm(*split(half))
    logarithmic = product(logarithm, horner(square, I_SMALL[order]))
    regular = horner(square, K_SMALL[order])
    if not order:
        return add_pairs(regular, (-logarithmic[0], -logarithmic[1]))
    twice = product((z + z, square[1] * 2.0), logarithmic)
    return divided(add_pairs(regular, twice), (x, x.constant(0.0)))


def add_pairs(x: Pair, y: Pair) -> Pair:
    """x + y, of any sizes."""
    total = x[0] + y[0]
    second = total - x[0]
    error = (x[0] - (total - second)) + (y[0] - second)
    return normalised(total, error + (x[1] + y[1]))


def inverse_root(x: Term) -> Pair:
    """1/sqrt(x) as a sum of two: see `root.rsqrt`."""
    y = 1.0 / x.sqrt()
    root = x * y
    error = fma(-fma(x, y, -root), y, fma(-root, y, 1.0))
    return y, where(error.is_nan(), 0.0, 0.5 * y * error)


def _grown(value: Pair, fraction: Term, n: Term) -> Term:
    """value (1 + fraction) 2**n, of which the sum and perhaps the last product round."""
    high, low = normalised(fraction.constant(1.0), fraction)
    grown = product(value, (high, low))
    result = grown[0] + grown[1]
    for factor in scale_factors(n):
        result = result * factor
    return result


FUNCTIONS = (
    *(MathsFunction(f"i{n}", 1, _i(n, scaled=False)) for n in (0, 1)),
    *(MathsFunction(f"i{n}e", 1, _i(n, scaled=True)) for n in (0, 1)),
    *(MathsFunction(f"k{n}", 1, _k(n, scaled=False)) for n in (0, 1)),
    *(MathsFunction(f"k{n}e", 1, _k(n, scaled=True)) for n in (0, 1)),
    MathsFunction("k0_rare", 1, lambda x: _k_rare(0, x), cold=True),
    MathsFunction("k1_rare", 1, lambda x: _k_rare(1, x), cold=True),
)
