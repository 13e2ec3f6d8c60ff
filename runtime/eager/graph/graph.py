"""The graph as users see it: edges, hooks on several gradients at once."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..tensor import Tensor
from .hooks import RemovableHandle
from .modes import STATE
from .node import OUTPUT, AccumulateGrad, Node, Output, edge_of

__all__ = [
    "GradientEdge",
    "edge_to",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
]


class GradientEdge(NamedTuple):
    """A place in the graph at which a gradient arrives: `autograd.grad` takes it as an input."""

    node: Node | AccumulateGrad
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of `tensor` arrives, without holding its elements."""
    edge = edge_of(tensor)
    if edge is None:
        raise RuntimeError(
            "it is not possible to get the gradient edge of a Tensor that does not require grad"
        )
    if tensor.is_leaf:
        return GradientEdge(tensor.accumulator(), 0)
    if edge.edge_kind == OUTPUT:
        return GradientEdge(edge.node, edge.number)
    return GradientEdge(edge, 0)


def edge_to(x: Tensor | GradientEdge) -> Any:
    """The edge to where a tensor came from, or the one that the user holds."""
    if isinstance(x, GradientEdge):
        node = x.node
        if isinstance(node, AccumulateGrad):
            return node.variable
        return Output(node, x.output_nr) if node.count != 1 else node
    return edge_of(x)


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Count a change of tensors whose memory was written to by other means."""
    for x in (tensor,) if isinstance(tensor, Tensor) else tensor:
        x._bump()


class _Collector:
    """Gathers the gradients of one pass after another, and calls the user's function."""

    def __init__(self, tensors: Sequence[Tensor], function: Any, first_only: bool) -> None:
        self.edges = [edge_of(x) for x in tensors]
        self.function = function
        self.first_only = first_only
        self.found: weakref.WeakKeyDictionary[Any, list[Tensor | None]] = (
            weakref.WeakKeyDictionary()
        )

    def arrived(self, index: int, gradient: Tensor) -> None:
        current = STATE.running
        seen = self.found.get(current)
        if seen is None:
            seen = self.found[current] = [None] * len(self.edges)
            if self.first_only:
                self.function(gradient)
        seen[index] = gradient
        if not self.first_only and self._is_complete(current, seen):
            self.function(list(seen))

    def _is_complete(self, current: Any, seen: list[Tensor | None]) -> bool:
        return all(
            gradient is not None or not current.will_reach(edge)
            for gradient, edge in zip(seen, self.edges, strict=True)
        )


class _Handles:
    """The handles of hooks that are removed together."""

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self._handles = handles

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all"
) -> _Handles:
    """Call `fn` once in each backward pass that reaches some of `tensors`.

    With mode "all" it gets the list of their gradients when the last of them is known (None for
    those that the pass does not reach); with "any" it gets the first one.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"mode must be 'all' or 'any', not {mode!r}")
    collector = _Collector(tensors, fn, mode == "any")

    def hook_of(index: int) -> Callable[[Tensor], None]:
        return lambda gradient: collector.arrived(index, gradient)

    return _Handles([x.register_hook(hook_of(i)) for i, x in enumerate(tensors)])
