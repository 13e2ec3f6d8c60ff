"""LU factors with partial pivoting, and factorisations that report failure instead of raising."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...ir.functions import lu as functions
from . import linear_algebra as linalg
from .core import make
from .dispatch import is_tensor_like, traced
from .errors import EagerError, LinAlgError
from .linear_algebra import _square, run_as_given
from .operands import as_operand, floating, tensor_of

__all__ = [
    "cholesky_ex",
    "inv_ex",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "lu_unpack",
    "solve_ex",
]


class LuFactors(NamedTuple):
    """L and U in one array, and which rows were exchanged (counted from 1)."""

    LU: Any
    pivots: Any


class LuFactorsInfo(NamedTuple):
    """The same, and the number of the first pivot that is 0, or 0."""

    LU: Any
    pivots: Any
    info: Any


class Lu(NamedTuple):
    """The factors of A = P L U."""

    P: Any
    L: Any
    U: Any


class CholeskyInfo(NamedTuple):
    """The factor, and where it failed."""

    L: Any
    info: Any


class InverseInfo(NamedTuple):
    """The inverse, and where it failed."""

    inverse: Any
    info: Any


class SolveInfo(NamedTuple):
    """The solution, and where it failed."""

    result: Any
    info: Any


# --- LU ---


def _matrix(name: str, A: Any) -> Any:  # noqa: N803
    x = as_operand(A)
    if traced((x,)) is not None:
        raise TypeError(f"linalg.{name} exchanges rows by their values: it is not traced")
    if len(x.shape) < 2:
        raise EagerError(
            f"linalg.{name}: The input tensor A must have at least 2 dimensions, not shape "
            f"{list(x.shape)}"
        )
    return tensor_of(floating(x)[0])


def _exchanges(x: np.ndarray, pivot: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The exchanges of rows that bring the largest element of each column up (from 1, int32), the
    order of rows that they make, and the first column in which all is 0 (from 1; 0 if none).
    """
    *stack, m, n = x.shape
    work = x.reshape(math.prod(stack), m, n).copy()
    each, k = np.arange(len(work)), min(m, n)
    pivots = np.tile(np.arange(1, k + 1, dtype=np.int32), (len(work), 1))
    order = np.tile(np.arange(m), (len(work), 1))
    info = np.zeros(len(work), np.int32)
    for j in range(k):
        if pivot:
            at = j + np.argmax(np.abs(work[:, j:, j]), axis=1)
            pivots[:, j] = at + 1
            for array in (work, order):
                array[each, j], array[each, at] = array[each, at], array[each, j].copy()
        top = work[:, j, j].copy()
        info[(info == 0) & (top == 0)] = j + 1
        top[top == 0] = 1
        work[:, j + 1 :, j] /= top[:, None]
        work[:, j + 1 :, j + 1 :] -= work[:, j + 1 :, j, None] * work[:, j, None, j + 1 :]
    return pivots.reshape(*stack, k), order.reshape(*stack, m), info.reshape(stack)


def _permutation(order: np.ndarray, dtype: Any) -> Any:
    """The matrices P that undo `order`."""
    return make(np.swapaxes(np.eye(order.shape[-1], dtype=dtype)[order], -1, -2).copy())


def lu(A: Any, *, pivot: bool = True) -> Lu:  # noqa: N803
    """P, L and U with A = P L U; without `pivot` P is empty, and A = L U."""
    x = _matrix("lu", A)
    order = _exchanges(x._data, pivot)[1]
    low, up = run_as_given("lu", functions.split, x, order)
    return Lu(_permutation(order, x.dtype) if pivot else make(np.zeros(0, x.dtype)), low, up)


def lu_factor(A: Any, *, pivot: bool = True) -> LuFactors:  # noqa: N803
    """L (below the diagonal) and U in one array, and the exchanges of rows."""
    packed, pivots, info = lu_factor_ex(A, pivot=pivot)
    _raise_where("lu_factor", info, "U[{0},{0}] is zero and using it on lu_solve would divide by 0")
    return LuFactors(packed, pivots)


def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False) -> LuFactorsInfo:  # noqa: N803
    """The same, with the number of the first pivot that is 0 instead of an error."""
    x = _matrix("lu_factor_ex", A)
    pivots, order, info = _exchanges(x._data, pivot)
    packed = run_as_given("lu_factor_ex", functions.factors, x, order)
    if check_errors:
        _raise_where("lu_factor_ex", make(info), "U[{0},{0}] is zero")
    return LuFactorsInfo(packed, make(pivots), make(info))


def _raise_where(name: str, info: Any, what: str) -> None:
    """Raise LinAlgError for the first matrix that failed."""
    failed = np.flatnonzero(info._data)
    if failed.size:
        text = what.format(int(info._data.reshape(-1)[failed[0]]))
        where = f" (batch element {failed[0]})" if info._data.ndim else ""
        raise LinAlgError(f"linalg.{name}:{where} {text}")


def _order_of(pivots: Any, rows: int) -> np.ndarray:
    """The order of rows that the exchanges make."""
    steps = np.asarray(pivots._data if is_tensor_like(pivots) else pivots)
    flat = steps.reshape(math.prod(steps.shape[:-1]), steps.shape[-1])
    order = np.tile(np.arange(rows), (len(flat), 1))
    each = np.arange(len(flat))
    for j in range(flat.shape[1]):
        at = flat[:, j] - 1
        order[each, j], order[each, at] = order[each, at], order[each, j].copy()
    return order.reshape(*steps.shape[:-1], rows)


def lu_solve(
    LU: Any,  # noqa: N803
    pivots: Any,
    B: Any,  # noqa: N803
    *,
    left: bool = True,
    adjoint: bool = False,
) -> Any:
    """The X with A X = B, given `lu_factor(A)`; with `adjoint` Aᵀ X = B, not `left` X A = B."""
    packed, c = floating(_square("lu_solve", LU), as_operand(B))
    n = packed.shape[-1]
    order = _order_of(pivots, n)
    stack = np.broadcast_shapes(packed.shape[:-2], c.shape[:-2])
    packed = tensor_of(packed).expand(*stack, n, n)
    c = tensor_of(c).expand(*stack, *c.shape[-2:])
    order = np.broadcast_to(order, (*stack, n))
    static: dict[str, Any] = {"left": bool(left), "adjoint": bool(adjoint)}
    places = order.copy(), np.argsort(order, -1)
    return run_as_given("lu_solve", functions.solved, packed, *places, c, **static)


def lu_unpack(
    LU_data: Any,  # noqa: N803
    LU_pivots: Any,  # noqa: N803
    unpack_data: bool = True,
    unpack_pivots: bool = True,
) -> Lu:
    """P, L and U from what `lu_factor` gave; what is not unpacked is empty."""
    packed = _matrix("lu_unpack", LU_data)
    empty = make(np.zeros(0, packed.dtype))
    low = up = permutation = empty
    if unpack_data:
        low, up = run_as_given("lu_unpack", _both, packed)
    if unpack_pivots:
        permutation = _permutation(_order_of(LU_pivots, packed.shape[-2]), packed.dtype)
    return Lu(permutation, low, up)


def _both(b: Any, packed: Any) -> tuple[Any, Any]:
    return functions.lower_of(b, packed), functions.upper_of(b, packed)


# --- factorisations that say where they failed ---


def _reported(
    name: str, matrices: Any, check_errors: bool, compute: Callable[[Any], Any], failed: Any
) -> tuple[Any, Any]:
    """compute(matrices), and the number that `failed` gives of each. Those that failed are replaced
    by the identity.
    """
    if traced((matrices,)) is not None:
        raise TypeError(f"linalg.{name} reads values: it is not traced")
    x = tensor_of(floating(_square(name, matrices))[0])
    *stack, n, _ = x.shape
    flat = x._data.reshape(math.prod(stack), n, n)
    info = np.array([failed(matrix) for matrix in flat], np.int32).reshape(stack)
    if check_errors:
        _raise_where(name, make(info), "the factorization failed at {0}: the input is singular")
    if info.any():
        bad = make((info != 0)[..., None, None])
        x = x.where(bad.logical_not(), make(np.eye(n, dtype=x.dtype)))
    return compute(x), make(info)


def _first_not_positive(matrix: np.ndarray) -> int:
    """The first leading minor that is not positive; 0 if all are."""
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        bad = (k for k in range(1, len(matrix) + 1) if not np.linalg.slogdet(matrix[:k, :k])[0] > 0)
        return next(bad, len(matrix))
    return 0


def _first_zero_pivot(matrix: np.ndarray) -> int:
    return int(_exchanges(matrix, True)[2])


def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> CholeskyInfo:  # noqa: N803
    """`cholesky`, with the number of the first minor that is not positive in place of an error."""

    def compute(x: Any) -> Any:
        return linalg.cholesky(x, upper=upper)

    found = _reported("cholesky_ex", A, check_errors, compute, _first_not_positive)
    return CholeskyInfo(*found)


def inv_ex(A: Any, *, check_errors: bool = False) -> InverseInfo:  # noqa: N803
    """`inv`, with the number of the first pivot that is 0 in place of an error."""
    found = _reported("inv_ex", A, check_errors, linalg.inv, _first_zero_pivot)
    return InverseInfo(*found)


def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> SolveInfo:  # noqa: N803
    """`solve`, with the number of the first pivot that is 0 in place of an error."""

    def compute(x: Any) -> Any:
        return linalg.solve(x, B, left=left)

    return SolveInfo(*_reported("solve_ex", A, check_errors, compute, _first_zero_pivot))
