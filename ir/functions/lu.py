"""Triangular factors by elimination, of matrices whose rows are in the order of their pivots."""

from __future__ import annotations

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


def factors(b: Builder, x: Handle, order: Handle) -> Handle:
    """The packed factors of x with its rows in `order`."""
    return eliminated(b, permuted(b, x, order))


def lower_of(b: Builder, packed: Handle) -> Handle:
    """L [m, k]: ones on the diagonal."""
    m, n = b.type_of(packed).shape[-2:]
    low = triangle(b, columns(b, packed, 0, min(m, n)), -1)
    return b.add(low, identity(b, b.type_of(low)))


def upper_of(b: Builder, packed: Handle) -> Handle:
    """U [k, n]."""
    m, n = b.type_of(packed).shape[-2:]
    return upper_triangle(b, rows(b, packed, 0, min(m, n)), 0)


def split(b: Builder, x: Handle, order: Handle) -> tuple[Handle, Handle]:
    """L and U of x with its rows in `order`."""
    packed = factors(b, x, order)
    return lower_of(b, packed), upper_of(b, packed)


def solved(
    b: Builder, packed: Handle, order: Handle, back: Handle, c: Handle, *, left: bool, adjoint: bool
) -> Handle:
    """The y with A y = c, or Aᵀ y = c, or (not `left`) y A = c, given the packed factors of A.

    `order` are the rows of A in the order of its pivots, `back` is the inverse permutation.
    """
    if not left:
        turned = solved(b, packed, order, back, transposed(b, c), left=True, adjoint=not adjoint)
        return transposed(b, turned)
    low, up = lower_of(b, packed), upper_of(b, packed)
    if not adjoint:
        half = b("solve_triangular", low, permuted(b, c, order), upper=False)
        return b("solve_triangular", up, half, upper=True)
    half = b("solve_triangular", transposed(b, up), c, upper=False)
    return permuted(b, b("solve_triangular", transposed(b, low), half, upper=True), back)
