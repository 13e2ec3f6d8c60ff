"""Checkpoints written out again, when all derivatives are taken."""

from __future__ import annotations

from collections.abc import Sequence

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..inline import inline
from .rewrite import rewrite


def write_out(graph: Graph) -> Graph:
    """Write out checkpoints.

    Requires: derivatives are taken. Ensures: none is left outside of loops. Why: they are for the
    adjoint; fusion is to see what is in them.
    """
    if not any(operation.name == "checkpoint" for operation in graph):
        return graph

    def rule(
        b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]
    ) -> Sequence[Value] | None:
        if operation.name != "checkpoint":
            return None
        return inline(write_out(operation.regions[0]), b, operands)

    return rewrite(graph, rule)
