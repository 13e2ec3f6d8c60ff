"""Factorisations of which only the values are read."""

from __future__ import annotations

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from .rewrite import rewrite

_VALUES = {"eigh": "eigvalsh", "svd": "svdvals"}


def find_values_alone(graph: Graph) -> Graph:
    """Drop the vectors of factorisations where nobody reads them.

    Requires: no kernels. Ensures: an `eigh` or `svd` of which only slices of the values are read is
    `eigvalsh` or `svdvals`. Why: LAPACK finds the values alone in a fraction of the time.
    """
    packed = _read_for_values(graph)
    if not packed:
        return graph

    def rule(
        b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]
    ) -> tuple[Value, ...] | None:
        if operation.result in packed:
            return (b(_VALUES[operation.name], *operands),)
        if operation.name == "slice" and operation.operands[0] in packed:
            return (_of_values(b, operation, operands[0]),)
        return None

    return rewrite(graph, rule)


def _read_for_values(graph: Graph) -> set[Value]:
    found = {op.result for op in graph if op.name in _VALUES}
    for operation in graph if found else ():
        for x in operation.operands:
            if x in found and not (operation.name == "slice" and _stays_inside(operation)):
                found.discard(x)
    return found.difference(graph.outputs)


def _place(packed: Value) -> tuple[int, int]:
    """The axis along which the values stand beside the vectors, and where."""
    if packed.producer is not None and packed.producer.name == "svd":
        return packed.type.ndim - 1, packed.producer.operands[0].shape[-2]
    return packed.type.ndim - 2, 0


def _stays_inside(operation: Operation) -> bool:
    axis, place = _place(operation.operands[0])
    start, stop = (operation.attributes[name][axis] for name in ("start", "stop"))
    return (start, stop) == (place, place + 1)


def _of_values(b: GraphBuilder, operation: Operation, values: Value) -> Value:
    axis, _ = _place(operation.operands[0])
    start, stop = (list(operation.attributes[name]) for name in ("start", "stop"))
    start[axis], stop[axis] = 0, 1
    step = operation.attributes["step"]
    return b.slice(values, tuple(start), tuple(stop), step)
