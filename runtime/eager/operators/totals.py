"""Sum and mean of all elements, with which most losses end: straight code, as in `elementwise`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..apply.quiet import RESTORE, SILENCE, SILENT
from ..backward.straight import spread
from ..core import make
from ..graph.modes import STATE
from ..graph.node import LEAF, NEXT_SEQUENCE
from ..graph.opnode import OpNode, node_class
from .elementwise import as_constant

if TYPE_CHECKING:
    from ....ir import Builder
    from ..tensor import Tensor

__all__ = ["MeanNode", "TotalNode", "mean_of_all", "sum_of_all"]

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


class MeanNode(TotalNode):
    """A node of the mean over all axes: that of the sum, for a share of the cotangent."""

    __slots__ = ()

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        count = math.prod(self.operands[0])  # type: ignore[index]
        share = builder.div(ct, builder.full_like(ct, count))
        return super().propagate(share, builder, tensors)

    def step(self, ct: Any, retain: bool) -> Sequence[Any]:
        shape = self.operands[0]  # type: ignore[index]
        return (spread(ct / as_constant(math.prod(shape), ct.dtype), shape),)


_Sum = node_class("SumBackward0", "sum", TotalNode)
_Mean = node_class("MeanBackward0", "sum", MeanNode)


def sum_of_all(x: Tensor) -> Tensor:
    """The sum of the elements of a floating-point tensor."""
    data = x._data
    token = SILENCE(SILENT)
    try:
        total = _sum(data, None)
    finally:
        RESTORE(token)
    return _recorded(_Sum, x, total)


def mean_of_all(x: Tensor) -> Tensor:
    """The mean of the elements of a floating-point tensor."""
    data = x._data
    token = SILENCE(SILENT)
    try:
        mean = _sum(data, None) / data.size
    finally:
        RESTORE(token)
    return _recorded(_Mean, x, mean)


def _recorded(cls: type[Any], x: Tensor, value: Any) -> Tensor:
    """The result of `cls`, recorded if x requires grad."""
    source = x._node
    if source is None or not (mode := STATE.enabled):
        return make(value)
    node = cls()
    node.edges = (x if source is LEAF else source,)
    node.sequence = NEXT_SEQUENCE()
    node.hooks = None
    node.operands = (x._data.shape,)
    node.versions = node.out = node.counter = None
    if mode is not True:
        mode.see(node)
    return make(value, node)
