"""numpy.linalg: systems, inverses, determinants and factorisations. (Norms: `matrix_norms`.)

As in NumPy the symmetric functions read one triangle only, and their gradients are those of what
they read.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from ...ir.errors import LinAlgError
from ...ir.functions import linalg as functions
from ...ir.functions import matrices
from ...ir.graph import Value
from ...ir.matrix import identity, transposed, triangle, upper_triangle
from ...ir.types import NUMPY_DTYPE
from ..errors import UnsupportedError
from ..operands import builder, cast_to, float_dtype, is_number, lift, same_dtype, wrap
from ..promotion import normalise_axis, shape_text
from ..registry import UNSET, call, implements


def stack_of_matrices(a: Any, who: str, *, square: bool = False) -> Value:
    """The value of `a` in a float dtype; LinAlgError where it is no stack of (square) matrices."""
    x = lift(a, who)
    return _checked(cast_to(x, float_dtype(x.value.type.dtype)), who, square=square)


def _checked(value: Value, who: str, *, square: bool) -> Value:
    shape = value.type.shape
    if len(shape) < 2:
        raise LinAlgError(
            f"{who}: {len(shape)}-dimensional array given. Array must be at least two-dimensional"
        )
    if square and shape[-1] != shape[-2]:
        raise LinAlgError(
            f"{who}: Last 2 dimensions of the array must be square, not {shape_text(shape)}"
        )
    return value


def _together(arrays: Sequence[Any], who: str) -> list[Value]:
    """The values of several arrays in one float dtype."""
    values = same_dtype(arrays, who)
    b = builder()
    return [b.cast(value, float_dtype(value.type.dtype)) for value in values]


@cache
def _result_class(function: Callable[..., Any]) -> Any:
    """The named tuple that a function of NumPy's gives."""
    return type(function(np.eye(1)))


def _named(function: Callable[..., Any], parts: Sequence[Value]) -> Any:
    return _result_class(function)(*map(wrap, parts))


# --- systems and inverses ---


@implements(np.linalg.solve)
def _solve(a: Any, b: Any) -> Any:
    matrix, right = _together([a, b], "np.linalg.solve")
    _checked(matrix, "np.linalg.solve", square=True)
    return wrap(functions.solve(builder(), matrix, right, vector=right.type.ndim == 1))


@implements(np.linalg.inv)
def _inv(a: Any) -> Any:
    return wrap(functions.inverse(builder(), stack_of_matrices(a, "np.linalg.inv", square=True)))


@implements(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = UNSET) -> Any:
    value = stack_of_matrices(a, "np.linalg.pinv", square=hermitian)
    if rcond is not None and rtol is not UNSET:
        raise ValueError("np.linalg.pinv: `rtol` and `rcond` can't be both set.")
    tolerance = rcond if rcond is not None else (1e-15 if rtol is UNSET else rtol)
    if hermitian:
        value = _mirrored(value, "L")
    cutoff = _tolerance(tolerance, value, "np.linalg.pinv")
    return wrap(functions.pinv(builder(), value, tolerance=cutoff))


def _tolerance(given: Any, value: Value, who: str) -> float:
    """A tolerance relative to the largest singular value; None is that of rounding errors."""
    if given is None:
        eps = np.finfo(NUMPY_DTYPE[value.type.dtype]).eps
        return float(max(value.type.shape[-2:]) * eps)
    if not is_number(given):
        raise UnsupportedError(
            f"{who}: a tolerance that is an array is not supported while tracing",
            hint="one number for all matrices",
        )
    return float(given)


@implements(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """By the Moore-Penrose inverse. The rank is not known while tracing: residuals are there
    wherever there are more equations than unknowns.
    """
    matrix, right = _together([a, b], "np.linalg.lstsq")
    if matrix.type.ndim != 2 or right.type.ndim not in (1, 2):
        raise LinAlgError("np.linalg.lstsq: Array must be two-dimensional")
    (m, n), given = matrix.type.shape, right.type.shape
    if m != given[0]:
        raise LinAlgError("np.linalg.lstsq: Incompatible dimensions")
    g = builder()
    columns = g.reshape(right, (m, given[1] if len(given) > 1 else 1))
    automatic = rcond is None or rcond == -1
    cutoff = _tolerance(None if automatic else rcond, matrix, "np.linalg.lstsq")
    x = matrices.least_squares(g, matrix, columns, tolerance=cutoff)
    rest: Any = np.zeros(0, NUMPY_DTYPE[matrix.type.dtype])
    if m > n:
        rest = wrap(matrices.residuals(g, matrix, columns, x))
    sizes: Any = call(np.linalg.svdvals, wrap(matrix))
    rank = call(np.sum, sizes > cutoff * sizes[:1]).astype(np.int32)
    return wrap(g.reshape(x, (n, *given[1:]))), rest, rank, sizes


@implements(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    left: Any = lift(a, "np.linalg.tensorsolve")
    right: Any = lift(b, "np.linalg.tensorsolve")
    if axes is not None:
        last = [normalise_axis(axis, left.ndim, "np.linalg.tensorsolve") for axis in axes]
        left = call(np.transpose, left, (*(i for i in range(left.ndim) if i not in last), *last))
    shape = left.shape[right.ndim :]
    size = math.prod(shape)
    if left.size != size**2:
        raise LinAlgError(
            "np.linalg.tensorsolve: Input arrays must satisfy the requirement "
            "prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])"
        )
    return _solve(left.reshape(size, size), right.reshape(-1)).reshape(shape)


@implements(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    x: Any = lift(a, "np.linalg.tensorinv")
    if ind <= 0:
        raise ValueError("np.linalg.tensorinv: Invalid ind argument.")
    rest, first = x.shape[ind:], x.shape[:ind]
    return _inv(x.reshape(math.prod(rest), -1)).reshape(*rest, *first)


# --- determinants ---


@implements(np.linalg.det)
def _det(a: Any) -> Any:
    return wrap(functions.det(builder(), stack_of_matrices(a, "np.linalg.det", square=True)))


@implements(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    value = stack_of_matrices(a, "np.linalg.slogdet", square=True)
    return _named(np.linalg.slogdet, functions.slogdet(builder(), value))


# --- factorisations ---


def _mirrored(value: Value, triangle_read: str) -> Value:
    """The symmetric matrices whose lower ("L") or upper ("U") triangle this is."""
    b = builder()
    if triangle_read == "L":
        kept, below = triangle(b, value, 0), triangle(b, value, -1)
    else:
        kept, below = upper_triangle(b, value, 0), upper_triangle(b, value, 1)
    return b.add(kept, transposed(b, below))  # type: ignore[no-any-return]


def _symmetric(a: Any, triangle_read: str, who: str) -> Value:
    letter = triangle_read.upper()
    if letter not in ("L", "U"):
        raise ValueError(f"{who}: UPLO argument must be 'L' or 'U'")
    return _mirrored(stack_of_matrices(a, who, square=True), letter)


@implements(np.linalg.cholesky)
def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    value = _symmetric(a, "U" if upper else "L", "np.linalg.cholesky")
    return wrap(functions.cholesky(builder(), value, upper=bool(upper)))


@implements(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803
    value = _symmetric(a, UPLO, "np.linalg.eigh")
    return _named(np.linalg.eigh, functions.eigh(builder(), value))


@implements(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803
    return wrap(functions.eigvalsh(builder(), _symmetric(a, UPLO, "np.linalg.eigvalsh")))


@implements(np.linalg.svd)
def _svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    value = stack_of_matrices(a, "np.linalg.svd", square=hermitian)
    if hermitian:
        value = _mirrored(value, "L")
    if not compute_uv:
        return wrap(functions.svdvals(builder(), value))
    m, n = value.type.shape[-2:]
    if full_matrices and m != n:
        raise UnsupportedError(
            f"np.linalg.svd: the full matrices of {shape_text(value.type.shape)} are not supported "
            "while tracing: a part of them is not determined",
            hint="np.linalg.svd(a, full_matrices=False)",
        )
    return _named(np.linalg.svd, functions.svd(builder(), value))


@implements(np.linalg.svdvals)
def _svdvals(x: Any, /) -> Any:
    return wrap(functions.svdvals(builder(), stack_of_matrices(x, "np.linalg.svdvals")))


@implements(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    value = stack_of_matrices(a, "np.linalg.qr")
    m, n = value.type.shape[-2:]
    if mode not in ("reduced", "r") and not (mode == "complete" and m <= n):
        raise UnsupportedError(
            f"np.linalg.qr: mode {mode!r} is not supported while tracing",
            hint="mode='reduced' or mode='r'",
        )
    q, r = functions.qr(builder(), value)
    return wrap(r) if mode == "r" else _named(np.linalg.qr, (q, r))


# --- products and powers ---


@implements(np.linalg.multi_dot)
def _multi_dot(arrays: Sequence[Any]) -> Any:
    if len(arrays) < 2:
        raise ValueError("np.linalg.multi_dot: Expecting at least two arrays.")
    if len(arrays) == 2:
        return call(np.dot, *arrays)
    values = same_dtype(arrays, "np.linalg.multi_dot")
    for i, value in enumerate(values):
        if value.type.ndim != 2 and not (value.type.ndim == 1 and i in (0, len(values) - 1)):
            raise LinAlgError(
                f"np.linalg.multi_dot: {value.type.ndim}-dimensional array given. Array must be "
                "two-dimensional"
            )
    return wrap(functions.chain(builder(), *values))


@implements(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    x, exponent = lift(a, "np.linalg.matrix_power"), operator.index(n)
    value = _checked(x.value, "np.linalg.matrix_power", square=True)
    b = builder()
    if exponent == 0:
        return wrap(b.broadcast(identity(b, value.type), value.type.shape))
    if exponent < 0:
        value = stack_of_matrices(x, "np.linalg.matrix_power")
    return wrap(functions.matrix_power(b, value, n=exponent))


@implements(np.linalg.matmul)
def _matmul(x1: Any, x2: Any, /) -> Any:
    return lift(x1, "np.linalg.matmul") @ lift(x2, "np.linalg.matmul")


@implements(np.linalg.outer)
def _outer(x1: Any, x2: Any, /) -> Any:
    return call(np.outer, x1, x2)


@implements(np.linalg.tensordot)
def _tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return call(np.tensordot, x1, x2, axes)


@implements(np.linalg.vecdot)
def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return call(np.sum, lift(x1, "np.linalg.vecdot") * lift(x2, "np.linalg.vecdot"), axis)


@implements(np.linalg.trace)
def _trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return call(np.trace, x, offset, -2, -1, dtype)


@implements(np.linalg.diagonal)
def _diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return call(np.diagonal, x, offset, -2, -1)
