"""Functions with code of their own.

CPython keeps what it has learned about the types at hand in the code object. Functions that one
factory makes share theirs, and so do the classes that inherit a method: with a class of nodes for
each op, none of them would be learned. A copy of the code costs a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

__all__ = ["own_code", "own_method"]


def own_code(function: Callable[..., Any]) -> None:
    """Give a function a copy of its code."""
    function.__code__ = function.__code__.replace()


def own_method(function: Any) -> Any:
    """A function like `function`, which has a copy of its code."""
    copy = FunctionType(
        function.__code__.replace(),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__, copy.__doc__ = function.__qualname__, function.__doc__
    return copy
