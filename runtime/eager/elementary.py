"""Elementwise functions that are compositions, of one to three operands that broadcast."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.functions import activation, elementwise, special
from .adapters import aligned, together
from .operands import call, floating, promoted, shape_of

Function = Callable[..., Any]
_NUMBERS = (int, float, type(None))


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
sigmoid = _of_one("sigmoid", elementwise.sigmoid)
asinh = _of_one("asinh", elementwise.asinh)
acosh = _of_one("acosh", elementwise.acosh)
atanh = _of_one("atanh", elementwise.atanh)
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
    return call("trunc", elementwise.trunc, *floating(x))


def relu(x: Any) -> Any:
    """max(x, 0), with derivative 0 at 0."""
    return call("relu", elementwise.relu, x)


def logit(x: Any, eps: float | None = None) -> Any:
    """log(x / (1 - x)); with `eps`, of x limited to [eps, 1 - eps]."""
    (x,) = floating(x)
    return call("logit", _logit, x, eps=None if eps is None else float(eps))


def _logit(b: Any, x: Any, *, eps: float | None) -> Any:
    if eps is not None:
        x = elementwise.clip(b, x, b.full_like(x, eps), b.full_like(x, 1 - eps))
    return special.logit(b, x)


def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of digamma, for n = 0 and 1."""
    if n not in (0, 1):
        raise NotImplementedError(f"polygamma: order {n} is not supported, only 0 and 1")
    return trigamma(x) if n else digamma(x)


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
    (x,) = floating(x)
    largest = float(np.finfo(np.dtype(x.dtype)).max)
    static: dict[str, Any] = {
        "nan": 0.0 if nan is None else float(nan),
        "high": largest if posinf is None else float(posinf),
        "low": -largest if neginf is None else float(neginf),
    }
    return call("nan_to_num", activation.nan_to_num, x, **static)


def clamp_min(x: Any, min: Any) -> Any:
    """x, and `min` where that is larger."""
    return clamp(x, min)


def clamp_max(x: Any, max: Any) -> Any:
    """x, and `max` where that is smaller."""
    return clamp(x, None, max)


def clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    """x limited to [min, max], numbers or tensors; at a bound the derivative of x is 1."""
    if min is None and max is None:
        raise ValueError("clamp() needs min, max or both")
    bounds = {"low": min, "high": max}
    numbers = min.__class__ in _NUMBERS and max.__class__ in _NUMBERS
    if not numbers and any(
        shape_of(v) or hasattr(v, "_node") for v in bounds.values() if v is not None
    ):
        given = {word: v for word, v in bounds.items() if v is not None}
        operands = promoted(x, *given.values())
        return call("clamp", _clamped, *operands, title="ClampBackward0", words=tuple(given))
    limits: dict[str, Any] = {w: None if v is None else float(v) for w, v in bounds.items()}
    return call("clamp", _limited, x, title="ClampBackward1", **limits)


def _limited(b: Any, x: Any, *, low: float | None, high: float | None) -> Any:
    limits = [None if bound is None else b.full_like(x, bound) for bound in (low, high)]
    return elementwise.clip(b, x, *limits)


def _clamped(b: Any, x: Any, *bounds: Any, words: tuple[str, ...]) -> Any:
    shape = np.broadcast_shapes(*(b.type_of(v).shape for v in (x, *bounds)))
    named = {w: b.broadcast(v, shape) for w, v in zip(words, bounds, strict=True)}
    return elementwise.clip(b, b.broadcast(x, shape), named.get("low"), named.get("high"))


# --- two and three operands ---

hypot = _of_two("hypot", elementwise.hypot)
logaddexp = _of_two("logaddexp", elementwise.logaddexp)
logaddexp2 = _of_two("logaddexp2", elementwise.logaddexp2)
fmax = _of_two("fmax", elementwise.fmax, floats=False)
fmin = _of_two("fmin", elementwise.fmin, floats=False)
xlogy = _of_two("xlogy", special.xlogy)
xlog1py = _of_two("xlog1py", special.xlog1py, "SpecialXlog1PyBackward0")
copysign = _of_two("copysign", activation.copysign)


def _floor_divided(b: Any, x: Any, y: Any) -> Any:
    """⌊x / y⌋; it has no derivative."""
    quotient = b.div(b.cast(x, "f64"), b.cast(y, "f64"))
    return b("stop_gradient", b.cast(b("floor", quotient), b.type_of(x).dtype))


floor_divide = _of_two("floor_divide", _floor_divided, floats=False)


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


# --- truth values ---


def isinf(x: Any) -> Any:
    """Whether each element is infinite."""
    return call("isinf", elementwise.isinf, x)


def isnan(x: Any) -> Any:
    """Whether each element is a nan."""
    return call("isnan", elementwise.isnan, x)


def isclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |x - y| <= atol + rtol · |y|, elementwise."""
    static: dict[str, Any] = {
        "rtol": float(rtol),
        "atol": float(atol),
        "equal_nan": bool(equal_nan),
    }
    return call("isclose", aligned, *promoted(x, y), of=_is_close, **static)


def _is_close(b: Any, x: Any, y: Any, *, rtol: float, atol: float, equal_nan: bool) -> Any:
    equal = b.compare("eq", x, y)
    if b.type_of(x).is_float:
        bound = b.add(b.scale(b("abs", y), rtol), b.full_like(y, atol))
        near = b.compare("le", b("abs", b.sub(x, y)), bound)
        equal = b("logical_or", equal, b("logical_and", near, elementwise.isfinite(b, y)))
        if equal_nan:
            both = b("logical_and", b.compare("ne", x, x), b.compare("ne", y, y))
            equal = b("logical_or", equal, both)
    return equal


def allclose(
    x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether all elements are close."""
    return bool(isclose(x, y, rtol, atol, equal_nan).all())


def heaviside(x: Any, values: Any) -> Any:
    """0 below 0, `values` at 0, 1 above."""
    return call("heaviside", aligned, *promoted(x, values), of=_step)


def _step(b: Any, x: Any, values: Any) -> Any:
    above = b.compare("gt", x, b.zeros_like(x))
    side = b.select(above, b.full_like(x, 1), b.zeros_like(x))
    return b("stop_gradient", b.select(b.compare("eq", x, b.zeros_like(x)), values, side))


def isposinf(x: Any) -> Any:
    """Whether each element is +∞."""
    return call("isposinf", _equals, *floating(x), value=math.inf)


def isneginf(x: Any) -> Any:
    """Whether each element is -∞."""
    return call("isneginf", _equals, *floating(x), value=-math.inf)


def _equals(b: Any, x: Any, *, value: float) -> Any:
    return b.compare("eq", x, b.full_like(x, value))


def ldexp(x: Any, exponent: Any) -> Any:
    """x · 2^exponent."""
    return call("ldexp", aligned, *floating(x, exponent), of=_ldexp)


def _ldexp(b: Any, x: Any, exponent: Any) -> Any:
    return b.mul(x, b("exp2", exponent))


def _logical(name: str) -> Function:
    def run(x: Any, y: Any) -> Any:
        return call(name, _of_truths, *promoted(x, y), op=name)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"{name.replace('_', ' ')} of truth values; numbers are true where not 0."
    return run


def _of_truths(b: Any, x: Any, y: Any, *, op: str) -> Any:
    shape = np.broadcast_shapes(b.type_of(x).shape, b.type_of(y).shape)
    return b(op, *(b.broadcast(b.cast(v, "bool"), shape) for v in (x, y)))


logical_and = _logical("logical_and")
logical_or = _logical("logical_or")
logical_xor = _logical("logical_xor")


def equal(x: Any, y: Any) -> bool:
    """Whether x and y have one shape and the same elements."""
    if shape_of(x) != shape_of(y):
        return False
    return bool((x == y).all())
