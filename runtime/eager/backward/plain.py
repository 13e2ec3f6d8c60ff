"""The backward pass where nobody watches: no hooks, nothing recorded, all leaves get gradients.

It does what `engine.Pass` does, in fewer calls, and with less copying: a cotangent that nobody else
refers to becomes the gradient of a leaf as it is, and others are added to it in its own memory.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from ..apply.quiet import RESTORE, SILENCE, SILENT
from ..graph.hooks import ANY
from ..graph.modes import STATE
from ..graph.node import LEAF_EDGE, NODE, OUTPUT
from .accumulate import keep
from .routes import replay

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["joined", "run_plain"]

_LARGE = 1 << 16  # bytes from which adding in place pays
_refcount = sys.getrefcount


def _counts_references() -> bool:
    """Whether `getrefcount` sees every reference to an object: later versions borrow some, and
    without the GIL another thread's may be missing.
    """
    with_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return sys.implementation.name == "cpython" and sys.version_info < (3, 14) and with_gil


# What `getrefcount` says of an object that is in one variable, and of one that is in a container as
# well, if nobody else refers to it. 0 where nothing can be said: then all is shared.
_IN_ONE, _IN_TWO = (2, 3) if _counts_references() else (0, 0)


def run_plain(roots: Sequence[tuple[Any, Any]], retain: bool) -> bool:
    """Send cotangents from `roots`, pairs of an edge and an array. False, with nothing done, where
    somebody watches.
    """
    if STATE.watch is not None or (ANY.registered and _hooked([edge for edge, _ in roots])):
        return False
    enabled = STATE.enabled
    STATE.enabled = False
    token = SILENCE(SILENT)
    try:
        leaves = replay(*roots[0], retain) if len(roots) == 1 else None
        if leaves is None:
            leaves = _walk([edge for edge, _ in roots], [ct for _, ct in roots], retain)
        for leaf in leaves:
            ct = leaves[leaf]
            alone = _refcount(ct) <= _IN_TWO
            keep(leaf, ct, alone)
    finally:
        RESTORE(token)
        STATE.enabled = enabled
    return True


def _hooked(edges: Sequence[Any]) -> bool:
    """Whether there is a hook at something that `edges` lead to."""
    seen: set[Any] = set()
    stack = [edges]
    while stack:
        for edge in stack.pop():
            if edge is None or edge in seen:
                continue
            seen.add(edge)
            if edge.edge_kind == LEAF_EDGE:
                if edge._hooks or edge._post_accumulate_hooks or edge._accumulator_hooks:
                    return True
                continue
            node = edge.node if edge.edge_kind == OUTPUT else edge
            if node.hooks is not None:
                return True
            if node is edge or node not in seen:
                seen.add(node)
                stack.append(node.edges)
    return False


def _walk(  # noqa: C901  (one loop, in which every call counts)
    edges: Sequence[Any], parts: Sequence[Any], retain: bool
) -> dict[Tensor, Any]:
    """Deliver `parts` at `edges`; then run what they lead to, latest first, and deliver what each
    node gives. Returns the gradients of the leaves.

    A node is ready when it is the latest of those that have a cotangent: what uses its result was
    recorded later.
    """
    cts: dict[Any, Any] = {}
    leaves: dict[Tensor, Any] = {}
    ready: list[tuple[int, Any]] = []
    while True:
        node = ct = None  # the only one that is ready: most graphs are chains, for most of the way
        at = 0
        for edge in edges:
            part = parts[at]
            at += 1
            if part is None or edge is None:
                continue
            kind = edge.edge_kind
            if kind == LEAF_EDGE:
                leaves[edge] = joined(leaves.pop(edge), part) if edge in leaves else part
            elif kind == NODE and edge.count == 1:
                if edge is node:
                    ct = joined(ct, part)
                elif edge in cts:
                    cts[edge] = joined(cts.pop(edge), part)
                elif node is None and not ready:
                    node, ct = edge, part
                else:
                    cts[edge] = part
                    heappush(ready, (-edge.sequence, edge))
            else:
                _add_to_output(edge, part, cts, ready)
        if node is not None and ready:
            cts[node] = ct
            heappush(ready, (-node.sequence, node))
            node = None
        if node is None:
            if not ready:
                return leaves
            node = heappop(ready)[1]
            ct = cts.pop(node)
        part, parts = None, ()  # so that nobody else refers to what comes
        parts = node.step(ct, retain)
        edges = node.edges


def _add_to_output(edge: Any, part: Any, cts: dict[Any, Any], ready: list[tuple[int, Any]]) -> None:
    """Add a cotangent to what has arrived at one of the outputs of a node that has several."""
    node, number = (edge.node, edge.number) if edge.edge_kind == OUTPUT else (edge, 0)
    if node not in cts:
        cts[node] = [None] * node.count
        heappush(ready, (-node.sequence, node))
    found = cts[node]
    found[number] = part if found[number] is None else found[number] + part


def joined(old: Any, part: Any) -> Any:
    """old + part; in the memory of `old` where it is large and nobody else has it."""
    alone = old.nbytes >= _LARGE and _refcount(old) <= _IN_ONE and old.base is None
    if alone and old.flags.carray and old.shape == part.shape and old.dtype == part.dtype:
        return np.add(old, part, out=old)
    return old + part
