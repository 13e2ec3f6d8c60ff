"""The mark of programs that `fastmath=True` asked for."""

from __future__ import annotations

from ..graph import Graph


def fastmath(graph: Graph) -> Graph:
    """Ask for the fast maths functions.

    Requires: the passes before machine code are done, as they keep no mark. Ensures: the same
    operations, `fastmath` set. Why: what a program is made of names its passes, so that exact and
    fast code never stand for each other.
    """
    return Graph(graph.name, graph.inputs, graph.operations, graph.outputs, fastmath=True)
