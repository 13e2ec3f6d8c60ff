"""Buffer planning: where each buffer of a fused graph lives."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping

from ..graph import Graph, Operation, Value
from ..record import record
from .sharing import Sharing, share_buffers

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@record
class Place:
    """`kind` is "input" or "output" (`index` counts them), or "arena" (`index` is an offset). It is
    `offset` bytes from there on.
    """

    kind: str
    index: int
    offset: int = 0

    def behind(self, size: int) -> Place:
        """The place `size` bytes from here."""
        return Place(self.kind, self.index, self.offset + size) if size else self


@record
class Plan:
    """Places of all values of a fused graph, and the size of the arena in bytes.

    `scratch` are offsets into the arena, for operations that need memory while they run. `copies`
    are values in the arena that go to the output of that number when all operations are done.
    """

    places: dict[Value, Place]
    arena: int
    scratch: dict[Operation, int]
    copies: tuple[tuple[Value, int], ...] = ()


def plan_buffers(
    graph: Graph,
    scratch: Mapping[Operation, int] | None = None,
    sharing: Sharing | None = None,
) -> Plan:
    """Give every value a place; `scratch` says how many bytes more an operation needs, `sharing`
    what is one buffer.

    Requires: a fused graph, whose outputs are distinct buffers. Ensures: two values share arena
    bytes only if one is dead before the other is written, or the other is written over it; scratch
    memory is shared with none that lives during the operation.
    Why: one block of memory serves a call, as small as the values that live together.
    """
    sharing, scratch = sharing or share_buffers(graph), scratch or {}
    places = _fixed_places(graph, sharing)
    begins, ends = _by_operation(sharing, places)
    arena = _Arena()
    offsets: dict[Operation, int] = {}
    for i, operation in enumerate(graph):
        for buffer in begins.get(i, ()):
            places[buffer] = Place("arena", arena.take(buffer.type.bytes))
        if size := scratch.get(operation, 0):
            offsets[operation] = arena.take(size)
            arena.give(offsets[operation], size)
        for buffer in ends.get(i, ()):
            arena.give(places[buffer].index, buffer.type.bytes)
    copies = tuple((graph.outputs[output], output) for output in sharing.copies)
    for buffer in sharing.parts:
        places[buffer] = _place_of_part(buffer, sharing, places)
    everywhere = {value: places[buffer] for value, buffer in sharing.owner.items()}
    return Plan(everywhere, arena.size, offsets, copies)


def _fixed_places(graph: Graph, sharing: Sharing) -> dict[Value, Place]:
    """The places of buffers that are not in the arena."""
    places = {value: Place("input", i) for i, value in enumerate(graph.inputs)}
    for output, value in enumerate(graph.outputs):
        if output not in sharing.copies:
            places[sharing.owner[value]] = Place("output", output)
    places |= {buffer: Place("output", output) for buffer, output in sharing.spare.items()}
    return places | {buffer: Place("input", i) for buffer, i in sharing.donated.items()}


def _place_of_part(buffer: Value, sharing: Sharing, places: Mapping[Value, Place]) -> Place:
    """Where a buffer lies in the one that it is a part of, which may be a part itself."""
    offset = 0
    while buffer in sharing.parts:
        buffer, start = sharing.parts[buffer]
        offset += start
    return places[buffer].behind(offset)


def _by_operation(
    sharing: Sharing, places: Mapping[Value, Place]
) -> tuple[dict[int, list[Value]], dict[int, list[Value]]]:
    """The buffers of the arena, by the operations at which they begin, and by those at which they
    end.
    """
    begins: dict[int, list[Value]] = {}
    ends: dict[int, list[Value]] = {}
    for buffer, start in sharing.start.items():
        if buffer not in places and buffer not in sharing.parts:
            begins.setdefault(start, []).append(buffer)
            ends.setdefault(sharing.end[buffer], []).append(buffer)
    return begins, ends


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
