"""Dead code elimination."""

from __future__ import annotations

from ..graph import Graph, Operation, Value


def eliminate_dead_code(graph: Graph) -> Graph:
    """Drop the operations that no output depends on.

    Requires: any graph. Ensures: same inputs, same outputs. Why: autodiff and rewriting leave
    debris.
    """
    live: set[Value] = set(graph.outputs)
    kept: list[Operation] = []
    for operation in reversed(graph.operations):
        if any(result in live for result in operation.results):
            kept.append(operation)
            live.update(operation.operands)
    return Graph(graph.name, graph.inputs, reversed(kept), graph.outputs)
