"""Which values of a fused graph are one buffer: a reshape and its operand, and a result that is
written over an operand which nobody reads afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..graph import Graph, Operation, Value
from ..ops.kernel import PLAIN, all_packs
from ..types import NUMPY_DTYPE
from ..view import View

LEAST_MERGED = 1 << 16  # bytes of a temporary for whose sake a kernel may lose its `noalias`
LEAST_PART = 1 << 12  # bytes of a part that is computed where it is to be concatenated
LEAST_SPARE = 1 << 20  # bytes of one that waits in a result's memory: smaller ones stay in cache


@dataclass(slots=True)
class Sharing:
    """The buffers of a graph. Each is named by its first value, and lives from `start` (the number
    of the operation that writes it, -1 for inputs) to `end` (the last that reads it).

    `owner` gives the buffer of each value. `donated` are those in the memory of an input, by its
    number; `spare` temporaries in that of an output, by its number; `parts` those in another buffer
    that they are to be concatenated in, from that byte of it on. `copies` are the outputs that
    were to take an input's memory and can't, with the operation that reads the input too late.
    """

    owner: dict[Value, Value]
    start: dict[Value, int]
    end: dict[Value, int]
    donated: dict[Value, int] = field(default_factory=dict)
    spare: dict[Value, int] = field(default_factory=dict)
    parts: dict[Value, tuple[Value, int]] = field(default_factory=dict)
    copies: dict[int, Operation] = field(default_factory=dict)

    def memory(self, value: Value) -> object:
        """What two values have in common that lie in one place at different times."""
        buffer = self.owner[value]
        return self.donated.get(buffer, buffer)

    def join(self, taken: Mapping[Value, Value]) -> None:
        """Let each of the buffers `taken` be the one whose memory it takes over."""
        for value, owner in self.owner.items():
            self.owner[value] = taken.get(owner, owner)
        for buffer, first in taken.items():
            self.end[first] = max(self.end[first], self.end[buffer])
            del self.start[buffer], self.end[buffer]


def share_buffers(
    graph: Graph, donated: Mapping[int, int] | None = None, spare: bool = False
) -> Sharing:
    """The buffers of a fused `graph`. `donated` says which outputs are to lie in the memory of
    which inputs.

    Ensures: a buffer is written by one operation after all those that read what it had before,
    but for a result that is written over an operand as its operation may. With `spare` large
    temporaries do this as well, wait in the memory of outputs that come later, and are computed
    where they are to be concatenated.
    Why: a call needs less memory, and updates happen in place.
    """
    sharing = _separate(graph)
    _update_in_place(graph, sharing)
    for output, number in (donated or {}).items():
        _donate(graph, sharing, output, number)
    if spare:
        _place_parts(graph, sharing)
        _merge_temporaries(graph, sharing)
        _wait_in_outputs(graph, sharing)
    return sharing


def _separate(graph: Graph) -> Sharing:
    """A buffer for each value but the results of reshapes."""
    owner = {value: value for value in graph.inputs}
    start = dict.fromkeys(graph.inputs, -1)
    end = dict(start)
    for i, operation in enumerate(graph):
        for operand in operation.operands:
            end[owner[operand]] = i
        for result in operation.results:
            owner[result] = owner[operation.operands[0]] if operation.name == "reshape" else result
            if owner[result] is result:
                start[result] = end[result] = i
    for output in graph.outputs:
        end[owner[output]] = len(graph.operations)
    return Sharing(owner, start, end)


def _update_in_place(graph: Graph, sharing: Sharing) -> None:
    """The result of an update takes the buffer of its operand where that dies there."""
    inputs = set(graph.inputs)
    taken: dict[Value, Value] = {}  # buffer -> the one whose memory it takes over
    for i, operation in enumerate(graph):
        if operation.name != "update":
            continue
        target, result = sharing.owner[operation.operands[0]], sharing.owner[operation.result]
        first = taken.get(target, target)
        if (
            sharing.end[target] > i
            or first in inputs
            or not _overwrites(operation, target, sharing)
        ):
            continue
        taken[result] = first
    sharing.join(taken)


def _overwrites(operation: Operation, buffer: Value, sharing: Sharing, result: int = 0) -> bool:
    """May `operation` write its result over this one of its operands?"""
    places = [i for i, x in enumerate(operation.operands) if sharing.owner[x] is buffer]
    return may_overwrite(operation, places, result)


# --- inputs that are given away ---


def _donate(graph: Graph, sharing: Sharing, output: int, number: int) -> None:
    """Let an output be written over an input, if all that read the input have done so by then."""
    buffer, given = sharing.owner[graph.outputs[output]], graph.inputs[number]
    late = _reads_late(graph, sharing, given, buffer)
    if late is None:
        sharing.donated[buffer] = sharing.donated[given] = number
    else:
        sharing.copies[output] = late


def _reads_late(graph: Graph, sharing: Sharing, given: Value, buffer: Value) -> Operation | None:
    """The first operation that reads the input `given` after `buffer` is written."""
    start = sharing.start[buffer]
    for i in range(start, sharing.end[given] + 1):
        operation = graph.operations[i]
        if operation.name == "reshape" or all(
            sharing.owner[x] is not given for x in operation.operands
        ):
            continue
        here = [n for n, x in enumerate(operation.results) if sharing.owner[x] is buffer]
        if i > start or not all(_overwrites(operation, given, sharing, n) for n in here):
            return operation
    return None


# --- temporaries ---


def _place_parts(graph: Graph, sharing: Sharing) -> None:
    """Buffers that end with a concatenation are parts of its result, where they lie there in one
    piece.
    """
    kept = {sharing.owner[x] for x in (*graph.inputs, *graph.outputs)}
    for i, operation in enumerate(graph):
        if operation.name != "concatenate" or operation.result in sharing.donated:
            continue
        whole = operation.result
        if math.prod(whole.shape[: operation.attributes["axis"]]) != 1:
            continue
        buffers = [sharing.owner[x] for x in operation.operands]
        offset = 0
        for buffer, operand in zip(buffers, operation.operands, strict=True):
            ends_here = sharing.end[buffer] == i and buffers.count(buffer) == 1
            if ends_here and buffer not in kept and operand.type.bytes >= LEAST_PART:
                sharing.parts[buffer] = (whole, offset)
                sharing.start[whole] = min(sharing.start[whole], sharing.start[buffer])
            offset += operand.type.bytes


def _merge_temporaries(graph: Graph, sharing: Sharing) -> None:
    """Large temporaries are written over others that die there, and outputs over temporaries."""
    kept = {sharing.owner[x] for x in (*graph.inputs, *graph.outputs)} | set(sharing.parts)
    taken: dict[Value, Value] = {}
    for i, operation in enumerate(graph):
        dying = [
            buffer
            for buffer in dict.fromkeys(sharing.owner[x] for x in operation.operands)
            if sharing.end[buffer] == i and buffer not in kept and buffer.type.bytes >= LEAST_MERGED
        ]
        for number, result in enumerate(operation.results if dying else ()):
            apart = result in sharing.donated or result in sharing.parts
            if sharing.owner[result] is not result or apart:
                continue
            for buffer in dying:
                same = buffer.type.bytes == result.type.bytes
                if same and _overwrites(operation, buffer, sharing, number):
                    taken[result] = taken.get(buffer, buffer)
                    dying.remove(buffer)
                    break
    sharing.join(taken)


def _wait_in_outputs(graph: Graph, sharing: Sharing) -> None:
    """Large temporaries lie in the memory of outputs that are written later."""
    kept = {sharing.owner[x]: i for i, x in enumerate(graph.outputs)}
    free = {  # output -> the last operation that needs its memory before; the smallest first
        output: -1
        for buffer, output in sorted(kept.items(), key=lambda item: item[0].type.bytes)
        if output not in sharing.copies and buffer not in sharing.donated
    }
    begins = {output: sharing.start[sharing.owner[graph.outputs[output]]] for output in free}
    for buffer in sorted(sharing.start, key=sharing.start.__getitem__):
        start, end = sharing.start[buffer], sharing.end[buffer]
        if buffer in kept or buffer in sharing.parts or start < 0:
            continue
        if buffer.type.bytes < LEAST_SPARE:
            continue
        for output in [output for output in free if begins[output] <= start]:
            del free[output]
        for output, last in free.items():
            large = graph.outputs[output].type.bytes >= buffer.type.bytes
            if large and last < start and end < begins[output]:
                sharing.spare[buffer], free[output] = output, end
                break


# --- what an operation does to its operands while it runs ---


def may_overwrite(operation: Operation, places: Iterable[int], result: int) -> bool:
    """May an operation write a result into the memory of its operands number `places`, which are
    one buffer? It may where it reads no element of them after one that it has written.
    """
    rule = _RULES.get(operation.name)
    return rule is not None and all(rule(operation, place, result) for place in places)


def _kernel_overwrites(kernel: Operation, place: int, result: int) -> bool:
    """Each point reads the element that it stores, and no other."""
    attributes, operand = kernel.attributes, kernel.operands[place]
    kind, dtype, _ = attributes["yields"][result]
    pack = all_packs(attributes.get("packs", ()), attributes["yields"])[result]
    if kind != "store" or pack != PLAIN or kernel.regions[0].inputs[place].type.ndim:
        return False
    view = View(attributes["domain"], *attributes["views"][place])
    sizes = (NUMPY_DTYPE[dtype].itemsize, kernel.results[result].type.size)
    return view.is_dense and sizes == (NUMPY_DTYPE[operand.dtype].itemsize, operand.type.size)


def _rows_overwrite(rows: Operation, place: int, result: int) -> bool:
    """Each block reads its own rows, and writes these rows last."""
    if (rows.attributes["reads"][place], rows.attributes["yields"][result][0]) != ("rows", "rows"):
        return False
    return rows.operands[place].type.bytes == rows.results[result].type.bytes and all(
        _reads_late(region, _separate(region), region.inputs[place], region.outputs[result]) is None
        for region in rows.regions
    )


def _update_overwrites(update: Operation, place: int, result: int) -> bool:
    return place == 0


def _scan_overwrites(scan: Operation, place: int, result: int) -> bool:
    """The last carries are written after all steps."""
    return bool(result < scan.attributes["carries"])


_RULES = {
    "kernel": _kernel_overwrites,
    "rows": _rows_overwrite,
    "update": _update_overwrites,
    "scan": _scan_overwrites,
}


def shared_parameters(graph: Graph, sharing: Sharing) -> dict[Operation, frozenset[str]]:
    """The parameters (p: read, q: written) of operations' functions that are one memory with
    another; also those of operations in blocks of rows.
    """
    found: dict[Operation, frozenset[str]] = {}
    for operation in graph:
        pairs = [
            (i, j)
            for i, x in enumerate(operation.operands)
            for j, y in enumerate(operation.results)
            if sharing.memory(x) == sharing.memory(y)
        ]
        if not pairs or operation.name in ("reshape", "update"):
            continue
        found[operation] = frozenset(name for i, j in pairs for name in (f"%p{i}", f"%q{j}"))
        for region in operation.regions if operation.name == "rows" else ():
            found |= _shared_in_block(region, pairs)
    return found


def _shared_in_block(
    region: Graph, pairs: list[tuple[int, int]]
) -> dict[Operation, frozenset[str]]:
    sharing = _separate(region)
    for i, j in pairs:
        sharing.donated[region.inputs[i]] = sharing.donated[sharing.owner[region.outputs[j]]] = i
    return shared_parameters(region, sharing)
