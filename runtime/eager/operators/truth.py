"""Truth values: what is infinite, a nan, close or equal, and their logic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....ir.functions import elementwise
from ..apply.adapters import aligned
from ..apply.operands import call, floating, promoted, shape_of
from ..errors import EagerError

__all__ = [
    "allclose",
    "equal",
    "isclose",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "logical_and",
    "logical_or",
    "logical_xor",
]


def isinf(x: Any) -> Any:
    """Whether each element is infinite."""
    return call("isinf", _is_infinite, x)


def _is_infinite(b: Any, x: Any) -> Any:
    if b.type_of(x).is_float:
        return elementwise.isinf(b, x)
    return b.compare("ne", x, x)


def isnan(x: Any) -> Any:
    """Whether each element is a nan."""
    return call("isnan", elementwise.isnan, x)


def isclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |x - y| <= atol + rtol · |y|, elementwise."""
    for word, bound in (("rtol", rtol), ("atol", atol)):
        if bound < 0:
            raise EagerError(f"{word} must be greater than or equal to zero, but got {bound}")
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


def isposinf(x: Any) -> Any:
    """Whether each element is +∞."""
    return call("isposinf", _equals, *floating(x), value=math.inf)


def isneginf(x: Any) -> Any:
    """Whether each element is -∞."""
    return call("isneginf", _equals, *floating(x), value=-math.inf)


def _equals(b: Any, x: Any, *, value: float) -> Any:
    return b.compare("eq", x, b.full_like(x, value))


def _logical(name: str) -> Callable[..., Any]:
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
