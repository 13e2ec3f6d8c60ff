"""Copies the operations of one graph into another."""

from __future__ import annotations

from collections.abc import Sequence

from .builder import GraphBuilder
from .errors import IRError
from .graph import Graph, Value


def inline(graph: Graph, builder: GraphBuilder, operands: Sequence[Value]) -> list[Value]:
    """Append the operations of `graph`, applied to `operands`; returns its outputs' values.

    The operations keep their locations and notes. Operands have the types of the graph's inputs.
    """
    if [x.type for x in operands] != [x.type for x in graph.inputs]:
        given, wanted = ([str(x.type) for x in each] for each in (operands, graph.inputs))
        raise IRError(f"@{graph.name} takes {', '.join(wanted)}, got {', '.join(given)}")
    values: dict[Value, Value] = dict(zip(graph.inputs, operands, strict=True))
    for operation in graph:
        results = builder.copy(operation, tuple([values[x] for x in operation.operands]))
        values.update(zip(operation.results, results, strict=True))
    return [values[output] for output in graph.outputs]
