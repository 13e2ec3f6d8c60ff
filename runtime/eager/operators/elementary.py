"""Elementwise functions that are compositions, of one to three operands that broadcast."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ....ir.functions import activation, elementwise, special
from ..apply.adapters import aligned, together
from ..apply.dispatch import is_tensor_like, traced
from ..apply.operands import as_numbers, call, cast, floating, promoted, shape_of, through_numpy
from ..core import make
from ..errors import EagerError
from .elementwise import unary

__all__ = [
    "acosh",
    "addcdiv",
    "addcmul",
    "arccosh",
    "arcsinh",
    "arctanh",
    "asinh",
    "atanh",
    "copysign",
    "deg2rad",
    "digamma",
    "erf",
    "erfc",
    "fix",
    "float_power",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "frac",
    "frexp",
    "heaviside",
    "hypot",
    "ldexp",
    "lerp",
    "lgamma",
    "logaddexp",
    "logaddexp2",
    "logit",
    "nan_to_num",
    "ndtr",
    "polygamma",
    "rad2deg",
    "reciprocal",
    "relu",
    "rsqrt",
    "sigmoid",
    "sinc",
    "trunc",
    "xlogy",
]

Function = Callable[..., Any]


def _of_one(name: str, function: Function, title: str = "") -> Function:
    """The function of one operand; integers are cast to floating point first."""

    def run(x: Any) -> Any:
        return call(name, function, *floating(x), title=title)

    return _named(run, name, function)


def _of_two(name: str, function: Function, title: str = "", *, floats: bool = True) -> Function:
    """The function of two operands, brought to one dtype and shape."""

    def run(x: Any, y: Any) -> Any:
        operands = promoted(x, y, floats=floats)
        return call(name, aligned, *operands, title=title, of=function)

    return _named(run, name, function)


def _named(run: Function, name: str, function: Function) -> Function:
    run.__name__ = run.__qualname__ = name
    run.__doc__ = function.__doc__ or f"{name}, elementwise."
    return run


def _op(name: str) -> Function:
    def apply(b: Any, *operands: Any) -> Any:
        return b(name, *operands)

    apply.__name__ = name
    return apply


# --- one operand ---

reciprocal = _of_one("reciprocal", elementwise.reciprocal)
asinh = arcsinh = _of_one("asinh", _op("asinh"))
acosh = arccosh = _of_one("acosh", _op("acosh"))
atanh = arctanh = _of_one("atanh", _op("atanh"))
sinc = _of_one("sinc", elementwise.sinc)
rsqrt = _of_one("rsqrt", _op("rsqrt"))
erf = _of_one("erf", _op("erf"))
erfc = _of_one("erfc", _op("erfc"))
lgamma = gammaln = _of_one("lgamma", _op("lgamma"))
digamma = psi = _of_one("digamma", _op("digamma"))
trigamma = _of_one("trigamma", special.trigamma, "PolygammaBackward0")
ndtr = _of_one("ndtr", special.ndtr, "MulBackward1")
log_ndtr = _of_one("log_ndtr", activation.log_ndtr, "SpecialLogNdtrBackward0")
entr = _of_one("entr", activation.entropy, "SpecialEntrBackward0")


def frac(x: Any) -> Any:
    """x without its whole part; it keeps its sign."""
    return call("frac", activation.frac, x)


def trunc(x: Any) -> Any:
    """x without its digits after the point."""
    if np.dtype(getattr(x, "dtype", np.float64)).kind in "iu":
        return x.clone() if is_tensor_like(x) else x
    return call("trunc", elementwise.trunc, *floating(x))


fix = trunc


def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x)."""
    if hasattr(x, "_data"):
        return _sigmoid(x)
    return call("sigmoid", elementwise.sigmoid, *floating(x))


def relu(x: Any) -> Any:
    """max(x, 0), with derivative 0 at 0."""
    if hasattr(x, "_data") and x._data.dtype.kind == "f":
        return _relu(x)
    return call("relu", elementwise.relu, x)


_sigmoid = unary("logistic", "SigmoidBackward0")
_relu = unary("relu", "ReluBackward0")


def logit(x: Any, eps: float | None = None) -> Any:
    """log(x / (1 - x)); with `eps`, of x limited to [eps, 1 - eps]."""
    (x,) = floating(x)
    return call("logit", _logit, x, eps=None if eps is None else float(eps))


def _logit(b: Any, x: Any, *, eps: float | None) -> Any:
    if eps is not None:
        x = elementwise.clip(b, x, b.full_like(x, eps), b.full_like(x, 1 - eps))
    return special.logit(b, x)


def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of digamma."""
    if n < 0:
        raise EagerError(f"polygamma(n, x) does not support negative n, got {n}")
    if n < 2:
        return trigamma(x) if n else digamma(x)
    return call("polygamma", special.polygamma, *floating(x), order=int(n))


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """x, and 0 in [-lambd, lambd]."""
    return call("hardshrink", activation.hardshrink, *floating(input), bound=float(lambd))


class Frexp(NamedTuple):
    """x = mantissa · 2^exponent, with ½ <= |mantissa| < 1."""

    mantissa: Any
    exponent: Any


def frexp(x: Any) -> Frexp:
    """x taken apart into a mantissa and a whole exponent of 2."""
    mantissa, exponent = through_numpy("frexp", np.frexp, *floating(x))
    return Frexp(mantissa, cast(exponent, np.int32))


def deg2rad(x: Any) -> Any:
    """Degrees as radians."""
    title = "Deg2RadBackward0"
    return call("deg2rad", _scaled, *floating(x), title=title, factor=math.pi / 180)


def rad2deg(x: Any) -> Any:
    """Radians as degrees."""
    title = "Rad2DegBackward0"
    return call("rad2deg", _scaled, *floating(x), title=title, factor=180 / math.pi)


def _scaled(b: Any, x: Any, *, factor: float) -> Any:
    return b.scale(x, factor)


def nan_to_num(
    x: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """Numbers in place of nan and of the infinities."""
    if np.dtype(getattr(x, "dtype", np.float64)).kind in "biu":
        return x.clone() if is_tensor_like(x) else x
    (x,) = floating(x)
    largest = float(np.finfo(np.dtype(x.dtype)).max)
    static: dict[str, Any] = {
        "nan": 0.0 if nan is None else float(nan),
        "high": largest if posinf is None else float(posinf),
        "low": -largest if neginf is None else float(neginf),
    }
    return call("nan_to_num", activation.nan_to_num, x, **static)


# --- two and three operands ---

hypot = _of_two("hypot", elementwise.hypot)
logaddexp = _of_two("logaddexp", elementwise.logaddexp)
logaddexp2 = _of_two("logaddexp2", elementwise.logaddexp2)
fmax = as_numbers(_of_two("fmax", elementwise.fmax, floats=False))
fmin = as_numbers(_of_two("fmin", elementwise.fmin, floats=False))
xlogy = _of_two("xlogy", special.xlogy)
xlog1py = _of_two("xlog1py", special.xlog1py, "SpecialXlog1PyBackward0")


def _copied_sign(b: Any, x: Any, y: Any) -> Any:
    """x with the sign of y, by which the gradient is zeros."""
    found = activation.copysign(b, x, y)
    return b.select(b.constant(True, b.type_of(found).with_dtype("bool")), found, y)


copysign = _of_two("copysign", _copied_sign)


def _floor_divided(b: Any, x: Any, y: Any) -> Any:
    """⌊x / y⌋; it has no derivative."""
    return b("stop_gradient", _quotient(b, x, y, mode="floor"))


def floor_divide(x: Any, y: Any) -> Any:
    """⌊x / y⌋; it has no derivative."""
    found = _whole_quotient(x, y, "floor")
    if found is not None:
        return found
    return call("floor_divide", aligned, *promoted(x, y), of=_floor_divided)


def rounded_quotient(x: Any, y: Any, mode: str) -> Any:
    """x / y rounded down (`mode` "floor") or towards 0 ("trunc"); its derivative is 0."""
    if mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{mode}'"
        )
    found = _whole_quotient(x, y, mode)
    if found is not None:
        return found
    operands = promoted(x, y)
    return call("div", aligned, *operands, title="DivBackward2", of=_quotient, mode=mode)


def _whole_quotient(x: Any, y: Any, mode: str) -> Any:
    """The quotient of integers, by NumPy; None for other operands, and while tracing."""
    if traced((x, y)) is not None:
        return None
    first, second = (np.asarray(getattr(v, "_data", v)) for v in promoted(x, y))
    if first.dtype.kind not in "iu":
        return None
    if (second == 0).any():
        raise EagerError("ZeroDivisionError: division of integers by 0")
    quotient = np.floor_divide(first, second)
    if mode == "trunc":
        quotient = quotient + ((quotient < 0) & (quotient * second != first))
    return make(quotient) if is_tensor_like(x) or is_tensor_like(y) else quotient


def _quotient(b: Any, x: Any, y: Any, *, mode: str) -> Any:
    dtype = b.type_of(x).dtype
    quotient = b.div(b.cast(x, "f64"), b.cast(y, "f64"))
    rounded = b("floor", quotient) if mode == "floor" else elementwise.trunc(b, quotient)
    return b.cast(rounded, dtype)


def fmod(x: Any, y: Any) -> Any:
    """The remainder that has the sign of x."""
    title = "FmodBackward1" if hasattr(y, "shape") else "FmodBackward0"
    return call("fmod", aligned, *promoted(x, y), title=title, of=elementwise.fmod)


def float_power(x: Any, y: Any) -> Any:
    """x to the power y, in double precision."""
    return call("pow", _double_power, *floating(x, y), title="PowBackward1")


def _double_power(b: Any, x: Any, y: Any) -> Any:
    shape = np.broadcast_shapes(b.type_of(x).shape, b.type_of(y).shape)
    x, y = (b.broadcast(b.cast(v, "f64"), shape) for v in (x, y))
    return b("pow", x, y)


def lerp(x: Any, end: Any, weight: Any) -> Any:
    """x + weight · (end - x)."""
    title = "LerpBackward1" if shape_of(weight) else "LerpBackward0"
    return call("lerp", together, *floating(x, end, weight), title=title, of=activation.lerp)


def addcmul(x: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """x + value · tensor1 · tensor2."""
    operands = promoted(x, tensor1, tensor2)
    return call("addcmul", aligned, *operands, of=activation.addcmul, value=value)


def addcdiv(x: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """x + value · tensor1 / tensor2."""
    operands = floating(x, tensor1, tensor2)
    return call("addcdiv", aligned, *operands, of=activation.addcdiv, value=value)


def heaviside(x: Any, values: Any) -> Any:
    """0 below 0, `values` at 0, 1 above."""
    return call("heaviside", aligned, *promoted(x, values), of=_step)


def _step(b: Any, x: Any, values: Any) -> Any:
    above = b.compare("gt", x, b.zeros_like(x))
    side = b.select(above, b.full_like(x, 1), b.zeros_like(x))
    return b("stop_gradient", b.select(b.compare("eq", x, b.zeros_like(x)), values, side))


def ldexp(x: Any, exponent: Any) -> Any:
    """x · 2^exponent."""
    return call("ldexp", aligned, *floating(x, exponent), of=_ldexp)


def _ldexp(b: Any, x: Any, exponent: Any) -> Any:
    return b.mul(x, b("exp2", exponent))
