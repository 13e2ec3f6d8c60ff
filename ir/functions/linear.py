"""Products of matrices, by `dot`."""

from __future__ import annotations

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..types import TensorType


def matmul(b: Builder, x: Handle, y: Handle) -> Handle:
    """NumPy's `x @ y`: matrices stand in the last two axes, the others broadcast.

    A vector is a row on the left, and a column on the right.
    """
    left, right = b.type_of(x), b.type_of(y)
    _check_matmul(left, right)
    if left.ndim == 1 or right.ndim <= 2:
        return _left_stack(b, x, y, left, right)
    if left.ndim == 2:
        return _right_stack(b, x, y, right.ndim)
    return _both_stacks(b, x, y, left, right)


def _check_matmul(left: TensorType, right: TensorType) -> None:
    if left.ndim == 0 or right.ndim == 0:
        raise ShapeError(f"matmul: a scalar is no matrix, {left} @ {right}", hint="multiply with *")
    inner = right.shape[-2] if right.ndim > 1 else right.shape[0]
    if left.shape[-1] != inner:
        hint = "x @ w.T, or check the sizes" if left.shape[-1] == right.shape[-1] else ""
        raise ShapeError(f"matmul: inner sizes differ, {left} @ {right}", hint=hint)


def _left_stack(b: Builder, x: Handle, y: Handle, left: TensorType, right: TensorType) -> Handle:
    """One operand is a vector, or the right one has no stack: a single contraction in place."""
    inner = max(right.ndim - 2, 0)
    return b("dot", x, y, contract=((left.ndim - 1,), (inner,)), batch=((), ()))


def _right_stack(b: Builder, x: Handle, y: Handle, ndim: int) -> Handle:
    """A matrix times a stack: the rows come out first, and go to their place."""
    product = b("dot", x, y, contract=((1,), (ndim - 2,)), batch=((), ()))
    return b.transpose(product, (*range(1, ndim - 1), 0, ndim - 1))


def _both_stacks(b: Builder, x: Handle, y: Handle, left: TensorType, right: TensorType) -> Handle:
    stack = broadcast_shapes("matmul", left, right, left.shape[:-2], right.shape[:-2])
    x = b.broadcast(x, (*stack, *left.shape[-2:]))
    y = b.broadcast(y, (*stack, *right.shape[-2:]))
    axes, n = tuple(range(len(stack))), len(stack)
    return b("dot", x, y, contract=((n + 1,), (n,)), batch=(axes, axes))


def broadcast_shapes(
    name: str, left: TensorType, right: TensorType, a: tuple[int, ...], c: tuple[int, ...]
) -> tuple[int, ...]:
    """NumPy's broadcasting of two shapes, with an error that names both operands."""
    ndim = max(len(a), len(c))
    a, c = (1,) * (ndim - len(a)) + a, (1,) * (ndim - len(c)) + c
    if any(m != n and 1 not in (m, n) for m, n in zip(a, c, strict=True)):
        raise ShapeError(f"{name}: stacks do not broadcast, {left} and {right}")
    return tuple(n if m == 1 else m for m, n in zip(a, c, strict=True))


def linear(b: Builder, x: Handle, weight: Handle, bias: Handle | None = None) -> Handle:
    """x weightᵀ + bias; `weight` has shape [outputs, inputs], x any number of leading axes."""
    left, right = b.type_of(x), b.type_of(weight)
    if left.ndim == 0 or right.ndim not in (1, 2) or left.shape[-1] != right.shape[-1]:
        raise ShapeError(f"linear: inner sizes differ, {left} and weight {right}")
    contract = ((left.ndim - 1,), (right.ndim - 1,))
    product = b("dot", x, weight, contract=contract, batch=((), ()))
    if bias is None:
        return product
    return b.add(product, b.broadcast(bias, b.type_of(product).shape))
