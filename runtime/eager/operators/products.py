"""Products of matrices and vectors. The nodes are those that PyTorch's matmul makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ....ir.functions import linalg
from ....ir.functions import linear as functions
from ....ir.functions.reduction import norm
from ....ir.op import TABLE
from ..apply.builder import apply
from ..apply.composite import composite
from ..apply.operands import as_numbers, call, floating, promoted, through_numpy
from ..errors import EagerError
from .arithmetic import checked
from .contraction import contraction
from .elementwise import lift

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "cdist",
    "cross",
    "einsum",
    "inner",
    "kron",
    "pdist",
    "tensordot",
]

_DOT = TABLE["dot"]
_NO_BATCH: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
_rows_by_columns = contraction("MmBackward0", 2, 2)
_rows_by_vector = contraction("MvBackward0", 2, 1)
_inner = contraction("DotBackward0", 1, 1)
_STACKS = {"contract": ((2,), (1,)), "batch": ((0,), (0,))}
_STACK_TITLE = "UnsafeViewBackward0"


def mm(x: Tensor, y: Tensor) -> Tensor:
    """The product of two matrices."""
    _check("mm", x, y, 2, 2)
    if x._data.shape[1] != y._data.shape[0]:
        raise EagerError(f"mm: mat1 and mat2 shapes cannot be multiplied ({_by(x)} and {_by(y)})")
    return _rows_by_columns(x, y)


def mv(x: Tensor, y: Tensor) -> Tensor:
    """A matrix times a vector."""
    _check("mv", x, y, 2, 1)
    if x._data.shape[1] != y._data.shape[0]:
        raise EagerError(f"mv: size mismatch, matrix {_by(x)} and vector of {_by(y)}")
    return _rows_by_vector(x, y)


def dot(x: Tensor, y: Tensor) -> Tensor:
    """The inner product of two vectors."""
    _check("dot", x, y, 1, 1)
    if x._data.shape != y._data.shape:
        raise EagerError(
            f"dot: inconsistent tensor size, vectors of {_by(x)} and {_by(y)} elements"
        )
    return _inner(x, y)


def bmm(x: Tensor, y: Tensor) -> Tensor:
    """The products of two stacks of matrices, one by one."""
    _check("bmm", x, y, 3, 3)
    if x._data.shape[0] != y._data.shape[0] or x._data.shape[2] != y._data.shape[1]:
        raise EagerError(f"bmm: batches of matrices do not match, {_by(x)} and {_by(y)}")
    return apply(_DOT, (x, y), _STACKS, "BmmBackward0")


def outer(x: Tensor, y: Tensor) -> Tensor:
    """All products of an element of x with one of y."""
    _check("outer", x, y, 1, 1)
    return apply(_DOT, (x, y), {"contract": ((), ()), "batch": _NO_BATCH}, "MulBackward0")


def matmul(x: Any, y: Any) -> Tensor:
    """x @ y: of vectors, matrices and stacks of matrices, which broadcast."""
    return checked("matmul", operator_matmul(x, y), x, y)


def operator_matmul(x: Any, y: Any) -> Any:
    """The operator @."""
    if hasattr(x, "_data") and hasattr(y, "_data"):
        a, b = x._data, y._data
        if a.ndim == 2 == b.ndim and a.dtype is b.dtype and a.shape[1] == b.shape[0]:
            return _rows_by_columns(x, y)
    x, y = lift(x), lift(y)
    if not (hasattr(x, "_data") and hasattr(y, "_data")):
        return NotImplemented
    dims = (x._data.ndim, y._data.ndim)
    simple = _BY_DIMS.get(dims)
    if simple is not None:
        return simple(x, y)
    if 0 in dims:
        raise EagerError(f"matmul: both operands need at least 1 axis, got {_by(x)} @ {_by(y)}")
    _check("matmul", x, y, *dims)
    try:
        title = "SqueezeBackward4" if dims == (1, 2) else _STACK_TITLE
        return composite("matmul", functions.matmul, (x, y), title)
    except ValueError as error:
        raise EagerError(f"{error}: shapes cannot be multiplied") from None


def rmatmul(x: Tensor, y: Any) -> Any:
    """y @ x."""
    return operator_matmul(y, x)


_BY_DIMS = {(1, 1): dot, (2, 1): mv, (2, 2): mm}


def _check(name: str, x: Tensor, y: Tensor, *dims: int) -> None:
    if x._data.dtype != y._data.dtype:
        raise EagerError(
            f"{name}: expected both operands to have the same dtype, but got: "
            f"{x._data.dtype} != {y._data.dtype}"
        )
    if (x._data.ndim, y._data.ndim) != dims:
        raise EagerError(f"{name}: expected {dims[0]}D and {dims[1]}D, got {_by(x)} and {_by(y)}")


def _by(x: Tensor) -> str:
    return "x".join(map(str, x._data.shape)) or "a scalar"


# --- sums with products, contractions of any axes ---


def addmm(x: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta · x + alpha · mat1 @ mat2."""
    return _added("addmm", linalg.product_added, x, mat1, mat2, beta, alpha)


def addmv(x: Any, mat: Any, vec: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta · x + alpha · mat @ vec."""
    return _added("addmv", linalg.product_added, x, mat, vec, beta, alpha)


def baddbmm(x: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta · x + alpha · batch1 @ batch2, of stacks of matrices."""
    return _added("baddbmm", linalg.product_added, x, batch1, batch2, beta, alpha)


def addbmm(x: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta · x + alpha · the sum of the products of two stacks of matrices."""
    return _added("addbmm", linalg.sum_of_products_added, x, batch1, batch2, beta, alpha)


@as_numbers
def addr(x: Any, vec1: Any, vec2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
    """beta · x + alpha · vec1 vec2ᵀ."""
    return _added("addr", _outer_added, x, vec1, vec2, beta, alpha)


def _outer_added(b: Any, x: Any, y: Any, z: Any, *, beta: float, alpha: float) -> Any:
    column = b.reshape(y, (b.type_of(y).size, 1))
    row = b.reshape(z, (1, b.type_of(z).size))
    return linalg.product_added(b, x, column, row, beta=beta, alpha=alpha)


def _added(name: str, function: Any, x: Any, y: Any, z: Any, beta: float, alpha: float) -> Any:
    operands = promoted(x, y, z)
    return call(name, function, *operands, beta=float(beta), alpha=float(alpha))


def einsum(equation: str, *operands: Any) -> Any:
    """Sums of products by Einstein's convention, as "ij,jk->ik"."""
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    return through_numpy("view", np.einsum, equation, *promoted(*operands))


def tensordot(x: Any, y: Any, dims: Any = 2) -> Any:
    """The contraction of the last `dims` axes of x with the first of y, or of the axes listed."""
    pairs = dims if isinstance(dims, int) else tuple(tuple(axes) for axes in dims)
    return through_numpy("view", np.tensordot, *promoted(x, y), pairs)


def inner(x: Any, y: Any) -> Any:
    """The products over the last axes."""
    return through_numpy("view", np.inner, *promoted(x, y))


def kron(x: Any, y: Any) -> Any:
    """The Kronecker product."""
    return through_numpy("unsafe_view", np.kron, *promoted(x, y))


def cross(x: Any, y: Any, dim: int = -1) -> Any:
    """The cross product along `dim`, of extent 3."""
    x, y = promoted(x, y)
    if len(x.shape) != len(y.shape):
        raise EagerError("linalg.cross: inputs must have the same number of dimensions.")
    if x.shape[dim] != 3 or y.shape[dim] != 3:
        raise EagerError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {x.shape[dim]} and "
            f"{y.shape[dim]}"
        )
    return through_numpy("linalg_cross", np.cross, x, y, axis=dim)


def vecdot(x: Any, y: Any, dim: int = -1) -> Any:
    """The inner products along `dim`."""
    return call("sum", _vecdot, *promoted(x, y), title="SumBackward1", dim=dim)


def _vecdot(b: Any, x: Any, y: Any, *, dim: int) -> Any:
    shape = np.broadcast_shapes(b.type_of(x).shape, b.type_of(y).shape)
    product = b.mul(b.broadcast(x, shape), b.broadcast(y, shape))
    return b.sum(product, (dim % len(shape),))


def cdist(x: Any, y: Any, p: float = 2.0) -> Any:
    """The distances of every row of x to every row of y."""
    return call("cdist", linalg.pairwise_norms, *floating(x, y), order=float(p))


def pdist(x: Any, p: float = 2.0) -> Any:
    """The distances between all pairs of rows of x."""
    (x,) = floating(x)
    if len(x.shape) != 2:
        raise EagerError(f"pdist only supports 2D tensors, got: {len(x.shape)}D")
    first, second = np.triu_indices(x.shape[0], 1)
    return call("pdist", _row_distances, x, first, second, order=float(p))


def _row_distances(b: Any, x: Any, first: Any, second: Any, *, order: float) -> Any:
    gap = b.sub(b("gather", x, first, axis=0), b("gather", x, second, axis=0))
    return norm(b, gap, (1,), order=order)
