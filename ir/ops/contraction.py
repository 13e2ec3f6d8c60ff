"""dot: the batched contraction, of which every matrix product is a case.

The axes of the result are those of the batch, the free ones of x, and those of y. With `rows_first`
(which legalisation makes, behind all derivatives) the free axes of x stand before the batch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import DTypeError, ShapeError
from ..op import Op, Sample, register
from ..types import TensorType
from .elementwise import NUMBERS, check_dtype

Operands = tuple[Handle, ...]
Axes = tuple[int, ...]
Pair = tuple[Axes, Axes]  # axes of the left operand, and those of the right that go with them


def free_axes(ndim: int, *taken: Axes) -> Axes:
    """The axes that are neither contracted nor batch axes, in order."""
    used = {axis for axes in taken for axis in axes}
    return tuple(axis for axis in range(ndim) if axis not in used)


def _infer(
    x: TensorType, y: TensorType, *, contract: Pair, batch: Pair, rows_first: bool = False
) -> tuple[TensorType, ...]:
    check_dtype("dot", x, NUMBERS)
    if x.dtype != y.dtype:
        raise DTypeError(f"dot: dtypes differ, {x} and {y}", hint="cast them first")
    for type, side in ((x, 0), (y, 1)):
        axes = (*contract[side], *batch[side])
        if len(set(axes)) != len(axes) or not all(0 <= axis < type.ndim for axis in axes):
            raise ShapeError(f"dot: {list(axes)} are no distinct axes of {type}")
    for kind, (lhs, rhs) in (("contracted", contract), ("batch", batch)):
        if [x.shape[i] for i in lhs] != [y.shape[i] for i in rhs]:
            raise ShapeError(
                f"dot: {kind} sizes differ, {x} along {list(lhs)} and {y} along {list(rhs)}"
            )
    x_free, y_free = (
        free_axes(x.ndim, contract[0], batch[0]),
        free_axes(y.ndim, contract[1], batch[1]),
    )
    first = (*x_free, *batch[0]) if rows_first else (*batch[0], *x_free)
    extents = [x.shape[i] for i in first] + [y.shape[i] for i in y_free]
    return (x.with_shape(tuple(extents)),)


def _eval(x: Any, y: Any, *, contract: Pair, batch: Pair, rows_first: bool = False) -> Any:
    """As a product of matrices (or of stacks of them)."""
    x_free, y_free = (
        free_axes(x.ndim, contract[0], batch[0]),
        free_axes(y.ndim, contract[1], batch[1]),
    )
    lhs = x.transpose((*batch[0], *x_free, *contract[0]))
    rhs = y.transpose((*batch[1], *contract[1], *y_free))
    stack, rows = _extents(x, batch[0]), _extents(x, x_free)
    inner, columns = _extents(x, contract[0]), _extents(y, y_free)
    m, k, n = math.prod(rows), math.prod(inner), math.prod(columns)
    product = np.matmul(lhs.reshape((*stack, m, k)), rhs.reshape((*stack, k, n)))
    if rows_first:
        product = np.moveaxis(product, -2, 0)
        return product.reshape((*rows, *stack, *columns))
    return product.reshape((*stack, *rows, *columns))


def _extents(x: Any, axes: Axes) -> tuple[int, ...]:
    return tuple(x.shape[axis] for axis in axes)


# --- derivatives ---


def _vjp_left(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, contract: Pair, batch: Pair
) -> Handle:
    """g · yᵀ: contract the free axes of y; what comes out is batch, free of x, contracted."""
    x_ndim, y_ndim = (b.type_of(operand).ndim for operand in operands)
    x_free, y_free = (
        free_axes(*axes) for axes in zip((x_ndim, y_ndim), contract, batch, strict=True)
    )
    stacked = tuple(range(len(batch[0])))
    first = len(stacked) + len(x_free)
    product = b(
        "dot",
        g,
        operands[1],
        contract=(tuple(range(first, first + len(y_free))), y_free),
        batch=(stacked, batch[1]),
    )
    order = (*batch[0], *x_free, *_partners(contract[1], contract[0]))
    return b.transpose(product, tuple(order.index(axis) for axis in range(x_ndim)))


def _vjp_right(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, contract: Pair, batch: Pair
) -> Handle:
    """xᵀ · g: contract the free axes of x; what comes out is batch, contracted, free of y."""
    x_ndim, y_ndim = (b.type_of(operand).ndim for operand in operands)
    x_free, y_free = (
        free_axes(*axes) for axes in zip((x_ndim, y_ndim), contract, batch, strict=True)
    )
    stacked = tuple(range(len(batch[0])))
    first = len(stacked)
    product = b(
        "dot",
        operands[0],
        g,
        contract=(x_free, tuple(range(first, first + len(x_free)))),
        batch=(batch[0], stacked),
    )
    order = (*batch[1], *_partners(contract[0], contract[1]), *y_free)
    return b.transpose(product, tuple(order.index(axis) for axis in range(y_ndim)))


def _partners(these: Axes, those: Axes) -> Axes:
    """`those` axes, in the order of the axes of the other operand (`these`) that go with them."""
    return tuple(partner for _, partner in sorted(zip(these, those, strict=True)))


def _jvp_left(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, contract: Pair, batch: Pair
) -> Handle:
    return b("dot", g, operands[1], contract=contract, batch=batch)


def _jvp_right(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, contract: Pair, batch: Pair
) -> Handle:
    return b("dot", operands[0], g, contract=contract, batch=batch)


# --- batching ---


def _batch(
    b: Builder, operands: Operands, batched: tuple[bool, ...], *, contract: Pair, batch: Pair
) -> Handle:
    """Both batched: one batch axis more. One batched: that axis is a free one of the product."""
    shift = tuple(int(yes) for yes in batched)
    contract = (_shifted(contract[0], shift[0]), _shifted(contract[1], shift[1]))
    batch = (_shifted(batch[0], shift[0]), _shifted(batch[1], shift[1]))
    if all(batched):
        batch = ((0, *batch[0]), (0, *batch[1]))
    product = b("dot", *operands, contract=contract, batch=batch)
    if all(batched):
        return product
    position = len(batch[0])
    if batched[1]:
        position += len(free_axes(b.type_of(operands[0]).ndim, contract[0], batch[0]))
    axes = [axis for axis in range(b.type_of(product).ndim) if axis != position]
    return b.transpose(product, (position, *axes))


def _shifted(axes: Axes, by: int) -> Axes:
    return tuple(axis + by for axis in axes)


# --- the op ---


def _sample(
    dtype: str,
    left: tuple[int, ...],
    right: tuple[int, ...],
    contract: Pair,
    batch: Pair = ((), ()),
) -> Sample:
    types = (TensorType(dtype, left), TensorType(dtype, right))
    return Sample(types, {"contract": contract, "batch": batch})


register(
    Op(
        name="dot",
        arity=2,
        traits=frozenset({"contraction"}),
        infer=_infer,
        eval=_eval,
        vjp=(_vjp_left, _vjp_right),
        jvp=(_jvp_left, _jvp_right),
        batch=_batch,
        saves=("0", "1"),
        emit=None,
        samples=(
            _sample("f64", (2, 3), (3, 4), ((1,), (0,))),
            _sample("f32", (3, 2), (4, 3), ((0,), (1,))),
            _sample("f64", (3,), (3,), ((0,), (0,))),
            _sample("f64", (), (), ((), ())),
            _sample("f64", (2,), (3,), ((), ())),
            _sample("f32", (2, 3), (3,), ((1,), (0,))),
            _sample("f64", (5, 2, 3), (3, 5, 4), ((2,), (0,)), ((0,), (1,))),
            _sample("f64", (2, 3, 4, 5), (5, 2, 3), ((3, 1), (0, 2))),
            _sample("f64", (2, 2, 3, 2), (3, 2, 2, 4), ((2,), (0,)), ((3, 0), (2, 1))),
            _sample("f64", (2, 0), (0, 3), ((1,), (0,))),
            _sample("f32", (0, 2), (2, 3), ((1,), (0,))),
            _sample("i32", (2, 3), (3, 2), ((1,), (0,))),
            _sample("i64", (2, 3), (2, 3), ((1,), (1,)), ((0,), (0,))),
        ),
    )
)
