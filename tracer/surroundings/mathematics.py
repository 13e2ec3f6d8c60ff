"""`math` as a traced function sees it: of traced numbers its functions are those of NumPy.

Python's own would ask for the value, and the derivative would be lost. What has no counterpart is
refused.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..functions.ufuncs import call_ufunc
from ..operands import lift
from ..registry import dispatch
from ..source import locate
from ..trace import current_trace, is_tracing
from .known import any_traced

_SAME = {  # name in math -> ufunc
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "atanh": np.arctanh,
    "cbrt": np.cbrt,
    "copysign": np.copysign,
    "cos": np.cos,
    "cosh": np.cosh,
    "degrees": np.degrees,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "fabs": np.fabs,
    "fmod": np.fmod,
    "isfinite": np.isfinite,
    "isinf": np.isinf,
    "isnan": np.isnan,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "pow": np.power,
    "radians": np.radians,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}


def _number(x: Any) -> Any:
    """A float without axes, as `math` takes it."""
    array = lift(x, "math")
    if array.size != 1:
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
    flat = array.reshape(())
    return flat if flat.value_type.dtype == "f64" else flat.astype(np.float64)


def _weak(x: Any) -> Any:
    return current_trace().wrap(lift(x).value, weak=True)


# Where Python's own raise ValueError.
_OUTSIDE: dict[str, Callable[[Any], Any]] = {
    "acos": lambda x: abs(x) > 1,
    "acosh": lambda x: x < 1,
    "asin": lambda x: abs(x) > 1,
    "atanh": lambda x: abs(x) >= 1,
    "log": lambda x: x <= 0,
    "log10": lambda x: x <= 0,
    "log1p": lambda x: x <= -1,
    "log2": lambda x: x <= 0,
    "sqrt": lambda x: x < 0,
}


def in_domain(name: str, *args: Any) -> bool:
    """Has a function of `math` a value here?"""
    return name not in _OUTSIDE or not _OUTSIDE[name](args[0])


def _inside(name: str, x: Any) -> Any:
    """`x`; that it is in the function's domain is a condition of the path, where values are known.

    Raises ValueError as Python does.
    """
    if current_trace().arguments is not None and not in_domain(name, x):
        raise ValueError("math domain error")
    return x


def _ufunc(name: str, ufunc: np.ufunc) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        first, *rest = map(_number, args)
        return _weak(call_ufunc(ufunc, (_inside(name, first), *rest)))

    call.__name__ = name
    return call


def _log(x: Any, base: Any = None) -> Any:
    found = call_ufunc(np.log, (_inside("log", _number(x)),))
    if base is not None:
        found = found / call_ufunc(np.log, (_number(base),))
    return _weak(found)


def _sum(values: Any, /, start: Any = 0) -> Any:
    return _weak(reduce(operator.add, map(_number, values), _number(start)))


def _product(values: Any, /, *, start: Any = 1) -> Any:
    return _weak(reduce(operator.mul, map(_number, values), _number(start)))


def _hypot(*coordinates: Any) -> Any:
    if len(coordinates) == 2:
        return _weak(call_ufunc(np.hypot, tuple(map(_number, coordinates))))
    numbers = [_number(x) for x in coordinates]
    return _weak(dispatch(np.linalg.norm, (numbers,), {}))


def _distance(p: Any, q: Any) -> Any:
    return _hypot(*[_number(a) - _number(b) for a, b in zip(p, q, strict=True)])


def _dot(p: Any, q: Any) -> Any:
    return _sum([_number(a) * _number(b) for a, b in zip(p, q, strict=True)])


def _special(name: str) -> Callable[..., Any]:
    def call(x: Any) -> Any:
        b = current_trace().builder
        return _weak(current_trace().wrap(b(name, _number(x).value)))

    return call


def _gamma(x: Any) -> Any:
    """By lgamma; of negative numbers the sign is that of sin(pi x)."""
    number = _number(x)
    size = call_ufunc(np.exp, (_special("lgamma")(number),))
    wave = call_ufunc(np.sign, (call_ufunc(np.sin, (number * math.pi,)),))
    return _weak(dispatch(np.where, (number > 0, size, size * wave), {}))


def _rounded(name: str, ufunc: np.ufunc) -> Callable[..., Any]:
    def call(x: Any) -> int:
        return int(call_ufunc(ufunc, (_number(x),)))

    return call


def _modf(x: Any) -> Any:
    number = _number(x)
    whole = call_ufunc(np.trunc, (number,))
    return _weak(number - whole), _weak(whole)


_TRACED: dict[str, Callable[..., Any]] = {
    **{name: _ufunc(name, ufunc) for name, ufunc in _SAME.items()},
    "log": _log,
    "fsum": _sum,
    "prod": _product,
    "sumprod": _dot,
    "hypot": _hypot,
    "dist": _distance,
    "erf": _special("erf"),
    "erfc": _special("erfc"),
    "lgamma": _special("lgamma"),
    "gamma": _gamma,
    "floor": _rounded("floor", np.floor),
    "ceil": _rounded("ceil", np.ceil),
    "trunc": _rounded("trunc", np.trunc),
    "modf": _modf,
}


_OF_MANY = frozenset({"fsum", "prod", "sumprod", "dist"})


def traced_version(function: Callable[..., Any], eager: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the module `math` that takes traced numbers too; in eager mode `eager` does."""
    name = function.__name__
    traced = _TRACED.get(name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if name in _OF_MANY:  # an iterator is looked into once
            args = tuple(list(x) if hasattr(x, "__iter__") else x for x in args)
        if not any_traced(args):
            return function(*args, **kwargs)
        if not is_tracing():
            return eager(function, call, args, kwargs)
        if traced is None:
            raise UnsupportedError(
                f"math.{name} of a traced number is not supported",
                at=locate(),
                hint="the np function of that name, or the formula",
            )
        return traced(*args, **kwargs)

    call.__name__ = name
    return call
