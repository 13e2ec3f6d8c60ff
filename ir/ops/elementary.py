"""Elementary functions of one operand; `codegen.maths` has them under the same names."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..types import FLOATS
from .elementwise import NUMBERS, function, samples_of, unary


@cache
def _number(value: int, dtype: np.dtype[Any]) -> np.ndarray:
    """A number as an array without axes, which ufuncs take faster than a scalar."""
    number = np.array(value, dtype)
    number.flags.writeable = False
    return number


# --- roots ---


def _rsqrt(x: Any) -> Any:
    return np.reciprocal(np.sqrt(x))


unary(
    "sqrt",
    np.sqrt,
    lambda e, x: e.sqrt(x),
    lambda b, g, x, out: b.div(g, b.scale(out, 2.0)),
    saves=("out",),
    samples=samples_of(1, FLOATS, (0.3, 3.0)),
)
unary(
    "rsqrt",
    _rsqrt,
    lambda e, x: e.call("rsqrt", x),
    lambda b, g, x, out: b.mul(b.scale(g, -0.5), b.mul(out, b.mul(out, out))),
    saves=("out",),
    samples=samples_of(1, FLOATS, (0.3, 3.0)),
)
function(
    "cbrt",
    np.cbrt,
    lambda b, g, x, out: b.div(g, b.scale(b.mul(out, out), 3.0)),
    saves=("out",),
    domain=(-3.0, -0.5),
)

# --- exponentials and logarithms ---

function("exp", np.exp, lambda b, g, x, out: b.mul(g, out), saves=("out",))
function("exp2", np.exp2, lambda b, g, x, out: b.mul(g, b.scale(out, math.log(2))), saves=("out",))
function(
    "expm1",
    np.expm1,
    lambda b, g, x, out: b.mul(g, b.add(out, b.full_like(out, 1))),
    saves=("out",),
)
function("log", np.log, lambda b, g, x, out: b.div(g, x), saves=("0",), domain=(0.3, 3.0))
function(
    "log2",
    np.log2,
    lambda b, g, x, out: b.div(g, b.scale(x, math.log(2))),
    saves=("0",),
    domain=(0.3, 3.0),
)
function(
    "log10",
    np.log10,
    lambda b, g, x, out: b.div(g, b.scale(x, math.log(10))),
    saves=("0",),
    domain=(0.3, 3.0),
)
function(
    "log1p",
    np.log1p,
    lambda b, g, x, out: b.div(g, b.add(x, b.full_like(x, 1))),
    saves=("0",),
    domain=(-0.7, 2.0),
)

# --- trigonometric functions and their inverses (DLMF 4.20, 4.24) ---


def _one_minus_square(b: Builder, x: Handle) -> Handle:
    return b.sub(b.full_like(x, 1), b.mul(x, x))


def _one_plus_square(b: Builder, x: Handle) -> Handle:
    return b.add(b.full_like(x, 1), b.mul(x, x))


function("sin", np.sin, lambda b, g, x, out: b.mul(g, b("cos", x)), saves=("0",))
function("cos", np.cos, lambda b, g, x, out: b.neg(b.mul(g, b("sin", x))), saves=("0",))
function(
    "tan",
    np.tan,
    lambda b, g, x, out: b.mul(g, _one_plus_square(b, out)),
    saves=("out",),
    domain=(-1.2, 1.2),
)
function(
    "asin",
    np.arcsin,
    lambda b, g, x, out: b.mul(g, b("rsqrt", _one_minus_square(b, x))),
    saves=("0",),
    domain=(-0.8, 0.8),
)
function(
    "acos",
    np.arccos,
    lambda b, g, x, out: b.neg(b.mul(g, b("rsqrt", _one_minus_square(b, x)))),
    saves=("0",),
    domain=(-0.8, 0.8),
)
function(
    "atan",
    np.arctan,
    lambda b, g, x, out: b.div(g, _one_plus_square(b, x)),
    saves=("0",),
)

# --- hyperbolic functions (DLMF 4.34) ---

function("sinh", np.sinh, lambda b, g, x, out: b.mul(g, b("cosh", x)), saves=("0",))
function("cosh", np.cosh, lambda b, g, x, out: b.mul(g, b("sinh", x)), saves=("0",))
function(
    "tanh",
    np.tanh,
    lambda b, g, x, out: b.mul(g, _one_minus_square(b, out)),
    saves=("out",),
)


def _asinh_slope(b: Builder, x: Handle) -> Handle:
    """1/√(1 + x²); beyond 1 by 1/x, so that nothing overflows."""
    one, size = b.full_like(x, 1), b("abs", x)
    large = b.compare("gt", size, one)
    t = b.select(large, b.div(one, b.select(large, size, one)), x)
    slope = b("rsqrt", _one_plus_square(b, t))
    return b.select(large, b.mul(slope, t), slope)


def _acosh_slope(b: Builder, x: Handle) -> Handle:
    """1/√(x² - 1), by two roots, so that nothing overflows."""
    one = b.full_like(x, 1)
    return b.mul(b("rsqrt", b.sub(x, one)), b("rsqrt", b.add(x, one)))


function("asinh", np.arcsinh, lambda b, g, x, out: b.mul(g, _asinh_slope(b, x)), saves=("0",))
function(
    "acosh",
    np.arccosh,
    lambda b, g, x, out: b.mul(g, _acosh_slope(b, x)),
    saves=("0",),
    domain=(1.2, 4.0),
)
function(
    "atanh",
    np.arctanh,
    lambda b, g, x, out: b.div(g, b.mul(b.sub(b.full_like(x, 1), x), b.add(b.full_like(x, 1), x))),
    saves=("0",),
    domain=(-0.8, 0.8),
)

# --- activations whose derivative is cheaper from the result than from what they are made of ---


def _logistic(x: Any) -> Any:
    """1 / (1 + e^-x), by z = e^-|x|, which can't overflow."""
    one = _number(1, x.dtype)
    z = np.exp(np.copysign(x, _number(-1, x.dtype)))
    return np.divide(np.where(np.less(x, _number(0, x.dtype)), z, one), np.add(z, one))


function(
    "logistic",
    _logistic,
    lambda b, g, x, out: b.mul(g, b.mul(out, b.sub(b.full_like(out, 1), out))),
    saves=("out",),
)


def _emit_relu(e: Any, x: Any) -> Any:
    zero = e.const(0, x.dtype)
    return e.select(e.compare("le", x, zero), zero, x)


def _relu_rule(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
    """0 at 0, and g where x is a nan, as PyTorch has it."""
    return b.select(b.compare("le", out, b.zeros_like(out)), b.zeros_like(g), g)


unary(
    "relu",
    lambda x: np.maximum(x, _number(0, x.dtype)),
    _emit_relu,
    _relu_rule,
    saves=("out",),
    dtypes=NUMBERS,
    samples=samples_of(1, NUMBERS, integers=(-2, 2), kinks=(0.0,)),
)
