"""rsqrt and cbrt.

rsqrt is 1/sqrt(x) and one step of Newton's. cbrt has a polynomial start for x**(-1/3), one step of
third order, one exact correction: the exponent is divided by three in floating point. The iteration
is Householder's for the reciprocal root, free of divisions; the last residual x - c**3 is computed
without rounding of c**2, so that the result is all but correctly rounded.
"""

from __future__ import annotations

import math

from .exponential import nearest
from .formats import FORMATS
from .logarithm import exponent
from .registry import MathsFunction
from .terms import Term, fma, polynomial, where

# m**(-1/3) on [1, 2], relative error 2**-14.7 and 2**-12.0
_START = {
    "f64": (
        1.6699923981657057, -1.1728396844083984, 0.6954405478728812, -0.2212188086776359,
        0.028587852986394314,
    ),
    "f32": (1.5418115854263306, -0.8098013997077942, 0.31764888763427734, -0.04991300031542778),
}  # fmt: skip

_LIFT = 54  # divisible by three; brings every subnormal among the normal numbers


def rsqrt(x: Term) -> Term:
    """Largest error: 0.501 ULP in f64, 0.501 in f32.

    y = 1/sqrt(x) is rounded twice; the step is y + y (1 - x y**2)/2, with x y as a sum of two. At 0
    and infinity there is none: 0 times infinity is a nan.
    """
    y = 1.0 / x.sqrt()
    root = x * y
    error = fma(-fma(x, y, -root), y, fma(-root, y, 1.0))
    return where(error.is_nan(), y, fma(0.5 * y, error, y))


def cbrt(x: Term) -> Term:
    """Largest error: 0.501 ULP in f64, 0.501 in f32."""
    size = abs(x)
    usual = (size >= FORMATS[x.dtype].smallest_normal) & (size < math.inf)
    return _root(size).copysign(x).rescue(~usual, lambda: x.call("cbrt_rare"))


def cbrt_rare(x: Term) -> Term:
    """cbrt of what is not normal: subnormal, zero, infinite or nan."""
    root = _root(abs(x) * 2.0**_LIFT) * 2.0 ** -(_LIFT // 3)
    subnormal = x.differs(0.0) & (abs(x) < math.inf)
    return where(subnormal, root.copysign(x), x)


def _root(x: Term) -> Term:
    """The cube root of a positive normal x = 2**(3 k + j) m."""
    form = FORMATS[x.dtype]
    bits = x.bits()
    e = exponent(bits)
    k = nearest(e - 1.0, 1.0 / 3.0)
    j = fma(k, -3.0, e)
    fraction = (1 << form.mantissa) - 1
    m = ((bits & fraction) | (form.bias << form.mantissa)).as_float()
    reduced = (bits - _exponent_field(k * 3.0)).as_float()
    factor = where(j < 1.5, x.constant(2.0 ** (-1 / 3)), 2.0 ** (-2 / 3))
    factor = where(j < 0.5, 1.0, factor)
    y = _refined(polynomial(m, _START[x.dtype], 1) * factor, reduced)
    return (_corrected(reduced * (y * y), y, reduced).bits() + _exponent_field(k)).as_float()


def _exponent_field(n: Term) -> Term:
    """The integer n, moved to where a float has its exponent."""
    form = FORMATS[n.dtype]
    return (n + form.shifter).bits() << form.mantissa


def _refined(y: Term, x: Term) -> Term:
    """A better y = x**(-1/3): with e = 1 - x y**3, y (1 - e)**(-1/3) to the second order."""
    error = fma(x * y, -(y * y), 1.0)
    return fma(y * error, fma(error, 2.0 / 9.0, 1.0 / 3.0), y)


def _corrected(c: Term, y: Term, x: Term) -> Term:
    """Newton's step from c for c**3 = x, where y is about 1/c."""
    square = c * c
    residual = fma(-c, fma(c, c, -square), fma(-c, square, x))
    return fma(residual, y * y * (1.0 / 3.0), c)


FUNCTIONS = (
    MathsFunction("rsqrt", 1, rsqrt),
    MathsFunction("cbrt", 1, cbrt),
    MathsFunction("cbrt_rare", 1, cbrt_rare, cold=True),
)
