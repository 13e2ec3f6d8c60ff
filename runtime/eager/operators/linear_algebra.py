"""What `fusegrad.linalg` offers: systems, factorisations, determinants, norms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....ir.functions import linalg as functions
from ....ir.matrix import transposed
from ..apply.axes import normalise
from ..apply.dispatch import is_tensor_like, refusal, traced
from ..apply.operands import as_operand, call, floating
from ..apply.results import Eigh, Qr, SlogDet, Svd
from ..core import make
from ..errors import EagerError, LinAlgError
from .layout import adjoint as matrix_transpose
from .layout import movedim
from .products import cross, matmul, vecdot
from .reductions import norm as _vector_norm
from .shaping import cat

__all__ = [
    "cholesky",
    "cholesky_solve",
    "cond",
    "cross",
    "det",
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


def _run(name: str, function: Callable[..., Any], *operands: Any, **static: Any) -> Any:
    """The composition of floating-point operands; where LAPACK fails, an error that says so."""
    return run_as_given(name, function, *floating(*operands), **static)


def run_as_given(name: str, function: Callable[..., Any], *operands: Any, **static: Any) -> Any:
    """The same of operands that may be integers too."""
    try:
        return call(name, function, *operands, title=_title(name), **static)
    except np.linalg.LinAlgError as error:
        if isinstance(error, LinAlgError):
            raise
        raise LinAlgError(f"linalg.{name}: {error} (The input matrix is singular?)") from None


def _title(name: str) -> str:
    word = "".join(part.capitalize() for part in _NAMES.get(name, f"linalg_{name}").split("_"))
    return f"{word}Backward0"


_NAMES = {
    "cholesky": "linalg_cholesky_ex",
    "cholesky_inverse": "cholesky_inverse",
    "cholesky_solve": "cholesky_solve",
    "eigvalsh": "linalg_eigh",
    "logdet": "where",
    "lu_unpack": "lu_unpack",
    "matrix_power": "mm",
    "matrix_norm": "amax",
    "inv": "linalg_inv_ex",
    "solve": "linalg_solve_ex",
    "svdvals": "linalg_svd",
}


def square(name: str, x: Any) -> Any:
    x = as_operand(x)
    if len(x.shape) < 2 or x.shape[-1] != x.shape[-2]:
        raise EagerError(
            f"linalg.{name}: A must be batches of square matrices, but it has shape {list(x.shape)}"
        )
    return x


def solve(A: Any, B: Any, *, left: bool = True) -> Any:  # noqa: N803
    """The X with A X = B, or (`left` false) X A = B."""
    A = square("solve", A)  # noqa: N806
    return _run("solve", functions.solve if left else solve_right, A, as_operand(B))


def solve_right(b: Any, a: Any, c: Any) -> Any:
    turned = functions.solve(b, transposed(b, a), transposed(b, c))
    return transposed(b, turned)


def solve_triangular(
    A: Any,  # noqa: N803
    B: Any,  # noqa: N803
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
) -> Any:
    """The same, for an A of which only one triangle counts."""
    static: dict[str, Any] = {"upper": bool(upper), "left": bool(left), "unit": bool(unitriangular)}
    A = square("solve_triangular", A)  # noqa: N806
    return _run("solve_triangular", functions.solve_triangular, A, as_operand(B), **static)


def inv(A: Any) -> Any:  # noqa: N803
    """The inverse of each matrix."""
    return _run("inv", functions.inverse, square("inv", A))


def pinv(
    A: Any,  # noqa: N803
    *,
    atol: float | None = None,
    rtol: float | None = None,
    hermitian: bool = False,
) -> Any:
    """The Moore-Penrose inverse; singular values up to atol or rtol · the largest count as 0."""
    (x,) = floating(as_operand(A))
    if hermitian:
        x = _one_triangle(square("pinv", x), "L")
    if atol is not None:
        if traced((x,)) is not None:
            raise refusal("linalg.pinv with atol= in a compiled function", "rtol=")
        values = np.linalg.norm(np.asarray(getattr(x, "_data", x)), 2, (-2, -1))
        largest = float(values.max(initial=0.0))
        rtol = max(rtol or 0.0, float(atol) / largest if largest else 0.0)
    if rtol is None:
        rtol = max(x.shape[-2:]) * float(np.finfo(np.dtype(x.dtype)).eps)
    return _run("pinv", functions.pinv, x, tolerance=float(rtol))


def cholesky(A: Any, *, upper: bool = False) -> Any:  # noqa: N803
    """The lower triangular L with L Lᵀ = A, or (`upper`) Lᵀ; A is symmetric positive definite."""
    return _run("cholesky", functions.cholesky, square("cholesky", A), upper=bool(upper))


def cholesky_solve(B: Any, L: Any, upper: bool = False) -> Any:  # noqa: N803
    """The X with A X = B, given the Cholesky factor L of A."""
    operands = (as_operand(B), square("cholesky_solve", L))
    return _run("cholesky_solve", functions.cholesky_solve, *operands, upper=bool(upper))


def qr(A: Any, mode: str = "reduced") -> Qr:  # noqa: N803
    """Q with orthonormal columns and upper triangular R, with A = Q R.

    With mode "complete" Q is square, with mode "r" it is empty.
    """
    if mode not in ("reduced", "complete", "r"):
        raise EagerError(f"qr received unrecognized mode {mode!r}: reduced, complete or r")
    x = as_operand(A)
    q, r = _run("qr", functions.qr, x)
    if mode == "r":
        none = np.zeros(0, np.dtype(r.dtype))
        return Qr(make(none) if is_tensor_like(r) else none, r)
    rows, columns = x.shape[-2:]
    if mode == "complete" and rows > columns:
        zeros = np.zeros((*x.shape[:-2], rows - columns, columns), np.dtype(r.dtype))
        whole = _completed("qr", q)
        if not is_tensor_like(r):
            return Qr(whole, np.concatenate([r, zeros], -2))
        return Qr(whole, cat([r, make(zeros)], -2))
    return Qr(q, r)


def _completed(name: str, basis: Any) -> Any:
    """Orthonormal columns, with more of them (which have no gradient) to a square matrix."""
    if traced((basis,)) is not None:
        what = f"{name}: square factors of a matrix that is not square in a compiled function"
        raise refusal(what, "mode='reduced', or full_matrices=False")
    whole, _ = np.linalg.qr(np.asarray(getattr(basis, "_data", basis)), "complete")
    more = whole[..., basis.shape[-1] :]
    return (
        cat([basis, make(more)], -1) if is_tensor_like(basis) else np.concatenate([basis, more], -1)
    )


def eigh(A: Any, UPLO: str = "L") -> Eigh:  # noqa: N803
    """Eigenvalues in rising order, and orthonormal eigenvectors as columns.

    A is symmetric: only its lower triangle counts, with `UPLO` "U" its upper one. (Of arrays and
    while tracing, the mean of both.)
    """
    return Eigh(*_run("eigh", functions.eigh, _one_triangle(square("eigh", A), UPLO)))


def _one_triangle(x: Any, triangle: str) -> Any:
    """x, the other triangle of which does not count: the gradient is symmetric all the same."""
    if triangle not in ("L", "U", "l", "u"):
        raise EagerError(f"linalg.eigh: UPLO must be 'L' or 'U', but got {triangle!r}")
    if not is_tensor_like(x) or np.array_equal(x._data, np.swapaxes(x._data, -1, -2)):
        return x
    kept = x._data if triangle in "Ll" else np.swapaxes(x._data, -1, -2)
    whole = np.tril(kept) + np.swapaxes(np.tril(kept, -1), -1, -2)
    mean = (x + matrix_transpose(x)) / 2
    return mean + make(whole - mean._data)


def eigvalsh(A: Any, UPLO: str = "L") -> Any:  # noqa: N803
    """The eigenvalues of a symmetric matrix."""
    return _run("eigvalsh", functions.eigvalsh, _one_triangle(square("eigvalsh", A), UPLO))


def svd(A: Any, full_matrices: bool = True) -> Svd:  # noqa: N803
    """U, the singular values in falling order, and Vᵀ, with A = U diag(S) Vᵀ.

    With `full_matrices` U and Vᵀ are square; what that adds has no gradient.
    """
    x = as_operand(A)
    u, s, vh = _run("svd", functions.svd, x)
    rows, columns = x.shape[-2:]
    if full_matrices and rows > columns:
        u = _completed("linalg.svd", u)
    if full_matrices and columns > rows:
        vh = matrix_transpose(_completed("linalg.svd", matrix_transpose(vh)))
    return Svd(u, s, vh)


def svdvals(A: Any) -> Any:  # noqa: N803
    """The singular values in falling order."""
    return _run("svdvals", functions.svdvals, as_operand(A))


def det(A: Any) -> Any:  # noqa: N803
    """The determinant of each matrix."""
    return _run("det", functions.det, square("det", A))


def slogdet(A: Any) -> SlogDet:  # noqa: N803
    """The determinant's sign, and the logarithm of its absolute value."""
    return SlogDet(*_run("slogdet", functions.slogdet, square("slogdet", A)))


def logdet(A: Any) -> Any:  # noqa: N803
    """The logarithm of the determinant; nan where that is negative."""
    return _run("logdet", _logdet, square("logdet", A))


def _logdet(b: Any, x: Any) -> Any:
    sign, size = functions.slogdet(b, x)
    negative = b.compare("lt", sign, b.zeros_like(sign))
    return b.select(negative, b.full_like(size, float("nan")), size)


def matrix_power(A: Any, n: int) -> Any:  # noqa: N803
    """The product of n copies of A; of its inverse, for a negative n."""
    x = square("matrix_power", A)
    if not n and np.dtype(x.dtype).kind not in "fc":
        return make(np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape).copy())
    return _run("matrix_power", functions.matrix_power, x, n=int(n))


def multi_dot(tensors: Sequence[Any]) -> Any:
    """The product of several matrices, from the left."""
    if len(tensors) < 2:
        raise EagerError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    result = tensors[0]
    for other in tensors[1:]:
        result = result @ other
    return result


# --- norms ---


def vector_norm(x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Any:
    """(Σ |x|^ord)^(1/ord) over `dim`."""
    return _vector_norm(as_operand(x), ord, dim, keepdim)


def matrix_norm(
    A: Any,  # noqa: N803
    ord: float | str = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
) -> Any:
    """A norm of each matrix: "fro", "nuc", 1, -1, 2, -2, inf or -inf."""
    x = as_operand(A)
    ndim = len(x.shape)
    if ndim < 2:
        raise EagerError(
            "linalg.matrix_norm: The input tensor A must have at least 2 dimensions, not shape "
            f"{list(x.shape)}"
        )
    axes = tuple(normalise(d, ndim) for d in dim)
    order = ord if isinstance(ord, str) else float(ord)
    if axes == (ndim - 2, ndim - 1):
        (x,) = floating(x)
        static: dict[str, Any] = {"order": order, "keep": bool(keepdim)}
        static["title"] = _NORM_TITLES.get(order, "AmaxBackward0")
        return call("matrix_norm", functions.matrix_norm, x, **static)
    result = matrix_norm(movedim(x, axes, (-2, -1)), ord, (-2, -1), keepdim)
    return movedim(result, (-2, -1), axes) if keepdim else result


_NORM_TITLES: dict[Any, str] = {
    "fro": "LinalgVectorNormBackward0",
    "nuc": "SumBackward1",
    -1.0: "AminBackward0",
    -2.0: "AminBackward0",
    float("-inf"): "AminBackward0",
}


def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Any:  # noqa: N803
    """The 2-norm of all elements; with `ord`, a norm of vectors or (two axes) of matrices."""
    x = as_operand(A)
    two = isinstance(dim, list | tuple) and len(dim) == 2
    if ord is not None and (two or (dim is None and len(x.shape) == 2)):
        return matrix_norm(x, ord, dim or (-2, -1), keepdim)
    return vector_norm(x, 2 if ord is None else ord, dim, keepdim)


def cond(A: Any, p: float | str | None = None) -> Any:  # noqa: N803
    """The condition number: the norm of A times that of its inverse."""
    if p is None or p == 2:
        s = svdvals(A)
        return s[..., 0] / s[..., -1]
    return matrix_norm(A, p) * matrix_norm(inv(A), p)
