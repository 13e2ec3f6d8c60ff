"""Linear algebra beside `linear_algebra`: least squares, exponentials, tensors as matrices."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ...ir.functions import matrices
from ...ir.functions.statistics import powers
from .core import make
from .discrete import matrix_rank
from .dispatch import is_tensor_like
from .errors import EagerError
from .layout import adjoint as matrix_transpose
from .linear_algebra import _run, inv, multi_dot, solve, square, svdvals
from .linear_algebra import svd as linalg_svd
from .operands import as_operand, call, cast

__all__ = [
    "chain_matmul",
    "cholesky_inverse",
    "lstsq",
    "matrix_exp",
    "matrix_rank",
    "svd",
    "tensorinv",
    "tensorsolve",
    "vander",
]


class LeastSquares(NamedTuple):
    """What `lstsq` gives."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


def lstsq(A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None) -> LeastSquares:  # noqa: N803
    """The X that makes the columns of A X - B shortest: of several the shortest one.

    Singular values up to rcond · the largest count as 0. What else there is depends on `driver`, as
    in PyTorch: the rank except for "gels", singular values for "gelsd" and "gelss", and, except for
    "gelsy" (the default), the squared lengths where A has full rank and more rows than columns.
    """
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise EagerError(
            f"linalg.lstsq: driver should be one of gels, gelsy, gelsd, gelss: {driver}"
        )
    a, c = as_operand(A), as_operand(B)
    if len(a.shape) < 2:
        raise EagerError("linalg.lstsq: input must have at least 2 dimensions.")
    rows, columns = a.shape[-2:]
    if rcond is None:
        rcond = max(rows, columns) * float(np.finfo(np.dtype(a.dtype)).eps)
    solution = _run("lstsq", matrices.least_squares, a, c, tolerance=float(rcond))
    empty = make(np.zeros(0, np.dtype(a.dtype)))
    lengths, rank, values = empty, make(np.zeros(0, np.int64)), empty
    tall = driver not in (None, "gelsy") and rows > columns
    if tall and bool(np.all(_elements(matrix_rank(a)) == columns)):
        lengths = _run("lstsq", matrices.residuals, a, c, solution)
    if driver != "gels":
        rank = matrix_rank(a, rtol=rcond)
    if driver in ("gelsd", "gelss"):
        values = svdvals(a.detach() if is_tensor_like(a) else a)
    return LeastSquares(solution, lengths, rank, values)


def _elements(x: Any) -> Any:
    return x._data if is_tensor_like(x) else x


class SvdV(NamedTuple):
    """The factors of a singular value decomposition, V by its columns."""

    U: Any
    S: Any
    V: Any


def svd(A: Any, some: bool = True, compute_uv: bool = True) -> SvdV:  # noqa: N803
    """U, the singular values, and V, with A = U diag(S) Vᵀ: `torch.svd`, older than linalg.svd."""
    if not compute_uv:
        raise NotImplementedError("svd with compute_uv=False is not supported; use linalg.svdvals")
    factors = linalg_svd(A, full_matrices=not some)
    return SvdV(factors.U, factors.S, matrix_transpose(factors.Vh))


def matrix_exp(A: Any) -> Any:  # noqa: N803
    """e^A of each matrix, by a Padé approximant of A / 2^s, squared s times."""
    x = square("matrix_exp", A)
    values = np.abs(x._data if is_tensor_like(x) else x)
    size = values.sum(-2).max() if values.size else 0.0
    if not np.isfinite(size):
        raise EagerError("matrix_exp(): the matrix has elements that are not finite")
    # Asked of a traced array, this becomes a condition of the path: one path for each scaling.
    halvings = int(np.ceil(np.log2(size / matrices.EXP_RANGE))) if size > 0 else 0
    return _run("matrix_exp", matrices.exponential, x, halvings=max(0, halvings))


def cholesky_inverse(L: Any, upper: bool = False) -> Any:  # noqa: N803
    """The inverse of A, given its Cholesky factor."""
    return _run(
        "cholesky_inverse",
        matrices.cholesky_inverse,
        square("cholesky_inverse", L),
        upper=bool(upper),
    )


def chain_matmul(*matrices_: Any) -> Any:
    """The product of several matrices."""
    return multi_dot(matrices_)


def tensorinv(A: Any, ind: int = 2) -> Any:  # noqa: N803
    """The inverse of A as a map from its last axes to its first `ind`."""
    x = as_operand(A)
    first, rest = tuple(x.shape[:ind]), tuple(x.shape[ind:])
    if ind < 1 or math.prod(first) != math.prod(rest):
        raise EagerError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), got {list(x.shape)} and ind={ind}"
        )
    return inv(x.reshape((math.prod(first), -1))).reshape((*rest, *first))


def tensorsolve(A: Any, B: Any, dims: Any = None) -> Any:  # noqa: N803
    """The X with tensordot(A, X, X.ndim) = B; `dims` of A are moved to its end first."""
    a, c = as_operand(A), as_operand(B)
    if dims is not None:
        last = tuple(d % len(a.shape) for d in dims)
        a = a.permute(*[i for i in range(len(a.shape)) if i not in last], *last)
    shape = tuple(a.shape[len(c.shape) :])
    if math.prod(shape) != math.prod(c.shape):
        raise EagerError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), got {list(a.shape)} and {list(c.shape)}"
        )
    return solve(a.reshape((math.prod(shape), -1)), c.reshape((-1,))).reshape(shape)


def vander(x: Any, N: int | None = None) -> Any:  # noqa: N803
    """The powers x⁰, x¹, … of each element, along a new last axis."""
    x = as_operand(x)
    x = x if np.dtype(x.dtype).kind == "f" else cast(x, np.int64)
    count = x.shape[-1] if N is None else int(N)
    return call("vander", powers, x, title="CatBackward0", count=count)
