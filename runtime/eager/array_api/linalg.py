"""The linear algebra of the array API standard: `linalg` of its namespace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..operators import diagonals, discrete, linear_algebra, products, reductions, shaping
from ..operators.linear_algebra import (
    cholesky,
    det,
    eigh,
    eigvalsh,
    inv,
    matrix_power,
    qr,
    slogdet,
    svdvals,
)
from ..operators.products import matmul, outer

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The cross product along `axis`, of extent 3."""
    return products.cross(x1, x2, dim=axis)


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonal of each matrix in the last two axes."""
    return diagonals.diagonal(x, offset, -2, -1)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """A norm of each matrix in the last two axes."""
    return linear_algebra.matrix_norm(x, ord, keepdim=keepdims)


def matrix_rank(x: Any, /, *, rtol: Any = None) -> Any:
    """How many singular values are larger than rtol · the largest."""
    return discrete.matrix_rank(x, rtol=rtol)


def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged."""
    return shaping.matrix_transpose(x)


def pinv(x: Any, /, *, rtol: float | None = None) -> Any:
    """The Moore-Penrose inverse of each matrix."""
    return linear_algebra.pinv(x, rtol=rtol)


def solve(x1: Any, x2: Any, /) -> Any:
    """The X with x1 X = x2; x2 is one vector, or a stack of matrices."""
    if x2.ndim > 1 and x2.shape == x1.shape[:-1]:
        x2 = x2.reshape((1, *x2.shape))  # else PyTorch takes it for a stack of vectors
    return linear_algebra.solve(x1, x2)


def svd(x: Any, /, *, full_matrices: bool = True) -> Any:
    """U, the singular values and Vᵀ; of matrices that are not square with full_matrices=False."""
    return linear_algebra.svd(x, full_matrices)


def tensordot(x1: Any, x2: Any, /, *, axes: int | Sequence[Sequence[int]] = 2) -> Any:
    """The contraction of the last `axes` of x1 with the first of x2, or of the axes listed."""
    return products.tensordot(x1, x2, axes)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sum of the diagonal of each matrix in the last two axes."""
    entries = diagonal(x, offset=offset)
    return reductions.sum(entries if dtype is None else entries.to(dtype), -1)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The inner products along `axis`."""
    return products.vecdot(x1, x2, axis)


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    """The norm of order `ord` over `axis`."""
    return linear_algebra.vector_norm(x, ord, axis, keepdims)
