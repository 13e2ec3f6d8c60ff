"""The builder of the backward pass: ops on NumPy arrays, with the words of the rules made short.

What it computes is what `ir.NumpyBuilder` computes. It asks arrays for their shapes and not for IR
types, and fills small arrays where that one makes broadcast views.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ....ir import NumpyBuilder, TensorType
from ....ir import ops as _ops  # noqa: F401  (fills the table)
from ....ir.op import TABLE
from ....ir.types import NUMPY_DTYPE, dtype_name
from ..backward.straight import spread

__all__ = ["NUMPY", "ArrayBuilder"]


class ArrayBuilder(NumpyBuilder):
    """Ops on arrays and NumPy scalars, at once."""

    add = staticmethod(TABLE["add"].eval)
    sub = staticmethod(TABLE["sub"].eval)
    mul = staticmethod(TABLE["mul"].eval)
    div = staticmethod(TABLE["div"].eval)
    neg = staticmethod(TABLE["neg"].eval)
    select = staticmethod(TABLE["select"].eval)

    def type_of(self, x: Any) -> TensorType:
        return _type(x.dtype, x.shape)

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

    broadcast = staticmethod(spread)

    def expand(self, x: Any, axes: Sequence[int], shape: tuple[int, ...]) -> Any:
        if not x.shape:
            return self.broadcast(x, shape)
        kept = tuple([1 if i in axes else extent for i, extent in enumerate(shape)])
        return self.broadcast(x.reshape(kept), shape)

    def sum_to(self, x: Any, shape: tuple[int, ...]) -> Any:
        have = x.shape
        if have == shape:
            return x
        total = _sum(x, _summed(have, shape))
        return total if total.shape == shape else total.reshape(shape)


_sum = np.add.reduce


@lru_cache(maxsize=4096)
def _summed(have: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of `have` over which to sum down to `shape`, reductions to extent 1 included."""
    lead = len(have) - len(shape)
    return tuple([i for i, n in enumerate(have) if i < lead or (shape[i - lead] == 1 and n != 1)])


@lru_cache(maxsize=4096)
def _type(dtype: np.dtype[Any], shape: tuple[int, ...]) -> TensorType:
    name = dtype_name(dtype)
    if name is None:
        raise TypeError(f"no derivative is known in dtype {dtype}")
    return TensorType(name, shape)


NUMPY = ArrayBuilder()
