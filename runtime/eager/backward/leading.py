"""Which nodes a backward pass comes to, and which of them are on the way to where a gradient is
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from ..graph.node import LEAF_EDGE, OUTPUT, Node

__all__ = ["leading_to", "reachable"]

_SEQUENCE = attrgetter("sequence")

Place = tuple[Any, int]  # a node and the number of its output, or a leaf and 0


def leading_to(captures: Iterable[Place], order: Sequence[Node]) -> tuple[set[Any], set[Place]]:
    """The nodes that lead to one of the places; and of nodes that stand for several operations, the
    outputs that do. `order` is a topological one, latest first.
    """
    places = set(captures)
    targets = {end for end, _ in places if end.edge_kind == LEAF_EDGE or not end.several_steps}
    needed: set[Any] = set()
    outputs: set[Place] = set()

    def leads(edge: Any) -> bool:
        if edge is None:
            return False
        place = (edge.node, edge.number) if edge.edge_kind == OUTPUT else (edge, 0)
        end = place[0]
        if end in targets or place in places or place in outputs:
            return True
        return end in needed and not end.several_steps

    for node in reversed(order):
        if not node.several_steps:
            if any(map(leads, node.edges)):
                needed.add(node)
            continue
        found = [
            i for i in range(node.count) if any(leads(node.edges[j]) for j in node.reached_from(i))
        ]
        if found:
            needed.add(node)
            outputs.update((node, i) for i in found)
    return needed, outputs


def reachable(
    roots: Iterable[Any],
) -> tuple[list[Node], dict[Any, int], dict[Node, set[int]]]:
    """The nodes that `roots` lead to, latest first; for each leaf how often it is used; and for
    nodes that stand for several operations the numbers of the edges that are reached.
    """
    pending: dict[Any, int] = {}
    seen: set[Any] = set()
    partial: dict[Node, set[int]] = {}
    stack: list[Iterable[Any]] = [roots]
    while stack:
        for edge in stack.pop():
            if edge is None:
                continue
            kind = edge.edge_kind
            if kind == LEAF_EDGE:
                pending[edge] = pending.get(edge, 0) + 1
                continue
            node, number = (edge.node, edge.number) if kind == OUTPUT else (edge, 0)
            if node.delivery is not None or node.several_steps:
                stack.append(_newly_reached(node, number, partial))
            elif node not in seen:
                stack.append(node.edges)
            seen.add(node)
    return sorted(seen, key=_SEQUENCE, reverse=True), pending, partial


def _newly_reached(node: Any, number: int, partial: dict[Node, set[int]]) -> list[Any]:
    """The edges of an output that no output before has reached."""
    reached = partial.setdefault(node, set())
    new = [i for i in node.reached_from(number) if i not in reached]
    reached.update(new)
    return [node.edges[i] for i in new]
