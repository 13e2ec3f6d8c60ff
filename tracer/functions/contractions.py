"""Products of matrices and tensors."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.builder import Handle
from ...ir.errors import ShapeError
from ...ir.functions import linear
from ...ir.graph import Value
from ..operands import builder, lift, same_dtype, wrap
from ..promotion import normalise_axis
from ..registry import dispatch, implements
from .ufuncs import GENERALISED

if TYPE_CHECKING:
    from ..array import TracedArray


def _numbers(x: Any, y: Any, who: str) -> tuple[Value, Value, str]:
    """Both operands in a dtype that can be multiplied and added, and the dtype of the result."""
    left, right = same_dtype((x, y), who)
    dtype = left.type.dtype
    b = builder()
    computed = "i64" if dtype == "bool" else dtype
    return b.cast(left, computed), b.cast(right, computed), dtype


def _contract(
    x: Value, y: Value, axes: tuple[Sequence[int], Sequence[int]], dtype: str
) -> TracedArray:
    contract = (tuple(axes[0]), tuple(axes[1]))
    product = builder()("dot", x, y, contract=contract, batch=((), ()))
    return wrap(builder().cast(product, dtype))


def matmul(x: Any, y: Any) -> TracedArray:
    """``x @ y``."""
    left, right, dtype = _numbers(x, y, "np.matmul")
    product: Handle = linear.matmul(builder(), left, right)
    return wrap(builder().cast(product, dtype))


@implements(np.dot)
def _dot(a: Any, b: Any, out: None = None) -> TracedArray:
    left, right, dtype = _numbers(a, b, "np.dot")
    if left.type.ndim == 0 or right.type.ndim == 0:
        return lift(a) * lift(b)  # type: ignore[no-any-return]
    axes = ([left.type.ndim - 1], [max(right.type.ndim - 2, 0)])
    _check_inner("np.dot", left, right, axes)
    return _contract(left, right, axes, dtype)


@implements(np.inner)
def _inner(a: Any, b: Any) -> TracedArray:
    left, right, dtype = _numbers(a, b, "np.inner")
    if left.type.ndim == 0 or right.type.ndim == 0:
        return lift(a) * lift(b)  # type: ignore[no-any-return]
    axes = ([left.type.ndim - 1], [right.type.ndim - 1])
    _check_inner("np.inner", left, right, axes)
    return _contract(left, right, axes, dtype)


def _check_inner(who: str, x: Value, y: Value, axes: tuple[list[int], list[int]]) -> None:
    if [x.shape[i] for i in axes[0]] != [y.shape[i] for i in axes[1]]:
        raise ShapeError(
            f"{who}: sizes differ, {x.type} along axis {axes[0]} and {y.type} along {axes[1]}",
            hint="check the shapes: these axes are summed over together",
        )


@implements(np.outer)
def _outer(a: Any, b: Any) -> TracedArray:
    return lift(a, "np.outer").reshape(-1, 1) * lift(b, "np.outer").reshape(1, -1)  # type: ignore[no-any-return]


@implements(np.vdot)
def _vdot(a: Any, b: Any) -> TracedArray:
    return _dot(lift(a, "np.vdot").reshape(-1), lift(b, "np.vdot").reshape(-1))


@implements(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> TracedArray:
    left, right, dtype = _numbers(a, b, "np.tensordot")
    pair = _tensordot_axes(axes, left, right)
    if len(pair[0]) != len(pair[1]):
        raise ShapeError(f"np.tensordot: {len(pair[0])} axes go with {len(pair[1])}")
    _check_inner("np.tensordot", left, right, pair)
    return _contract(left, right, pair, dtype)


def _tensordot_axes(axes: Any, x: Value, y: Value) -> tuple[list[int], list[int]]:
    if isinstance(axes, tuple | list):
        lhs, rhs = (list(a) if isinstance(a, tuple | list) else [a] for a in axes)
    else:
        count = operator.index(axes)
        lhs, rhs = list(range(-count, 0)), list(range(count))
    return (
        [normalise_axis(axis, x.type.ndim, "np.tensordot") for axis in lhs],
        [normalise_axis(axis, y.type.ndim, "np.tensordot") for axis in rhs],
    )


def _vecdot(x: Any, y: Any) -> TracedArray:
    product = lift(x, "np.vecdot") * lift(y, "np.vecdot")
    return product.sum(axis=-1, dtype=product.dtype)  # type: ignore[no-any-return]


def _matvec(x: Any, y: Any) -> TracedArray:
    column = lift(y, "np.matvec")
    return matmul(x, column.reshape((*column.shape, 1)))[..., 0]


def _vecmat(x: Any, y: Any) -> TracedArray:
    row = lift(x, "np.vecmat")
    return matmul(row.reshape((*row.shape[:-1], 1, *row.shape[-1:])), y)[..., 0, :]


GENERALISED[np.matmul] = matmul
for _name, _function in (("vecdot", _vecdot), ("matvec", _matvec), ("vecmat", _vecmat)):
    if hasattr(np, _name):  # NumPy 2.2 has all of them
        GENERALISED[getattr(np, _name)] = _function


@implements(np.cross, getattr(np.linalg, "cross", None))
def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> TracedArray:
    if axis is not None:
        axisa = axisb = axisc = axis
    x: Any = dispatch(np.moveaxis, (a, axisa, -1), {})
    y: Any = dispatch(np.moveaxis, (b, axisb, -1), {})
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ShapeError(f"np.cross: vectors of 3 elements, got {x!r} and {y!r}")
    (x0, x1, x2), (y0, y1, y2) = (tuple(v[..., i] for i in range(3)) for v in (x, y))
    parts = (x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0)
    return dispatch(np.stack, (parts, axisc), {})  # type: ignore[no-any-return]
