"""How passes rebuild a graph: walk it in order, replace what a rule replaces, copy the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value

# rule(builder, operation, new operands) -> new results, or None to copy the operation
Rule = Callable[[GraphBuilder, Operation, tuple[Value, ...]], Sequence[Value] | None]


def rewrite(graph: Graph, rule: Rule) -> Graph:
    """Rebuild `graph`, each operation given to `rule` first. What `rule` makes is located alike.

    Inputs, and operations of which nothing changes, are shared by the old graph and the new one.
    """
    builder = GraphBuilder(graph.name)
    builder.inputs = list(graph.inputs)
    replaced: dict[Value, Value] = {}
    for operation in graph:
        operands = operation.operands
        if replaced:
            operands = tuple([replaced.get(x, x) for x in operands])
        builder.location, builder.note = operation.location, operation.note
        results = rule(builder, operation, operands)
        if results is None:
            results = builder.keep(operation, operands)
        if results is not operation.results:
            replaced.update(zip(operation.results, results, strict=True))
    return builder.build([replaced.get(o, o) for o in graph.outputs])
