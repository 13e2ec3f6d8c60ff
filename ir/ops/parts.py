"""stack, deposit, lookup: what loops do with parts of small axes, and with computed indices.

    %3 = stack %0, %1, %2 : f64[1000, 3]                  parts side by side, on a new last axis
    %3 = deposit %i, %0, %1 {size = 50} : f64[50, 2]      zeros, with parts added to row i
    %1 = lookup %table, %i {offset = 2, size = 50, stride = 3} : f64[1000]   in kernels' bodies

The pass that unrolls small axes makes the first two, fusion the last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import IRError
from ..types import INTEGERS, TensorType
from .elementwise import check_dtype
from .late import late


def _infer_stack(*parts: TensorType) -> tuple[TensorType, ...]:
    if not parts or any(part != parts[0] for part in parts):
        raise IRError(f"stack: parts of one type, not {[str(part) for part in parts]}")
    return (parts[0].with_shape((*parts[0].shape, len(parts))),)


def _eval_stack(*parts: Any) -> Any:
    return np.stack(parts, axis=-1)


def _infer_deposit(indices: TensorType, *updates: TensorType, size: int) -> tuple[TensorType, ...]:
    check_dtype("the index of deposit", indices, INTEGERS)
    if not updates or any(x != updates[0] or x.shape != indices.shape for x in updates):
        raise IRError(f"deposit: {[str(x) for x in updates]} at indices {indices}")
    return (updates[0].with_shape((size, len(updates))),)


def _eval_deposit(indices: Any, *updates: Any, size: int) -> Any:
    _check(indices, size)
    result = np.zeros((size, len(updates)), updates[0].dtype)
    np.add.at(result, indices, np.stack(updates, axis=-1))
    return result


def _check(indices: Any, size: int) -> None:
    if np.size(indices) and (np.min(indices) < 0 or np.max(indices) >= size):
        raise IndexError(f"an index is out of range for an axis of {size}")


def _infer_lookup(
    table: TensorType, indices: TensorType, *, offset: int, stride: int, size: int
) -> tuple[TensorType, ...]:
    check_dtype("the index of lookup", indices, INTEGERS)
    ends = (offset, offset + stride * (size - 1))
    if table.ndim != 1 or (size > 0 and not 0 <= min(ends) <= max(ends) < table.size):
        raise IRError(f"lookup: {size} elements from {offset} by {stride} of {table}")
    return (TensorType(table.dtype, indices.shape),)


def _eval_lookup(table: Any, indices: Any, *, offset: int, stride: int, size: int) -> Any:
    _check(indices, size)
    return table[offset + stride * indices]


UNTIL = "before small axes are unrolled"
STACK = late("stack", None, (), _infer_stack, _eval_stack, UNTIL)
DEPOSIT = late("deposit", None, (), _infer_deposit, _eval_deposit, UNTIL)
LOOKUP = late("lookup", 2, (), _infer_lookup, _eval_lookup, UNTIL)
