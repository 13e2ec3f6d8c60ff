"""Arrays whose values decide how large a result is: masks that pick, integers that count.

They are asked for as Python asks in an `if`: the answers are conditions of the path. A mask is
asked for in words of 62 elements, one condition each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import TraceError
from .operands import lift
from .trace import current_trace, is_traced

_WORD = 62
_LARGEST_MASK = 62 * 64
_LARGEST_LIST = 64


def known_mask(condition: Any, who: str) -> np.ndarray[Any, Any]:
    """Truth values as they are now: of an array from outside that is noted, of a traced one asked.

    Raises TraceError where they can't be known, as the function is traced for types alone.
    """
    if not is_traced(condition) and not _any_traced(condition):
        mask = np.asarray(condition)
        current_trace().bake(condition, mask)
        return mask.astype(bool)
    x: Any = lift(condition, who)
    if x.size > _LARGEST_MASK:
        raise TraceError(
            f"{who}: a mask of {x.size} elements would be a condition of the trace, which is too "
            f"much (at most {_LARGEST_MASK})",
            hint="np.where(condition, x, y), or a sum of x * condition",
        )
    return _asked_mask(x, who)


def _any_traced(x: Any) -> bool:
    return isinstance(x, list | tuple) and any(is_traced(e) or _any_traced(e) for e in x)


def _asked_mask(x: Any, who: str) -> np.ndarray[Any, Any]:
    flat = (x != 0).reshape(-1).astype(np.int64)
    found: list[bool] = []
    for start in range(0, x.size, _WORD):
        part = flat[start : start + _WORD]
        word = _asked((part * 2 ** np.arange(part.shape[0])).sum(), who)
        found += [bool(word >> i & 1) for i in range(part.shape[0])]
    return np.array(found, bool).reshape(x.shape)


def _asked(x: Any, who: str) -> int:
    try:
        return int(x)
    except TraceError:
        raise TraceError(
            f"{who}: how many elements the result has depends on values that are not known while "
            "tracing",
            hint="np.where(condition, x, y), or a sum of x * condition, whose sizes are known",
        ) from None


def known_integers(numbers: Any, who: str) -> list[int]:
    """Integers on which shapes depend, as they are now: noted, or asked for."""
    traced = is_traced(numbers) or _any_traced(numbers)
    if traced and lift(numbers).size <= _LARGEST_LIST:
        x: Any = lift(numbers)
        if x.value.type.dtype in ("i32", "i64"):
            return [_asked(each, who) for each in x.reshape(-1)]
    array = np.empty(0, object) if traced else np.asarray(numbers)
    if array.dtype.kind not in "iu" and (array.size or traced):
        raise TraceError(
            f"{who}: integers are wanted, got an array of {getattr(numbers, 'dtype', array.dtype)}",
            hint="a list of Python ints, or .astype(int)",
        )
    if isinstance(numbers, np.ndarray):
        current_trace().bake(numbers, array)
    return [int(i) for i in array.ravel()]
