"""The backward pass: from outputs to leaves, each node once, when all of its cotangent is there.

Nodes run in descending order of their sequence numbers, a topological order since every edge leads
to something made earlier; a leaf receives its gradient as soon as the last node that uses it has
run. Nothing recurses. Cotangents are arrays, or recorded Tensors under `create_graph`; hooks always
see Tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..apply.builder import TENSORS
from ..apply.quiet import RESTORE, SILENCE, SILENT
from ..core import make
from ..graph.anomaly import check_nan, explain_failure
from ..graph.arrays import NUMPY
from ..graph.hooks import NodeHooks, call_tensor_hooks, checked_result
from ..graph.modes import STATE, recording
from ..graph.node import LEAF_EDGE, NODE, OUTPUT, Node
from .accumulate import accumulate
from .leading import leading_to, reachable
from .plain import run_plain

if TYPE_CHECKING:
    from ..graph.watch import Watch
    from ..tensor import Tensor

__all__ = ["Pass", "run"]

Place = tuple[Any, int]  # a node and the number of its output, or a leaf and 0


def run(
    roots: Sequence[tuple[Any, Any]],
    *,
    retain_graph: bool,
    create_graph: bool,
    captures: dict[Place, Any] | None = None,
    only_captures: bool = False,
) -> None:
    """Send the cotangents of `roots`, pairs of an edge and an array or Tensor, through the graph.

    Where `captures` is given, only what leads to its places runs, and the gradients that arrive
    there are put into it; with `only_captures` nothing is accumulated, else it is at these places
    only.
    """
    if captures is None and not create_graph and run_plain(roots, retain_graph):
        return
    enabled, running = STATE.enabled, STATE.running
    STATE.enabled = recording(create_graph)
    token = SILENCE(SILENT)
    try:
        STATE.running = Pass(roots, retain_graph, create_graph, captures, only_captures)
        STATE.running.run()
    finally:
        RESTORE(token)
        STATE.enabled, STATE.running = enabled, running


class Pass:
    """One backward pass. What belongs to it lives here, so that threads can share a graph."""

    __slots__ = (
        "__weakref__",
        "buffers",
        "builder",
        "captures",
        "members",
        "needed",
        "only_captures",
        "order",
        "outputs",
        "partial",
        "pending",
        "retain",
        "targets",
        "tensors",
    )

    def __init__(
        self,
        roots: Sequence[tuple[Any, Any]],
        retain: bool,
        tensors: bool,
        captures: dict[Place, Any] | None,
        only_captures: bool,
    ) -> None:
        self.retain = retain
        self.tensors = tensors
        self.builder = TENSORS if tensors else NUMPY
        self.captures = captures
        self.only_captures = only_captures
        self.buffers: dict[Any, Any] = {}
        self.order, self.pending, self.partial = reachable([edge for edge, _ in roots])
        self.members: set[Node] | None = None  # of `order`, made when first asked for
        self.needed: set[Any] | None = None
        self.targets = {node for node, _ in captures or ()}
        if captures is not None:
            self.needed, self.outputs = leading_to(captures, self.order)
        for edge, ct in roots:
            self._deliver((edge,), (ct,))

    def run(self) -> None:
        buffers, needed, tensors = self.buffers, self.needed, self.tensors
        builder, watch = self.builder, STATE.watch
        for node in self.order:
            ct = buffers.pop(node, None)
            if ct is None:
                self._hand_on(node, (None,) * len(node.edges))
                continue
            if needed is not None and node not in needed and node not in self.targets:
                continue
            hooks = node.hooks
            if hooks is not None or needed is not None:
                ct = self._arrived(node, hooks, ct)
                if needed is not None and node not in needed:
                    continue
            if watch is None:
                parts = node.propagate(ct, builder, tensors)
            else:
                parts = self._watched(node, ct, watch)
            if hooks is not None and hooks.post:
                parts = self._post_hooks(node, hooks, ct, parts)
            if not self.retain:
                node.release()
            self._hand_on(node, parts)

    def _hand_on(self, node: Node, parts: Sequence[Any]) -> None:
        """Deliver what a node gives. Of several operations in one, only those count that the pass
        reaches, and what comes first in them is complete last.
        """
        edges, reached = node.edges, self.partial.get(node)
        if reached is None:
            self._deliver(edges, parts)
        else:
            order = [i for i in node.delivery or range(len(edges)) if i in reached]
            self._deliver([edges[i] for i in order], [parts[i] for i in order])

    def _arrived(self, node: Node, hooks: NodeHooks | None, ct: Any) -> Any:
        """All that happens to a cotangent before its node runs."""
        if hooks is not None:
            ct = self._before(node, hooks, ct)
        if self.captures is not None:
            self._capture(node, ct, self.captures)
        if hooks is not None:
            self._retain_grads(node, hooks, ct)
            if (self.needed is None or node in self.needed) and hooks.pre:
                ct = self._pre_hooks(node, hooks, ct)
        return ct

    def _watched(self, node: Node, ct: Any, watch: Watch) -> Sequence[Any]:
        """What a node gives; in anomaly mode with the place of the forward call where it fails."""
        try:
            parts = node.propagate(ct, self.builder, self.tensors)
            if watch.check_nan:
                check_nan(node, parts)
        except Exception:
            if watch.anomaly:
                explain_failure(node)
            raise
        return parts

    def will_reach(self, edge: Any) -> bool:
        """Whether this pass goes through what `edge` leads to."""
        if edge.edge_kind == LEAF_EDGE:
            wanted = self.captures is None or (edge, 0) in self.captures
            return wanted and edge in self.pending
        node = edge.node if edge.edge_kind == OUTPUT else edge
        if self.needed is not None and node not in self.needed:
            return any(place[0] is node for place in self.captures or ())
        if self.members is None:
            self.members = set(self.order)
        return node in self.members

    def _deliver(self, edges: Iterable[Any], parts: Iterable[Any]) -> None:
        """Add cotangents to what has arrived at the ends of `edges`."""
        buffers = self.buffers
        for edge, part in zip(edges, parts, strict=True):
            if edge is None:
                continue
            kind = edge.edge_kind
            if kind == OUTPUT:
                if part is not None:
                    self._add_to_output(edge.node, edge.number, part)
                continue
            if part is not None:
                if kind == NODE and edge.count != 1:
                    self._add_to_output(edge, 0, part)
                    continue
                old = buffers.get(edge)
                buffers[edge] = part if old is None else old + part
            if kind == LEAF_EDGE:
                self.pending[edge] -= 1
                if not self.pending[edge]:
                    self._finish_leaf(edge)

    def _add_to_output(self, node: Node, number: int, part: Any) -> None:
        cts = self.buffers.get(node)
        if cts is None:
            cts = self.buffers[node] = [None] * node.count
        cts[number] = part if cts[number] is None else cts[number] + part

    def _finish_leaf(self, leaf: Tensor) -> None:
        """All of a leaf's gradient is there: hooks, then what the pass was asked to do with it."""
        ct = self.buffers.pop(leaf, None)
        place = (leaf, 0)
        wanted = self.captures is None or place in self.captures
        if ct is None or not wanted:
            return
        if leaf._hooks:
            ct = self._unwrap(call_tensor_hooks(leaf._hooks, self._wrap(ct)))
        if self.captures is not None and place in self.captures:
            self.captures[place] = ct
        if not self.only_captures:
            self._accumulate(leaf, ct)

    def _accumulate(self, leaf: Tensor, ct: Any) -> None:
        hooks = leaf._accumulator_hooks
        if hooks is not None and hooks.pre:
            ct = self._pre_hooks(None, hooks, ct)
        accumulate(leaf, ct, self.tensors)
        if hooks is not None:
            for hook in list(hooks.post.values()):
                hook((), (self._wrap(ct),))
        if leaf._post_accumulate_hooks:
            for hook in list(leaf._post_accumulate_hooks.values()):
                hook(leaf)

    def _before(self, node: Node, hooks: NodeHooks, ct: Any) -> Any:
        """Tensor hooks, on the cotangent of each output that has some."""
        for number, table in node.arranged(hooks.tensor):
            if self.needed is not None and not self._asks_for(node, number):
                continue
            value = ct[number] if node.count != 1 else ct
            if value is None or not table:
                continue
            value = self._unwrap(call_tensor_hooks(table, self._wrap(value)))
            if node.count != 1:
                ct[number] = value
            else:
                ct = value
        return ct

    def _asks_for(self, node: Node, number: int) -> bool:
        """Does the cotangent of this output come to a place, or go on to one? Of one operation all
        of them do.
        """
        place = node, number
        return not node.several_steps or place in self.outputs or place in (self.captures or ())

    def _capture(self, node: Node, ct: Any, captures: dict[Place, Any]) -> None:
        for number, value in enumerate(ct if node.count != 1 else (ct,)):
            if (node, number) in captures:
                captures[node, number] = value

    def _retain_grads(self, node: Node, hooks: NodeHooks, ct: Any) -> None:
        for number, reference in hooks.retained.items():
            tensor = reference()
            value = ct[number] if node.count != 1 else ct
            if tensor is not None and value is not None:
                accumulate(tensor, value, self.tensors)

    def _pre_hooks(self, node: Node | None, hooks: NodeHooks, ct: Any) -> Any:
        several = node is not None and node.count != 1
        cts = tuple(self._wrap(value) for value in (ct if several else (ct,)))
        for hook in list(hooks.pre.values()):
            cts = _replaced(hook(cts), cts, "grad_outputs")
        values = [self._unwrap(value) for value in cts]
        return values if several else values[0]

    def _post_hooks(self, node: Node, hooks: NodeHooks, ct: Any, parts: Sequence[Any]) -> Any:
        cts = tuple(self._wrap(value) for value in (ct if node.count != 1 else (ct,)))
        gradients = tuple(self._wrap(part) for part in parts)
        for hook in list(hooks.post.values()):
            gradients = _replaced(hook(gradients, cts), gradients, "grad_inputs")
        return [self._unwrap(gradient) for gradient in gradients]

    def _wrap(self, ct: Any) -> Any:
        return ct if ct is None or self.tensors else make(np.asarray(ct))

    def _unwrap(self, ct: Any) -> Any:
        return ct if ct is None or self.tensors else ct._data


def _replaced(result: Any, before: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    """What a node's hook returned in place of `before`."""
    if result is None:
        return before
    new = result if isinstance(result, tuple | list) else (result,)
    if len(new) != len(before):
        raise RuntimeError(f"a hook returned {len(new)} {what} in place of {len(before)}")
    return tuple(
        value if value is None or old is None else checked_result(value, old)
        for value, old in zip(new, before, strict=True)
    )
