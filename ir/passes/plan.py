"""Buffer planning: where each buffer of a fused graph lives."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping

from ..graph import Graph, Operation, Value
from ..record import record

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@record
class Place:
    """`kind` is "input" or "output" (`index` counts them), or "arena" (`index` is an offset)."""

    kind: str
    index: int


@record
class Plan:
    """Places of all values of a fused graph, and the size of the arena in bytes.

    `scratch` are offsets into the arena, for operations that need memory while they run.
    """

    places: dict[Value, Place]
    arena: int
    scratch: dict[Operation, int]


def plan_buffers(graph: Graph, scratch: Mapping[Operation, int] | None = None) -> Plan:
    """Give every value a place; `scratch` says how many bytes more an operation needs.

    Requires: a fused graph, whose outputs are distinct buffers. Ensures: two values share arena
    bytes only if one is dead before the other is written; a reshape shares its operand's place,
    and an update that of the tensor which it changes, where nobody reads that afterwards; scratch
    memory is shared with none that lives during the operation.
    Why: one block of memory serves a call, as small as the values that live together.
    """
    owner = _in_place(graph, _owners(graph))
    places = {value: Place("input", i) for i, value in enumerate(graph.inputs)}
    places |= {owner[value]: Place("output", i) for i, value in enumerate(graph.outputs)}
    arena, scratch = _Arena(), scratch or {}
    offsets: dict[Operation, int] = {}
    for operation, dying in zip(graph, _deaths(graph, owner), strict=True):
        for result in operation.results:
            if owner[result] is result and result not in places:
                places[result] = Place("arena", arena.take(result.type.bytes))
        if size := scratch.get(operation, 0):
            offsets[operation] = arena.take(size)
            arena.give(offsets[operation], size)
        for value in dying:
            if places[value].kind == "arena":
                arena.give(places[value].index, value.type.bytes)
    return Plan({value: places[owner[value]] for value in owner}, arena.size, offsets)


def _owners(graph: Graph) -> dict[Value, Value]:
    """For each value the value whose buffer it is: itself, or the operand of a reshape."""
    owner = {value: value for value in graph.inputs}
    for operation in graph:
        for result in operation.results:
            owner[result] = owner[operation.operands[0]] if operation.name == "reshape" else result
    return owner


def _in_place(graph: Graph, owner: dict[Value, Value]) -> dict[Value, Value]:
    """`owner`, with the result of an update in the buffer of its operand where that dies there."""
    last = {owner[x]: i for i, operation in enumerate(graph) for x in operation.operands}
    last |= dict.fromkeys((owner[value] for value in graph.outputs), len(graph))
    inputs = set(graph.inputs)
    merged: dict[Value, Value] = {}  # buffer -> the one whose memory it takes over
    for i, operation in enumerate(graph):
        if operation.name != "update":
            continue
        result, parts = owner[operation.result], [owner[x] for x in operation.operands[1:]]
        target = owner[operation.operands[0]]
        first = merged.get(target, target)
        if last[target] > i or first in inputs or target in parts:
            continue
        merged[result] = first
    return {value: merged.get(found, found) for value, found in owner.items()}


def _deaths(graph: Graph, owner: dict[Value, Value]) -> list[list[Value]]:
    """For each operation the buffers that nobody needs after it."""
    seen = {owner[value] for value in graph.outputs}
    deaths: list[list[Value]] = []
    for operation in reversed(graph.operations):
        touched = dict.fromkeys(owner[v] for v in (*operation.operands, *operation.results))
        deaths.append([v for v in touched if v not in seen])
        seen.update(touched)
    return deaths[::-1]


class _Arena:
    """Best-fit allocation of byte ranges, with neighbours joined when they are given back."""

    def __init__(self) -> None:
        self.size = 0
        self.holes: list[tuple[int, int]] = []  # (bytes, offset), smallest first
        self.starts: dict[int, int] = {}  # offset of a hole -> its end
        self.ends: dict[int, int] = {}  # its end -> its offset

    def take(self, size: int) -> int:
        size = _rounded(size)
        fitting = bisect_left(self.holes, (size, 0))
        if fitting < len(self.holes):
            room, offset = self.holes[fitting]
            self._close(offset, offset + room)
            if room > size:
                self._open(offset + size, offset + room)
            return offset
        offset = self.ends.get(self.size, self.size)
        if offset != self.size:  # the last hole grows
            self._close(offset, self.size)
        self.size = offset + size
        return offset

    def give(self, offset: int, size: int) -> None:
        start, end = offset, offset + _rounded(size)
        if start in self.ends:
            start = self.ends[start]
            self._close(start, offset)
        if end in self.starts:
            after = self.starts[end]
            self._close(end, after)
            end = after
        self._open(start, end)

    def _open(self, start: int, end: int) -> None:
        insort(self.holes, (end - start, start))
        self.starts[start], self.ends[end] = end, start

    def _close(self, start: int, end: int) -> None:
        del self.holes[bisect_left(self.holes, (end - start, start))]
        del self.starts[start], self.ends[end]


def _rounded(size: int) -> int:
    return max(-(-size // ALIGNMENT), 1) * ALIGNMENT
