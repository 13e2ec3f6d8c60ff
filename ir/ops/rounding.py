"""Ops that jump: signs, rounding, division with remainder; and `stop_gradient`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import ZERO, NoDerivative
from ..types import FLOATS, INTEGERS
from .elementwise import NUMBERS, binary, samples_of, unary

_INTEGERS_NEAR_0 = (-2.0, -1.0, 0.0, 1.0, 2.0)
_HALVES_NEAR_0 = (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)


def _emit_sign(e: Any, x: Any) -> Any:
    """1, -1 or 0; a nan stays."""
    zero, one = e.const(0, x.dtype), e.const(1, x.dtype)
    rest = e.select(e.compare("lt", x, zero), e.const(-1, x.dtype), zero)
    sign = e.select(e.compare("gt", x, zero), one, rest)
    return e.select(e.is_nan(x), x, sign) if x.dtype in FLOATS else sign


unary(
    "sign",
    np.sign,
    _emit_sign,
    ZERO,
    dtypes=NUMBERS,
    samples=samples_of(1, NUMBERS, kinks=(0.0,), integers=(-3, 3)),
)
unary(
    "floor",
    np.floor,
    lambda e, x: e.floor(x),
    ZERO,
    samples=samples_of(1, FLOATS, kinks=_INTEGERS_NEAR_0),
)
unary(
    "ceil",
    np.ceil,
    lambda e, x: e.ceil(x),
    ZERO,
    samples=samples_of(1, FLOATS, kinks=_INTEGERS_NEAR_0),
)
unary(
    "rint",
    np.rint,
    lambda e, x: e.rint(x),
    ZERO,
    samples=samples_of(1, FLOATS, kinks=_HALVES_NEAR_0),
)
unary(
    "stop_gradient",
    lambda x: x,
    lambda e, x: x,
    NoDerivative("that is what stop_gradient is for"),
    dtypes=(*NUMBERS, "bool"),
)


# --- division with remainder, rounded towards minus infinity ---


def _emit_floor_divide(e: Any, x: Any, y: Any) -> Any:
    if x.dtype in INTEGERS:
        return _integer_division(e, x, y)[0]
    return _float_division(e, x, y)[0]


def _emit_remainder(e: Any, x: Any, y: Any) -> Any:
    if x.dtype in INTEGERS:
        return _integer_division(e, x, y)[1]
    return _float_division(e, x, y)[1]


def _integer_division(e: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Quotient and remainder, 0 and 0 for a divisor of 0. No lane ever divides by 0 or by -1.

    (The CPU traps on x / 0, and on the smallest integer / -1.)
    """
    zero, one = e.const(0, x.dtype), e.const(1, x.dtype)
    by_zero = e.compare("eq", y, zero)
    by_minus_one = e.compare("eq", y, e.const(-1, x.dtype))
    divisor = e.select(e.or_(by_zero, by_minus_one), one, y)
    quotient = e.div(x, divisor)
    rest = e.sub(x, e.mul(quotient, divisor))
    other_sign = e.compare("lt", e.xor(rest, divisor), zero)
    too_high = e.and_(other_sign, e.compare("ne", rest, zero))
    quotient = e.select(too_high, e.sub(quotient, one), quotient)
    rest = e.select(too_high, e.add(rest, divisor), rest)
    quotient = e.select(by_minus_one, e.neg(x), e.select(by_zero, zero, quotient))
    return quotient, rest


def _float_division(e: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Quotient and remainder with NumPy's rounding.

    Where |x/y| is below 2^(p-1), q = floor(x/y) is off by at most one (upwards, when x/y was
    rounded up to an integer), and fma gives x - q·y rounded once, as NumPy has it. Elsewhere frem
    is called.
    """
    zero, one = e.const(0, x.dtype), e.const(1, x.dtype)
    ratio = e.div(x, y)
    floor = e.floor(ratio)
    rest = e.fma(e.neg(floor), y, x)
    too_high = _opposite(e, rest, y)
    quotient = e.select(too_high, e.sub(floor, one), floor)
    rest = e.fma(e.neg(quotient), y, x)
    rest = e.select(e.compare("eq", rest, zero), e.copysign(zero, y), rest)
    quotient = e.select(e.compare("eq", quotient, zero), e.copysign(zero, ratio), quotient)
    limit = e.const(2.0**22 if x.dtype == "f32" else 2.0**51, x.dtype)
    usual = e.and_(
        e.compare("lt", e.absolute(ratio), limit),
        e.compare("lt", e.absolute(y), e.const(float("inf"), x.dtype)),
    )
    rare = e.not_(usual)
    return (
        e.rescue(rare, quotient, lambda: _rare_quotient(e, x, y)),
        e.rescue(rare, rest, lambda: _rare_rest(e, x, y)[0]),
    )


def _opposite(e: Any, x: Any, y: Any) -> Any:
    """x is not 0 and has the other sign than y."""
    zero = e.const(0, x.dtype)
    signs = e.xor(e.compare("lt", x, zero), e.compare("lt", y, zero))
    return e.and_(signs, e.compare("ne", x, zero))


def _rare_rest(e: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """The remainder by frem, and whether the quotient has to come down by one."""
    rest = e.frem(x, y)
    down = _opposite(e, rest, y)
    moved = e.select(down, e.add(rest, y), rest)
    zero = e.const(0, x.dtype)
    return e.select(e.compare("eq", rest, zero), e.copysign(zero, y), moved), down


def _rare_quotient(e: Any, x: Any, y: Any) -> Any:
    """As NumPy's divmod: (x - fmod(x, y)) / y, brought down where signs differ, rounded."""
    zero, one = e.const(0, x.dtype), e.const(1, x.dtype)
    down = _rare_rest(e, x, y)[1]
    quotient = e.div(e.sub(x, e.frem(x, y)), y)
    quotient = e.select(down, e.sub(quotient, one), quotient)
    floor = e.floor(quotient)
    off = e.compare("gt", e.sub(quotient, floor), e.const(0.5, x.dtype))
    floor = e.select(off, e.add(floor, one), floor)
    ratio = e.div(x, y)
    floor = e.select(e.compare("eq", quotient, zero), e.copysign(zero, ratio), floor)
    return e.select(e.compare("eq", y, zero), ratio, floor)


_DIVISION_SAMPLES = (  # no quotient is near an integer
    *samples_of(2, NUMBERS, ((2.3, 2.7), (1.0, 1.1)), integers=(-3, 3)),
    *samples_of(2, FLOATS, ((-2.7, -2.3), (1.0, 1.1))),
    *samples_of(2, FLOATS, ((2.3, 2.7), (-1.1, -1.0))),
)

binary(
    "floor_divide",
    np.floor_divide,
    _emit_floor_divide,
    (ZERO, ZERO),
    samples=_DIVISION_SAMPLES,
)
binary(
    "remainder",
    np.remainder,
    _emit_remainder,
    (
        lambda b, g, x, y, out: g,
        lambda b, g, x, y, out: b.neg(b.mul(g, b("floor_divide", x, y))),
    ),
    saves=("0", "1"),
    samples=_DIVISION_SAMPLES,
)
