"""Nodes that keep, in place of what they saved, what saved-tensor hooks made of it."""

from __future__ import annotations

import math
from typing import Any

from .modes import STATE
from .node import LEAF, LEAF_EDGE, OUTPUT, Node
from .watch import Hooks

__all__ = ["Packed", "PackedOperands", "PackedResiduals", "pack_tensor", "packed_class"]


class Packed:
    """A saved tensor in the place of which a node keeps what the user's function made of it."""

    __slots__ = ("_edge", "_unpack", "_value", "dtype", "shape")

    def __init__(self, tensor: Any, edge: Any, pack: Any, unpack: Any, own: bool) -> None:
        self.shape = tensor.shape
        self.dtype = tensor.dtype
        self._edge = edge
        self._unpack = unpack
        if getattr(pack, "wholly", False):
            self._value = pack(tensor, math.inf if own else _made_at(edge))
        else:
            self._value = pack(tensor)

    def follow(self, heir: Any) -> None:
        """From now on `heir` has the elements: who packed them may watch its version."""
        owner: Any = getattr(self._unpack, "__self__", None)
        if hasattr(owner, "follow"):
            owner.follow(self._value, heir)

    def get(self) -> Any:
        """The tensor again, at the place in the graph where it was."""
        before = STATE.enabled
        STATE.enabled = False
        try:
            found = self._unpack(self._value)
        finally:
            STATE.enabled = before
        if not hasattr(found, "__fusegrad_tensor__"):
            raise TypeError(
                "the output of a saved tensor unpack_hook is expected to be a Tensor, not "
                f"{type(found).__name__}"
            )
        result = found.detach()
        result._node = self._edge
        return result


def _made_at(edge: Any) -> float:
    """When a tensor was made, in sequence numbers of nodes; -1 where no node tells."""
    if edge is None or edge.edge_kind == LEAF_EDGE:
        return -1
    return float((edge.node if edge.edge_kind == OUTPUT else edge).sequence)


def pack_tensor(tensor: Any, hooks: Hooks, own: bool = False) -> Packed:
    """What a node keeps of `tensor`, its `own` result or another one. Raises where packing changes
    it in place.
    """
    # An edge can stand for a leaf in `_node`: what is recorded from it leads to the leaf.
    edge = tensor if tensor._node is LEAF else tensor._node
    shown = tensor.detach()
    before = shown._version
    packed = Packed(shown, edge, *hooks, own)
    if shown._version != before:
        raise RuntimeError(
            "a saved tensor pack_hook is modifying its input in place; it may return another "
            "object, but must leave the tensor as it is"
        )
    return packed


class PackedOperands:
    """Mixed into the class of a node of one op that has packed its operands and its result."""

    __slots__ = ()

    replays = False
    operands: Any
    out: Any  # None, or what is kept of the result

    step = Node.step

    def adopt(self, result: Any, heir: Any) -> None:
        kept: Any = self.out
        if kept is not None:
            kept.follow(heir)

    def restored(self) -> tuple[tuple[Any, ...], Any]:
        operands = tuple(x.get() if x.__class__ is Packed else x for x in self.operands)
        return operands, None if self.out is None else self.out.get()._data


class PackedResiduals:
    """Mixed into the class of a node of a composition that has packed its residuals."""

    __slots__ = ()

    replays = False
    residuals: Any

    step = Node.step

    def primal(self, ct: Any) -> tuple[Any, ...]:
        operands = super().primal(ct)  # type: ignore[misc]
        return tuple([x.get() if x.__class__ is Packed else x for x in operands])

    def saved_values(self) -> list[Any]:
        return [x.get()._data if x.__class__ is Packed else x for x in self.residuals]


_CLASSES: dict[type[Node], type[Any]] = {}


def packed_class(cls: type[Node], mixin: type) -> type[Any]:
    """The class that a node of class `cls` takes when it has packed what it saved."""
    if cls not in _CLASSES:
        members = {"__slots__": (), "__module__": cls.__module__}
        _CLASSES[cls] = type(cls.__name__, (mixin, cls), members)
    return _CLASSES[cls]
