"""Outlining: stretches of a graph's operations cut out, each as the region of one checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from .builder import GraphBuilder
from .checkpoints import append_checkpoint
from .graph import Graph, Location, Operation, Value
from .record import record


@record
class Span:
    """The operations from number `start` to before `stop`, which the user's line `at` asks for."""

    start: int
    stop: int
    at: Location | None = None


def outline(graph: Graph, spans: Sequence[Span]) -> Graph:
    """`graph` with a checkpoint for each of `spans`, which are apart or one in the other.

    Constants belong to nobody: each region, and what is around it, has its own. What is inside and
    read outside is a result; a span without one is left out.
    """
    spans = list({(x.start, x.stop): x for x in spans if x.start < x.stop}.values())
    outer = [x for x in spans if not any(_holds(y, x) for y in spans)]
    return _Outliner(graph, spans, outer).run() if outer else graph


def _holds(outer: Span, inner: Span) -> bool:
    return outer is not inner and outer.start <= inner.start and inner.stop <= outer.stop


class _Outliner:
    def __init__(self, graph: Graph, spans: Sequence[Span], outer: Sequence[Span]) -> None:
        self.graph, self.spans, self.outer = graph, spans, outer
        self.builder = GraphBuilder(graph.name)
        self.builder.inputs = list(graph.inputs)
        self.values: dict[Value, Value] = {x: x for x in graph.inputs}
        self.last: dict[Value, int] = {}  # where values are read last
        for i, operation in enumerate(graph):
            self.last.update(dict.fromkeys(operation.operands, i))
        self.last.update(dict.fromkeys(graph.outputs, len(graph)))

    def run(self) -> Graph:
        at = 0
        for span in sorted(self.outer, key=lambda x: x.start):
            self._copy(self.graph.operations[at : span.start])
            self._cut_out(span)
            at = span.stop
        self._copy(self.graph.operations[at:])
        return self.builder.build([self.values[x] for x in self.graph.outputs])

    def _copy(self, operations: Sequence[Operation]) -> None:
        for operation in operations:
            operands = tuple([self.values[x] for x in operation.operands])
            results = self.builder.keep(operation, operands)
            self.values.update(zip(operation.results, results, strict=True))

    def _cut_out(self, span: Span) -> None:
        inside = self.graph.operations[span.start : span.stop]
        made = {x: None for op in inside for x in op.results}
        read = dict.fromkeys(x for op in inside for x in op.operands if x not in made)
        used = [x for x in made if self.last.get(x, -1) >= span.stop]
        constants = [x for x in read if _is_constant(x)]
        operands = [x for x in read if not _is_constant(x)]
        results = [x for x in used if not _is_constant(x)]
        if results:
            region = _region(inside, operands, constants, results)
            moved = len(constants) - span.start
            inner = [
                Span(x.start + moved, x.stop + moved, x.at) for x in self.spans if _holds(span, x)
            ]
            self.builder.location, self.builder.note = span.at, ""
            given = [self.values[x] for x in operands]
            found = append_checkpoint(self.builder, outline(region, inner), given)
            self.values.update(zip(results, found, strict=True))
        for x in used:
            if x.producer is not None and _is_constant(x):
                self.values[x] = self.builder.copy(x.producer, ())[0]


def _region(
    inside: Sequence[Operation],
    operands: Sequence[Value],
    constants: Sequence[Value],
    results: Sequence[Value],
) -> Graph:
    body = GraphBuilder("body")
    values = {x: body.input(x.type, x.name or f"x{i}") for i, x in enumerate(operands)}
    own = [x.producer for x in constants if x.producer is not None]
    for operation in (*own, *inside):
        copies = body.copy(operation, tuple([values[x] for x in operation.operands]))
        values.update(zip(operation.results, copies, strict=True))
    return body.build([values[x] for x in results])


def _is_constant(value: Value) -> bool:
    return value.producer is not None and "source" in value.producer.op.traits
