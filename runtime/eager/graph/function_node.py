"""Nodes whose derivative is a function: how a compiled function takes its place in the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ....ir import Builder
from ..core import make, shared_counter
from ..tensor import Tensor
from .modes import STATE
from .node import NEXT_SEQUENCE, Node, Output, edge_of, modified, released, version_of
from .opnode import seen

__all__ = ["FunctionNode", "fitted", "link"]

Arrays = Sequence[np.ndarray | None]
Backward = Callable[[list[np.ndarray]], Arrays]
RecordedBackward = Callable[[tuple[Tensor, ...], tuple[Tensor, ...]], Sequence[Tensor | None]]


class FunctionNode(Node):
    """A node of a function on Tensors: `link` makes it.

    `types` are the shape and dtype of each output, `inputs` the Tensors that the function was
    called with. `watched` are those whose elements backward reads: it raises where one was changed
    in place.
    """

    __slots__ = ("_backward", "_recorded", "count", "inputs", "types", "versions", "watched")

    _backward: Backward | None
    _recorded: RecordedBackward | None
    inputs: tuple[Tensor, ...]
    types: tuple[tuple[tuple[int, ...], np.dtype[Any]], ...]
    watched: tuple[tuple[list[int], int, str, tuple[int, ...]], ...]
    versions: tuple[int, ...]

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        if self._backward is None:
            raise released(self.title)
        for counter, expected, what, shape in self.watched:
            if counter[0] != expected:
                raise modified(self.title, what, shape, counter[0], expected)
        cts = self._complete([ct] if self.count == 1 else ct, tensors)
        parts: Sequence[Any] = self._run(cts, tensors)
        if len(parts) != len(self.edges):
            raise RuntimeError(
                f"{self.title} returned an incorrect number of gradients (expected "
                f"{len(self.edges)}, got {len(parts)})"
            )
        return [
            None if edge is None or part is None else self._checked(i, part)
            for i, (edge, part) in enumerate(zip(self.edges, parts, strict=True))
        ]

    def _run(self, cts: list[Any], tensors: bool) -> Sequence[Any]:
        if not tensors:
            assert self._backward is not None
            return self._backward(cts)
        if self._recorded is None:
            raise RuntimeError(f"{self.title} can't be differentiated twice")
        return self._recorded(self.inputs, tuple(cts))

    def _complete(self, cts: Sequence[Any], tensors: bool) -> list[Any]:
        """The cotangent of each output, zeros where none arrived."""
        complete = []
        for (shape, dtype), value in zip(self.types, cts, strict=True):
            if value is None:
                zeros = np.zeros(shape, dtype)
                complete.append(make(zeros) if tensors else zeros)
            else:
                complete.append(value if tensors else np.asarray(value))
        return complete

    def _checked(self, index: int, part: Any) -> Any:
        return fitted(self.title, index, part, self.inputs[index].shape)

    def release(self) -> None:
        self._backward = None
        self._recorded = None


def fitted(title: str, index: int, part: Any, shape: tuple[int, ...]) -> Any:
    """A gradient in the shape of its input: summed where it is that shape, broadcast."""
    have = part.shape
    if have == shape:
        return part
    lead = len(have) - len(shape)
    if lead < 0 or any(b not in (1, a) for a, b in zip(have[lead:], shape, strict=True)):
        raise RuntimeError(
            f"{title} returned an invalid gradient at index {index}: got shape {list(have)} but "
            f"expected shape compatible with {list(shape)}"
        )
    kept = [i + lead for i, n in enumerate(shape) if n == 1 and have[i + lead] != 1]
    axes = (*range(lead), *kept)
    return (part.sum(axes) if axes else part).reshape(shape)


@lru_cache(maxsize=1024)
def _node_class(title: str) -> type[Any]:
    members = {"__slots__": (), "__module__": __name__, "title": title}
    return type(title, (FunctionNode,), members)


def link(
    title: str,
    inputs: Sequence[Tensor],
    outputs: Sequence[np.ndarray],
    backward: Backward,
    recorded: RecordedBackward | None = None,
    *,
    saved_inputs: Sequence[int] = (),
    saved_outputs: Sequence[int] = (),
) -> list[Tensor]:
    """The `outputs` of a function of `inputs` as Tensors, linked to a new node called `title`.

    `backward` takes an array for each output (its cotangent) and gives an array, or None, for each
    input. `recorded` does the same on Tensors, from the inputs and the cotangents, for
    `create_graph`. The saved ones are what backward reads: it raises where they were changed in
    place since. Without a need for gradients, under `no_grad` or where no input requires them, the
    results stand alone.
    """
    if not STATE.enabled or not any(x._node is not None for x in inputs):
        return [make(data) for data in outputs]
    node: FunctionNode = object.__new__(_node_class(title))
    node.edges = tuple(edge_of(x) for x in inputs)
    node.sequence = NEXT_SEQUENCE()
    node.hooks = None
    node.count = len(outputs)
    node._backward = backward
    node._recorded = recorded
    node.inputs = tuple(inputs)
    node.versions = tuple(version_of(x) for x in inputs)
    results = [_output(node, i, data) for i, data in enumerate(outputs)]
    node.types = tuple((x.shape, x.dtype) for x in results)
    watched = [(inputs[i], f"input {i}") for i in saved_inputs]
    watched += [(results[i], f"output {i}") for i in saved_outputs]
    node.watched = tuple((shared_counter(x), x._version, what, x.shape) for x, what in watched)
    if STATE.enabled is not True:
        seen(node)
    return results


def _output(node: FunctionNode, index: int, data: Any) -> Tensor:
    array = np.asarray(data)
    if array.dtype.kind not in "fc":
        return make(array)
    return make(array, Output(node, index) if index else node)
