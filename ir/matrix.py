"""Words about matrices in the last two axes, for derivative rules and compositions."""

from __future__ import annotations

from .builder import Builder, Handle
from .types import TensorType


def transposed(b: Builder, x: Handle) -> Handle:
    ndim = len(b.type_of(x).shape)
    return b.transpose(x, (*range(ndim - 2), ndim - 1, ndim - 2))


def multiply(b: Builder, x: Handle, y: Handle) -> Handle:
    """The products of two stacks of matrices of one stack shape."""
    n = len(b.type_of(x).shape) - 2
    stack = tuple(range(n))
    return b("dot", x, y, contract=((n + 1,), (n,)), batch=(stack, stack))


def rows(b: Builder, x: Handle, start: int, stop: int) -> Handle:
    shape = b.type_of(x).shape
    lead = len(shape) - 2
    return b.slice(x, (*[0] * lead, start, 0), (*shape[:lead], stop, shape[-1]))


def columns(b: Builder, x: Handle, start: int, stop: int) -> Handle:
    shape = b.type_of(x).shape
    lead = len(shape) - 1
    return b.slice(x, (*[0] * lead, start), (*shape[:lead], stop))


def compare_places(b: Builder, predicate: str, shape: tuple[int, ...], offset: int = 0) -> Handle:
    """Truth values: row + offset, compared with column."""
    axis = len(shape) - 2
    row = b("iota", dtype="i64", shape=shape, axis=axis)
    column = b("iota", dtype="i64", shape=shape, axis=axis + 1)
    row = b.add(row, b.full_like(row, offset)) if offset else row
    return b.compare(predicate, row, column)


def identity(b: Builder, type: TensorType) -> Handle:
    """Ones on the diagonal of each matrix."""
    return b.cast(compare_places(b, "eq", type.shape), type.dtype)


def triangle(b: Builder, x: Handle, offset: int) -> Handle:
    """The lower triangle, up to the diagonal `offset`; zeros above."""
    kept = compare_places(b, "ge", b.type_of(x).shape, offset)
    return b.select(kept, x, b.zeros_like(x))


def upper_triangle(b: Builder, x: Handle, offset: int) -> Handle:
    """The upper triangle, from the diagonal `offset` on; zeros below."""
    kept = compare_places(b, "le", b.type_of(x).shape, offset)
    return b.select(kept, x, b.zeros_like(x))


def halved_lower(b: Builder, x: Handle) -> Handle:
    """The lower triangle with half of the diagonal."""
    shape = b.type_of(x).shape
    low = triangle(b, x, 0)
    return b.select(compare_places(b, "eq", shape), b.scale(low, 0.5), low)


def symmetric(b: Builder, x: Handle) -> Handle:
    return b.scale(b.add(x, transposed(b, x)), 0.5)


def minus_transposed(b: Builder, x: Handle) -> Handle:
    return b.sub(x, transposed(b, x))


def diagonal(b: Builder, x: Handle) -> Handle:
    """The diagonals of square matrices."""
    type = b.type_of(x)
    on = compare_places(b, "eq", type.shape)
    return b.sum(b.select(on, x, b.zeros_like(x)), (type.ndim - 2,))


def on_diagonal(b: Builder, row: Handle) -> Handle:
    """Square matrices with the rows [1, n] on their diagonals."""
    *stack, _, n = b.type_of(row).shape
    wide = b.broadcast(row, (*stack, n, n))
    return b.select(compare_places(b, "eq", (*stack, n, n)), wide, b.zeros_like(wide))


def scale_columns(b: Builder, x: Handle, row: Handle) -> Handle:
    """x · diag(row), for a row [1, n]."""
    return b.mul(x, b.broadcast(row, b.type_of(x).shape))


def scale_rows(b: Builder, x: Handle, row: Handle) -> Handle:
    """diag(row) · x, for a row [1, n]."""
    return b.mul(x, b.broadcast(transposed(b, row), b.type_of(x).shape))


def divide_apart(b: Builder, x: Handle, row: Handle) -> Handle:
    """x_ij / (row_j - row_i), and 0 on the diagonal.

    Elsewhere 0 / 0 is 0, but another number over 0 is infinite: what turns vectors that belong to
    equal values has no derivative, and that must show.
    """
    shape = b.type_of(x).shape
    gap = b.sub(b.broadcast(row, shape), b.broadcast(transposed(b, row), shape))
    on = compare_places(b, "eq", shape)
    return divide_or_zero(b, b.select(on, b.zeros_like(x), x), gap)


def divide_or_zero(b: Builder, x: Handle, y: Handle) -> Handle:
    """x / y, where 0 / 0 is 0."""
    both = b("logical_and", *(b.compare("eq", z, b.zeros_like(z)) for z in (x, y)))
    quotient = b.div(x, b.select(both, b.full_like(y, 1), y))
    return b.select(both, b.zeros_like(quotient), quotient)
