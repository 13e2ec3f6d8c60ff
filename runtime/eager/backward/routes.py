"""Backward passes that have been seen before, each as one straight-line Python function.

A program that trains builds the same graph in every step. When a shape of graph (classes of nodes,
edges, order) has come up a few times, a *route* is written for it: a function that first checks
that a graph has this shape and that what was saved is as it was, and then computes what the walk
from node to node would, in the same order and to the same bits. Where a check fails nothing has
been done, and the walk does the work, or the complaining.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph.node import Node

__all__ = ["Route", "replay"]

Leaves = dict[Any, Any]  # the gradients by leaf

# route(end, ct, retain): the gradients; or how many nodes were looked at until a check failed
Route = Callable[[Any, Any, bool], Leaves | int]

# Writing a route takes a few milliseconds, and it saves some 2 µs a node. A node looked at in vain
# costs an eighth of that.
_PATIENCE = 32  # graphs that end in one class of node, before any is looked at
_EAGERNESS = 128  # graphs up to which each one is looked at; of later ones, each 32nd
_MOST_ROUTES = 8  # for one class of node at the end
_MOST_WRITTEN = 16
_GAIN = 8  # for a node of a graph that had a route, if one looked at in vain costs 1
_MOST_GAINED, _MOST_LOST = 100_000, 5_000


class _Known:
    """What is known of the graphs that end in one class of node."""

    __slots__ = ("gained", "misses", "routes", "seen", "written")

    def __init__(self) -> None:
        self.gained = 0  # by its routes, what was lost in vain subtracted
        self.misses = 0
        self.written = 0
        self.routes: tuple[tuple[Route, int], ...] = ()  # and what each gains
        self.seen: set[Any] = set()


_KNOWN: dict[type[Any], _Known] = {}


def replay(end: Any, ct: Any, retain: bool) -> Leaves | None:
    """The gradients of the leaves that `end` leads to, for the cotangent `ct` of small graphs that
    are known. None, with nothing done, for others.
    """
    known = _KNOWN.get(type(end))
    if known is None:
        if isinstance(end, Node) and end.replays:
            _KNOWN[type(end)] = _Known()
        return None
    for route, gain in known.routes:
        leaves = route(end, ct, retain)
        if leaves.__class__ is dict:
            if known.gained < _MOST_GAINED:
                known.gained += gain
            return leaves
        known.gained -= leaves  # type: ignore[operator]
    known.misses += 1
    if known.gained < -_MOST_LOST:  # too many shapes: no routes for them any more
        known.routes, known.written = (), _MOST_WRITTEN
    misses = known.misses
    if misses > _PATIENCE and (misses < _EAGERNESS or not misses % 32):
        learned = _learned(known, end, ct)
        found = 0 if learned is None else learned(end, ct, retain)
        return found if isinstance(found, dict) else None
    return None


def _learned(known: _Known, end: Node, ct: Any) -> Route | None:
    """A route for the graph that ends here, if it is not the first of its shape."""
    from .route_code import Survey, write_route

    if known.written >= _MOST_WRITTEN:
        return None
    survey = Survey.of(end, ct.dtype)
    if survey is None:
        return None
    if survey.key not in known.seen:
        if len(known.seen) >= _EAGERNESS:
            known.seen.clear()
        known.seen.add(survey.key)
        return None
    known.written += 1
    route = write_route(survey)
    gain = _GAIN * len(survey.nodes)
    known.routes = (*known.routes[-_MOST_ROUTES + 1 :], (route, gain))
    return route
