"""Special functions: erf, erfc, lgamma, digamma.

Their NumPy evaluation calls Python's `math` element by element (digamma: a recurrence and an
asymptotic series, vectorised). It is a reference; compiled code has its own, in `codegen.maths`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..functions.special import trigamma
from .elementwise import function


def _elementwise(scalar: Callable[[float], float]) -> Callable[[Any], Any]:
    """`scalar` on every element, computed in double precision."""
    ufunc = np.frompyfunc(scalar, 1, 1)

    def eval(x: Any) -> Any:
        return np.asarray(ufunc(np.asarray(x, np.float64)), x.dtype)

    return eval


def _lgamma(x: float) -> float:
    """log |Γ(x)|, inf at the poles and where it overflows."""
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):
        return math.inf


# B_2k / 2k for k = 1, 2, …, 8: ψ(x) ~ log x - 1/(2x) - Σ (B_2k / 2k) x^-2k  (DLMF 5.11.2)
_DIGAMMA_SERIES = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160)
_SHIFT = 10


def _digamma(x: Any) -> Any:
    """ψ(x), by ψ(x) = ψ(x+n) - Σ 1/(x+k); on the left by ψ(x) = ψ(1-x) - π / tan πx.

    DLMF 5.5.2 and 5.5.4.
    """
    double = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        left = double < 0.5
        right = np.where(left, 1 - double, double)
        rest = np.where(left, double - np.rint(double), 0.25)
        result = _digamma_right(right) - np.where(left, np.pi / np.tan(np.pi * rest), 0)
        # the poles: ±inf at ±0 (the limit), nan at -1, -2, … and at -inf, where no limit exists
        result = np.where((double < 0) & (double == np.floor(double)), np.nan, result)
        result = np.where(double == 0, -np.copysign(np.inf, double), result)
    return np.asarray(result, x.dtype)


def _digamma_right(x: np.ndarray) -> np.ndarray:
    shifted = x + _SHIFT
    inverse_square = 1 / (shifted * shifted)
    series = np.zeros_like(x)
    for coefficient in reversed(_DIGAMMA_SERIES):
        series = (series + coefficient) * inverse_square
    below = sum(1 / (x + k) for k in reversed(range(_SHIFT)))
    result: np.ndarray = np.log(shifted) - 0.5 / shifted - series - below
    return result


def _gaussian(b: Builder, g: Handle, x: Handle, factor: float) -> Handle:
    """g · factor · 2/√π · exp(-x²)."""
    return b.mul(b.scale(g, factor * 2 / math.sqrt(math.pi)), b("exp", b.neg(b.mul(x, x))))


function(
    "erf",
    _elementwise(math.erf),
    lambda b, g, x, out: _gaussian(b, g, x, 1.0),
    saves=("0",),
)
function(
    "erfc",
    _elementwise(math.erfc),
    lambda b, g, x, out: _gaussian(b, g, x, -1.0),
    saves=("0",),
)
function(
    "lgamma",
    _elementwise(_lgamma),
    lambda b, g, x, out: b.mul(g, b("digamma", x)),
    saves=("0",),
    domain=(0.4, 4.0),
)
function(
    "digamma",
    _digamma,
    lambda b, g, x, out: b.mul(g, trigamma(b, x)),
    saves=("0",),
    domain=(0.4, 4.0),
)
