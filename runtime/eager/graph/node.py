"""Nodes of the graph that backward walks: which op made a tensor, and what its derivative reads.

An edge of a node says where the gradient of one operand goes:

    edge ::= Node            output 0 of an operation
           | Output          output n of an operation that has several
           | Tensor          a leaf, into whose `.grad` it is accumulated
           | None            nowhere: the operand does not require grad

`edge_kind` tells them apart. Every edge leads to something made earlier, so that descending
sequence numbers are a topological order. Nodes hold arrays and their operands, never their own
results: there are no cycles.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from .arrays import NUMPY
from .hooks import HookTable, NodeHooks, RemovableHandle

if TYPE_CHECKING:
    from ....ir import Builder
    from ..tensor import Tensor

__all__ = ["LEAF", "LEAF_EDGE", "NODE", "OUTPUT", "AccumulateGrad", "Node", "Output"]

NODE: Final = 0
OUTPUT: Final = 1
LEAF_EDGE: Final = 2

# Stands in `Tensor._node` where the tensor is a leaf that requires grad.
LEAF: Final = object()

SEQUENCE = itertools.count()
NEXT_SEQUENCE = SEQUENCE.__next__


class Node:
    """One recorded operation; `backward` and `autograd.grad` walk from node to node."""

    __slots__ = ("__weakref__", "edges", "hooks", "sequence")

    edge_kind: ClassVar[int] = NODE
    title: ClassVar[str] = "Node"
    count: int = 1  # number of outputs
    replays: ClassVar[bool] = False  # `step` runs nothing of the user's; a part for every edge
    delivery: Any = None  # the order in which gradients of the edges are complete, if another one

    edges: tuple[Any, ...]
    sequence: int
    hooks: NodeHooks | None

    @property
    def several_steps(self) -> bool:
        """Whether its outputs are those of different operations."""
        return False

    def reached_from(self, number: int) -> Iterable[int]:
        """The numbers of the edges along which a gradient of this output goes on."""
        return range(len(self.edges))

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        """The cotangents of the operands, None along edges that are None.

        `ct` is the cotangent of the output, or a list of them where there are several. With
        `tensors` everything is a Tensor and is recorded, for `create_graph`; else arrays.
        """
        raise NotImplementedError

    def step(self, ct: Any, retain: bool) -> Sequence[Any]:
        """`propagate` for arrays; then, unless `retain`, what was saved is dropped."""
        parts = self.propagate(ct, NUMPY, False)
        if not retain:
            self.release()
        return parts

    def release(self) -> None:
        """Drop what was saved for backward."""

    def holds(self, tensor: Tensor, data: np.ndarray) -> bool:
        """Whether it keeps `tensor`, whose elements `data` are about to change in place.

        What it keeps of them otherwise (views of `data`) it copies now.
        """
        return False

    def adopt(self, result: Tensor, heir: Tensor) -> None:
        """From now on `heir` has the elements of its output `result`: watch its version."""

    def arranged(self, tables: dict[int, Any]) -> Iterable[tuple[int, Any]]:
        """The tables of the outputs' hooks, in the order in which these are called."""
        return tables.items()

    def pack(self, pack: Callable[..., Any], unpack: Callable[..., Any]) -> None:
        """Keep what `pack` makes of what was saved."""

    def name(self) -> str:
        """The name of the operation's derivative, as in PyTorch."""
        return self.title

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """Where the gradients of the operands go: pairs of a node and the number of its output."""
        return tuple(_public(edge) for edge in self.edges)

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after it; it may return other grad_inputs."""
        return RemovableHandle(self._own_hooks().post, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_outputs)` before this node; it may return other grad_outputs."""
        return RemovableHandle(self._own_hooks().pre, hook)

    def _own_hooks(self) -> NodeHooks:
        if self.hooks is None:
            self.hooks = NodeHooks()
        return self.hooks

    def __repr__(self) -> str:
        return f"<{self.title} object at 0x{id(self):x}>"


class Output:
    """The edge to output `number` of a node with several outputs."""

    __slots__ = ("node", "number")

    edge_kind: ClassVar[int] = OUTPUT

    def __init__(self, node: Node, number: int) -> None:
        self.node = node
        self.number = number


class AccumulateGrad:
    """The end of the graph at a leaf, as `next_functions` shows it; the engine goes to the leaf."""

    __slots__ = ("__weakref__", "variable")

    next_functions: ClassVar[tuple[tuple[Any, int], ...]] = ()

    def __init__(self, variable: Tensor) -> None:
        self.variable = variable

    def name(self) -> str:
        return "AccumulateGrad"

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after the gradient was accumulated."""
        return RemovableHandle(self._own_hooks().post, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(grad_outputs)` before the gradient is accumulated."""
        return RemovableHandle(self._own_hooks().pre, hook)

    def _own_hooks(self) -> NodeHooks:
        leaf = self.variable
        if leaf._accumulator_hooks is None:
            leaf._accumulator_hooks = NodeHooks()
        return leaf._accumulator_hooks

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at 0x{id(self):x}>"


def edge_of(x: Tensor) -> Any:
    """The edge to where x came from: see the grammar above."""
    node = x._node
    return x if node is LEAF else node


def _public(edge: Any) -> tuple[Any, int]:
    if edge is None:
        return (None, 0)
    if edge.edge_kind == OUTPUT:
        return (edge.node, edge.number)
    return (edge.accumulator(), 0) if edge.edge_kind == LEAF_EDGE else (edge, 0)


def tensor_hooks(edge: Any) -> HookTable:
    """The table of tensor hooks of the tensor that `edge` stands for, a node's output."""
    node, number = (edge.node, edge.number) if edge.edge_kind == OUTPUT else (edge, 0)
    hooks: HookTable = node._own_hooks().tensor.setdefault(number, {})
    return hooks


def released(title: str) -> RuntimeError:
    """The error of a second backward through a graph whose saved values are gone."""
    return RuntimeError(
        f"{title} was already freed: backward went through this graph before, and what it had "
        "saved was dropped then. "
        "Pass retain_graph=True to the first backward or grad call to go through "
        "the graph again or to read the saved values afterwards."
    )


def modified(
    title: str, what: str, shape: Sequence[int], found: int, expected: int
) -> RuntimeError:
    """The error of a saved value that is not what it was."""
    return RuntimeError(
        f"one of the variables needed for gradient computation was modified by an inplace "
        f"operation: "
        f"{what} of shape {list(shape)}, saved by {title}, is at version {found}; expected version "
        f"{expected}. Change it after backward, or change a copy (clone())."
    )


def version_of(x: Tensor) -> int:
    counter = x._counter
    return 0 if counter is None else counter[0]


def as_full(ct: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A cotangent that a rule gave as something that broadcasts, with all its elements."""
    return ct if ct.shape == shape else np.broadcast_to(ct, shape)
