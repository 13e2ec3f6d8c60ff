"""last_of: which of several that go to one place comes last, and stays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..op import DISCRETE, Op, Sample, register
from ..types import INTEGERS, TensorType
from .elementwise import check_dtype
from .indexing import check_indices, flat_indices


def _infer(indices: TensorType, *, size: int) -> tuple[TensorType, ...]:
    check_dtype("the index of last_of", indices, INTEGERS)
    if indices.ndim != 1 or size < 0 or (size == 0 and indices.size):
        raise ShapeError(f"last_of: {indices} is no vector of places among {size}")
    return (TensorType("i64", (size,)),)


def _eval(indices: Any, *, size: int) -> Any:
    """For each place the number of the last index that names it, -1 if none does."""
    check_indices(indices, size)
    out = np.full(size, -1)
    np.maximum.at(out, indices, np.arange(indices.size))
    return out


def _batch(
    b: Builder, operands: tuple[Handle, ...], batched: tuple[bool, ...], *, size: int
) -> Handle:
    """One row of all cases behind each other: there the numbers count on."""
    (indices,) = operands
    count, each = b.type_of(indices).shape
    flat = b.reshape(flat_indices(b, indices, size), (count * each,))
    last = b.reshape(b("last_of", flat, size=count * size), (count, size))
    row = b("iota", dtype="i64", shape=(count, size), axis=0)
    number = b.sub(last, b.mul(row, b.full_like(row, each)))
    return b.select(b.compare("ge", last, b.zeros_like(last)), number, last)


register(
    Op(
        name="last_of",
        arity=1,
        traits=frozenset({"indexing"}),
        infer=_infer,
        eval=_eval,
        vjp=(DISCRETE,),
        jvp=(DISCRETE,),
        batch=_batch,
        saves=(),
        emit=None,
        samples=(
            Sample((TensorType("i64", (7,)),), {"size": 5}),
            Sample((TensorType("i32", (3,)),), {"size": 4}),
            Sample((TensorType("i64", (0,)),), {"size": 2}),
        ),
    )
)
