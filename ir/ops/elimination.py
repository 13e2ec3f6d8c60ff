"""lu_order and failure: what elimination finds out about matrices on its way. The factors are made
of that by `ir.functions.lu`, which has the derivative.

    %1 = lu_order %a {check = false, pivot = true} : i64[m + k + 1]
    %2 = failure %a {of = "cholesky"} : i64[]
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import DISCRETE, Op, Sample, register
from ..types import TensorType
from .elementwise import batch_same
from .factorisation import check_matrix, check_square

# --- lu_order: which rows elimination takes its pivots from ---


def _infer_order(x: TensorType, *, pivot: bool, check: bool) -> tuple[TensorType, ...]:
    check_matrix("lu_order", x)
    *stack, m, n = x.shape
    return (TensorType("i64", (*stack, m + min(m, n) + 1)),)


def eval_order(x: Any, *, pivot: bool, check: bool) -> Any:
    """Packed, for a matrix of m rows and k pivots: the order of the rows; with which row each of
    the first k was exchanged; the number (from 1) of the first pivot that is 0, or 0. With `check`
    such a pivot is an error.

    It is computed in double precision. Of equal elements the first one is the pivot.
    """
    *stack, m, n = x.shape
    work = np.array(x, np.float64).reshape(math.prod(stack), m, n)
    each, k = np.arange(len(work)), min(m, n)
    out = np.zeros((len(work), m + k + 1), np.int64)
    out[:, :m], out[:, m : m + k] = np.arange(m), np.arange(k)
    order, exchanges, failed = out[:, :m], out[:, m : m + k], out[:, -1]
    for j in range(k):
        if pivot:
            at = exchanges[:, j] = j + np.argmax(np.abs(work[:, j:, j]), axis=1)
            for array in (work, order):
                array[each, j], array[each, at] = array[each, at], array[each, j].copy()
        top = work[:, j, j].copy()
        failed[(failed == 0) & (top == 0)] = j + 1
        top[top == 0] = 1
        with np.errstate(all="ignore"):
            work[:, j + 1 :, j] /= top[:, None]
            work[:, j + 1 :, j + 1 :] -= work[:, j + 1 :, j, None] * work[:, j, None, j + 1 :]
    if check and failed.any():
        raise np.linalg.LinAlgError(f"pivot {failed[failed != 0][0]} is 0")
    return out.reshape(*stack, m + k + 1)


def _order_sample(dtype: str, shape: tuple[int, ...], pivot: bool, check: bool = False) -> Sample:
    return Sample((TensorType(dtype, shape),), {"pivot": pivot, "check": check})


register(
    Op(
        name="lu_order",
        arity=1,
        traits=frozenset({"factorisation"}),
        infer=_infer_order,
        eval=eval_order,
        vjp=(DISCRETE,),
        jvp=(DISCRETE,),
        batch=batch_same("lu_order"),
        saves=(),
        emit=None,
        samples=(
            _order_sample("f64", (4, 4), pivot=True),
            _order_sample("f64", (2, 3, 5), pivot=True, check=True),
            _order_sample("f32", (5, 3), pivot=True),
            _order_sample("f64", (3, 3), pivot=False),
            _order_sample("f64", (1, 1), pivot=True),
        ),
    )
)


# --- failure: where LAPACK's factorisation of a matrix ends, from 1; 0 where it does not fail ---


def _infer_failure(x: TensorType, *, of: str) -> tuple[TensorType, ...]:
    check_square("failure", x)
    return (TensorType("i64", x.shape[:-2]),)


def _eval_failure(x: Any, *, of: str) -> Any:
    """The first pivot that is 0 (of = "lu"), or leading minor that is not positive ("cholesky")."""
    *stack, n, _ = x.shape
    where = _first_zero_pivot if of == "lu" else _first_minor
    found = [where(matrix) for matrix in x.reshape(math.prod(stack), n, n)]
    return np.array(found, np.int64).reshape(stack)


def _first_zero_pivot(matrix: Any) -> int:
    try:
        np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return int(eval_order(matrix, pivot=True, check=False)[-1]) or len(matrix)
    return 0


def _first_minor(matrix: Any) -> int:
    symmetric = (matrix + matrix.T) / 2
    if _is_positive(symmetric):
        return 0
    minors = (size for size in range(1, len(matrix)) if not _is_positive(symmetric[:size, :size]))
    return next(minors, len(matrix))


def _is_positive(symmetric: Any) -> bool:
    try:
        np.linalg.cholesky(symmetric)
    except np.linalg.LinAlgError:
        return False
    return True


def _failure_sample(dtype: str, shape: tuple[int, ...], of: str) -> Sample:
    return Sample((TensorType(dtype, shape),), {"of": of})


register(
    Op(
        name="failure",
        arity=1,
        traits=frozenset({"factorisation"}),
        infer=_infer_failure,
        eval=_eval_failure,
        vjp=(DISCRETE,),
        jvp=(DISCRETE,),
        batch=batch_same("failure"),
        saves=(),
        emit=None,
        samples=(
            _failure_sample("f64", (3, 3), "lu"),
            _failure_sample("f32", (2, 2, 2), "lu"),
            _failure_sample("f64", (3, 3), "cholesky"),
            _failure_sample("f64", (4, 2, 2), "cholesky"),
            _failure_sample("f32", (1, 1), "cholesky"),
        ),
    )
)
