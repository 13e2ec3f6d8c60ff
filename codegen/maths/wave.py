"""j0, j1, y0, y1: Bessel functions. Numbers of formulas are DLMF's.

Up to 8, J is a polynomial in x**2/32 - 1, of order 1 times x, and Y another and a logarithm
(10.8.1). Beyond, both are waves, of P and Q of Hankel's expansions (10.17.3). What the result is
summed of is a sum of two each time, so that near a root only the terms' 60 bits limit it. f32 is
computed in f64.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .bessel import add_pairs, inverse_root
from .huge import reduced
from .logarithm import split
from .power import long_logarithm
from .registry import MathsFunction
from .terms import Pair, Series, Term, divided, fma, horner, polynomial, product, where
from .trigonometric import LIMIT, reduce_moderate, sine_and_cosine
from .wave_series import J_NEAR, P_FAR, Q_FAR, Y_NEAR

_EDGE = 8.0
_LIMIT = LIMIT["f64"]  # larger angles are reduced elsewhere
_TINY = 2.0**-60  # below, Y0 is a logarithm, and Y1 = -2/(πx)
_TWO_OVER_PI = (0.6366197723675814, -3.935735335036497e-17)
_INVERSE_ROOT_OF_PI = (0.5641895835477563, 7.66772980658294e-18)
_LOG_TERM = -0.07380429510868723  # 2/π (Euler's constant - log 2)


def _j(order: int) -> Callable[[Term], Term]:
    name = f"j{order}"

    def formula(x: Term) -> Term:
        if x.dtype == "f32":
            return x.to("f64").call(name).to("f32")
        size = abs(x)
        result = _either(size, _near(order, J_NEAR, size), _far(order, size, second=False))
        result = result.rescue(~(size < _LIMIT), lambda: size.call(f"{name}_rare"))
        result = where(x < 0.0, -result, result) if order else result
        return where(x.equals(0.0), x, result) if order else result

    return formula


def _y(order: int) -> Callable[[Term], Term]:
    name = f"y{order}"

    def formula(x: Term) -> Term:
        if x.dtype == "f32":
            return x.to("f64").call(name).to("f32")
        result = _either(x, _near_y(order, x), _far(order, x, second=True))
        usual = (x >= _TINY) & (x < _LIMIT)
        return result.rescue(~usual, lambda: x.call(f"{name}_rare"))

    return formula


def _either(x: Term, near: Pair, far: Pair) -> Term:
    return where(x <= _EDGE, near[0] + near[1], far[0] + far[1])


def _near(order: int, series: tuple[Series, Series], x: Term) -> Pair:
    """J of 0 <= x <= 8, or the regular part of Y."""
    x = x.at_most(_EDGE)
    square = x * x
    start = square * 0.03125
    t = start - 1.0
    second = t - start
    t_low = (start - (t - second)) + (-1.0 - second)
    t_low = fma(fma(x, x, -square), 0.03125, t_low)
    value = horner((t, t_low), series[order])
    return product(value, (x, x.constant(0.0))) if order else value


def _near_y(order: int, x: Term) -> Pair:
    """Y of 2**-60 <= x <= 8: the regular part, and 2/π (log(x) J(x) - n/x)."""
    x = x.at_least(_TINY).at_most(_EDGE)
    singular = product(long_logarithm(*split(x)), _near(order, J_NEAR, x))
    if order:
        high, low = divided((x.constant(-1.0), x.constant(0.0)), (x, x.constant(0.0)))
        singular = add_pairs((high, low), singular)
    return add_pairs(product(singular, _constants(x, _TWO_OVER_PI)), _near(order, Y_NEAR, x))


def _constants(x: Term, values: tuple[float, float]) -> Pair:
    return x.constant(values[0]), x.constant(values[1])


def _far(order: int, x: Term, *, second: bool) -> Pair:
    """J or Y of 8 <= x < 2**28."""
    x = x.at_most(_LIMIT).at_least(_EDGE)
    return _wave(order, x, sine_and_cosine(*reduce_moderate(x)), second=second)


def _wave(order: int, x: Term, angle: tuple[Pair, Pair], *, second: bool) -> Pair:
    """J, or Y: a wave of the phase χ = x - (2n + 1)π/4.

    √2 cos χ and √2 sin χ are sums and differences of sin x and cos x.
    """
    sine, cosine = angle
    minus = -cosine[0], -cosine[1]
    total, difference = add_pairs(sine, cosine), add_pairs(sine, minus)
    c, s = (difference, (-total[0], -total[1])) if order else (total, difference)
    first, other = (s, c) if second else (c, (-s[0], -s[1]))
    inverse = _EDGE / x
    t = 2.0 * (inverse * inverse) - 1.0
    q = polynomial(t, Q_FAR[order]) * inverse
    small = fma(polynomial(t, P_FAR[order]), first[0], q * other[0])
    wave = add_pairs(first, (small, small.constant(0.0)))
    return product(product(wave, inverse_root(x)), _constants(x, _INVERSE_ROOT_OF_PI))


def _j_rare(order: int, x: Term) -> Term:
    """J of what is huge, infinite or nan."""
    return _of_huge(order, x, second=False)


def _y_rare(order: int, x: Term) -> Term:
    """Y of what is tiny, zero, negative, huge, infinite or nan."""
    if order:
        near = -_TWO_OVER_PI[0] / x
    else:
        scaled = x * 2.0**54
        k, f = split(scaled)
        high, low = product(long_logarithm(k - 54.0, f), _constants(x, _TWO_OVER_PI))
        near = high + (low + _LOG_TERM)
    near = where(x.equals(0.0), -math.inf, near)
    result = where(x < 1.0, near, _of_huge(order, x, second=True))
    return where(x < 0.0, math.nan, result)


def _of_huge(order: int, x: Term, *, second: bool) -> Term:
    quadrant, (r, low) = reduced(x)
    wave = _wave(order, x, sine_and_cosine(quadrant, r, -low), second=second)
    result = where(x < math.inf, wave[0] + wave[1], 0.0)
    return where(x.is_nan(), x, result)


FUNCTIONS = (
    *(MathsFunction(f"j{n}", 1, _j(n)) for n in (0, 1)),
    *(MathsFunction(f"y{n}", 1, _y(n)) for n in (0, 1)),
    MathsFunction("j0_rare", 1, lambda x: _j_rare(0, x), cold=True),
    MathsFunction("j1_rare", 1, lambda x: _j_rare(1, x), cold=True),
    MathsFunction("y0_rare", 1, lambda x: _y_rare(0, x), cold=True),
    MathsFunction("y1_rare", 1, lambda x: _y_rare(1, x), cold=True),
)
