"""How passes rebuild a graph: walk it in order, replace what a rule replaces, copy the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value

# rule(builder, operation, new operands) -> new results, or None to copy the operation
Rule = Callable[[GraphBuilder, Operation, tuple[Value, ...]], Sequence[Value] | None]


def rewrite(graph: Graph, rule: Rule) -> Graph:
    """Rebuild `graph`, each operation given to `rule` first. What `rule` makes is located alike."""
    builder = GraphBuilder(graph.name)
    values: dict[Value, Value] = {v: builder.input(v.type, v.name) for v in graph.inputs}
    for operation in graph:
        operands = tuple(values[x] for x in operation.operands)
        builder.location, builder.note = operation.location, operation.note
        results = rule(builder, operation, operands)
        if results is None:
            results = builder.copy(operation, operands)
        values.update(zip(operation.results, results, strict=True))
    return builder.build([values[o] for o in graph.outputs])
