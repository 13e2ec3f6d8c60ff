"""What makes a traced number one of another class, in a traced function: `float`, `np.float64`. And
who takes the calls of one that runs eagerly. What asks for the class stands in `questions`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import TraceError
from ..operands import lift
from ..source import locate
from ..trace import current_trace, is_traced, is_tracing
from .known import any_traced, given, known, plain


class _Mode(threading.local):
    """Who takes the calls of a function that runs eagerly, in this thread; None: nobody does."""

    eager: Callable[..., Any] | None = None


MODE = _Mode()  # eager(traced version, NumPy's function, args, kwargs)


class _Convertor(type):
    """np.float64 and np.float32: the same type, but of a traced number it makes a traced number."""

    dtype: np.dtype[Any]
    original: type[Any]

    def __call__(cls, x: Any = 0, /, *args: Any) -> Any:
        if not any_traced(x):
            return known(cls.original(plain(x), *args)) if is_tracing() else cls.original(x, *args)
        if not is_tracing():
            return x.astype(cls.dtype)
        return lift(given(x)).astype(cls.dtype)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, cls.original)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(original_of(other), cls.original)

    def __eq__(cls, other: object) -> bool:
        if isinstance(other, np.dtype):
            return bool(other == cls.dtype)
        return cls is other or cls.original is other

    def __hash__(cls) -> int:
        return hash(cls.original)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.original, name)

    def __repr__(cls) -> str:
        return repr(cls.original)


def _convertor(original: Any) -> type:
    space = {"original": original, "dtype": np.dtype(original)}
    return _Convertor(original.__name__, (), space)


CONVERTORS: dict[type, type] = {each: _convertor(each) for each in (np.float64, np.float32)}


def original_of(cls: Any) -> Any:
    """The class that stands behind one made for traced functions."""
    if isinstance(cls, _Convertor):
        return cls.original
    return getattr(cls, "__dict__", {}).get("__fusegrad_original__", cls)


def to_float(x: Any = 0.0, /) -> Any:
    """`float`, in calls: a traced number stays one."""
    if isinstance(x, str) and x.startswith("traced array"):
        raise TraceError(
            f"float() of the text {x!r}: values are not known while tracing",
            at=locate(),
            hint="go on with the array; print it, or write it down, outside of the function",
        )
    if not (is_traced(x) or is_eager(x)):
        return float(x)
    if x.size != 1:
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
    number = x.reshape(()).astype(np.float64)
    if is_traced(x):
        return current_trace().wrap(number.value, weak=True)
    number.weak = True
    return number


def is_eager(x: Any) -> bool:
    """Is `x` an array of eager mode, in a function that runs eagerly?"""
    return MODE.eager is not None and hasattr(type(x), "__fusegrad_eager__")
