"""Arithmetic: sums, products, quotients, powers, extrema. Subgradients at kinks are PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..types import FLOATS
from .elementwise import NUMBERS, binary, samples_of, unary

binary(
    "add",
    np.add,
    lambda e, x, y: e.add(x, y),
    (lambda b, g, x, y, out: g, lambda b, g, x, y, out: g),
    traits=("commutative", "linear"),
)
binary(
    "sub",
    np.subtract,
    lambda e, x, y: e.sub(x, y),
    (lambda b, g, x, y, out: g, lambda b, g, x, y, out: b.neg(g)),
    traits=("linear",),
)
binary(
    "mul",
    np.multiply,
    lambda e, x, y: e.mul(x, y),
    (lambda b, g, x, y, out: b.mul(g, y), lambda b, g, x, y, out: b.mul(g, x)),
    saves=("0", "1"),
    traits=("commutative",),
)
binary(
    "div",
    np.divide,
    lambda e, x, y: e.div(x, y),
    (
        lambda b, g, x, y, out: b.div(g, y),
        lambda b, g, x, y, out: b.neg(b.mul(g, b.div(out, y))),
    ),
    saves=("1", "out"),
    dtypes=FLOATS,
    samples=samples_of(2, FLOATS, ((-2.0, 2.0), (0.5, 2.0))),
)


# --- powers ---


def _pow_base(b: Builder, g: Handle, x: Handle, y: Handle, out: Handle) -> Handle:
    """y · x^(y-1), and 0 where y = 0 (there x^(y-1) is kept finite, for the second derivative)."""
    constant = b.compare("eq", y, b.zeros_like(y))
    exponent = b.sub(b.select(constant, b.full_like(y, 1), y), b.full_like(y, 1))
    return b.mul(g, b.mul(y, b("pow", x, exponent)))


def _pow_exponent(b: Builder, g: Handle, x: Handle, y: Handle, out: Handle) -> Handle:
    """x^y · log x, and 0 where x = 0 and y >= 0."""
    zero = b.zeros_like(x)
    flat = b("logical_and", b.compare("eq", x, zero), b.compare("ge", y, b.zeros_like(y)))
    return b.mul(g, b.mul(out, b("log", b.select(flat, b.full_like(x, 1), x))))


binary(
    "pow",
    np.power,
    lambda e, x, y: e.call("pow", x, y),
    (_pow_base, _pow_exponent),
    saves=("0", "1", "out"),
    dtypes=FLOATS,
    traits=("transcendental",),
    samples=samples_of(2, FLOATS, ((0.3, 2.0), (-2.0, 3.0))),
)


def _atan2_y(b: Builder, g: Handle, y: Handle, x: Handle, out: Handle) -> Handle:
    return b.mul(g, b.div(x, b.add(b.mul(x, x), b.mul(y, y))))


def _atan2_x(b: Builder, g: Handle, y: Handle, x: Handle, out: Handle) -> Handle:
    return b.neg(b.mul(g, b.div(y, b.add(b.mul(x, x), b.mul(y, y)))))


binary(
    "atan2",
    np.arctan2,
    lambda e, y, x: e.call("atan2", y, x),
    (_atan2_y, _atan2_x),
    saves=("0", "1"),
    dtypes=FLOATS,
    traits=("transcendental",),
    samples=(
        *samples_of(2, FLOATS, ((0.3, 2.0), (-2.0, 2.0))),
        *samples_of(2, FLOATS, ((-2.0, -0.3), (-2.0, 2.0))),
    ),
)


# --- extrema: a nan wins, and takes the cotangent of both sides; at a tie each side has half ---


def _extremum(loses: str) -> tuple[Any, Any]:
    """The rules of maximum (`loses` = "lt") and minimum ("gt")."""

    def share(b: Builder, g: Handle, mine: Handle, other: Handle) -> Handle:
        halved = b.select(b.compare("eq", mine, other), b.scale(g, 0.5), g)
        return b.select(b.compare(loses, mine, other), b.zeros_like(g), halved)

    return (
        lambda b, g, x, y, out: share(b, g, x, y),
        lambda b, g, x, y, out: share(b, g, y, x),
    )


binary(
    "maximum",
    np.maximum,
    lambda e, x, y: e.maximum(x, y),
    _extremum("lt"),
    saves=("0", "1"),
    traits=("commutative",),
)
binary(
    "minimum",
    np.minimum,
    lambda e, x, y: e.minimum(x, y),
    _extremum("gt"),
    saves=("0", "1"),
    traits=("commutative",),
)


# --- signs ---

unary(
    "neg",
    np.negative,
    lambda e, x: e.neg(x),
    lambda b, g, x, out: b.neg(g),
    dtypes=NUMBERS,
    traits=("linear",),
)
unary(
    "abs",
    np.abs,
    lambda e, x: e.absolute(x),
    lambda b, g, x, out: b.mul(g, b("sign", x)),
    saves=("0",),
    dtypes=NUMBERS,
    samples=samples_of(1, NUMBERS, kinks=(0.0,), integers=(-3, 3)),
)
