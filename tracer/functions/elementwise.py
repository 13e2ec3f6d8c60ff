"""The elementwise universal functions of NumPy: for each, the ops that it is made of.

A rule gets values of one shape, in the dtypes that NumPy computes in, and gives the value of the
result (its dtype is corrected by the caller).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.builder import Builder, Handle
from ...ir.errors import DTypeError
from ...ir.functions import elementwise as composed
from ...ir.types import FLOATS

Rule = Callable[..., Any]


# --- arithmetic ---


def _is_bool(b: Builder, x: Handle) -> bool:
    return b.type_of(x).dtype == "bool"


def _is_float(b: Builder, x: Handle) -> bool:
    return b.type_of(x).dtype in FLOATS


def _op(name: str) -> Rule:
    return lambda b, *values: b(name, *values)


def _or_logical(name: str, logical: str) -> Rule:
    """An op that on truth values is another one: their sum is `or`."""
    return lambda b, x, y: b(logical if _is_bool(b, x) else name, x, y)


def _rounding(name: str) -> Rule:
    """A rounding: integers stay as they are."""
    return lambda b, x: b(name, x) if _is_float(b, x) else x


def _trunc(b: Builder, x: Handle) -> Handle:
    return composed.trunc(b, x) if _is_float(b, x) else x


def _absolute(b: Builder, x: Handle) -> Handle:
    return x if _is_bool(b, x) else b("abs", x)


def _reciprocal(b: Builder, x: Handle) -> Handle:
    if not _is_float(b, x):
        raise DTypeError("np.reciprocal of integers is 0 nearly everywhere", hint="1 / x")
    return composed.reciprocal(b, x)


def _power(b: Builder, x: Handle, y: Handle) -> Handle:
    if not _is_float(b, x):
        raise DTypeError(
            "np.power of integers needs an exponent that is a Python int",
            hint="x ** 3, or x.astype(float) ** y",
        )
    return b("pow", x, y)


def _divmod(b: Builder, x: Handle, y: Handle) -> tuple[Handle, Handle]:
    return b("floor_divide", x, y), b("remainder", x, y)


def _modf(b: Builder, x: Handle) -> tuple[Handle, Handle]:
    whole = _trunc(b, x)
    fraction = b.select(composed.isinf(b, x), b.zeros_like(x), b.sub(x, whole))
    return _copysign(b, fraction, x), whole


def _scaled(factor: float) -> Rule:
    return lambda b, x: b.scale(x, factor)


# --- extrema that pass nans over ---


def _of_numbers(composed_rule: Rule, name: str, logical: str) -> Rule:
    def rule(b: Builder, x: Handle, y: Handle) -> Handle:
        if _is_bool(b, x):
            return b(logical, x, y)
        return composed_rule(b, x, y) if _is_float(b, x) else b(name, x, y)

    return rule


# --- tests ---


def _of_floats(rule: Rule, otherwise: str) -> Rule:
    """A test of floats; for integers the comparison of x with itself gives its answer."""
    return lambda b, x: rule(b, x) if _is_float(b, x) else b.compare(otherwise, x, x)


def _signbit(b: Builder, x: Handle) -> Handle:
    """Negative, or minus zero (which only its reciprocal tells from zero)."""
    zero = b.zeros_like(x)
    negative = b.compare("lt", x, zero)
    if not _is_float(b, x):
        return negative
    below = b.compare("lt", b.div(b.full_like(x, 1), x), zero)
    return b("logical_or", negative, b("logical_and", b.compare("eq", x, zero), below))


def _copysign(b: Builder, x: Handle, y: Handle) -> Handle:
    magnitude = b("abs", x)
    return b.select(_signbit(b, y), b.neg(magnitude), magnitude)


def _frexp(b: Builder, x: Handle) -> tuple[Handle, Handle]:
    """x as m · 2^e with ½ <= |m| < 1; the exponent is a constant for the derivative."""
    usable = b("logical_and", b.compare("ne", x, b.zeros_like(x)), composed.isfinite(b, x))
    size = b("abs", b.select(usable, x, b.full_like(x, 1)))
    exponent = _plus(b, b("floor", b("log2", size)), 1)
    mantissa = _times_power(b, size, b.neg(exponent))
    above = b.compare("ge", mantissa, b.full_like(x, 1))
    below = b.compare("lt", mantissa, b.full_like(x, 0.5))
    exponent = b.select(above, _plus(b, exponent, 1), exponent)
    exponent = b("stop_gradient", b.select(below, _plus(b, exponent, -1), exponent))
    found = _times_power(b, b.select(usable, x, b.zeros_like(x)), b.neg(exponent))
    exponent = b.select(usable, exponent, b.zeros_like(x))
    return b.select(usable, found, x), exponent


def _plus(b: Builder, x: Handle, value: float) -> Handle:
    return b.add(x, b.full_like(x, value))


def _times_power(b: Builder, x: Handle, exponent: Handle) -> Handle:
    """x · 2^exponent, in two steps, so that no power of 2 overflows before the product does."""
    half = b("floor", b.scale(exponent, 0.5))
    first = b.mul(x, b("exp2", half))
    return b.mul(first, b("exp2", b.sub(exponent, half)))


def _ldexp(b: Builder, x: Handle, exponent: Handle) -> Handle:
    return _times_power(b, x, b.cast(exponent, b.type_of(x).dtype))


def _shifted(name: str) -> Rule:
    """A shift by bits: times a power of 2, or its floor division; 0 (or -1) if all go out."""

    def rule(b: Builder, x: Handle, count: Handle) -> Handle:
        bits = 63 if b.type_of(x).dtype == "i64" else 31
        two = b.full_like(x, 2)
        power, rest = b.full_like(x, 1), count
        for _ in range(bits):
            more = b.compare("gt", rest, b.zeros_like(rest))
            power = b.select(more, b.mul(power, two), power)
            rest = b.sub(rest, b.full_like(rest, 1))
        low = b.compare("lt", count, b.zeros_like(count))
        out = b("logical_or", low, b.compare("ge", count, b.full_like(count, bits)))
        if name == "mul":
            all_out = b("logical_or", low, b.compare("gt", count, b.full_like(count, bits)))
            return b.select(all_out, b.zeros_like(x), b.mul(x, power))
        negative = b.compare("lt", x, b.zeros_like(x))
        empty = b.select(negative, b.full_like(x, -1), b.zeros_like(x))
        safe = b.select(out, b.full_like(x, 1), power)
        return b.select(out, empty, b("floor_divide", x, safe))

    return rule


def _heaviside(b: Builder, x: Handle, at_zero: Handle) -> Handle:
    zero, one = b.zeros_like(x), b.full_like(x, 1)
    step = b.select(b.compare("gt", x, zero), one, b.select(b.compare("lt", x, zero), zero, x))
    return b.select(b.compare("eq", x, zero), at_zero, step)


def _of_truth(name: str) -> Rule:
    """Every number but 0 is true."""
    return lambda b, *values: b(name, *(b.cast(x, "bool") for x in values))


def _identity(b: Builder, x: Handle) -> Handle:
    return x


RULES: dict[np.ufunc, Rule] = {
    # arithmetic
    np.add: _or_logical("add", "logical_or"),
    np.subtract: _op("sub"),
    np.multiply: _or_logical("mul", "logical_and"),
    np.true_divide: _op("div"),
    np.floor_divide: _op("floor_divide"),
    np.remainder: _op("remainder"),
    np.fmod: composed.fmod,
    np.divmod: _divmod,
    np.power: _power,
    np.float_power: _op("pow"),
    np.negative: _op("neg"),
    np.positive: _identity,
    np.conjugate: _identity,
    np.absolute: _absolute,
    np.fabs: _op("abs"),
    np.square: lambda b, x: x if _is_bool(b, x) else composed.square(b, x),
    np.reciprocal: _reciprocal,
    np.sign: _op("sign"),
    np.copysign: _copysign,
    np.heaviside: _heaviside,
    # extrema
    np.maximum: _or_logical("maximum", "logical_or"),
    np.minimum: _or_logical("minimum", "logical_and"),
    np.fmax: _of_numbers(composed.fmax, "maximum", "logical_or"),
    np.fmin: _of_numbers(composed.fmin, "minimum", "logical_and"),
    # roots, exponentials, logarithms
    np.sqrt: _op("sqrt"),
    np.cbrt: _op("cbrt"),
    np.exp: _op("exp"),
    np.exp2: _op("exp2"),
    np.expm1: _op("expm1"),
    np.log: _op("log"),
    np.log1p: _op("log1p"),
    np.log2: _op("log2"),
    np.log10: _op("log10"),
    np.logaddexp: composed.logaddexp,
    np.logaddexp2: composed.logaddexp2,
    np.hypot: composed.hypot,
    # trigonometry
    np.sin: _op("sin"),
    np.cos: _op("cos"),
    np.tan: _op("tan"),
    np.arcsin: _op("asin"),
    np.arccos: _op("acos"),
    np.arctan: _op("atan"),
    np.arctan2: _op("atan2"),
    np.sinh: _op("sinh"),
    np.cosh: _op("cosh"),
    np.tanh: _op("tanh"),
    np.arcsinh: _op("asinh"),
    np.arccosh: _op("acosh"),
    np.arctanh: _op("atanh"),
    np.deg2rad: _scaled(math.pi / 180.0),
    np.radians: _scaled(math.pi / 180.0),
    np.rad2deg: _scaled(180.0 / math.pi),
    np.degrees: _scaled(180.0 / math.pi),
    # rounding
    np.floor: _rounding("floor"),
    np.ceil: _rounding("ceil"),
    np.rint: _rounding("rint"),
    np.trunc: _trunc,
    np.modf: _modf,
    # comparisons and tests
    np.less: _op("lt"),
    np.less_equal: _op("le"),
    np.greater: _op("gt"),
    np.greater_equal: _op("ge"),
    np.equal: _op("eq"),
    np.not_equal: _op("ne"),
    np.isnan: _of_floats(composed.isnan, "ne"),
    np.isinf: _of_floats(composed.isinf, "ne"),
    np.isfinite: _of_floats(composed.isfinite, "eq"),
    np.signbit: _signbit,
    # truth values and bits
    np.logical_and: _of_truth("logical_and"),
    np.logical_or: _of_truth("logical_or"),
    np.logical_xor: _of_truth("logical_xor"),
    np.logical_not: _of_truth("logical_not"),
    np.bitwise_and: _op("logical_and"),
    np.bitwise_or: _op("logical_or"),
    np.bitwise_xor: _op("logical_xor"),
    np.invert: _op("logical_not"),
    np.left_shift: _shifted("mul"),
    np.right_shift: _shifted("floor_divide"),
    # powers of 2
    np.frexp: _frexp,
    np.ldexp: _ldexp,
}
