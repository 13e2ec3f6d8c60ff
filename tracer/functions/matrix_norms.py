"""Norms of vectors and matrices, condition numbers and ranks: the measures of numpy.linalg."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...ir.errors import LinAlgError, ShapeError
from ...ir.functions import linalg as functions
from ...ir.functions import reduction
from ...ir.graph import Value
from ...ir.types import NUMPY_DTYPE
from ..operands import builder, cast_to, float_dtype, lift, wrap
from ..promotion import Shape, normalise_axis
from ..registry import call, implements
from .linalg import stack_of_matrices


@implements(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    array = lift(x, "np.linalg.norm")
    value = cast_to(array, float_dtype(array.value.type.dtype))
    if axis is None:
        axes = tuple(range(array.ndim))
    else:
        given = axis if isinstance(axis, tuple) else (axis,)
        axes = tuple(normalise_axis(each, array.ndim, "np.linalg.norm") for each in given)
    result = _norm_over(value, ord, axes, axis)
    if keepdims:
        kept = tuple(1 if i in axes else extent for i, extent in enumerate(array.shape))
        result = builder().reshape(result, kept)
    return wrap(result)


def _norm_over(value: Value, ord: Any, axes: Shape, asked: Any) -> Value:
    if ord is None and (asked is None or len(axes) in (1, 2)):
        return reduction.norm(builder(), value, axes)  # type: ignore[no-any-return]
    if len(axes) == 1:
        return _of_vectors(value, ord, axes[0])
    if len(axes) != 2:
        raise ShapeError("np.linalg.norm: Improper number of dimensions to norm.")
    if axes[0] == axes[1]:
        raise ShapeError("np.linalg.norm: Duplicate axes given.")
    return _of_matrices(value, ord, axes)


def _of_vectors(value: Value, ord: Any, axis: int) -> Value:
    b = builder()
    if isinstance(ord, str):
        raise ShapeError(f"np.linalg.norm: Invalid norm order '{ord}' for vectors")
    if ord == 0:
        there = b.compare("ne", value, b.zeros_like(value))
        return b.sum(b.cast(there, value.type.dtype), (axis,))  # type: ignore[no-any-return]
    if ord == math.inf and value.type.shape[axis] == 0:
        return b.sum(value, (axis,))  # type: ignore[no-any-return]
    return reduction.norm(b, value, (axis,), order=float(ord))  # type: ignore[no-any-return]


def _of_matrices(value: Value, ord: Any, axes: Shape) -> Value:
    b = builder()
    names = {"f": "fro", "fro": "fro", "nuc": "nuc"}
    order = names.get(ord) if isinstance(ord, str) else float(ord)
    if order is None or (order not in ("fro", "nuc") and order not in _MATRIX_ORDERS):
        raise ShapeError("np.linalg.norm: Invalid norm order for matrices.")
    others = (i for i in range(value.type.ndim) if i not in axes)
    last = b.transpose(value, (*others, *axes))
    return functions.matrix_norm(b, last, order=order, keep=False)  # type: ignore[no-any-return]


_MATRIX_ORDERS = (1.0, -1.0, 2.0, -2.0, math.inf, -math.inf)


@implements(np.linalg.vector_norm)
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    array: Any = lift(x, "np.linalg.vector_norm")
    given = range(array.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = [normalise_axis(each, array.ndim, "np.linalg.vector_norm") for each in given]
    others = [i for i in range(array.ndim) if i not in axes]
    kept = tuple(array.shape[i] for i in others)
    flat = call(np.transpose, array, (*others, *axes)).reshape(
        *kept, math.prod(array.shape[i] for i in axes)
    )
    found = _norm(flat, ord, -1)
    if keepdims:
        return found.reshape(tuple(1 if i in axes else n for i, n in enumerate(array.shape)))
    return found


@implements(np.linalg.matrix_norm)
def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    value = stack_of_matrices(x, "np.linalg.cond")
    if 0 in value.type.shape[-2:]:
        raise LinAlgError("np.linalg.cond: cond is not defined on empty arrays")
    if p is None or p in (2, -2):
        sizes: Any = wrap(functions.svdvals(builder(), value))
        first, last = sizes[..., 0], sizes[..., -1]
        ratio = last / first if p == -2 else first / last
    else:
        inverse = call(np.linalg.inv, wrap(value))
        ratio = _norm(wrap(value), p, (-2, -1)) * _norm(inverse, p, (-2, -1))
    unknown = call(np.any, _isnan(wrap(value)), (-2, -1))
    return call(np.where, _isnan(ratio) & ~unknown, np.inf, ratio)


def _isnan(x: Any) -> Any:
    return x != x


@implements(np.linalg.matrix_rank)
def _matrix_rank(
    A: Any,  # noqa: N803
    tol: Any = None,
    hermitian: bool = False,
    *,
    rtol: Any = None,
) -> Any:
    if rtol is not None and tol is not None:
        raise ValueError("np.linalg.matrix_rank: `tol` and `rtol` can't be both set.")
    x: Any = lift(A, "np.linalg.matrix_rank")
    if x.ndim < 2:
        return call(np.any, x != 0).astype(np.int64)
    sizes: Any = call(np.linalg.svd, x, compute_uv=False, hermitian=hermitian)
    if sizes.shape[-1] == 0:
        return call(np.sum, sizes, -1).astype(np.int64)
    if tol is None:
        eps = np.finfo(NUMPY_DTYPE[sizes.value.type.dtype]).eps
        relative = max(x.shape[-2:]) * eps if rtol is None else lift(rtol)[..., None]
        tol = call(np.max, sizes, axis=-1, keepdims=True) * relative
    else:
        tol = lift(tol)[..., None]
    return call(np.count_nonzero, sizes > tol, -1)
