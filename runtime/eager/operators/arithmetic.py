"""Arithmetic, comparisons and elementary functions of tensors, under PyTorch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ....ir import ops as _ops  # noqa: F401  (fills the table)
from ....ir.op import TABLE
from ....ir.types import dtype_name
from ..apply.builder import apply
from ..apply.dispatch import traced
from ..core import make
from ..errors import EagerError
from . import elementary, limits
from .elementwise import binary, common_dtype, lift, unary

if TYPE_CHECKING:
    from ..tensor import Tensor

_SELECT = TABLE["select"]
_CAST = TABLE["cast"]

# --- two operands; the names with an underscore are operators: they may return NotImplemented ---

_add = binary("add")
_sub = binary("sub")
_rsub = binary("sub", "RsubBackward1")
_rsub_tensor = binary("sub", "RsubBackward0")
_mul = binary("mul")
_div = binary("div", floats=True)
_power = binary("pow", "PowBackward1", floats=True)
_power_number = binary("pow", "PowBackward0", floats=True)
_with_exponent = _power_number.with_number  # type: ignore[attr-defined]
_number_power = binary("pow", "PowBackward2", floats=True)
_remainder_number = binary("remainder", "RemainderBackward0")
_remainder_tensor = binary("remainder", "RemainderBackward1")
maximum = binary("maximum")
minimum = binary("minimum")
atan2 = binary("atan2", floats=True)
lt = binary("lt", differentiable=False)
le = binary("le", differentiable=False)
gt = binary("gt", differentiable=False)
ge = binary("ge", differentiable=False)
eq = binary("eq", differentiable=False)
ne = binary("ne", differentiable=False)
bitwise_and = binary("logical_and", differentiable=False)
bitwise_or = binary("logical_or", differentiable=False)
bitwise_xor = binary("logical_xor", differentiable=False)


def add(x: Any, y: Any, *, alpha: float = 1) -> Tensor:
    """x + alpha · y."""
    y = y if alpha == 1 else mul(y, alpha)
    return checked("add", _add(x, y), x, y)


def sub(x: Any, y: Any, *, alpha: float = 1) -> Tensor:
    """x - alpha · y."""
    y = y if alpha == 1 else mul(y, alpha)
    return checked("sub", _sub(x, y), x, y)


def mul(x: Any, y: Any) -> Tensor:
    """x · y, elementwise."""
    return checked("mul", _mul(x, y), x, y)


def div(x: Any, y: Any, *, rounding_mode: str | None = None) -> Tensor:
    """x / y, elementwise; integers are cast to floating point.

    Rounded with `rounding_mode` "floor" or "trunc"; then integers stay integers.
    """
    if rounding_mode is not None:
        rounded: Tensor = elementary.rounded_quotient(x, y, rounding_mode)
        return rounded
    return checked("div", _div(x, y), x, y)


def remainder(x: Any, y: Any) -> Tensor:
    """The remainder that has the sign of y, as Python's %."""
    return checked("remainder", _remainder(x, y), x, y)


def _remainder(x: Any, y: Any) -> Any:
    """The operator %."""
    return _remainder_tensor(x, y) if hasattr(y, "_data") else _remainder_number(x, y)


def pow(x: Any, y: Any) -> Tensor:
    """x to the power y, elementwise."""
    return checked("pow", power(x, y), x, y)


def power(x: Any, y: Any) -> Any:
    """The operator **. Powers of integers stay integers."""
    kind = y.__class__
    if (kind is int or kind is float) and hasattr(x, "_data") and x._data.dtype.kind == "f":
        return _with_exponent(x, y)
    x, y = lift(x), lift(y)
    if x is NotImplemented or y is NotImplemented:
        return NotImplemented
    if common_dtype((x, y)).kind in "iub":
        return _whole_power(x, y)
    if not hasattr(x, "_data"):
        return _number_power(x, y)
    return _power(x, y) if hasattr(y, "_data") else _power_number(x, y)


def _whole_power(x: Any, y: Any) -> Tensor:
    dtype = common_dtype((x, y))
    base, exponent = getattr(x, "_data", x), getattr(y, "_data", y)
    if dtype.kind == "b":
        raise EagerError("pow is not supported for truth values")
    if np.any(np.less(exponent, 0)):
        raise EagerError("integers to negative integer powers are not allowed")
    return make(np.power(base, exponent, dtype=dtype))


def rsub(x: Tensor, y: Any) -> Any:
    """y - x."""
    return _rsub(y, x)


def reverse_sub(x: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """other - alpha · x."""
    subtract = _rsub_tensor if hasattr(other, "_data") else _rsub
    x = x if alpha == 1 else mul(x, alpha)
    return checked("sub", subtract(other, x), other, x)


def rdiv(x: Tensor, y: Any) -> Any:
    """y / x, which PyTorch computes as reciprocal(x) · y."""
    if hasattr(y, "_data") or isinstance(y, np.ndarray):
        return _div(y, x)
    return _mul(elementary.reciprocal(x), y)


def rpow(x: Tensor, y: Any) -> Any:
    """y ** x."""
    return power(y, x)


def rremainder(x: Tensor, y: Any) -> Any:
    """y % x."""
    return _remainder(y, x)


_IN_NUMPY = {"sub": "subtract", "mul": "multiply", "div": "divide", "pow": "power"}


def checked(name: str, result: Any, x: Any, y: Any) -> Tensor:
    """The result of an operator; where one operand is traced it is that of NumPy's function."""
    if result is NotImplemented:
        if traced((x, y)) is not None:
            return getattr(np, _IN_NUMPY.get(name, name))(x, y)  # type: ignore[no-any-return]
        raise TypeError(f"{name}() does not take {type(x).__name__} and {type(y).__name__}")
    tensor: Tensor = result
    return tensor


# --- one operand ---

neg = unary("neg", floats=False)
abs = unary("abs", floats=False)
_sign = unary("sign", floats=False)
_sgn = unary("sign", "SgnBackward0", floats=False)
floor = unary("floor", floats=False)
ceil = unary("ceil", floats=False)
_rint = unary("rint", floats=False)
sqrt = unary("sqrt")
rsqrt = unary("rsqrt")
exp = unary("exp")
expm1 = unary("expm1")
exp2 = unary("exp2")
log = unary("log")
log1p = unary("log1p")
log2 = unary("log2")
log10 = unary("log10")
sin = unary("sin")
cos = unary("cos")
tan = unary("tan")
asin = unary("asin")
acos = unary("acos")
atan = unary("atan")
sinh = unary("sinh")
cosh = unary("cosh")
tanh = unary("tanh")
erf = unary("erf")
erfc = unary("erfc")
lgamma = unary("lgamma")
digamma = unary("digamma")
_invert = unary("logical_not", floats=False)


def bitwise_not(x: Tensor) -> Tensor:
    """Every bit of an integer turned over; of a truth value the other one."""
    if x._data.dtype.kind not in "biu":
        raise TypeError(
            f"~ (bitwise_not) is only implemented on integer and Boolean-type tensors, not "
            f"{x._data.dtype}"
        )
    inverted: Tensor = _invert(x)
    return inverted


def logical_not(x: Tensor) -> Tensor:
    """Whether each element is false: 0, for a number."""
    if x._data.dtype.kind == "b":
        inverted: Tensor = _invert(x)
        return inverted
    return make(np.logical_not(x._data))


def square(x: Tensor) -> Tensor:
    """x²."""
    return pow(x, 2)


def round(x: Tensor, *, decimals: int = 0) -> Tensor:
    """x rounded to whole numbers, halves to the even one; or to `decimals`."""
    if not decimals or (decimals > 0 and x._data.dtype.kind in "iub"):
        result: Tensor = _rint(x)
        return result
    found: Tensor = rounded(x, decimals)
    return found


def rounded(x: Any, decimals: int) -> Any:
    """x of any kind rounded to `decimals`, which may be negative."""
    from ..apply.operands import as_operand, call, floating

    (x,) = floating(as_operand(x))
    return call("round", _rounded, x, title="RoundBackward1", decimals=int(decimals))


def _rounded(b: Any, x: Any, *, decimals: int) -> Any:
    if decimals < 0:
        return b.scale(b("rint", b.scale(x, 1 / 10.0**-decimals)), 10.0**-decimals)
    scaled = b("rint", b.scale(x, 10.0**decimals))
    return b.div(scaled, b.full_like(x, 10.0**decimals))


def sign(x: Tensor) -> Tensor:
    """-1, 0 or 1, as x; a truth value stays."""
    result: Tensor = x if x._data.dtype.kind == "b" else _sign(x)
    return result


def sgn(x: Tensor) -> Tensor:
    """The sign of x."""
    result: Tensor = x if x._data.dtype.kind == "b" else _sgn(x)
    return result


def positive(x: Tensor) -> Tensor:
    """x itself."""
    return x


def signbit(x: Tensor) -> Tensor:
    """Whether the sign bit is set: x is negative, or -0."""
    return make(np.signbit(x._data))


# --- choice ---


def where(condition: Tensor, x: Any, y: Any) -> Tensor:
    """x where `condition`, else y; all three broadcast."""
    if hasattr(condition, "_data") and condition._data.dtype.kind != "b":
        raise EagerError(
            f"where expected condition to be a boolean tensor, but got one of {condition.dtype}"
        )
    x, y = lift(x), lift(y)
    common = common_dtype((x, y))
    chosen = [_operand(v, common) for v in (x, y)]
    return apply(_SELECT, (condition, *chosen), {}, "WhereBackward0")


def _operand(x: Any, dtype: np.dtype[Any]) -> Any:
    if not hasattr(x, "_data"):
        return dtype.type(x)
    return x if x._data.dtype == dtype else x.to(dtype)


def isfinite(x: Tensor) -> Tensor:
    """Whether each element is neither infinite nor a nan."""
    return make(np.isfinite(x._data))


clamp = limits.clamp

# --- copies ---


def clone(x: Tensor) -> Tensor:
    """A copy, through which gradients flow."""
    name = dtype_name(x._data.dtype)
    if name is None:
        return make(x._data.copy())
    return apply(_CAST, (x,), {"dtype": name}, "CloneBackward0")


def to(x: Tensor, dtype: Any) -> Tensor:
    """x in another dtype; x itself where it has that one."""
    target = np.dtype(dtype)
    if x._data.dtype == target:
        return x
    name = dtype_name(target)
    if name is None or target.kind not in "fc":
        return make(x._data.astype(target))
    return apply(_CAST, (x,), {"dtype": name}, "ToCopyBackward0")
