"""Diagonals and triangles of matrices, and matrices made of their diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..apply.axes import normalise, whole
from ..apply.operands import call, through_numpy
from ..errors import EagerError

__all__ = [
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "trace",
    "tril",
    "triu",
]


def _check_matrix(name: str, x: Any) -> None:
    if len(x.shape) < 2:
        raise EagerError(f"{name}: input tensor must have at least 2 dimensions")


def tril(x: Any, diagonal: int = 0) -> Any:
    """The lower triangle, up to `diagonal`."""
    _check_matrix("tril", x)
    return through_numpy("tril", np.tril, x, whole(diagonal))


def triu(x: Any, diagonal: int = 0) -> Any:
    """The upper triangle, from `diagonal` on."""
    _check_matrix("triu", x)
    return through_numpy("triu", np.triu, x, whole(diagonal))


def diagonal(x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonal of the plane of two axes, as the last axis."""
    return through_numpy("diagonal", np.diagonal, x, offset, dim1, dim2)


def diag(x: Any, diagonal: int = 0) -> Any:
    """The diagonal of a matrix; of a vector, the matrix that has it as its diagonal."""
    if len(x.shape) == 1:
        return through_numpy("diag_embed", np.diag, x, diagonal)
    return through_numpy("diagonal", np.diag, x, diagonal)


def diag_embed(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices with the last axis of x on their diagonal, in the plane of `dim1` and `dim2`."""
    ndim = len(x.shape) + 1
    plane = (normalise(dim1, ndim), normalise(dim2, ndim))
    if plane[0] == plane[1]:
        raise EagerError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return call("diag_embed", _diag_embed, x, offset=int(offset), plane=plane)


def diagflat(x: Any, offset: int = 0) -> Any:
    """The matrix with all elements of x on its diagonal."""
    return diag_embed(x.reshape((-1,)), offset)


def _diag_embed(b: Any, x: Any, *, offset: int, plane: tuple[int, int]) -> Any:
    shape = b.type_of(x).shape
    size, lead = shape[-1] + abs(offset), len(shape) - 1
    low = (*[0] * lead, max(offset, 0))
    high = (*[0] * lead, max(-offset, 0))
    padded = b("pad", x, low=low, high=high, interior=(0,) * len(shape))
    wide = (*shape[:-1], size, size)
    spread = b.expand(padded, (lead,), wide)
    row = b("iota", dtype="i64", shape=wide, axis=lead)
    column = b("iota", dtype="i64", shape=wide, axis=lead + 1)
    on = b.compare("eq", b.add(row, b.full_like(row, offset)), column)
    matrices = b.select(on, spread, b.zeros_like(spread))
    rest = iter(range(lead))
    at = {plane[0]: lead, plane[1]: lead + 1}
    return b.transpose(matrices, tuple(at[i] if i in at else next(rest) for i in range(lead + 2)))


def trace(x: Any) -> Any:
    """The sum of the diagonal of a matrix."""
    if len(x.shape) != 2:
        raise EagerError(f"trace: expected a matrix, but got tensor with dim {len(x.shape)}")
    return through_numpy("trace", np.trace, x)
