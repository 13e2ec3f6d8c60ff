"""The universal functions of complex numbers (DLMF 4.2, 4.15, 4.21, 4.28, 4.35)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..complexes import (
    UFUNCS,
    ComplexArray,
    as_complex,
    minus,
    pair,
    parts_of,
    plus,
    refuse_order,
    times,
)


def _add(x: Any, y: Any) -> Any:
    (a, b), (c, d) = parts_of(x), parts_of(y)
    return pair(plus(a, c), plus(b, d))


def _subtract(x: Any, y: Any) -> Any:
    (a, b), (c, d) = parts_of(x), parts_of(y)
    return pair(minus(a, c), minus(b, d))


def _multiply(x: Any, y: Any) -> Any:
    (a, b), (c, d) = parts_of(x), parts_of(y)
    return pair(minus(times(a, c), times(b, d)), plus(times(a, d), times(b, c)))


def _divide(x: Any, y: Any) -> Any:
    """By a real number its parts; else x times the conjugate of y, scaled against overflow."""
    (a, b), (c, d) = parts_of(x), parts_of(y)
    if d is None:
        return pair(*(None if part is None else np.divide(part, c) for part in (a, b)))
    if c is None:  # y is i·d
        return pair(
            None if b is None else np.divide(b, d), None if a is None else np.negative(a / d)
        )
    scale = constant(np.maximum(np.abs(c), np.abs(d)))
    c, d = c / scale, d / scale
    size = (c * c + d * d) * scale
    re, im = plus(times(a, c), times(b, d)), minus(times(b, c), times(a, d))
    return pair(re / size, im / size)


def constant(x: Any) -> Any:
    """A positive x as the nearest power of two, which has no derivative."""
    return np.exp2(np.floor(np.log2(np.where((x > 0) & np.isfinite(x), x, 1.0))))


def _reciprocal(x: Any) -> Any:
    return _divide(1.0, x)


def _square(x: Any) -> Any:
    return _multiply(x, x)


def _absolute(x: Any) -> Any:
    z = as_complex(x)
    return np.hypot(z.real, z.imag)


def _conjugate(x: Any) -> Any:
    return as_complex(x).conj()


def _sign(x: Any) -> Any:
    z = as_complex(x)
    size = abs(z)
    return z / np.where(size > 0, size, 1.0)


# --- exponentials and powers ---


def _exp(x: Any) -> Any:
    re, im = parts_of(x)
    turned = (np.cos(im), np.sin(im)) if im is not None else (1.0, None)
    if re is None:
        return pair(*turned)
    size = np.exp(re)
    return pair(times(size, turned[0]), times(size, turned[1]))


def _log(x: Any) -> Any:
    z = as_complex(x)
    return ComplexArray(np.log(np.hypot(z.real, z.imag)), np.arctan2(z.imag, z.real))


def _scaled_log(base: float) -> Callable[[Any], Any]:
    return lambda x: _log(x) * (1 / math.log(base))


def _sqrt(x: Any) -> Any:
    """The root in the right half-plane: of a non-negative number without cancellation."""
    z = as_complex(x)
    zero = (z.real == 0) & (z.imag == 0)
    re = np.where(zero, 1.0, z.real)
    half = np.sqrt((np.abs(re) + np.hypot(re, z.imag)) * 0.5)
    other = z.imag / (2 * half)
    right = re >= 0
    imag = np.where(right, other, np.copysign(half, z.imag))
    real = np.where(right, half, np.abs(other))
    return ComplexArray(np.where(zero, 0.0, real), np.where(zero, z.imag, imag))


def _power(x: Any, y: Any) -> Any:
    """x to an integer by repeated squaring, to another number by exp(y log x)."""
    exponent = y
    if isinstance(exponent, complex | float | np.number) and exponent == int(np.real(exponent)):
        exponent = int(np.real(exponent))
    if isinstance(exponent, int) and abs(exponent) <= 64:
        result = _integer_power(as_complex(x), abs(exponent))
        return _reciprocal(result) if exponent < 0 else result
    if not isinstance(x, ComplexArray | complex | np.complexfloating):
        logarithm = np.log(x) if np.ndim(x) or float(x) > 0 else _log(x)
        return _exp(_multiply(logarithm, y))
    return _exp(_multiply(_log(x), y))


def _integer_power(z: Any, exponent: int) -> Any:
    result = None
    while exponent:
        if exponent & 1:
            result = z if result is None else _multiply(result, z)
        exponent >>= 1
        z = _multiply(z, z) if exponent else z
    return result if result is not None else pair(np.ones_like(z.real), None)


# --- trigonometry ---


def _sin(x: Any) -> Any:
    z = as_complex(x)
    return ComplexArray(np.sin(z.real) * np.cosh(z.imag), np.cos(z.real) * np.sinh(z.imag))


def _cos(x: Any) -> Any:
    z = as_complex(x)
    return ComplexArray(np.cos(z.real) * np.cosh(z.imag), -(np.sin(z.real) * np.sinh(z.imag)))


def _sinh(x: Any) -> Any:
    z = as_complex(x)
    return ComplexArray(np.sinh(z.real) * np.cos(z.imag), np.cosh(z.real) * np.sin(z.imag))


def _cosh(x: Any) -> Any:
    z = as_complex(x)
    return ComplexArray(np.cosh(z.real) * np.cos(z.imag), np.sinh(z.real) * np.sin(z.imag))


def _tanh(x: Any) -> Any:
    """(t + (1 - t²) sin b cos b i) / (cos² b + t² sin² b) with t = tanh a, which can't overflow."""
    z = as_complex(x)
    t, c, s = np.tanh(z.real), np.cos(z.imag), np.sin(z.imag)
    size = c * c + (t * s) * (t * s)
    return ComplexArray(t / size, (1 - t) * (1 + t) * (c * s) / size)


def _tan(x: Any) -> Any:
    """tan z = -i tanh iz."""
    z = as_complex(x)
    turned = _tanh(ComplexArray(-z.imag, z.real))
    return ComplexArray(turned.imag, -turned.real)


# --- comparisons and tests ---


def _equal(x: Any, y: Any) -> Any:
    x, y = as_complex(x), as_complex(y)
    return (x.real == y.real) & (x.imag == y.imag)


def _on_each(test: np.ufunc, join: np.ufunc) -> Callable[[Any], Any]:
    def rule(x: Any) -> Any:
        z = as_complex(x)
        return join(test(z.real), test(z.imag))

    return rule


UFUNCS.update(
    {
        np.add: _add,
        np.subtract: _subtract,
        np.multiply: _multiply,
        np.true_divide: _divide,
        np.reciprocal: _reciprocal,
        np.square: _square,
        np.negative: lambda x: -as_complex(x),
        np.positive: lambda x: as_complex(x).copy(),
        np.conjugate: _conjugate,
        np.absolute: _absolute,
        np.sign: _sign,
        np.power: _power,
        np.float_power: _power,
        np.sqrt: _sqrt,
        np.exp: _exp,
        np.exp2: lambda x: _exp(_multiply(x, math.log(2))),
        np.expm1: lambda x: _subtract(_exp(x), 1.0),
        np.log: _log,
        np.log2: _scaled_log(2),
        np.log10: _scaled_log(10),
        np.log1p: lambda x: _log(_add(x, 1.0)),
        np.sin: _sin,
        np.cos: _cos,
        np.tan: _tan,
        np.sinh: _sinh,
        np.cosh: _cosh,
        np.tanh: _tanh,
        np.equal: _equal,
        np.not_equal: lambda x, y: ~_equal(x, y),
        np.isfinite: _on_each(np.isfinite, np.logical_and),
        np.isnan: _on_each(np.isnan, np.logical_or),
        np.isinf: _on_each(np.isinf, np.logical_or),
    }
)
for _order in (np.less, np.less_equal, np.greater, np.greater_equal, np.maximum, np.minimum):
    UFUNCS[_order] = refuse_order
