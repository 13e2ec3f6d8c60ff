"""Fusion: elementwise chains, the broadcasts before and the reductions behind them, as kernels."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..op import TABLE
from ..ops.kernel import PLAIN
from ..record import record
from ..types import TensorType
from ..view import View
from .levels import (
    ENDS,
    GENERATORS,
    HELD_BACK,
    Levels,
    Source,
    domain_of,
    is_fusible,
    is_generator,
    is_lookup,
    joins,
)
from .recompute import cheaper_again

MAX_KERNEL_OPERATIONS = 512  # beyond it registers spill and compile time grows faster than the code


def fuse(graph: Graph) -> Graph:
    """Join elementwise operations and reductions into kernels.

    Requires: dots legalised, no kernels yet. Ensures: only kernels, opaque operations (dot, gather,
    …) and reshapes of whole buffers are left; every output is a buffer of its own. Why: memory is
    read and written once per kernel instead of once per operation.
    """
    levels = Levels(graph)
    groups = _groups(levels)
    writer = _Writer(levels, groups)
    for group in groups:
        writer.write(group)
    return writer.finish()


@dataclass(slots=True, eq=False)
class Group:
    """The operations of one kernel, or one operation that stands alone."""

    operations: list[Operation] = field(default_factory=list)


def _groups(levels: Levels) -> list[Group]:
    """The groups, in an order in which they can run."""
    component = _components(levels)
    order: list[Group] = []
    filling: dict[tuple[Operation, int], Group] = {}
    for operation in levels.graph:
        level = levels.level[operation]
        if levels.is_free(operation):
            continue
        if not is_fusible(operation):
            order.append(Group([operation]))
            continue
        key = (component[operation], level)
        group = filling.get(key)
        if group is None or len(group.operations) >= MAX_KERNEL_OPERATIONS:
            group = filling[key] = Group()
            order.append(group)
        group.operations.append(operation)
    return _scheduled(levels, order)


def _scheduled(levels: Levels, groups: list[Group]) -> list[Group]:
    """`groups`, each behind those that it reads from; of those that are ready, the one that ends
    first in the program. (By level would do as well, but keep the intermediates of all branches
    alive at once.)
    """
    group_of = {op: i for i, group in enumerate(groups) for op in group.operations}
    position = {operation: i for i, operation in enumerate(levels.graph)}
    last = [position[group.operations[-1]] for group in groups]
    missing = [0] * len(groups)
    waiting: list[list[int]] = [[] for _ in groups]
    for i, group in enumerate(groups):
        producers = {x.producer for operation in group.operations for x in levels.bases(operation)}
        before = {group_of[producer] for producer in producers if producer is not None} - {i}
        missing[i] = len(before)
        for j in before:
            waiting[j].append(i)
    ready = [(last[i], i) for i in range(len(groups)) if not missing[i]]
    heapq.heapify(ready)
    order: list[Group] = []
    while ready:
        _, i = heapq.heappop(ready)
        order.append(groups[i])
        for j in waiting[i]:
            missing[j] -= 1
            if not missing[j]:
                heapq.heappush(ready, (last[j], j))
    return order


def _components(levels: Levels) -> dict[Operation, Operation]:
    """Which fusible operations have to do with each other: a representative for each.

    Operations of one level and domain belong together when one feeds the other, or both read one
    buffer.
    """
    parent: dict[Operation, Operation] = {}

    def find(operation: Operation) -> Operation:
        root = operation
        while parent[root] is not root:
            root = parent[root]
        while parent[operation] is not root:
            parent[operation], operation = root, parent[operation]
        return root

    readers: dict[object, Operation] = {}
    for operation in levels.graph:
        if not is_fusible(operation):
            continue
        parent[operation] = operation
        level, domain = levels.level[operation], domain_of(operation)
        for operand in operation.operands:
            producer = operand.producer
            if is_generator(operand) and joins(operand, operation):
                continue
            if (
                producer is not None
                and joins(operand, operation)
                and levels.level[producer] == level
            ):
                parent[find(operation)] = find(producer)
            elif operand.type.size > 1 or not domain:
                first = readers.setdefault((levels.sources[operand].base, level, domain), operation)
                parent[find(operation)] = find(first)
    return {operation: find(operation) for operation in parent}


class _Writer:
    """Writes the fused graph, group by group."""

    def __init__(self, levels: Levels, groups: list[Group]) -> None:
        self.levels = levels
        self.group_of = {op: group for group in groups for op in group.operations}
        self.builder = GraphBuilder(levels.graph.name)
        self.buffers: dict[Value, Value] = {  # base -> its buffer in the new graph
            value: self.builder.input(value.type, value.name) for value in levels.graph.inputs
        }
        self.recomputed = cheaper_again(levels, self.group_of)
        self.stored = self._find_stored()

    def _find_stored(self) -> set[Value]:
        """The values that somebody reads from memory."""
        stored = {self.levels.sources[o].base for o in self.levels.graph.outputs}
        for operation in self.levels.graph:
            if self.levels.is_free(operation):
                continue
            for operand in operation.operands:
                if not self.in_register(operand, operation):
                    stored.add(self.levels.sources[operand].base)
        return stored

    def in_register(self, operand: Value, user: Operation) -> bool:
        if not joins(operand, user):
            return False
        producer = operand.producer
        return (
            is_generator(operand)
            or operand in self.recomputed
            or (producer is not None and self.group_of.get(producer) is self.group_of.get(user))
        )

    def write(self, group: Group) -> None:
        first = group.operations[0]
        if is_fusible(first):
            _Kernel(self, group).write()
        elif first.name in GENERATORS:
            if first.result in self.stored:
                _Kernel(self, group).write()
        elif first.result in self.levels.copied:
            self.buffers[first.result] = self.materialise(first.operands[0], first)
        else:
            self._write_opaque(first)

    def _write_opaque(self, operation: Operation) -> None:
        self.builder.location, self.builder.note = operation.location, operation.note
        operands = tuple(self._dense(x) for x in operation.operands)
        results = self.builder.copy(operation, operands)
        if self.levels.waits(operation):
            self.builder.operations[-1].note = HELD_BACK
        self.buffers.update(zip(operation.results, results, strict=True))

    def _dense(self, value: Value) -> Value:
        return self.builder.reshape(self.buffers[self.levels.sources[value].base], value.shape)

    def materialise(self, operand: Value, view_operation: Operation) -> Value:
        """A dense copy of a view of `operand`."""
        source = self.levels.sources[operand]
        view = source.view.through(view_operation)
        if view is None:
            raise AssertionError(f"{view_operation!r} is no view")
        return self.copy_of(Source(source.base, view), view_operation)

    def copy_of(self, source: Source, cause: Operation | None) -> Value:
        self.builder.location = cause.location if cause else None
        self.builder.note = "copy"
        body = GraphBuilder("body")
        element = body.input(TensorType(source.base.dtype), "x")
        return self._kernel(
            source.view.shape,
            [source],
            body.build([element]),
            [("store", source.base.dtype, ())],
            (),
        )[0]

    def _kernel(
        self,
        domain: tuple[int, ...],
        sources: list[Source],
        body: Graph,
        yields: list[tuple[str, str, tuple[int, ...]]],
        indices: tuple[tuple[int, str], ...],
        packs: tuple[tuple[int, int], ...] = (),
    ) -> tuple[Value, ...]:
        attributes: dict[str, Any] = {
            "domain": domain,
            "indices": indices,
            "views": tuple((s.view.offset, s.view.strides, s.view.bounds) for s in sources),
            "yields": tuple(yields),
        }
        if any(pack != PLAIN for pack in packs):
            attributes["packs"] = packs
        operands = tuple(self.buffers[s.base] for s in sources)
        return self.builder.append(TABLE["kernel"], operands, attributes, (body,)).results

    def finish(self) -> Graph:
        """Outputs: each a buffer of its own, written in this call."""
        outputs: list[Value] = []
        taken: set[Value] = set(self.builder.inputs)
        for output in self.levels.graph.outputs:
            source = self.levels.sources[output]
            buffer = self.buffers[source.base]
            if buffer in taken or not source.is_whole:
                value = self.copy_of(source, output.producer)
            else:
                taken.add(buffer)
                value = self.builder.reshape(buffer, output.shape)
            outputs.append(value)
        return self.builder.build(outputs)


@record
class _Yield:
    """What a kernel makes of some numbers of its body: a buffer for `value`."""

    value: Value
    scalars: tuple[Value, ...]
    how: tuple[str, str, tuple[int, ...]]
    pack: tuple[int, int] = PLAIN


class _Kernel:
    """Writes the body of one kernel."""

    def __init__(self, writer: _Writer, group: Group) -> None:
        self.writer = writer
        self.group = group
        first = group.operations[0]
        self.domain = domain_of(first)
        self.body = GraphBuilder("body")
        self.values: dict[Value, Value] = {}  # of the old graph -> scalar in the body
        self.reads: dict[tuple[Value, View], Value] = {}
        self.tables: dict[Value, Value] = {}  # buffer in which lookups look -> all of it
        self.indices: dict[tuple[int, str], Value] = {}
        self.yields: list[_Yield] = []

    def write(self) -> None:
        for operation in self.group.operations:
            if operation.result not in self.writer.recomputed:  # those are made where they are used
                self._write_operation(operation)
        if not self.yields:  # dead code
            return
        deposits = [op for op in self.group.operations if op.name == "deposit"]
        last = [*self.group.operations, *deposits[:1]][-1]  # an error of a deposit names its line
        waits = any(map(self.writer.levels.waits, self.group.operations))
        self.writer.builder.location = last.location
        self.writer.builder.note = HELD_BACK if waits else ""
        self.body.inputs = [
            *self.reads.values(),
            *self.tables.values(),
            *self.indices.values(),
        ]
        nowhere = View(self.domain, 0, (0,) * len(self.domain))
        results = self.writer._kernel(
            self.domain,
            [
                *(Source(base, view) for base, view in self.reads),
                *(Source(base, nowhere) for base in self.tables),
            ],
            self.body.build([scalar for each in self.yields for scalar in each.scalars]),
            [each.how for each in self.yields],
            tuple(self.indices),
            tuple(each.pack for each in self.yields),
        )
        for each, result in zip(self.yields, results, strict=True):
            self.writer.buffers[each.value] = result

    def _write_operation(self, operation: Operation) -> None:
        result = operation.result
        if operation.name in ENDS:
            self.yields.append(self._end(operation))
            return
        self.values[result] = self._compute(operation)
        if result in self.writer.stored:
            scalars = (self.values[result],)
            self.yields.append(_Yield(result, scalars, ("store", result.dtype, ())))

    def _end(self, operation: Operation) -> _Yield:
        result = operation.result
        scalars = tuple([self._operand(x, operation) for x in operation.operands])
        if operation.name == "stack":
            return _Yield(result, scalars, ("store", result.dtype, ()), (len(scalars), 0))
        if operation.name == "deposit":
            every = tuple(range(len(self.domain)))
            pack = (len(scalars), operation.attributes["size"])
            return _Yield(result, scalars, ("scatter", result.dtype, every), pack)
        how = (operation.name, result.dtype, operation.attributes["axes"])
        return _Yield(result, scalars, how)

    def _operand(self, operand: Value, user: Operation) -> Value:
        if self.writer.in_register(operand, user):
            if operand not in self.values and operand.producer is not None:
                self.values[operand] = self._compute(operand.producer)
            return self.values[operand]
        source = self.writer.levels.sources[operand]
        key = (source.base, source.view)
        if key not in self.reads:
            name = operand.name or f"x{len(self.reads)}"
            self.reads[key] = Value(TensorType(operand.dtype), name)
        return self.reads[key]

    def _compute(self, operation: Operation) -> Value:
        """The scalar code of an elementwise operation or a generator."""
        if operation.name in GENERATORS:
            return self._generate(operation)
        if is_lookup(operation):
            return self._look_up(operation)
        operands = tuple([self._operand(x, operation) for x in operation.operands])
        self.body.location, self.body.note = operation.location, operation.note
        scalar: Value = self.body.apply(operation.op, operands, dict(operation.attributes))
        return scalar

    def _look_up(self, operation: Operation) -> Value:
        """Element `index` of a view of a table."""
        table, indices = operation.operands
        source = self.writer.levels.sources[table]
        if source.base not in self.tables:
            flat = TensorType(table.dtype, (source.base.type.size,))
            self.tables[source.base] = Value(flat, f"table{len(self.tables)}")
        index = self._operand(indices, operation)
        self.body.location, self.body.note = operation.location, operation.note
        found: Value = self.body(
            "lookup",
            self.tables[source.base],
            index,
            offset=source.view.offset,
            stride=source.view.strides[0],
            size=table.shape[0],
        )
        return found

    def _generate(self, operation: Operation) -> Value:
        dtype = operation.result.dtype
        self.body.location, self.body.note = operation.location, operation.note
        if operation.name == "constant":
            return self.body.constant(operation.attributes["value"], TensorType(dtype))
        key = (operation.attributes["axis"], dtype)
        if key not in self.indices:
            self.indices[key] = Value(TensorType(dtype), f"i{key[0]}")
        return self.indices[key]
