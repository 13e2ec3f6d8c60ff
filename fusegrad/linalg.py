"""Linear algebra under PyTorch's names: of Tensors, of arrays, and inside of compiled functions.

Factorisations are LAPACK's, in compiled functions too: NumPy's own library is called.

>>> import numpy as np
>>> float(det(np.array([[1.0, 2.0], [3.0, 4.0]])))
-2.0
"""

from __future__ import annotations

from .runtime.eager.errors import LinAlgError
from .runtime.eager.operators import linear_algebra
from .runtime.eager.operators.complexes import eig, eigvals
from .runtime.eager.operators.diagonals import diagonal
from .runtime.eager.operators.discrete import matrix_rank
from .runtime.eager.operators.elimination import (
    cholesky_ex,
    inv_ex,
    lu,
    lu_factor,
    lu_factor_ex,
    lu_solve,
    solve_ex,
)
from .runtime.eager.operators.linear_algebra import *  # noqa: F403
from .runtime.eager.operators.systems import (
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
