"""The sum of all elements, with which most losses end: straight-line code, as in `elementwise`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .core import make
from .modes import STATE
from .node import LEAF, NEXT_SEQUENCE
from .opnode import OpNode, node_class
from .quiet import RESTORE, SILENCE, SILENT
from .straight import spread

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["sum_of_all"]

_sum = np.add.reduce


class TotalNode(OpNode):
    """A node of the sum over all axes."""

    __slots__ = ()

    fixed_attributes: ClassVar[bool] = True

    @property
    def attributes(self) -> dict[str, Any]:  # type: ignore[override]
        return {"axes": tuple(range(len(self.operands[0])))}  # type: ignore[index]

    def step(self, ct: Any, retain: bool) -> Sequence[Any]:
        return (spread(ct, self.operands[0]),)  # type: ignore[index]  # nothing is ever freed


_Node = node_class("SumBackward0", "sum", TotalNode)


def sum_of_all(x: Tensor) -> Tensor:
    """The sum of the elements of a floating-point tensor."""
    data = x._data
    token = SILENCE(SILENT)
    try:
        total = _sum(data, None)
    finally:
        RESTORE(token)
    source = x._node
    if source is None or not (mode := STATE.enabled):
        return make(total)
    node = _Node()
    node.edges = (x if source is LEAF else source,)
    node.sequence = NEXT_SEQUENCE()
    node.hooks = None
    node.operands = (data.shape,)
    node.versions = node.out = node.counter = None
    if mode is not True:
        mode.see(node)
    return make(total, node)
