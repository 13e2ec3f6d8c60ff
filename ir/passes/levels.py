"""What fusion needs to know of a graph: where each value can be read, when each operation can run.

A view (broadcast, transpose, slice, …) is no work: its result is read through strides from the
buffer of the value below it, its base. Every other operation has a level: how many kernels must
have finished before it can start. An edge between operations of one domain that stays in a kernel
keeps the level; an edge through memory raises it. So kernels, one for each level and domain, never
wait for each other in a circle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..graph import Graph, Operation, Value
from ..ops.kernel import REDUCTIONS
from ..view import View

VIEWS = frozenset({"broadcast", "reshape", "transpose", "slice", "reverse", "pad", "later"})
HELD_BACK = "made again"  # the note of what reads by way of `later`, once it is fused
GENERATORS = frozenset({"constant", "iota"})


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value can be read from memory: a dense buffer and a view of it."""

    base: Value
    view: View

    @property
    def is_whole(self) -> bool:
        """Does it show all of the buffer, in order?"""
        return self.view.is_dense and math.prod(self.view.shape) == self.base.type.size


def is_generator(value: Value) -> bool:
    """Is `value` made from nothing, so that each kernel can make it itself?"""
    return value.producer is not None and value.producer.name in GENERATORS


ENDS = frozenset({*REDUCTIONS, "stack", "deposit"})  # what becomes of a kernel's numbers


def is_lookup(operation: Operation) -> bool:
    """Is it a gather that takes one number for each index? A kernel does that itself."""
    return operation.op.name == "gather" and operation.operands[0].type.ndim == 1


def is_pointwise(operation: Operation) -> bool:
    """Does each point of a kernel compute its own element of the result?"""
    return operation.op.elementwise or is_lookup(operation)


def is_fusible(operation: Operation) -> bool:
    """Does `operation` become code in a kernel's body, or what its end makes of a number?"""
    return is_pointwise(operation) or operation.op.name in ENDS


def domain_of(operation: Operation) -> tuple[int, ...]:
    """The points at which a fusible operation does its work."""
    if operation.op.name in ENDS:
        return operation.operands[0].type.shape
    return operation.results[0].type.shape


def joins(operand: Value, user: Operation) -> bool:
    """Could `user` take `operand` from a register of the same kernel?"""
    producer = operand.producer
    if producer is None or not is_fusible(user) or operand.type.shape != domain_of(user):
        return False
    if operand is user.operands[0] and is_lookup(user):  # a table: other points' elements
        return False
    return is_pointwise(producer) or producer.op.name in GENERATORS


class Levels:
    """Sources, users and levels of the operations of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.sources: dict[Value, Source] = {}
        self.copied: set[Value] = set()  # views that must be given memory of their own
        self.level: dict[Operation, int] = {}
        self._not_before: dict[Value, int] = {}  # the level of what is read by way of `later`
        self._find_sources()
        self.readers = self._find_readers()
        self._outputs = {self.sources[output].base for output in graph.outputs}
        for operation in graph:
            level = max((self._earliest(x, operation) for x in operation.operands), default=0)
            self.level[operation] = level
            if self.is_free(operation) and self._is_held_back(operation):
                self._not_before[operation.result] = level
        self._late = self._count_late()
        for operation in reversed(graph.operations):
            self._sink(operation)

    # --- sources ---

    def _find_sources(self) -> None:
        for value in self.graph.inputs:
            self.sources[value] = _own(value)
        for operation in self.graph:
            for result in operation.results:
                self.sources[result] = self._source_of(operation, result)
            if is_lookup(operation):
                table = operation.operands[0]
                if self.sources[table].view.bounds is not None:  # not all in the buffer
                    self._copy(table)
            elif not is_fusible(operation) and not self.is_view(operation):
                for operand in operation.operands:  # an opaque operation reads dense buffers
                    if not self.sources[operand].is_whole:
                        self._copy(operand)

    def _source_of(self, operation: Operation, result: Value) -> Source:
        if operation.name not in VIEWS:
            return _own(result)
        operand = operation.operands[0]
        source = self.sources[operand]
        view = source.view.through(operation)
        if (
            view is None
            and source.base is not operand
            and View.dense(operand.shape).through(operation)
        ):
            self._copy(operand)
            source = self.sources[operand]
            view = source.view.through(operation)
        return _own(result) if view is None else Source(source.base, view)

    def _copy(self, value: Value) -> None:
        self.copied.add(value)
        self.sources[value] = _own(value)

    def is_view(self, operation: Operation) -> bool:
        """Is the result only a look at another buffer?"""
        return operation.name in VIEWS and (
            self.sources[operation.result].base is not operation.result
            or operation.result in self.copied
        )

    def is_output(self, value: Value) -> bool:
        """Does an output show `value`?"""
        return value in self._outputs

    def is_free(self, operation: Operation) -> bool:
        """Is `operation` a view that nobody has to materialise?"""
        return self.is_view(operation) and operation.result not in self.copied

    def _find_readers(self) -> dict[Value, list[tuple[Operation, bool]]]:
        """For each base the operations that read it, also through views; True where directly."""
        readers: dict[Value, list[tuple[Operation, bool]]] = {}
        for operation in self.graph:
            if self.is_free(operation):
                continue
            for operand in dict.fromkeys(operation.operands):
                base = self.sources[operand].base
                direct = base is operand and not self.is_view(operation)
                readers.setdefault(base, []).append((operation, direct))
        return readers

    # --- levels ---

    def waits(self, operation: Operation) -> bool:
        """Does it read something by way of `later`?"""
        return any(x in self._not_before for x in operation.operands)

    def _is_held_back(self, operation: Operation) -> bool:
        """Is a view one that `later` gives, or of such a one?"""
        return operation.name == "later" or operation.operands[0] in self._not_before

    def _earliest(self, operand: Value, user: Operation) -> int:
        """The first level at which `user` can have `operand`."""
        if joins(operand, user) and operand.producer is not None:
            return self.level[operand.producer]
        base = self.sources[operand].base
        least = 0 if base.producer is None else self.level[base.producer] + 1
        return max(least, self._not_before.get(operand, 0))

    def _sink(self, operation: Operation) -> None:
        """Move an elementwise operation up to the first level that needs its result. An output is
        stored anyway: it moves to those alone that take it from a register.
        """
        if not is_pointwise(operation):
            return
        waits = [
            self.level[user] - (not (direct and joins(operation.result, user)))
            for user, direct in self.readers.get(operation.result, ())
        ]
        level = min(waits, default=0)
        if self.is_output(operation.result) and not self._joins_at(level, operation):
            return
        if level > self.level[operation] and self._sinking_pays(operation):
            self._raise_level(operation, level)

    def _joins_at(self, level: int, operation: Operation) -> bool:
        return any(
            direct and self.level[user] == level and joins(operation.result, user)
            for user, direct in self.readers.get(operation.result, ())
        )

    def _raise_level(self, operation: Operation, level: int) -> None:
        for base in self.bases(operation):
            if self.level[operation] <= self._level_of(base) < level:
                self._late[base] += 1
        self.level[operation] = level

    def _sinking_pays(self, operation: Operation) -> bool:
        """Not where two or more operands in registers would have to be stored instead."""
        bases = self.bases(operation)
        stored = 0
        for operand in dict.fromkeys(operation.operands):
            if not joins(operand, operation) or is_generator(operand):
                continue
            own = bases.count(operand)
            is_late = self.level[operation] > self._level_of(operand)
            others = len(self.readers[operand]) - own
            stored += others > 0 and self._late[operand] == own * is_late
        return stored < 2

    def _count_late(self) -> dict[Value, int]:
        """How many readers of each base run at a higher level, that is, read it from memory."""
        return {
            base: sum(self.level[user] > self._level_of(base) for user, _ in users)
            for base, users in self.readers.items()
        }

    def bases(self, operation: Operation) -> list[Value]:
        """The buffers that `operation` reads, one for each of its different operands."""
        return [self.sources[operand].base for operand in dict.fromkeys(operation.operands)]

    def _level_of(self, value: Value) -> int:
        return 0 if value.producer is None else self.level[value.producer]


def _own(value: Value) -> Source:
    return Source(value, View.dense(value.shape))
