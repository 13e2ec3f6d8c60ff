"""Triangular factors by elimination, of matrices whose rows are in the order of their pivots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..matrix import columns, identity, rows, transposed, triangle, upper_triangle
from .order import take_along


def eliminated(b: Builder, x: Handle) -> Handle:
    """L and U with x = L U, packed: U on and above the diagonal, L (with ones on its own) below.

    Column by column, so that derivatives of every order come from those of the steps. A pivot that
    is 0 has only zeros below.
    """
    *stack, m, n = b.type_of(x).shape
    upper, lower = [], []
    rest = x
    for _ in range(min(m, n)):
        height, width = b.type_of(rest).shape[-2:]
        row = rows(b, rest, 0, 1)
        pivot = columns(b, row, 0, 1)
        zero = b.compare("eq", pivot, b.zeros_like(pivot))
        divisor = b.select(zero, b.full_like(pivot, 1), pivot)
        below = columns(b, rows(b, rest, 1, height), 0, 1)
        factor = b.div(below, b.broadcast(divisor, (*stack, height - 1, 1)))
        upper.append(row)
        lower.append(factor)
        right = columns(b, rows(b, rest, 1, height), 1, width)
        shape = (*stack, height - 1, width - 1)
        step = b.broadcast(columns(b, row, 1, width), shape)
        rest = b.sub(right, b.mul(b.broadcast(factor, shape), step))
    return _packed(b, upper, lower, rest)


def _packed(b: Builder, upper: list[Handle], lower: list[Handle], rest: Handle) -> Handle:
    """The rows and columns of the steps around what the last one left."""
    whole, axis = rest, len(b.type_of(rest).shape) - 2
    for row, column in zip(reversed(upper), reversed(lower), strict=True):
        whole = b.concatenate([row, b.concatenate([column, whole], axis + 1)], axis)
    return whole


def permuted(b: Builder, x: Handle, order: Handle) -> Handle:
    """The rows of each matrix in the order of the stack of vectors `order`."""
    *stack, m, n = b.type_of(x).shape
    places = b.broadcast(b.reshape(order, (*stack, m, 1)), (*stack, m, n))
    return take_along(b, x, places, axis=len(stack))


def order_of(
    b: Builder, x: Handle, *, pivot: bool, check: bool = False
) -> tuple[Handle, Handle, Handle]:
    """The order of the rows, with which row each of the first was exchanged, and the first pivot
    (from 1) that is 0; all i64.
    """
    *stack, m, n = b.type_of(x).shape
    k = min(m, n)
    packed = b("lu_order", x, pivot=pivot, check=check)
    failed = b.reshape(columns(b, packed, m + k, m + k + 1), tuple(stack))
    return columns(b, packed, 0, m), columns(b, packed, m, m + k), failed


def factors(
    b: Builder, x: Handle, *, pivot: bool, check: bool = False
) -> tuple[Handle, Handle, Handle]:
    """L and U packed; the exchanges of rows, from 1, and the first pivot that is 0, both i32."""
    order, exchanges, failed = order_of(b, x, pivot=pivot, check=check)
    packed = eliminated(b, permuted(b, x, order))
    pivots = b.cast(b.add(exchanges, b.full_like(exchanges, 1)), "i32")
    return packed, pivots, b.cast(failed, "i32")


def order_by(b: Builder, pivots: Handle, m: int) -> Handle:
    """The order of m rows that exchanges, counted from 1, make one after the other."""
    *stack, k = b.type_of(pivots).shape
    shape, axis = (*stack, m), len(stack)
    place = order = b("iota", dtype="i64", shape=shape, axis=axis)
    pivots = b.cast(pivots, "i64")
    for j in range(k):
        here = b.broadcast(columns(b, order, j, j + 1), shape)
        at = b.broadcast(columns(b, pivots, j, j + 1), shape)
        other = b.compare("eq", place, b.sub(at, b.full_like(at, 1)))
        there = b.sum(b.select(other, order, b.zeros_like(order)), (axis,))
        there = b.broadcast(b.reshape(there, (*stack, 1)), shape)
        mine = b.compare("eq", place, b.full_like(place, j))
        order = b.select(other, here, b.select(mine, there, order))
    return order


def permutation(b: Builder, order: Handle, dtype: str) -> Handle:
    """The matrices that undo `order`: P with P x' = x, where x' has the rows of x in `order`."""
    *stack, m = b.type_of(order).shape
    shape = (*stack, m, m)
    row = b("iota", dtype="i64", shape=shape, axis=len(stack))
    wide = b.broadcast(b.reshape(order, (*stack, 1, m)), shape)
    return b.cast(b.compare("eq", row, wide), dtype)


def lower_of(b: Builder, packed: Handle) -> Handle:
    """L [m, k]: ones on the diagonal."""
    m, n = b.type_of(packed).shape[-2:]
    low = triangle(b, columns(b, packed, 0, min(m, n)), -1)
    return b.add(low, identity(b, b.type_of(low)))


def upper_of(b: Builder, packed: Handle) -> Handle:
    """U [k, n]."""
    m, n = b.type_of(packed).shape[-2:]
    return upper_triangle(b, rows(b, packed, 0, min(m, n)), 0)


def lu(b: Builder, x: Handle, *, pivot: bool) -> tuple[Handle, ...]:
    """P, L and U with x = P L U; without `pivot` L and U, with x = L U."""
    order, _, _ = order_of(b, x, pivot=pivot)
    packed = eliminated(b, permuted(b, x, order))
    parts = lower_of(b, packed), upper_of(b, packed)
    return (permutation(b, order, b.type_of(x).dtype), *parts) if pivot else parts


def unpacked(b: Builder, packed: Handle, *pivots: Handle, data: bool) -> tuple[Handle, ...]:
    """Of packed factors: P, where `pivots` are given, and (`data`) L and U."""
    type = b.type_of(packed)
    parts = [permutation(b, order_by(b, each, type.shape[-2]), type.dtype) for each in pivots]
    return (*parts, lower_of(b, packed), upper_of(b, packed)) if data else tuple(parts)


def solved(
    b: Builder, packed: Handle, pivots: Handle, c: Handle, *, left: bool, adjoint: bool
) -> Handle:
    """The y with A y = c, or Aᵀ y = c, or (not `left`) y A = c, given `factors` of A. The stacks
    broadcast.
    """
    n, right = b.type_of(packed).shape[-1], b.type_of(c).shape
    order = order_by(b, pivots, n)
    stack = np.broadcast_shapes(
        b.type_of(packed).shape[:-2], b.type_of(order).shape[:-1], right[:-2]
    )
    packed, c = b.broadcast(packed, (*stack, n, n)), b.broadcast(c, (*stack, *right[-2:]))
    if not left:
        c, adjoint = transposed(b, c), not adjoint
    found = _solved(b, packed, b.broadcast(order, (*stack, n)), c, adjoint)
    return found if left else transposed(b, found)


def _solved(b: Builder, packed: Handle, order: Handle, c: Handle, adjoint: bool) -> Handle:
    low, up = lower_of(b, packed), upper_of(b, packed)
    if not adjoint:
        half = b("solve_triangular", low, permuted(b, c, order), upper=False)
        return b("solve_triangular", up, half, upper=True)
    half = b("solve_triangular", transposed(b, up), c, upper=False)
    back = b("argsort", order, axis=len(b.type_of(order).shape) - 1, descending=False)
    return permuted(b, b("solve_triangular", transposed(b, low), half, upper=True), back)


def reported(
    b: Builder, x: Handle, *others: Handle, of: Callable[..., Handle], kind: str, **static: Any
) -> tuple[Handle, Handle]:
    """The function `of` matrices, and where the factorisation `kind` of each fails (i32; 0 where it
    does not). Those that fail are replaced by the identity first.
    """
    failed = b("failure", x, of=kind)
    bad = b.compare("ne", failed, b.zeros_like(failed))
    shape = b.type_of(x).shape
    bad = b.broadcast(b.reshape(bad, (*shape[:-2], 1, 1)), shape)
    safe = b.select(bad, identity(b, b.type_of(x)), x)
    return of(b, safe, *others, **static), b.cast(failed, "i32")
