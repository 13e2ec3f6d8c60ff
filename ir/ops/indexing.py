"""gather and scatter_add: elements by computed indices, each the adjoint of the other.

Indices are checked where they are read: outside of 0 … n-1 they raise IndexError. (A caller that
allows negative ones adds n to them first.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import BoundsError, ShapeError
from ..op import DISCRETE, Op, Sample, register
from ..types import INTEGERS, TensorType
from .elementwise import NUMBERS, batch_all, batch_size, check_dtype

Operands = tuple[Handle, ...]
Batched = tuple[bool, ...]


def check_indices(indices: Any, size: int) -> None:
    if indices.size and (indices.min() < 0 or indices.max() >= size):
        worst = indices.min() if indices.min() < 0 else indices.max()
        raise IndexError(f"index {worst} is out of range for an axis of {size}")


# --- gather: np.take ---


def _infer_gather(x: TensorType, indices: TensorType, *, axis: int) -> tuple[TensorType, ...]:
    check_dtype("the index of gather", indices, INTEGERS)
    if not 0 <= axis < x.ndim:
        raise ShapeError(f"gather: axis {axis} of {x}")
    if x.shape[axis] == 0 and indices.size:
        raise BoundsError(f"gather: axis {axis} of {x} is empty, there is nothing to index")
    return (x.with_shape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])),)


def _eval_gather(x: Any, indices: Any, *, axis: int) -> Any:
    check_indices(indices, x.shape[axis])
    return np.take(x, indices, axis)


def _vjp_gather(b: Builder, g: Handle, operands: Operands, out: Handle, *, axis: int) -> Handle:
    size = b.type_of(operands[0]).shape[axis]
    return b("scatter_add", operands[1], g, axis=axis, size=size)


def _jvp_gather(b: Builder, g: Handle, operands: Operands, out: Handle, *, axis: int) -> Handle:
    return b("gather", g, operands[1], axis=axis)


def _batch_gather(b: Builder, operands: Operands, batched: Batched, *, axis: int) -> Handle:
    x, indices = operands
    if batched == (True, False):
        return b("gather", x, indices, axis=axis + 1)
    if batched == (False, True):
        return _move_axis(b, b("gather", x, indices, axis=axis), axis, 0)
    extent = b.type_of(x).shape[axis + 1]
    rows = _merge_axis(b, _move_axis(b, x, axis + 1, 1))  # [batch · extent, the other axes]
    taken = b("gather", rows, flat_indices(b, indices, extent), axis=0)
    for i in range(axis):  # the axes of x before `axis` stand behind those of the indices
        taken = _move_axis(b, taken, len(b.type_of(indices).shape) + i, 1 + i)
    return taken


def flat_indices(b: Builder, indices: Handle, extent: int) -> Handle:
    """Indices into the merged batch and index axes; -1 where the index is out of range."""
    type = b.type_of(indices)
    row = b("iota", dtype=type.dtype, shape=type.shape, axis=0)
    flat = b.add(indices, b.mul(row, b.full_like(row, extent)))
    inside = b("logical_and", _at_least_0(b, indices), _below(b, indices, extent))
    return b.select(inside, flat, b.full_like(flat, -1))


def _at_least_0(b: Builder, indices: Handle) -> Handle:
    return b.compare("ge", indices, b.zeros_like(indices))


def _below(b: Builder, indices: Handle, extent: int) -> Handle:
    return b.compare("lt", indices, b.full_like(indices, extent))


def _move_axis(b: Builder, x: Handle, source: int, target: int) -> Handle:
    axes = [axis for axis in range(len(b.type_of(x).shape)) if axis != source]
    axes.insert(target, source)
    return b.transpose(x, tuple(axes))


def _merge_axis(b: Builder, x: Handle) -> Handle:
    """The first two axes as one."""
    first, second, *rest = b.type_of(x).shape
    return b.reshape(x, (first * second, *rest))


def _gather_sample(dtype: str, shape: tuple[int, ...], index: TensorType, axis: int) -> Sample:
    return Sample((TensorType(dtype, shape), index), {"axis": axis}, integers=(0, 2))


register(
    Op(
        name="gather",
        arity=2,
        traits=frozenset({"indexing"}),
        infer=_infer_gather,
        eval=_eval_gather,
        vjp=(_vjp_gather, DISCRETE),
        jvp=(_jvp_gather, DISCRETE),
        batch=_batch_gather,
        saves=("1",),
        emit=None,
        samples=(
            _gather_sample("f64", (3, 4), TensorType("i64", (5,)), 0),
            _gather_sample("f32", (2, 3, 2), TensorType("i32", (2, 2)), 1),
            _gather_sample("f64", (2, 3), TensorType("i64", ()), 1),
            _gather_sample("f64", (3, 2), TensorType("i64", (0,)), 0),
            _gather_sample("i32", (3,), TensorType("i64", (4,)), 0),
            _gather_sample("i64", (3,), TensorType("i32", (4,)), 0),
            _gather_sample("bool", (3,), TensorType("i64", (4,)), 0),
        ),
    )
)


# --- scatter_add: zeros, with updates added where the indices say ---


def _infer_scatter_add(
    indices: TensorType, updates: TensorType, *, axis: int, size: int
) -> tuple[TensorType, ...]:
    check_dtype("the index of scatter_add", indices, INTEGERS)
    check_dtype("scatter_add", updates, NUMBERS)
    end = axis + indices.ndim
    if axis < 0 or updates.shape[axis:end] != indices.shape:
        raise ShapeError(
            f"scatter_add: {updates} has not the axes of the indices {indices} at axis {axis}"
        )
    if size < 0 or (size == 0 and indices.size):
        raise ShapeError(f"scatter_add: an axis of {size} has no place for {indices}")
    return (updates.with_shape((*updates.shape[:axis], size, *updates.shape[end:])),)


def _eval_scatter_add(indices: Any, updates: Any, *, axis: int, size: int) -> Any:
    check_indices(indices, size)
    end = axis + indices.ndim
    out = np.zeros((*updates.shape[:axis], size, *updates.shape[end:]), updates.dtype)
    front = np.moveaxis(updates, range(axis, end), range(indices.ndim))
    np.add.at(np.moveaxis(out, axis, 0), indices, front)
    return out


def _vjp_scatter_add(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, axis: int, size: int
) -> Handle:
    return b("gather", g, operands[0], axis=axis)


def _jvp_scatter_add(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, axis: int, size: int
) -> Handle:
    return b("scatter_add", operands[0], g, axis=axis, size=size)


def _batch_scatter_add(
    b: Builder, operands: Operands, batched: Batched, *, axis: int, size: int
) -> Handle:
    if batched == (False, True):
        return b("scatter_add", *operands, axis=axis + 1, size=size)
    count = batch_size(b, operands, batched)
    indices, updates = batch_all(b, operands, batched)
    ndim = len(b.type_of(indices).shape) - 1
    for i in range(ndim):  # bring the axes of the indices next to the batch axis
        updates = _move_axis(b, updates, 1 + axis + i, 1 + i)
    flat = flat_indices(b, indices, size)
    summed = b("scatter_add", flat, updates, axis=0, size=count * size)
    rest = b.type_of(summed).shape[1:]
    return _move_axis(b, b.reshape(summed, (count, size, *rest)), 1, 1 + axis)


def _scatter_sample(
    index: TensorType, dtype: str, shape: tuple[int, ...], axis: int, size: int
) -> Sample:
    types = (index, TensorType(dtype, shape))
    return Sample(types, {"axis": axis, "size": size}, integers=(0, 2))


register(
    Op(
        name="scatter_add",
        arity=2,
        traits=frozenset({"indexing"}),
        infer=_infer_scatter_add,
        eval=_eval_scatter_add,
        vjp=(DISCRETE, _vjp_scatter_add),
        jvp=(DISCRETE, _jvp_scatter_add),
        batch=_batch_scatter_add,
        saves=("0",),
        emit=None,
        samples=(
            _scatter_sample(TensorType("i64", (5,)), "f64", (5, 2), 0, 3),
            _scatter_sample(TensorType("i32", (2, 2)), "f32", (2, 2, 2, 3), 1, 4),
            _scatter_sample(TensorType("i64", ()), "f64", (2, 3), 1, 3),
            _scatter_sample(TensorType("i64", (0,)), "f64", (0, 2), 0, 3),
            _scatter_sample(TensorType("i64", (4,)), "i32", (4,), 0, 3),
            _scatter_sample(TensorType("i64", (4,)), "i64", (4,), 0, 3),
        ),
    )
)
