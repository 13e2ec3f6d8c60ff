"""gammainc: the incomplete gamma functions P(a, x) and (`upper`) Q(a, x), around a loop.

The formulas are in `ir.functions.incomplete`. They are differentiated with respect to x only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..builder import Builder, Handle, NumpyBuilder
from ..functions import incomplete
from ..op import Op, Sample, missing, register
from ..types import FLOATS, TensorType
from .elementwise import batch_same, infer_same

Operands = tuple[Handle, ...]


def _infer(a: TensorType, x: TensorType, *, upper: bool) -> tuple[TensorType, ...]:
    return infer_same("gammainc", FLOATS)(a, x)


def _eval(a: Any, x: Any, *, upper: bool) -> Any:
    """In double precision."""
    b, shape, dtype = NumpyBuilder(), np.shape(x), x.dtype
    a, x = (np.atleast_1d(np.asarray(value, np.float64)) for value in (a, x))
    with np.errstate(all="ignore"):
        looped = _looped(b, *incomplete.usable(b, a, x))
        found = incomplete.incomplete_gamma(b, a, x, looped, upper=upper)
    return np.asarray(found, dtype).reshape(shape)


def _looped(b: NumpyBuilder, a: Any, x: Any) -> Any:
    """The series or the fraction of each, from the last term on: more terms change nothing."""
    low = incomplete.is_low(b, a, x)
    count = int(np.max(incomplete.steps(b, a), initial=0))
    series, fraction = np.ones_like(x), x + (2.0 * count + 1) - a
    for number in range(count, 0, -1):
        k = np.full_like(a, number)
        series = incomplete.series_step(b, a, x, series, k)
        fraction = incomplete.fraction_step(b, a, x, fraction, k)
    return np.where(low, series, fraction)


def _slope(b: Builder, g: Handle, operands: Operands, out: Handle, *, upper: bool) -> Handle:
    """± x^(a-1) e^-x / Γ(a); at x = 0 its limit."""
    a, x = operands
    p, q = incomplete.usable(b, a, x)
    inside = b.div(b.mul(incomplete.power_over_gamma(b, p, q), p), q)
    one, zero = b.full_like(a, 1), b.zeros_like(a)
    edge = b.select(b.compare("lt", a, one), b.full_like(a, np.inf), zero)
    edge = b.select(b.compare("eq", a, one), one, edge)
    slope = b.select(b.compare("eq", x, zero), edge, inside)
    slope = b.select(b.compare("eq", x, b.full_like(x, np.inf)), zero, slope)
    pulled = b.mul(g, slope)
    return b.neg(pulled) if upper else pulled


def _sample(dtype: str, upper: bool, low: float, high: float) -> Sample:
    types = (TensorType(dtype, (2, 3)), TensorType(dtype, (2, 3)))
    return Sample(types, {"upper": upper}, domain=((low, high), (low, 1.5 * high)))


_NOT_BY_A = missing("the derivative of gammainc with respect to its first operand")

register(
    Op(
        name="gammainc",
        arity=2,
        traits=frozenset({"looped"}),
        infer=_infer,
        eval=_eval,
        vjp=(_NOT_BY_A, _slope),
        jvp=(_NOT_BY_A, _slope),
        batch=batch_same("gammainc"),
        saves=("0", "1"),
        emit=None,
        samples=(
            _sample("f64", False, 0.2, 4.0),
            _sample("f64", True, 0.2, 4.0),
            _sample("f64", True, 15.0, 40.0),
            _sample("f32", False, 0.5, 9.0),
        ),
    )
)
