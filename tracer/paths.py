"""Values that Python asks for while a function is traced: computed, and noted as conditions.

A trace holds for one path through the function. Where `if`, `range` or a list's index needs the
value of a traced array, it is computed in NumPy for the arguments at hand, from the operations
recorded so far, and the trace notes what it was: the path's *conditions*, in the order in which
they were asked. A path is valid for all arguments for which each of its conditions gives the same
answer. As the function is deterministic, equal answers so far lead to the same next question, so
that the paths of a function are the branches of a tree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..ir.builder import Builder, Handle
from ..ir.functions.elementwise import trunc
from ..ir.graph import Location, Value
from ..ir.interpret import evaluate
from ..ir.record import identity_record
from ..ir.types import NUMPY_DTYPE

Answer = bool | int | float


class UnknownInputError(Exception):
    """A value depends on an input of which only the type is known."""


@identity_record
class Condition:
    """A scalar value of a traced graph (truth value, integer or float), and what it has to be.

    `detached` says that a Python float was made of it, with which the function may go on computing,
    and what asked for it: "float", or the name of a function of SciPy's.
    """

    value: Value
    answer: Answer
    location: Location | None
    detached: str = ""

    @property
    def key(self) -> str:
        """The answer, such that equal keys are equal answers: of 0.0 and -0.0, and of nan."""
        return repr(self.answer)

    @property
    def is_float(self) -> bool:
        return type(self.answer) is float

    def read(self, number: Answer) -> Answer:
        """A number that the value was found to be, as the kind of number that was asked for."""
        if type(self.answer) is float or (isinstance(number, float) and not math.isfinite(number)):
            return number
        return type(self.answer)(number)

    def __str__(self) -> str:
        where = f" at {self.location}" if self.location else ""
        return f"{type(self.answer).__name__} {self.answer}{where}"


class Values:
    """The values of a graph in the making for certain inputs: computed when they are asked for,
    each once, from what they depend on alone.

    `input` gives the array of an input of the graph; it raises UnknownInputError where it can't.
    """

    def __init__(self, input: Callable[[Value], Any]) -> None:
        self._input = input
        self._known: dict[Value, Any] = {}

    def of(self, value: Value) -> np.ndarray[Any, Any]:
        """The array that `value` stands for."""
        known, waiting = self._known, [value]
        with np.errstate(all="ignore"):
            while waiting:
                current = waiting[-1]
                producer = current.producer
                if current in known:
                    waiting.pop()
                elif producer is None:
                    dtype = NUMPY_DTYPE[current.dtype]
                    known[current] = np.asarray(self._input(current), dtype)
                else:
                    missing = [x for x in producer.operands if x not in known]
                    waiting += missing
                    if not missing:
                        results = evaluate(producer, [known[x] for x in producer.operands])
                        known.update(zip(producer.results, results, strict=True))
        found: np.ndarray[Any, Any] = known[value]
        return found

    def answer(self, value: Value) -> Answer:
        """The Python number of a scalar value."""
        number: Answer = self.of(value).item()
        return number


def values_from(arrays: Mapping[Value, Any]) -> Values:
    """The values of a graph whose inputs are `arrays`."""
    return Values(arrays.__getitem__)


def first_refused(
    conditions: Sequence[Condition], outputs: Sequence[Value], values: Values
) -> tuple[Answer, ...] | None:
    """The answers up to the first that differs from what a path expects; None where none does.

    `outputs` stand for the values of `conditions`, in order. What stands behind the first that
    differs is not computed: it may fail for arguments that go another way.
    """
    for number, (condition, output) in enumerate(zip(conditions, outputs, strict=True)):
        answer = condition.read(values.answer(output))
        if repr(answer) != condition.key:
            return (*(c.answer for c in conditions[:number]), answer)
    return None


def asked(b: Builder, x: Handle, wanted: str) -> Handle:
    """What Python wants to know of the scalar `x`: its truth value, its whole part, or itself.

    `wanted` is "bool", "int", "index" or "float". The whole part of a float is a float (it may be
    too large for an integer, or nan).
    """
    dtype = b.type_of(x).dtype
    if wanted == "bool":
        return x if dtype == "bool" else b.compare("ne", x, b.zeros_like(x))
    if wanted == "float":
        return x if b.type_of(x).is_float else b.cast(x, "f64")
    return trunc(b, x) if b.type_of(x).is_float else b.cast(x, "i64")


def agrees(b: Builder, x: Handle, answer: Answer) -> Handle:
    """The truth value of: the scalar `x`, as `asked` makes it, gives this answer.

    nan agrees with nan, and 0.0 not with -0.0.
    """
    if b.type_of(x).dtype == "bool":
        return x if answer else b("logical_not", x)
    if isinstance(answer, float) and math.isnan(answer):
        return b.compare("ne", x, x)
    same = b.compare("eq", x, b.full_like(x, answer))
    if isinstance(answer, float) and answer == 0:
        sign = b.div(b.full_like(x, 1), x)
        infinite = b.full_like(x, math.copysign(math.inf, answer))
        return b("logical_and", same, b.compare("eq", sign, infinite))
    return same
