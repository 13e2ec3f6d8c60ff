"""``x[mask] += number`` with a traced mask: which elements there are need not be known.

Python reads ``x[mask]``, computes, and stores through the same mask. Where the code says that this
is what it is doing, what it reads is a `Masked`: the whole array, computed with in all places, of
which the store then takes those of the mask. Anything else that is done with it makes it the
elements themselves, for which the values of the mask are asked for.
"""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable
from typing import Any

from .operands import builder, is_number, lift
from .source import holds_users_code
from .trace import is_traced

_PATTERN = ("COPY", "COPY", "BINARY_SUBSCR")  # what ``x[i] += …`` begins with


class Masked:
    """The elements of `array` where `mask` is true, `mask` having the shape of the array."""

    def __init__(self, array: Any, mask: Any, picked: Callable[[], Any]) -> None:
        self.array = array
        self.mask = mask
        self.picked = picked

    def in_place(self, operation: Callable[[Any, Any], Any], other: Any) -> Any:
        """The elements after ``operation(elements, other)``."""
        if not is_number(other) and not (is_traced(other) and other.size == 1):
            return operation(self.picked(), other)
        number = other if is_number(other) else other.reshape(())
        computed = operation(self.array.copy(), number)
        return Masked(computed, self.mask, lambda: operation(self.picked(), other))


def _in_place(operation: Callable[[Any, Any], Any]) -> Callable[[Masked, Any], Any]:
    return lambda self, other: self.in_place(operation, other)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"):
    setattr(Masked, f"__i{_name}__", _in_place(getattr(operator, f"__i{_name}__")))


def is_augmented() -> bool:
    """Is the user's code, which called ``x.__getitem__``, in the first half of ``x[i] += …``?"""
    frame = sys._getframe(3)
    if not holds_users_code(frame.f_code.co_filename):
        return False
    code, last = frame.f_code.co_code, frame.f_lasti
    names = tuple(dis.opname[code[i]] for i in (last - 4, last - 2, last) if i >= 0)
    return names == _PATTERN


def pick(x: Any, mask: Any, picked: Callable[[], Any]) -> Masked:
    """``x[mask]`` to be changed and stored back. Other elements are ones, of which no derivative is
    infinite.
    """
    b = builder()
    safe = b.select(mask.value, x.value, b.full_like(x.value, 1))
    return Masked(x.tracer.wrap(safe), mask, picked)


def stored(x: Any, index: Any, value: Masked) -> Any:
    """The value of `x` after ``x[index] = value``; None if `value` is of another mask."""
    if not is_traced(index) or lift(index).value is not value.mask.value:
        return None
    b = builder()
    new = b.cast(value.array.value, x.value_type.dtype)
    return b.select(value.mask.value, new, x.value)
