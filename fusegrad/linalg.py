"""Linear algebra under PyTorch's names: of Tensors, of arrays, and inside of compiled functions.

Factorisations are LAPACK's, in compiled functions too: NumPy's own library is called.

>>> import numpy as np
>>> float(det(np.array([[1.0, 2.0], [3.0, 4.0]])))
-2.0
"""

from __future__ import annotations

from .runtime.eager import linear_algebra
from .runtime.eager.complexes import eig, eigvals
from .runtime.eager.diagonals import diagonal
from .runtime.eager.discrete import matrix_rank
from .runtime.eager.elimination import (
    cholesky_ex,
    inv_ex,
    lu,
    lu_factor,
    lu_factor_ex,
    lu_solve,
    solve_ex,
)
from .runtime.eager.errors import LinAlgError
from .runtime.eager.linear_algebra import *  # noqa: F403
from .runtime.eager.systems import (
    householder_product,
    lstsq,
    matrix_exp,
    tensorinv,
    tensorsolve,
    vander,
)

__all__ = [
    "LinAlgError",
    "cholesky_ex",
    "diagonal",
    "eig",
    "eigvals",
    "householder_product",
    "inv_ex",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matrix_exp",
    "matrix_rank",
    "solve_ex",
    "tensorinv",
    "tensorsolve",
    "vander",
]
__all__ += linear_algebra.__all__
