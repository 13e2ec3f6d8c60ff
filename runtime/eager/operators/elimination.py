"""LU factors with partial pivoting, and factorisations that report failure instead of raising."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ....ir.functions import linalg
from ....ir.functions import lu as functions
from ..apply.dispatch import is_tensor_like, traced
from ..apply.operands import as_operand, floating
from ..core import make
from ..errors import EagerError, LinAlgError
from .linear_algebra import run_as_given, solve_right, square

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
    if len(x.shape) < 2:
        raise EagerError(
            f"linalg.{name}: The input tensor A must have at least 2 dimensions, not shape "
            f"{list(x.shape)}"
        )
    return floating(x)[0]


def _nothing(x: Any) -> Any:
    """What stands for a factor that is not computed."""
    empty = np.zeros(0, np.dtype(x.dtype))
    return make(empty) if is_tensor_like(x) else empty


def lu(A: Any, *, pivot: bool = True) -> Lu:  # noqa: N803
    """P, L and U with A = P L U; without `pivot` P is empty, and A = L U."""
    x = _matrix("lu", A)
    parts = run_as_given("lu", functions.lu, x, pivot=bool(pivot))
    return Lu(*parts) if pivot else Lu(_nothing(x), *parts)


def lu_factor(A: Any, *, pivot: bool = True) -> LuFactors:  # noqa: N803
    """L (below the diagonal) and U in one array, and the exchanges of rows."""
    what = "U[{0},{0}] is zero and using it on lu_solve would divide by 0"
    return LuFactors(*_factors("lu_factor", A, pivot, what)[:2])


def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False) -> LuFactorsInfo:  # noqa: N803
    """The same, with the number of the first pivot that is 0 instead of an error."""
    what = "U[{0},{0}] is zero" if check_errors else ""
    return LuFactorsInfo(*_factors("lu_factor_ex", A, pivot, what))


def _factors(name: str, A: Any, pivot: bool, what: str) -> tuple[Any, Any, Any]:  # noqa: N803
    """The factors, the exchanges and the first pivot that is 0: an error that says `what`."""
    x = _matrix(name, A)
    while_tracing = traced((x,)) is not None
    static = {"pivot": bool(pivot), "check": bool(what) and while_tracing}
    packed, pivots, info = run_as_given("lu_factor_ex", functions.factors, x, **static)
    if what and not while_tracing:
        _raise_where(name, info, what)
    return packed, pivots, info


def _raise_where(name: str, info: Any, what: str) -> None:
    """Raise LinAlgError for the first matrix that failed."""
    numbers = np.asarray(getattr(info, "_data", info))
    failed = np.flatnonzero(numbers)
    if failed.size:
        text = what.format(int(numbers.reshape(-1)[failed[0]]))
        where = f" (batch element {failed[0]})" if numbers.ndim else ""
        raise LinAlgError(f"linalg.{name}:{where} {text}")


def lu_solve(
    LU: Any,  # noqa: N803
    pivots: Any,
    B: Any,  # noqa: N803
    *,
    left: bool = True,
    adjoint: bool = False,
) -> Any:
    """The X with A X = B, given `lu_factor(A)`; with `adjoint` Aᵀ X = B, not `left` X A = B."""
    packed, c = floating(square("lu_solve", LU), as_operand(B))
    static: dict[str, Any] = {"left": bool(left), "adjoint": bool(adjoint)}
    return run_as_given("lu_solve", functions.solved, packed, as_operand(pivots), c, **static)


def lu_unpack(
    LU_data: Any,  # noqa: N803
    LU_pivots: Any,  # noqa: N803
    unpack_data: bool = True,
    unpack_pivots: bool = True,
) -> Lu:
    """P, L and U from what `lu_factor` gave; what is not unpacked is empty."""
    packed = _matrix("lu_unpack", LU_data)
    operands = (packed, as_operand(LU_pivots)) if unpack_pivots else (packed,)
    if not (unpack_data or unpack_pivots):
        return Lu(*[_nothing(packed)] * 3)
    parts = run_as_given("lu_unpack", functions.unpacked, *operands, data=bool(unpack_data))
    parts = parts if isinstance(parts, tuple) else (parts,)
    before, after = int(not unpack_pivots), 2 * int(not unpack_data)
    return Lu(*[_nothing(packed)] * before, *parts, *[_nothing(packed)] * after)


# --- factorisations that say where they failed ---


def _reported(
    name: str,
    A: Any,  # noqa: N803
    *others: Any,
    check_errors: bool,
    of: Callable[..., Any],
    **static: Any,
) -> tuple[Any, Any]:
    """The function `of` matrices, and the number that says where the factorisation of each fails.
    Those that do are replaced by the identity; with `check_errors` they are an error.
    """
    kind = "cholesky" if name == "cholesky_ex" else "lu"
    operands = floating(square(name, A), *map(as_operand, others))
    if check_errors and traced(operands) is not None:  # the function itself raises
        result = run_as_given(name, of, *operands, **static)
        return result, np.zeros(operands[0].shape[:-2], np.int32)
    static |= {"of": of, "kind": kind}
    result, info = run_as_given(name, functions.reported, *operands, **static)
    if check_errors:
        _raise_where(name, info, "the factorization failed at {0}: the input is singular")
    return result, info


def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> CholeskyInfo:  # noqa: N803
    """`cholesky`, with the number of the first minor that is not positive in place of an error."""
    static: dict[str, Any] = {"of": linalg.cholesky, "upper": bool(upper)}
    return CholeskyInfo(*_reported("cholesky_ex", A, check_errors=check_errors, **static))


def inv_ex(A: Any, *, check_errors: bool = False) -> InverseInfo:  # noqa: N803
    """`inv`, with the number of the first pivot that is 0 in place of an error."""
    return InverseInfo(*_reported("inv_ex", A, check_errors=check_errors, of=linalg.inverse))


def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> SolveInfo:  # noqa: N803
    """`solve`, with the number of the first pivot that is 0 in place of an error."""
    of = linalg.solve if left else solve_right
    return SolveInfo(*_reported("solve_ex", A, B, check_errors=check_errors, of=of))
