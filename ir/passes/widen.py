"""Slices of one array against each other, computed where the array itself is.

The adjoint of `x[1:] - x[:-1]` is padded back to the size of x. Computed on the small domain it
goes through memory, once for each pad; computed on the domain of x, with what lies outside masked,
the pads disappear, and forward and backward share one loop. A value that is padded in several
places is computed for each of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..record import identity_record, record
from ..types import TensorType
from .cse import eliminate_common_subexpressions
from .dce import eliminate_dead_code
from .recompute import CHEAP
from .rewrite import rewrite

AGAIN = 8  # cheap operations that cost less than to store a value and read it
AGAIN_NEAR = 3  # the same, where the values stay in the first cache
NEAR = 1 << 14  # bytes
_CHEAP = CHEAP | {"sign", "floor", "ceil", "rint"}


def widen(graph: Graph) -> Graph:
    """Compute values that are only padded, or summed, on the domain that they are padded to.

    Requires: no kernels. Ensures: same outputs, sums in another order. Why: one loop without
    temporaries instead of two with some.
    """
    if not any(_is_plain_pad(operation) for operation in graph):
        return graph
    places, exits = _find(graph)
    if not exits:
        return graph
    wide = rewrite(graph, _Widening(places, exits).rule)
    return eliminate_dead_code(eliminate_common_subexpressions(wide))


@record
class Place:
    """Where a value of a smaller domain lies in `shape`: from index `low` on."""

    low: tuple[int, ...]
    shape: tuple[int, ...]


@identity_record
class _Part:
    """Elementwise operations of one shape that feed each other, and where their values leave."""

    members: list[Operation]
    pads: list[Operation]
    sums: list[Operation]

    @property
    def exits(self) -> list[Operation]:
        return [*self.pads, *self.sums]


# --- what to widen ---


def _find(graph: Graph) -> tuple[dict[Operation, list[Place]], dict[Operation, Place]]:
    """In which places each operation is to be computed, and each pad or sum takes its operand."""
    places: dict[Operation, list[Place]] = {}
    exits: dict[Operation, Place] = {}
    for part in _parts(graph):
        chosen = _places_of_exits(part)
        needed = _needed(part, chosen)
        if _pays(part, needed):
            exits |= chosen
            for place, operations in needed.items():
                for operation in operations:
                    places.setdefault(operation, []).append(place)
    return places, exits


def _is_plain_pad(operation: Operation) -> bool:
    return operation.name == "pad" and not any(operation.attributes["interior"])


def _is_member(operation: Operation | None) -> bool:
    return operation is not None and operation.op.elementwise and bool(operation.operands)


def _parts(graph: Graph) -> list[_Part]:
    """The parts whose values leave through pads to one shape, and sums over the axes padded."""
    root = _roots(graph)
    parts: dict[Operation, _Part] = {}
    refused = {root[o.producer] for o in graph.outputs if o.producer in root}
    for operation in graph:
        if operation in root:
            part = parts.setdefault(root[operation], _Part([], [], []))
            part.members.append(operation)
        for operand in operation.operands:
            if operand.producer not in root or root.get(operation) is root[operand.producer]:
                continue
            part = parts[root[operand.producer]]
            if _is_plain_pad(operation):
                part.pads.append(operation)
            elif operation.name == "sum":
                part.sums.append(operation)
            else:
                refused.add(root[operand.producer])
    return [part for key, part in parts.items() if key not in refused and _fits(part)]


def _roots(graph: Graph) -> dict[Operation, Operation]:
    """One operation of its part for each elementwise operation."""
    parent: dict[Operation, Operation] = {}

    def find(operation: Operation) -> Operation:
        while parent[operation] is not operation:
            parent[operation] = operation = parent[parent[operation]]
        return operation

    for operation in graph:
        if _is_member(operation):
            parent[operation] = operation
            for operand in operation.operands:
                if operand.producer is not None and operand.producer in parent:
                    parent[find(operand.producer)] = find(operation)
    return {operation: find(operation) for operation in parent}


def _fits(part: _Part) -> bool:
    shapes = {pad.result.shape for pad in part.pads}
    if len(shapes) != 1:
        return False
    (wide,) = shapes
    narrow = part.members[0].result.shape
    padded = {axis for axis, n in enumerate(narrow) if wide[axis] != n}
    if 4 * math.prod(wide) > 5 * math.prod(narrow) + 1024:
        return False
    return all(padded <= set(operation.attributes["axes"]) for operation in part.sums)


def _places_of_exits(part: _Part) -> dict[Operation, Place]:
    """Pads tell the place of their operand; sums are taken where most is computed anyway."""
    places = {pad: Place(pad.attributes["low"], pad.result.shape) for pad in part.pads}
    by_place = _needed(part, places)
    largest = max(by_place, key=lambda place: len(by_place[place]))
    return places | dict.fromkeys(part.sums, largest)


def _needed(part: _Part, exits: dict[Operation, Place]) -> dict[Place, set[Operation]]:
    """What must be computed in each place."""
    needed: dict[Place, set[Operation]] = {}
    wanted: dict[Operation, set[Place]] = {}
    for operation, place in exits.items():
        for operand in operation.operands:
            if operand.producer is not None:
                wanted.setdefault(operand.producer, set()).add(place)
        needed.setdefault(place, set())
    members = set(part.members)
    for operation in reversed(part.members):
        for place in wanted.get(operation, ()):
            needed[place].add(operation)
            for operand in operation.operands:
                if operand.producer in members:
                    wanted.setdefault(operand.producer, set()).add(place)
    return needed


def _pays(part: _Part, needed: dict[Place, set[Operation]]) -> bool:
    """Is it little and cheap what is computed more than once?"""
    counts: dict[Operation, int] = {}
    for operations in needed.values():
        for operation in operations:
            counts[operation] = counts.get(operation, 0) + 1
    again = [operation for operation, count in counts.items() if count > 1]
    if any(operation.name not in _CHEAP for operation in again):
        return False
    more = sum(counts[operation] - 1 + _reads(operation, again) for operation in again)
    stored = {pad.operands[0] for pad in part.pads}
    near = sum(value.type.bytes for value in stored) <= NEAR
    return more <= (AGAIN_NEAR if near else AGAIN) * len(stored)


def _reads(operation: Operation, again: Iterable[Operation]) -> int:
    """How many operands come from outside."""
    producers = {*again}
    return sum(
        x.producer not in producers and (x.producer is None or x.producer.name != "constant")
        for x in dict.fromkeys(operation.operands)
    )


# --- how ---


class _Widening:
    """The rule of the rewriting; keeps what was made, by value and place."""

    def __init__(self, places: dict[Operation, list[Place]], exits: dict[Operation, Place]) -> None:
        self.places, self.exits = places, exits
        self.wide: dict[tuple[Value, Place], Value] = {}
        self.inside: dict[tuple[Place, tuple[int, ...]], Value] = {}

    def rule(
        self, b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]
    ) -> Sequence[Value] | None:
        if operation in self.exits:
            return (self._leave(b, operation, operands[0]),)
        for place in self.places.get(operation, ()):
            wide = [
                self._widened(b, old, new, place)
                for old, new in zip(operation.operands, operands, strict=True)
            ]
            self.wide[operation.result, place] = b(operation.name, *wide, **operation.attributes)
        return None

    def _leave(self, b: GraphBuilder, operation: Operation, operand: Value) -> Value:
        place, old = self.exits[operation], operation.operands[0]
        value = self.wide[old, place]
        inside = self._mask(b, place, old.shape)
        value = b.select(inside, value, b.zeros_like(value))
        return value if operation.name == "pad" else b.sum(value, operation.attributes["axes"])

    def _mask(self, b: GraphBuilder, place: Place, shape: tuple[int, ...]) -> Value:
        """Where in the wide domain the small one is."""
        if (place, shape) not in self.inside:
            dtype = "i32" if max(place.shape) < 1 << 31 else "i64"
            mask: Value | None = None
            for axis, (low, n, whole) in enumerate(zip(place.low, shape, place.shape, strict=True)):
                index = b("iota", dtype=dtype, shape=place.shape, axis=axis)
                limits = [("ge", low)] if low else []
                limits += [("lt", low + n)] if low + n < whole else []
                for predicate, limit in limits:
                    holds = b.compare(predicate, index, b.full_like(index, limit))
                    mask = holds if mask is None else b("logical_and", mask, holds)
            self.inside[place, shape] = (
                b.constant(True, TensorType("bool", place.shape)) if mask is None else mask
            )
        return self.inside[place, shape]

    def _widened(self, b: GraphBuilder, old: Value, new: Value, place: Place) -> Value:
        """An operand in the wide domain. What it is outside of the small one does not matter."""
        key = (old, place)
        if key not in self.wide:
            self.wide[key] = _leaf(b, new, place)
        return self.wide[key]


def _leaf(b: GraphBuilder, x: Value, place: Place) -> Value:
    """A value from elsewhere: shown through a view, or generated."""
    producer, wide = x.producer, place.shape
    if producer is not None:
        attributes = producer.attributes
        if producer.name == "constant":
            return b.constant(attributes["value"], TensorType(x.dtype, wide))
        if producer.name == "iota":
            index = b("iota", dtype=x.dtype, shape=wide, axis=attributes["axis"])
            low = place.low[attributes["axis"]]
            return b.sub(index, b.full_like(index, low)) if low else index
        if producer.name == "broadcast" and _repeats(producer, wide):
            return b.broadcast(producer.operands[0], wide)
        if producer.name == "slice" and _is_whole(producer, place):
            return producer.operands[0]
    high = tuple(w - n - a for w, n, a in zip(wide, x.shape, place.low, strict=True))
    shown: Value = b("pad", x, low=place.low, high=high, interior=(0,) * len(wide))
    return shown


def _is_whole(producer: Operation, place: Place) -> bool:
    """Does a slice show an array of the wide shape where it is?"""
    attributes = producer.attributes
    return (
        producer.operands[0].shape == place.shape
        and attributes["start"] == place.low
        and all(step == 1 for step in attributes["step"])
    )


def _repeats(producer: Operation, wide: tuple[int, ...]) -> bool:
    """Does a broadcast repeat its operand along every axis that is padded?"""
    shape = producer.operands[0].shape
    result = producer.result.shape
    lead = len(result) - len(shape)
    return all(
        wide[axis] == n or axis < lead or shape[axis - lead] == 1 for axis, n in enumerate(result)
    )
