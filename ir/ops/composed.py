"""Ops that are defined by a composition of others, but have a derivative rule of their own.

The formula is written once, for a builder: run in NumPy it is the op's evaluation, run over an
emitter it writes the op's scalar code. It computes in f64; an f32 operand is converted and the
result rounded. Where `codegen.maths` has the op under the same name, that is its scalar code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..builder import Builder, Handle, NumpyBuilder
from ..functions import bessel, gamma, normal, special
from ..op import Op
from ..types import TensorType
from .elementwise import Domain, samples_of, unary

Formula = Callable[[Builder, Handle], Handle]
Derivative = Callable[[Builder, Handle, Handle, Handle], Handle]


class ScalarBuilder(Builder):
    """Writes ops as scalar code: handles are an emitter's registers."""

    def __init__(self, emitter: Any) -> None:
        self.emitter = emitter

    def apply(self, op: Op, operands: tuple[Handle, ...], attributes: dict[str, Any]) -> Handle:
        if op.emit is None:
            raise ValueError(f"op {op.name} has no scalar code")
        return op.emit(self.emitter, *operands, **attributes)

    def type_of(self, x: Handle) -> TensorType:
        return TensorType(x.dtype, ())

    def constant(self, value: float | int | bool, type: TensorType) -> Handle:
        return self.emitter.const(value, type.dtype)


def _in_double(formula: Formula, b: Builder, x: Handle) -> Handle:
    dtype = b.type_of(x).dtype
    return b.cast(formula(b, b.cast(x, "f64")), dtype)


def composed(
    name: str,
    formula: Formula,
    derivative: Derivative,
    *,
    saves: tuple[str, ...] = ("0",),
    domain: Domain = (-2.0, 2.0),
    machine: bool = False,
) -> Op:
    """Register an elementwise float op; `derivative(b, g, x, out)` is g · f'(x).

    With `machine`, `codegen.maths` computes it.
    """

    def eval(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return _in_double(formula, NumpyBuilder(), np.asarray(x))

    def emit(e: Any, x: Any) -> Any:
        return e.call(name, x) if machine else _in_double(formula, ScalarBuilder(e), x)

    samples = samples_of(1, ("f32", "f64"), domain)
    traits = ("transcendental",)
    return unary(name, eval, emit, derivative, saves=saves, traits=traits, samples=samples)


# --- derivatives (DLMF 10.6.2, 10.6.3, 10.29.2, 10.29.3, 5.2.2, 7.10.1) ---


def _over_x(b: Builder, value: Handle, x: Handle, at_zero: float) -> Handle:
    """value / x, and its limit at 0."""
    zero = b.compare("eq", x, b.zeros_like(x))
    quotient = b.div(value, b.select(zero, b.full_like(x, 1), x))
    return b.select(zero, b.full_like(x, at_zero), quotient)


def _to(name: str, sign: float = 1.0) -> Derivative:
    """The derivative is another function, or minus that."""

    def rule(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
        slope = b.mul(g, b(name, x))
        return slope if sign > 0 else b.neg(slope)

    return rule


def _of_order_one(zeroth: str, sign: float, at_zero: float) -> Derivative:
    """± f₀ - f₁ / x."""

    def rule(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
        first = b(zeroth, x) if sign > 0 else b.neg(b(zeroth, x))
        return b.mul(g, b.sub(first, _over_x(b, out, x, at_zero)))

    return rule


def _i0e(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
    return b.mul(g, b.sub(b("i1e", x), b.mul(b("sign", x), out)))


def _i1e(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
    slope = b.sub(b("i0e", x), b.mul(b("sign", x), out))
    return b.mul(g, b.sub(slope, _over_x(b, out, x, 0.5)))


def _k0e(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
    return b.mul(g, b.sub(out, b("k1e", x)))


def _k1e(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
    return b.mul(g, b.sub(b.sub(out, b("k0e", x)), b.div(out, x)))


def _gamma(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
    return b.mul(g, b.mul(out, b("digamma", x)))


def _erfcx(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
    return b.mul(g, special.erfcx_slope(b, x, out))


def _ndtr(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
    density = b("exp", b.scale(b.mul(x, x), -0.5))
    return b.mul(g, b.scale(density, 1 / math.sqrt(2 * math.pi)))


def _erfinv(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
    return b.mul(g, b.scale(b("exp", b.mul(out, out)), math.sqrt(math.pi) / 2))


def _ndtri(b: Builder, g: Handle, x: Handle, out: Handle) -> Handle:
    return b.mul(g, b.scale(b("exp", b.scale(b.mul(out, out), 0.5)), math.sqrt(2 * math.pi)))


BOTH = ("0", "out")
POSITIVE = (0.5, 4.0)
composed("i0", bessel.i0, _to("i1"), machine=True)
composed("i1", bessel.i1, _of_order_one("i0", 1, 0.5), saves=BOTH, machine=True)
composed("i0e", bessel.i0e, _i0e, saves=BOTH, domain=POSITIVE, machine=True)
composed("i1e", bessel.i1e, _i1e, saves=BOTH, domain=POSITIVE, machine=True)
composed("k0", bessel.k0, _to("k1", -1), domain=POSITIVE, machine=True)
composed(
    "k1", bessel.k1, _of_order_one("k0", -1, math.inf), saves=BOTH, domain=POSITIVE, machine=True
)
composed("k0e", bessel.k0e, _k0e, saves=BOTH, domain=POSITIVE, machine=True)
composed("k1e", bessel.k1e, _k1e, saves=BOTH, domain=POSITIVE, machine=True)
composed("j0", bessel.j0, _to("j1", -1), machine=True)
composed("j1", bessel.j1, _of_order_one("j0", 1, 0.5), saves=BOTH, machine=True)
composed("y0", bessel.y0, _to("y1", -1), domain=POSITIVE, machine=True)
composed(
    "y1", bessel.y1, _of_order_one("y0", 1, -math.inf), saves=BOTH, domain=POSITIVE, machine=True
)
composed("gamma", gamma.gamma, _gamma, saves=BOTH, domain=POSITIVE, machine=True)
composed("erfcx", special.scaled_erfc, _erfcx, saves=BOTH, machine=True)
composed("ndtr", special.half_erfc, _ndtr, machine=True)
composed("erfinv", normal.inverse_erf, _erfinv, saves=("out",), domain=(-0.9, 0.9), machine=True)
composed("ndtri", normal.normal_quantile, _ndtri, saves=("out",), domain=(0.1, 0.9), machine=True)
