"""The builder of the backward pass: ops on NumPy arrays, with the words of the rules made short.

What it computes is what `ir.NumpyBuilder` computes. It asks arrays for their shapes and not for IR
types, and fills small arrays where that one makes broadcast views.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ir import NumpyBuilder
from ...ir import ops as _ops  # noqa: F401  (fills the table)
from ...ir.op import TABLE
from ...ir.types import NUMPY_DTYPE

__all__ = ["NUMPY", "ArrayBuilder"]

_SMALL = 4096  # elements up to which filling an array is cheaper than making a view


class ArrayBuilder(NumpyBuilder):
    """Ops on arrays and NumPy scalars, at once."""

    add = staticmethod(TABLE["add"].eval)
    sub = staticmethod(TABLE["sub"].eval)
    mul = staticmethod(TABLE["mul"].eval)
    div = staticmethod(TABLE["div"].eval)
    neg = staticmethod(TABLE["neg"].eval)
    select = staticmethod(TABLE["select"].eval)

    def __call__(self, name: str, *operands: Any, **attributes: Any) -> Any:
        return TABLE[name].eval(*operands, **attributes)

    def scale(self, x: Any, factor: float) -> Any:
        return self.mul(x, x.dtype.type(factor))

    def cast(self, x: Any, dtype: str) -> Any:
        return x.astype(NUMPY_DTYPE[dtype], copy=False)

    def zeros_like(self, x: Any) -> Any:
        return x.dtype.type(0)

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        return x if x.shape == shape else x.reshape(shape)

    def broadcast(self, x: Any, shape: tuple[int, ...]) -> Any:
        if x.shape == shape:
            return x
        size = 1
        for extent in shape:
            size *= extent
        if size > _SMALL:
            return np.broadcast_to(x, shape)
        full = np.empty(shape, x.dtype)
        full[...] = x
        return full

    def expand(self, x: Any, axes: Sequence[int], shape: tuple[int, ...]) -> Any:
        if not x.shape:
            return self.broadcast(x, shape)
        kept = tuple([1 if i in axes else extent for i, extent in enumerate(shape)])
        return self.broadcast(x.reshape(kept), shape)

    def sum_to(self, x: Any, shape: tuple[int, ...]) -> Any:
        if x.shape == shape:
            return x
        lead = x.ndim - len(shape)
        have = x.shape
        axes = tuple(
            [i for i, n in enumerate(have) if i < lead or (shape[i - lead] == 1 and n != 1)]
        )
        return np.add.reduce(x, axis=axes).reshape(shape)


NUMPY = ArrayBuilder()
