"""Errors for what is no array of this trace: what came, and what to do about it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.location import Location
from ..errors import NumberError, RecursionDepthError, TraceError
from ..source import locate

if TYPE_CHECKING:
    from ..array import TracedArray


def leaked(x: TracedArray) -> TraceError:
    """The error for an array that outlived its trace, or came to another thread."""
    trace = x.tracer
    came = f"leaked from @{trace.name}" if not trace.alive else f"belongs to @{trace.name}"
    return TraceError(
        f"a {x!r} {came}, which is traced in another call or thread",
        at=locate(),
        since=trace.at,
        hint="return it from the function instead of storing it in a global or an attribute",
    )


def not_an_array(x: Any, who: str) -> TraceError:
    name = type(x).__name__
    return TraceError(
        f"{who or 'an operation on traced arrays'} got {short(x)} of class {name}, "
        "which is neither an array nor a number",
        at=locate(),
        hint=_hint_for(x),
    )


def _hint_for(x: Any) -> str:
    """What to do with an object that is no array."""
    if hasattr(x, "toarray"):
        return "x.toarray(), or its data and indices as arrays of their own"
    if isinstance(x, str | bytes):
        return "float(text), where it spells a number; else leave it out of the arithmetic"
    if x is None:
        return "a number; None is what a default was, or a function without return"
    if isinstance(x, complex):
        return "complex numbers are not supported: keep the real and the imaginary part apart"
    if isinstance(x, set | frozenset | range) or hasattr(x, "__next__"):
        return "a list, or np.array(list(x))"
    return (
        "arguments are arrays, numbers, None, and containers of those; whatever else a function "
        "needs it can read from outside, or be given by functools.partial"
    )


def too_large(number: int, path: str) -> NumberError:
    return NumberError(
        f"{path} is {short(number)}, which is beyond the 64 bits of an integer",
        at=locate(),
        hint="float(x)",
    )


def too_deep(name: str, at: Location | None) -> RecursionDepthError:
    return RecursionDepthError(
        f"@{name}: calls are nested deeper than {sys.getrecursionlimit()} levels while tracing",
        at=at,
        hint="a condition that ends the recursion; sys.setrecursionlimit(n) where it does end",
    )


def refuse_operand(x: Any, who: str) -> None:
    """Raise for what Python hands to an operator of ours, and no array can be combined with."""
    if x is None or isinstance(x, str | bytes | dict | set | frozenset | type):
        raise not_an_array(x, who)


def short(x: Any) -> str:
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(x)).partition("\n")[0]
    return text if len(text) <= 40 else f"{text[:37]}..."


def check_array(array: np.ndarray[Any, Any], who: str = "") -> np.ndarray[Any, Any]:
    """Refuse subclasses whose operations mean something else than those of plain arrays."""
    if type(array) is np.ndarray or type(array) is np.memmap:
        return array
    name = type(array).__name__
    hint = "np.asarray(x) before the call, if its values are all that counts"
    if isinstance(array, np.ma.MaskedArray):
        hint = "pass x.filled(value), or the data and the mask as two arrays"
    what = f"{who} is an array of class {name}, which is" if who else f"arrays of class {name} are"
    raise TraceError(f"{what} not supported", at=locate(), hint=hint)
