"""Views and their bases in the graph: what becomes of the nodes when the memory changes in place.

A view is changed while recording: its base takes a node `CopySlices`, by which the gradient of the
part goes to what was written there and that of the rest to the old base; then all views are taken
from the base anew. A base is changed: its views are taken from it anew.

Some views must not be changed while recording. Their `_origin` says why: "no_grad" or "inference"
(the mode in which they were made), "function" (by a custom Function), else the text "Output n of F"
(one of several views that one operation gave).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import make
from .modes import STATE
from .node import LEAF, NEXT_SEQUENCE, Node, edge_of
from .opnode import seen
from .regions import Region

if TYPE_CHECKING:
    from ....ir import Builder
    from ..tensor import Tensor

__all__ = ["check_origin", "rebase", "set_node", "source_of", "start", "write_region"]

_ADJOINT = {"take": "put", "put": "take", "clear": "clear"}


def start(node: Any, edges: tuple[Any, ...]) -> Any:
    """Give a new node its edges and its place in the order."""
    node.edges = edges
    node.sequence = NEXT_SEQUENCE()
    node.hooks = None
    return node


class AsStridedBackward0(Node):
    """Part of an array, or its place among zeros: a linear function, `kind` of a `Region`."""

    __slots__ = ("kind", "region")

    title = "AsStridedBackward0"

    def __init__(self, kind: str, region: Region, edge: Any) -> None:
        self.kind = kind
        self.region = region
        start(self, (edge,))

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        return [_moved(_ADJOINT[self.kind], self.region, ct)]


class CopySlices(Node):
    """Part of a base was overwritten: edges lead to the old base and to what was written."""

    __slots__ = ("region",)

    title = "CopySlices"

    def __init__(self, region: Region, base_edge: Any, value_edge: Any) -> None:
        self.region = region
        start(self, (base_edge, value_edge))

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        kinds = ("clear", "take")
        return [
            None if edge is None else _moved(kind, self.region, ct)
            for edge, kind in zip(self.edges, kinds, strict=True)
        ]


class OverwriteNode(Node):
    """All elements were overwritten: the old ones get the gradient zero, the new ones all."""

    __slots__ = ()

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        old, new = self.edges
        zeros = np.zeros(ct.shape, ct.dtype)
        return [
            None if old is None else make(zeros) if tensors else zeros,
            None if new is None else ct,
        ]


class StaleNode(Node):
    """Stands at a view of which nobody can say what it is after its base was changed."""

    __slots__ = ("origin",)

    title = "StaleView"

    def __init__(self, origin: str, edge: Any) -> None:
        self.origin = origin
        start(self, (edge,))

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        raise RuntimeError(
            f"a view was used after its base, or another view of that, was modified inplace. "
            f"{_reason(self.origin)}: its gradient is not defined then. Take the view again after "
            "the change"
        )


def _moved(kind: str, region: Region, x: Any) -> Any:
    """`kind` of the region, of an array, or recorded of a Tensor."""
    if not hasattr(x, "_data"):
        return getattr(region, kind)(x)
    data = getattr(region, kind)(x._data)
    if x._node is None or not STATE.enabled:
        return make(data)
    return make(data, AsStridedBackward0(kind, region, edge_of(x)))


def _reason(origin: str) -> str:
    if origin in ("no_grad", "inference"):
        return f"This view was created in {origin} mode"
    if origin == "function":
        return "This view was created inside a custom Function (or is an input, returned as it is)"
    return f"{origin} is a view, one of multiple views that one function returned"


def check_origin(x: Tensor) -> None:
    """Raise where x is a view that must not be changed in place while recording."""
    origin = x._origin
    if origin is None:
        return
    if origin in ("no_grad", "inference"):
        advice = "make the view and change it both inside or both outside of that mode"
    else:
        advice = "clone() it first, or compute a new tensor instead"
    raise RuntimeError(
        f"{_reason(origin)}, and is being modified inplace with grad mode enabled: {advice}"
    )


def source_of(x: Tensor) -> Any:
    """What stands for x, before it is changed, in the graph of the change: its `_node`.

    For a view that is another node than its own: hooks on the view do not see the change.
    """
    base = x._base
    if base is None or x._node is None:
        return x._node
    if base._node is None:
        return x._node
    return AsStridedBackward0("take", Region(base._data, x._data), edge_of(base))


def rebase(x: Tensor, node: Any) -> None:
    """x has been changed in place, and `node` is where its elements came from."""
    base = x._base
    if base is None:
        set_node(x, node)
        refresh(x)
    else:
        write_region(base, x._data, node)


def write_region(base: Tensor, part: np.ndarray, node: Any) -> None:
    """The elements `part` of a base have been changed; `node` (None: none) is their source."""
    copy = CopySlices(Region(base._data, part), edge_of(base), node)
    seen(copy)
    set_node(base, copy)
    refresh(base)


def refresh(base: Tensor) -> None:
    """Take the views of a base anew from its node."""
    for view in base._views.alive() if base._views else ():
        if view._origin is not None:
            set_node(view, StaleNode(view._origin, edge_of(base)))
        else:
            region = Region(base._data, view._data)
            set_node(view, AsStridedBackward0("take", region, edge_of(base)))


def set_node(x: Tensor, node: Any) -> None:
    """Make `node` the source of x; the gradient that `retain_grad` keeps is that of the new x."""
    old = x._node
    x._node = node
    if not x._retains or old is None or old is LEAF:
        return
    number = getattr(old, "number", 0)
    hooks = getattr(old, "node", old).hooks
    if hooks is not None:
        hooks.retained.pop(number, None)
    x._retains = False
    x.retain_grad()
