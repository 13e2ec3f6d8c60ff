"""Batching: from a graph for one case to the graph for many, along a first axis of its values."""

from __future__ import annotations

from collections.abc import Sequence

from .builder import GraphBuilder
from .errors import IRError
from .graph import Graph, Operation, Value


def batch_graph(graph: Graph, batched: Sequence[bool], size: int, *, name: str = "") -> Graph:
    """`graph` for `size` cases at once: the inputs that are `batched` have a first axis of `size`.

    All outputs of the result have that axis; what depends on no batched input is computed once.
    Requires: graph verified, no kernels.
    """
    builder = GraphBuilder(name or f"{graph.name}.batched")
    walk = _Walk(builder, size)
    for value, has_axis in zip(graph.inputs, batched, strict=True):
        shape = (size, *value.shape) if has_axis else value.shape
        walk.put(value, builder.input(value.type.with_shape(shape), value.name), has_axis)
    for operation in graph:
        walk.visit(operation)
    return builder.build([walk.with_axis(output) for output in graph.outputs])


class _Walk:
    """The new graph's values by those of the old one, and which of them have the batch axis."""

    def __init__(self, builder: GraphBuilder, size: int) -> None:
        self.builder = builder
        self.size = size
        self.values: dict[Value, Value] = {}
        self.batched: set[Value] = set()

    def put(self, old: Value, new: Value, has_axis: bool) -> None:
        self.values[old] = new
        if has_axis:
            self.batched.add(old)

    def visit(self, operation: Operation) -> None:
        operands = tuple(self.values[x] for x in operation.operands)
        flags = tuple(x in self.batched for x in operation.operands)
        self.builder.location, self.builder.note = operation.location, operation.note
        if not any(flags):
            for old, new in zip(
                operation.results, self.builder.copy(operation, operands), strict=True
            ):
                self.put(old, new, False)
            return
        if "loop" in operation.op.traits:
            from .loops import batch_loop

            results = batch_loop(self.builder, operation, operands, flags, self.size)
        elif "part" in operation.op.traits:
            from .checkpoints import batch_checkpoint

            results = batch_checkpoint(self.builder, operation, operands, flags, self.size)
        else:
            results = self._by_rule(operation, operands, flags)
        for old, new in zip(operation.results, results, strict=True):
            self.put(old, new, True)

    def _by_rule(
        self, operation: Operation, operands: tuple[Value, ...], flags: tuple[bool, ...]
    ) -> tuple[Value, ...]:
        rule = operation.op.batch
        if rule is None:
            raise IRError(f"{operation.name} has no batch rule")
        result = rule(self.builder, operands, flags, **operation.attributes)
        return result if isinstance(result, tuple) else (result,)

    def with_axis(self, old: Value) -> Value:
        new = self.values[old]
        if old in self.batched:
            return new
        self.builder.location, self.builder.note = None, "batch axis of an output"
        repeated: Value = self.builder.broadcast(new, (self.size, *new.shape))
        return repeated
