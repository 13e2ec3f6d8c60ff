"""Which results lie in memory that the caller has: an argument, a view of one, a result twice."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from ..ir.graph import Operation
from ..ir.record import record

__all__ = ["Shown", "shown_results"]


@record
class Shown:
    """A result that lies in the memory of the `source` ("argument" or "result") number `number`.

    `steps` are the operations that show it there, None where it is that array.
    """

    source: str
    number: int
    steps: tuple[Operation, ...] | None


def shown_results(arguments: Sequence[Any], results: Sequence[Any]) -> tuple[Shown | None, ...]:
    """What each result is, or is a view of: an argument, or another result.

    A view of a view is one of the nearest that the caller has.
    """
    arrays: dict[int, tuple[str, int]] = {}
    holders: dict[int, list[tuple[str, int, Any]]] = {}  # by memory
    given = [("argument", number, x) for number, x in enumerate(arguments)]
    traced = [("result", number, x) for number, x in enumerate(results) if _is_traced(x)]
    repeated: dict[int, Shown] = {}
    for source, number, x in (*given, *traced):
        if id(x) in arrays and source == "result":
            repeated[number] = Shown(*arrays[id(x)], None)
            continue
        arrays.setdefault(id(x), (source, number))
        if x.memory is not None:
            holders.setdefault(id(x.memory), []).append((source, number, x))
    found: list[Shown | None] = [None] * len(results)
    for _, number, x in traced:
        found[number] = repeated.get(number) or _nearest(x, holders)
    return tuple(found)


def _is_traced(x: Any) -> bool:
    """Is it a traced array, whose elements are not known?"""
    return hasattr(x, "__fusegrad_trace__") and hasattr(x, "steps")


def _nearest(x: Any, holders: dict[int, Any]) -> Shown | None:
    """The view that `x`, a result, is of what shows the most of the way to it."""
    best, most = None, -1
    earlier = True
    for source, other, y in holders.get(id(x.memory), ()) if x.memory is not None else ():
        earlier = earlier and y is not x
        length = len(y.steps)
        before = length < len(x.steps) or (earlier and length == len(x.steps))
        if before and length > most and all(map(operator.is_, y.steps, x.steps)):
            best, most = Shown(source, other, x.steps[length:]), length
    return best
