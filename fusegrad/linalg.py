"""Linear algebra under PyTorch's names: of Tensors, of arrays, and inside of compiled functions.

The factorisations run in eager mode only so far; a compiled function that uses them says so.

>>> import numpy as np
>>> float(det(np.array([[1.0, 2.0], [3.0, 4.0]])))
-2.0
"""

from __future__ import annotations

from .runtime.eager.errors import LinAlgError
from .runtime.eager.layout import diagonal
from .runtime.eager.linear_algebra import (
    cholesky,
    cholesky_solve,
    cond,
    cross,
    det,
    eigh,
    eigvalsh,
    inv,
    logdet,
    matmul,
    matrix_norm,
    matrix_power,
    multi_dot,
    norm,
    pinv,
    qr,
    slogdet,
    solve,
    solve_triangular,
    svd,
    svdvals,
    vecdot,
    vector_norm,
)

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_solve",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "logdet",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "vecdot",
    "vector_norm",
]
