"""What the passes do with loops: their regions are graphs, and go through the same passes."""

from __future__ import annotations

from collections.abc import Callable

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from .rewrite import rewrite


def in_regions(graph: Graph, run: Callable[[Graph], Graph]) -> Graph:
    """`graph` with `run` done to the region of each loop.

    Requires: `run` keeps the inputs and the number and types of the outputs.
    """
    if not any("loop" in operation.op.traits for operation in graph):
        return graph

    def rule(
        b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]
    ) -> tuple[Value, ...] | None:
        if "loop" not in operation.op.traits:
            return None
        regions = tuple(run(region) for region in operation.regions)
        return b.append(operation.op, operands, dict(operation.attributes), regions).results

    return rewrite(graph, rule)
