"""What is measured: the functions, as formulas over an emitter, and where their operands are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fusegrad.ir import TABLE
from fusegrad.ir.functions import elementwise
from fusegrad.ir.ops.composed import ScalarBuilder
from fusegrad.ir.record import record

from .loops import Formula


def of_op(name: str) -> Formula:
    """The scalar code of an op of the table."""
    emit = TABLE[name].emit
    if emit is None:
        raise ValueError(f"op {name} has no scalar code")
    return emit


def of_composition(function: Callable[..., Any]) -> Formula:
    """The scalar code of a function of ops."""
    return lambda e, *operands: function(ScalarBuilder(e), *operands)


Region = tuple[str, float, float]  # "uniform" or "log" (of both signs), from, to


@record
class Measured:
    """A function: its formula, where its arguments are, and the bars for its errors."""

    name: str
    arity: int
    formula: Formula
    regions: tuple[Region, ...]
    op: bool = True  # of the table, and so held to the bars


def _uniform(low: float, high: float) -> Region:
    return ("uniform", low, high)


def _log(low: float, high: float) -> Region:
    return ("log", low, high)


_EXPONENTIAL = (_uniform(-746, 710), _uniform(-1, 1), _uniform(-100, 89), _log(1e-20, 700))
_LOGARITHM = (_uniform(0, 3), _uniform(0.7, 1.42), _uniform(0.99, 1.01), _log(1e-300, 1e300))
_WAVE = (_uniform(-4, 4), _uniform(-100, 100), _uniform(-1e5, 1e5), _log(1e-10, 1e20))
_UNIT = (_uniform(-1, 1), _uniform(0.49, 0.51), _uniform(0.99, 1), _log(1e-20, 1))
_BESSEL = (_uniform(0, 8.5), _uniform(0, 60), _uniform(-30, 0), _log(1e-10, 1e6))

REGIONS: dict[str, tuple[Region, ...]] = {
    "sqrt": (_uniform(0, 4), _log(1e-300, 1e300)),
    "rsqrt": (_uniform(0, 4), _uniform(0.9, 1.1), _uniform(3.9, 4.1), _log(1e-300, 1e300)),
    "cbrt": (_uniform(-8, 8), _log(1e-300, 1e300)),
    "exp": _EXPONENTIAL,
    "exp2": (_uniform(-1076, 1024), _uniform(-1, 1), _log(1e-20, 1000)),
    "expm1": (*_EXPONENTIAL, _uniform(-40, 3), _log(1e-20, 1e-5)),
    "log": _LOGARITHM,
    "log2": _LOGARITHM,
    "log10": _LOGARITHM,
    "log1p": (_uniform(-1, 2), _uniform(-0.3, 0.42), _log(1e-20, 1), _log(1, 1e300)),
    "sin": _WAVE,
    "cos": _WAVE,
    "tan": _WAVE,
    "asin": _UNIT,
    "acos": _UNIT,
    "atan": (_uniform(-3, 3), _uniform(0.9, 1.1), _log(1e-20, 1e20)),
    "sinh": (_uniform(-1, 1), _uniform(-30, 30), _uniform(-710.5, 710.5), _log(1e-20, 10)),
    "cosh": (_uniform(-1, 1), _uniform(-30, 30), _uniform(-710.5, 710.5), _log(1e-20, 10)),
    "tanh": (_uniform(-1, 1), _uniform(-20, 20), _log(1e-20, 30)),
    "logistic": (_uniform(-5, 5), _uniform(-40, 40), _uniform(-746, 40), _log(1e-20, 700)),
    "erf": (_uniform(-2, 2), _uniform(-6, 6), _log(1e-20, 6)),
    "erfc": (_uniform(-2, 2), _uniform(-6, 10), _uniform(0, 27.3), _log(1e-20, 27)),
    "erfcx": (_uniform(-2, 2), _uniform(-26.6, 4), _uniform(0, 50), _log(1e-10, 1e10)),
    "lgamma": (
        _uniform(0, 5), _uniform(0.9, 1.1), _uniform(1.9, 2.1), _uniform(0, 100),
        _log(1e-20, 1e300), _uniform(-30, 0),
    ),
    "digamma": (_uniform(0, 5), _uniform(1.36, 1.56), _log(1e-20, 1e300), _uniform(-30, 0)),
    "gamma": (_uniform(0, 5), _uniform(-30, 0), _uniform(0, 172), _uniform(-180, 0)),
    **dict.fromkeys(("j0", "j1", "y0", "y1", "i0e", "i1e", "k0e", "k1e"), _BESSEL),
    **dict.fromkeys(("i0", "i1", "k0", "k1"), (*_BESSEL, _uniform(0, 714))),
    "asinh": (_uniform(-3, 3), _log(1e-20, 1e300)),
    "acosh": (_uniform(1, 3), _uniform(1, 1.001), _log(1, 1e300)),
    "atanh": (_uniform(-1, 1), _uniform(0.99, 1), _log(1e-20, 1)),
    "softplus": (_uniform(-5, 5), _uniform(-40, 40), _uniform(-746, 40)),
    "ndtr": (_uniform(-3, 3), _uniform(-38.6, 9), _log(1e-20, 30)),
    "ndtri": (_uniform(0, 1), _uniform(0.2, 0.3), _uniform(0.99, 1), _log(1e-300, 1)),
    "erfinv": (_uniform(-1, 1), _uniform(0.99, 1), _log(1e-20, 1)),
}  # fmt: skip

_COMPOSED: dict[str, Callable[..., Any]] = {
    "softplus": elementwise.softplus,
}

_PAIRS: dict[str, Formula] = {
    "pow": of_op("pow"),
    "atan2": of_op("atan2"),
    "hypot": of_composition(elementwise.hypot),
}

FUNCTIONS: dict[str, Measured] = {
    **{
        name: Measured(name, 1, of_op(name), regions)
        for name, regions in REGIONS.items()
        if name not in _COMPOSED
    },
    **{name: Measured(name, 2, formula, (), name in TABLE) for name, formula in _PAIRS.items()},
    **{
        name: Measured(name, 1, of_composition(function), REGIONS[name], False)
        for name, function in _COMPOSED.items()
    },
}
