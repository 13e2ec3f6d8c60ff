"""The stretch of the vector axis in which no lane needs a mask.

A read inside bounds, a comparison of the index with a constant and the end of the axis matter at
the edges only. Where a vector lies between them its reads are plain, such comparisons are known,
and a selection by one is one of its operands.
"""

from __future__ import annotations

from itertools import pairwise

from ...ir import Graph, Operation, Value
from ...ir.passes.recompute import CHEAP
from ...ir.record import record
from .loops import LoopNest

LIGHT = 48  # operations up to which a body is written a second time
_LIGHT = CHEAP | {"constant", "div", "sqrt", "floor", "ceil", "sign"}
_PREDICATES = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})


@record
class Interior:
    """Indices [low, high) of the vector axis; what is known of the body's truth values there."""

    low: int
    high: int
    known: dict[Value, bool]
    edges: bool  # is there more than the end of the axis?

    def is_inside(self, bounds: tuple[int, int]) -> bool:
        """Are all its indices inside the bounds of a read? Else none is."""
        return bounds[0] <= self.low and self.high <= bounds[1]


def interior(nest: LoopNest) -> Interior | None:
    """The longest stretch between two edges, where a second body pays for it."""
    n, step = nest.extents[-1], nest.lanes * nest.unroll
    if nest.lanes == 1 or not _is_light(nest.body):
        return None
    edges = _edges(nest)
    if not edges and n % step == 0:
        return None
    low, high = max(pairwise(sorted({0, n, *edges})), key=lambda pair: pair[1] - pair[0])
    if 2 * (high - low) < n or high - low < 4 * step:
        return None
    return Interior(low, high, _known(nest, low, high), bool(edges))


def _is_light(body: Graph) -> bool:
    return len(body) <= LIGHT and all(operation.name in _LIGHT for operation in body)


def _edges(nest: LoopNest) -> set[int]:
    """The indices at which a read enters or leaves its bounds, or a comparison changes."""
    n = nest.extents[-1]
    edges = {edge for read in nest.reads for edge in read.bounds[-1] or ()}
    for operation in nest.body:
        limit = _limit(nest, operation)
        if limit is not None:
            edges |= {limit, limit + 1} if operation.name in ("eq", "ne") else {limit}
            edges |= {limit + 1} if operation.name in ("le", "gt") else set()
    return {edge for edge in edges if 0 < edge < n}


def _limit(nest: LoopNest, operation: Operation) -> int | None:
    """The constant integer with which an operation compares the index along the vector axis."""
    if operation.name not in _PREDICATES:
        return None
    index, limit = operation.operands
    along = {
        value
        for (axis, _), value in zip(nest.indices, nest.body.inputs[len(nest.reads) :], strict=True)
        if axis == len(nest.extents) - 1
    }
    if index not in along or index.type.is_float or limit.producer is None:
        return None
    return int(limit.producer.attributes["value"]) if limit.producer.name == "constant" else None


def _known(nest: LoopNest, low: int, high: int) -> dict[Value, bool]:
    """The comparisons that give the same for all indices in [low, high), and what follows."""
    known: dict[Value, bool] = {}
    for operation in nest.body:
        limit = _limit(nest, operation)
        if limit is not None:
            answers = {_compare(operation.name, index, limit) for index in (low, high - 1)}
            if len(answers) == 1:
                known[operation.result] = answers.pop()
        elif operation.name == "logical_and" and all(known.get(x) for x in operation.operands):
            known[operation.result] = True
    return known


def _compare(predicate: str, index: int, limit: int) -> bool:
    sign = (index > limit) - (index < limit)
    return sign in {"lt": (-1,), "le": (-1, 0), "gt": (1,), "ge": (0, 1), "eq": (0,)}.get(
        predicate, (-1, 1)
    )
