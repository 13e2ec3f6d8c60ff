"""Linear algebra beside `linear_algebra`: least squares, exponentials, tensors as matrices."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ....ir.functions import matrices
from ....ir.functions.statistics import powers
from ..apply.axes import normalise
from ..apply.dispatch import is_tensor_like
from ..apply.operands import as_operand, call, cast, floating
from ..core import make
from ..errors import EagerError
from .discrete import matrix_rank
from .generator import drawn
from .layout import adjoint as matrix_transpose
from .linear_algebra import _run, inv, matrix_norm, multi_dot, qr, solve, square, svdvals
from .linear_algebra import svd as linalg_svd
from .reductions import norm as all_norm

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


def householder_product(input: Any, tau: Any) -> Any:
    """The first columns of H₁ H₂ …, H = I - tau v vᵀ, where v stands below the diagonal of a column
    of `input` and has 1 on it: the Q of which LAPACK's QR is made.
    """
    x, factors = floating(as_operand(input), as_operand(tau))
    rows, columns = x.shape[-2:]
    if rows < columns or factors.shape[-1] > columns:
        raise EagerError(
            "torch.linalg.householder_product: input.shape[-2] must be greater than or equal to "
            f"input.shape[-1], which must be to tau.shape[-1], got {x.shape} and {factors.shape}"
        )
    return _run("householder_product", matrices.householder_product, x, factors)


def frobenius_norm(x: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """√(Σ x²) over `dim`, by default of all elements."""
    return all_norm(x, 2, dim if dim != () else None, keepdim)


def nuclear_norm(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The sum of the singular values of a matrix, or of those that two axes make."""
    return matrix_norm(x, "nuc", (-2, -1) if dim is None else tuple(dim), keepdim)


def norm_except_dim(v: Any, pow: int = 2, dim: int = 0) -> Any:
    """The norm over all axes but `dim`, which are kept at extent 1; over all for dim = -1."""
    x = as_operand(v)
    if dim == -1:
        return all_norm(x, pow, None, False)
    at = normalise(dim, len(x.shape))
    return all_norm(x, pow, tuple(i for i in range(len(x.shape)) if i != at), True)


def svd_lowrank(A: Any, q: int | None = 6, niter: int | None = 2, M: Any = None) -> SvdV:  # noqa: N803
    """Nearly the largest q singular values with their vectors, by random projections (Halko,
    Martinsson, Tropp, SIAM Review 53, 2011).
    """
    x = as_operand(A)
    x = x if M is None else x - M
    wide = x.shape[-2] < x.shape[-1]
    x = matrix_transpose(x) if wide else x
    count = min(6 if q is None else q, *x.shape[-2:])
    basis, _ = qr(x @ _drawn((x.shape[-1], count), x))
    for _ in range(2 if niter is None else niter):
        basis, _ = qr(matrix_transpose(x) @ basis)
        basis, _ = qr(x @ basis)
    u, s, vh = linalg_svd(matrix_transpose(basis) @ x, full_matrices=False)
    u, v = basis @ u, matrix_transpose(vh)
    return SvdV(v, s, u) if wide else SvdV(u, s, v)


def pca_lowrank(A: Any, q: int | None = None, center: bool = True, niter: int = 2) -> SvdV:  # noqa: N803
    """`svd_lowrank` of the rows of A less their mean: principal components."""
    x = as_operand(A)
    count = min(6, *x.shape[-2:]) if q is None else q
    mean = x.mean(-2).reshape((*x.shape[:-2], 1, x.shape[-1])) if center else None
    return svd_lowrank(x, count, niter, mean)


def _drawn(shape: tuple[int, ...], like: Any) -> Any:
    """Normal random numbers of the dtype and kind of `like`."""
    values = drawn(lambda random: random.standard_normal(shape)).astype(np.dtype(like.dtype))
    return make(values) if is_tensor_like(like) else values
