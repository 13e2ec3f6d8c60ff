"""Products of matrices and vectors of two tensors, as straight-line code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core import make
from ..graph.modes import STATE
from ..graph.node import LEAF, NEXT_SEQUENCE
from ..graph.shortnode import dot_class
from ..graph.specialise import own_code

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["contraction"]

_NO_BATCH: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())


def contraction(title: str, *dims: int) -> Callable[[Tensor, Tensor], Tensor]:
    """The product over the last axis of x and the first of y, which have `dims` axes.

    The function takes Tensors of one dtype that fit. `ndarray.dot` calls BLAS with transposed
    operands as they are, and costs less than `np.matmul`.
    """
    cls = dot_class(title, dims, ((dims[0] - 1,), (0,)), _NO_BATCH)

    def product(x: Tensor, y: Tensor) -> Tensor:
        a, b = x._data, y._data
        data = a.dot(b)
        m, n = x._node, y._node
        if (m is None and n is None) or not (mode := STATE.enabled):
            return make(data)
        node = cls()
        node.edges = (x if m is LEAF else m, y if n is LEAF else n)
        node.sequence = NEXT_SEQUENCE()
        node.hooks = None
        # The derivative by one factor reads the other.
        node.operands = (x if n is not None else a.shape, y if m is not None else b.shape)
        c, d = x._counter, y._counter
        if c is None and d is None:
            node.versions = None
        else:
            node.versions = (0 if c is None else c[0], 0 if d is None else d[0])
        node.out = node.counter = None
        if mode is not True:
            mode.see(node)
        return make(data, node)

    own_code(product)
    return product
