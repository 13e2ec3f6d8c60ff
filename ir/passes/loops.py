"""What the passes do with loops, and with checkpoints: their regions are graphs, and go through the
same passes.
"""

from __future__ import annotations

from collections.abc import Callable

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from .rewrite import rewrite


def in_regions(graph: Graph, run: Callable[[Graph], Graph]) -> Graph:
    """`graph` with `run` done to the region of each loop and each checkpoint.

    Requires: `run` keeps the inputs and the number and types of the outputs.
    """
    if not any(_has_program(operation) for operation in graph):
        return graph

    def rule(
        b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]
    ) -> tuple[Value, ...] | None:
        if not _has_program(operation):
            return None
        regions = tuple(run(region) for region in operation.regions)
        return b.append(operation.op, operands, dict(operation.attributes), regions).results

    return rewrite(graph, rule)


def _has_program(operation: Operation) -> bool:
    return bool({"loop", "part"} & operation.op.traits)
