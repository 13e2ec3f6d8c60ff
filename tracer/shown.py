"""Which results lie in memory that the caller has: an argument, a view of one, a result twice."""

from __future__ import annotations

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
    """What each result is, or is a view of: an argument, or a result before it."""
    arrays: dict[int, tuple[str, int]] = {}
    memories: dict[int, tuple[str, int]] = {}
    for number, x in enumerate(arguments):
        _note(x, ("argument", number), arrays, memories)
    found: list[Shown | None] = []
    for number, x in enumerate(results):
        shown = None
        if hasattr(x, "__fusegrad_trace__") and hasattr(
            x, "steps"
        ):  # a traced array, whose elements are not known
            if id(x) in arrays:
                shown = Shown(*arrays[id(x)], None)
            elif x.memory is not None and id(x.memory) in memories:
                shown = Shown(*memories[id(x.memory)], x.steps)
            else:
                _note(x, ("result", number), arrays, memories)
        found.append(shown)
    return tuple(found)


def _note(x: Any, place: tuple[str, int], arrays: Any, memories: Any) -> None:
    """Remember where an array is first met, and its memory if it shows all of that."""
    arrays.setdefault(id(x), place)
    if x.memory is not None and not x.steps:
        memories.setdefault(id(x.memory), place)
