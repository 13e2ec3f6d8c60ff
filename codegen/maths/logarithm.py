"""log, log2, log10, log1p: x = 2**k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).

log(1 + f) = f - f**2/2 + tail(f), where in f64 the tail comes from s = f/(2 + f) and the series of
2 atanh(s), as P. T. P. Tang and the authors of fdlibm proposed, and in f32 from a polynomial in f.
The leading terms k ln 2 + f are kept as a sum of two. Polynomials: minimax, made for this module.
"""

from __future__ import annotations

import math
import struct

from .exponential import power_of_two
from .formats import FORMATS, LOG2E, LOG10E
from .registry import MathsFunction
from .terms import Term, fma, polynomial, where

# 2 atanh(s) = 2 s + s**3 * P(s**2), relative error 2**-58.5
_ATANH = (
    0.6666666666666735, 0.39999999999409863, 0.28571428743493765, 0.222221984551402,
    0.18183570716418168, 0.1531388032873026, 0.14797720713847307,
)  # fmt: skip
# log(1 + f) = f - f**2/2 + f**3 * P(f), relative error 2**-27.3
_LOG1P = (
    0.3333333134651184, -0.250008225440979, 0.20001249015331268, -0.16623316705226898,
    0.14201314747333527, -0.13160201907157898, 0.12764479219913483, -0.07637850195169449,
)  # fmt: skip

# Short first parts, so that k times them is exact
SHORT_LN2 = {
    "f64": (0.6931471805598903, 5.497923018708371e-14),
    "f32": (0.693145751953125, 1.428606765330187e-06),
}
_LOG10_2 = {
    "f64": (0.30102999566395283, 2.8363394551044964e-14),
    "f32": (0.30103302001953125, -3.024355464731343e-06),
}


def log(x: Term) -> Term:
    """Largest error: 0.86 ULP in f64, 0.94 in f32."""
    k, f = _split_any(x)
    return special(x, combined(k, f, tail(f)))


def log2(x: Term) -> Term:
    """Largest error: 0.69 ULP in f64, 0.76 in f32."""
    k, f = _split_any(x)
    return special(x, in_base(k, f, (1.0, 0.0), LOG2E[x.dtype]))


def log10(x: Term) -> Term:
    """Largest error: 0.64 ULP in f64, 0.68 in f32."""
    k, f = _split_any(x)
    return special(x, in_base(k, f, _LOG10_2[x.dtype], LOG10E[x.dtype]))


def log1p(x: Term) -> Term:
    """log(1 + x). Largest error: 0.88 ULP in f64, 0.93 in f32.

    The rounding error of 1 + x, brought to the scale of f, enters as error / (1 + f).
    """
    one_plus = x + 1.0
    k, f = split(one_plus)
    scale = power_of_two((-k).at_least(1.0 - FORMATS[x.dtype].bias))
    error = (x - (one_plus - 1.0)) * scale
    correction = error * fma(f, f - 1.0, 1.0)
    result = combined(k, f, tail(f) + correction)
    usual = (one_plus > 0.0) & (x < math.inf)
    return result.copysign(x).rescue(~usual, lambda: special(one_plus, one_plus))


def split(x: Term) -> tuple[Term, Term]:
    """k and f of a positive normal x = 2**k (1 + f)."""
    form = FORMATS[x.dtype]
    root = _bits_of_sqrt_half(x.dtype)
    shifted = x.bits() + ((form.bias << form.mantissa) - root)
    fraction = (shifted & ((1 << form.mantissa) - 1)) + root
    return exponent(shifted), fraction.as_float() - 1.0


def exponent(bits: Term) -> Term:
    """The exponent in a positive float's bits, as a float: set below 2**mantissa's own exponent."""
    form = FORMATS["f64" if bits.dtype == "i64" else "f32"]
    unit = 2.0**form.mantissa
    carrier = (form.bias + form.mantissa) << form.mantissa  # the bits of `unit`
    return ((bits >> form.mantissa) | carrier).as_float() - (unit + form.bias)


def _bits_of_sqrt_half(dtype: str) -> int:
    layout = ("<d", "<q") if dtype == "f64" else ("<f", "<i")
    return int(struct.unpack(layout[1], struct.pack(layout[0], math.sqrt(0.5)))[0])


def tail(f: Term) -> Term:
    """log(1 + f) - f."""
    half_square = 0.5 * f * f
    return higher(f, half_square) - half_square


def higher(f: Term, half_square: Term) -> Term:
    """log(1 + f) - (f - f**2/2)."""
    if f.dtype == "f32":
        return (half_square + half_square) * f * polynomial(f, _LOG1P)
    s = f / (f + 2.0)
    z = s * s
    return s * fma(z, polynomial(z, _ATANH), half_square)


def combined(k: Term, f: Term, rest: Term) -> Term:
    """k ln 2 + f + rest."""
    high, low = SHORT_LN2[f.dtype]
    whole = k * high
    total = whole + f
    error = (whole - total) + f
    return total + (error + fma(k, low, rest))


def in_base(k: Term, f: Term, unit: tuple[float, float], factor: tuple[float, float]) -> Term:
    """k unit + factor log(1 + f), with both constants in two parts, and log(1 + f) as well."""
    half = 0.5 * f
    half_square = half * f
    high = f - half_square
    low = ((f - high) - half_square) - fma(half, f, -half_square) + higher(f, half_square)
    product = high * factor[0]
    error = fma(low, factor[0], fma(high, factor[1], fma(high, factor[0], -product)))
    whole = k if unit[0] == 1.0 else k * unit[0]
    total = whole + product
    error = ((whole - total) + product) + (error if unit[1] == 0.0 else fma(k, unit[1], error))
    return total + error


def _split_any(x: Term) -> tuple[Term, Term]:
    """k and f of any positive x = 2**k (1 + f), the subnormal ones included."""
    scaled, offset = without_subnormals(x)
    k, f = split(scaled)
    return k - offset, f


def without_subnormals(x: Term) -> tuple[Term, Term]:
    """x, and 0; or if x is subnormal, x * 2**p, and p."""
    form = FORMATS[x.dtype]
    shift = float(form.mantissa + 2)
    small = x < form.smallest_normal
    return where(small, x * 2.0**shift, x), where(small, x.constant(shift), 0.0)


def special(x: Term, finite: Term) -> Term:
    """The logarithm's value at 0, below 0, at infinity and nan; elsewhere `finite`."""
    regular = where(x < math.inf, finite, x)
    return where(
        x > 0.0, regular, where(x.equals(0.0), x.constant(-math.inf), x.constant(math.nan))
    )


FUNCTIONS = (
    MathsFunction("log", 1, log),
    MathsFunction("log2", 1, log2),
    MathsFunction("log10", 1, log10),
    MathsFunction("log1p", 1, log1p),
)
