"""Trigonometric functions of huge arguments, lane by lane: the reduction of Payne and Hanek.

An argument is m * 2**e with an integer m. Of the bits of 2/pi only 192 matter: those above give
multiples of four quadrants, those below are too small (Payne and Hanek, "Radian reduction for
trigonometric functions", SIGNUM Newsletter 18, 1983; Muller, Handbook of Floating-Point
Arithmetic, chapter 10). These functions are scalar, cold, and exist in f64 only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from ..emitter import Reg, function_symbol
from .formats import FORMATS, HALF_PI
from .terms import Term, fma, where

# 64 zero bits, then the bits of 2/pi after the point
_TWO_OVER_PI = (
    0x0000000000000000,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
    0xF0CFBC209AF4361D,
)
_TABLE = '@"fg.two_over_pi"'
_ZERO_BITS = 64


def huge(evaluate: Callable[[Term, Term, Term], Term], odd: bool) -> Callable[[Term], Term]:
    """The scalar formula of a function; `evaluate` takes quadrant, r and the error of r."""

    def formula(x: Term) -> Term:
        quadrant, r, r_low = _reduce(abs(x))
        result = evaluate(quadrant, r, r_low)
        if odd:
            result = where(x < 0.0, -result, result)
        return where(abs(x) < math.inf, result, x - x)

    return formula


def each_lane(x: Term, function: str) -> Term:
    """The scalar f64 function `function` of each lane of x."""
    e = x.emitter
    e.functions[(function, "f64", 1)] = None
    if e.lanes == 1:
        return Term(e, _scalar_call(x, x.reg.name, function))
    vector, element = e.type(x.dtype), x.emitter.type(x.dtype).split()[-1].rstrip(">")
    result = Reg("poison", x.dtype)
    for lane in range(e.lanes):
        one = e.emit(f"extractelement {vector} {x.reg.name}, i64 {lane}", x.dtype)
        value = _scalar_call(x, one.name, function)
        result = e.emit(
            f"insertelement {vector} {result.name}, {element} {value.name}, i64 {lane}", x.dtype
        )
    return Term(e, result)


def _scalar_call(x: Term, name: str, function: str) -> Reg:
    e = x.emitter
    narrow = x.dtype == "f32"
    if narrow:
        name = e.emit(f"fpext float {name} to double", "f64").name
    value = e.emit(f"call double {function_symbol(function, 'f64', 1)}(double {name})", "f64")
    return e.emit(f"fptrunc double {value.name} to float", "f32") if narrow else value


def _reduce(x: Term) -> tuple[Term, Term, Term]:
    """The quadrant (mod 4) of a positive x, and what is left of x as a sum of two."""
    form = FORMATS["f64"]
    bits = x.bits()
    exponent = (bits >> form.mantissa) - (form.bias + form.mantissa)
    exponent = where(exponent > -_ZERO_BITS + 4, exponent, -_ZERO_BITS + 4)
    significand = (bits & ((1 << form.mantissa) - 1)) | (1 << form.mantissa)
    product = _product(significand, exponent + (_ZERO_BITS - 2))
    quadrant = ((product >> 125) + 1) >> 1
    r, r_low = _fraction(product << 2)
    return quadrant.to("i64"), *_times_half_pi(r, r_low)


def _product(significand: Term, start: Term) -> Term:
    """x * 2/pi in units of 2**-126 modulo 4: significand times the bits of 2/pi from `start` on."""
    words = _window(start)
    wide = significand.emitter
    m, *w = (Term(wide, wide.extend_unsigned(t.reg, "i128")) for t in (significand, *words))
    return ((m * w[0]) << 64) + m * w[1] + ((m * w[2]) >> 64)


def _window(start: Term) -> list[Term]:
    """Three words of the table, from the bit `start` on."""
    index, shift = start >> 6, start & 63
    words = [_load(index + i) for i in range(4)]
    e = start.emitter
    return [
        Term(e, e.intrinsic("fshl", "i64", high.reg, low.reg, shift.reg))
        for high, low in pairwise(words)
    ]


def _load(index: Term) -> Term:
    e = index.emitter
    size = len(_TWO_OVER_PI)
    words = ", ".join(f"i64 {word}" for word in _TWO_OVER_PI)
    e.declarations[_TABLE] = f"{_TABLE} = private unnamed_addr constant [{size} x i64] [{words}]"
    address = e.emit(
        f"getelementptr [{size} x i64], ptr {_TABLE}, i64 0, i64 {index.reg.name}", "ptr"
    )
    return Term(e, e.emit(f"load i64, ptr {address.name}, align 8", "i64"))


def _fraction(turn: Term) -> tuple[Term, Term]:
    """A signed number of 128 bits after the point, as a sum of two floats."""
    chunks = [_chunk(turn, shift, 2.0 ** (shift - 128)) for shift in (88, 48, 8)]
    high = chunks[0] + chunks[1]
    low = (chunks[1] - (high - chunks[0])) + chunks[2]
    total = high + low
    return total, low - (total - high)


def _chunk(turn: Term, shift: int, unit: float) -> Term:
    """Forty bits, as a float; the top ones with their sign."""
    e = turn.emitter
    moved = Term(e, e.shift_right_signed(turn.reg, turn.lift(shift))).to("i64")
    if shift < 88:
        moved = moved & ((1 << 40) - 1)
    return moved.to("f64") * unit


def _times_half_pi(high: Term, low: Term) -> tuple[Term, Term]:
    first, second = HALF_PI["f64"]
    r = high * first
    error = fma(high, first, -r)
    return r, fma(low, first, fma(high, second, error))
