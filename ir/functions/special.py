"""Special functions as compositions."""

from __future__ import annotations

import math

from ..builder import Builder, Handle

# B_2k for k = 8, 7, …, 1: ψ'(x) ~ 1/x + 1/(2x²) + Σ B_2k / x^(2k+1)  (DLMF 5.15.8)
_TRIGAMMA_SERIES = (-3617 / 510, 7 / 6, -691 / 2730, 5 / 66, -1 / 30, 1 / 42, -1 / 30, 1 / 6)
_SHIFT = 9


def trigamma(b: Builder, x: Handle) -> Handle:
    """ψ'(x), by ψ'(x) = ψ'(x+n) + Σ 1/(x+k)²; on the left by ψ'(x) = π²/sin²(πx) - ψ'(1-x).

    DLMF 5.15.5 and 5.15.6. Every operation in it has a derivative: all polygammas come with it.
    """
    left = b.compare("lt", x, b.full_like(x, 0.5))
    one = b.full_like(x, 1)
    right = _trigamma_right(b, b.select(left, b.sub(one, x), x))
    fraction = b.select(left, b.sub(x, b("rint", x)), b.full_like(x, 0.5))
    sine = b("sin", b.scale(fraction, math.pi))
    reflected = b.sub(b.div(b.full_like(x, math.pi**2), b.mul(sine, sine)), right)
    return b.select(left, reflected, right)


def _trigamma_right(b: Builder, x: Handle) -> Handle:
    one = b.full_like(x, 1)
    shifted = b.add(x, b.full_like(x, _SHIFT))
    inverse = b.div(one, shifted)
    square = b.mul(inverse, inverse)
    series = b.full_like(x, _TRIGAMMA_SERIES[0])
    for coefficient in _TRIGAMMA_SERIES[1:]:
        series = b.add(b.mul(series, square), b.full_like(x, coefficient))
    result = b.mul(b.add(b.add(one, b.scale(inverse, 0.5)), b.mul(series, square)), inverse)
    for k in reversed(range(_SHIFT)):
        term = b.add(x, b.full_like(x, k))
        result = b.add(result, b.div(one, b.mul(term, term)))
    return result


def ndtr(b: Builder, x: Handle) -> Handle:
    """The normal distribution's Φ(x) = ½ erfc(-x/√2)."""
    return b.scale(b("erfc", b.scale(x, -math.sqrt(0.5))), 0.5)


def logit(b: Builder, x: Handle) -> Handle:
    """log(x / (1 - x))."""
    return b.sub(b("log", x), b("log1p", b.neg(x)))


def xlogy(b: Builder, x: Handle, y: Handle) -> Handle:
    """x log y, and 0 where x = 0 (unless y is nan); its gradient is 0 where log y is not finite."""
    bad = b("logical_or", _at_most(b, y, 0), b.compare("eq", y, b.full_like(y, math.inf)))
    empty = b("logical_and", b.compare("eq", x, b.zeros_like(x)), bad)
    return b.mul(x, b("log", b.select(empty, b.full_like(y, 1), y)))


def xlog1py(b: Builder, x: Handle, y: Handle) -> Handle:
    """x log(1 + y), and 0 where x = 0 (unless y is nan)."""
    bad = b("logical_or", _at_most(b, y, -1), b.compare("eq", y, b.full_like(y, math.inf)))
    empty = b("logical_and", b.compare("eq", x, b.zeros_like(x)), bad)
    return b.mul(x, b("log1p", b.select(empty, b.zeros_like(y), y)))


def _at_most(b: Builder, x: Handle, bound: float) -> Handle:
    return b.compare("le", x, b.full_like(x, bound))
