"""The matrix products that a `dot` stands for, and how their factors lie in memory."""

from __future__ import annotations

import math

from ...ir import Operation
from ...ir.passes.legalise import dot_shape, free_axes
from ...ir.record import record
from ...ir.view import row_major_strides
from ..emitter import Reg


@record
class Factor:
    """How the matrices of one side lie: elements from one row as stored to the next (`leading`),
    and from one matrix to the next (`step`). A transposed one lies as k×m or n×k.
    """

    transposed: bool
    leading: int
    step: int


@record
class Product:
    """`count` products of an m×k by a k×n matrix."""

    dtype: str
    count: int
    m: int
    n: int
    k: int
    left: Factor
    right: Factor
    result: Factor

    @property
    def extents(self) -> tuple[int, int, int, int]:
        return self.count, self.m, self.n, self.k

    @property
    def flops(self) -> int:
        """Of one product."""
        return 2 * self.m * self.n * self.k

    @property
    def elements(self) -> int:
        """What one product reads and writes."""
        return self.m * self.k + self.k * self.n + self.m * self.n


@record
class Tile:
    """A part of a product: c += a·b, where `rows`×`depth` and `depth`×`columns` begin at a and b.

    `inner` is where it begins along the inner axis: at 0, c is not read.
    """

    a: str
    b: str
    c: str
    rows: Reg
    columns: Reg
    depth: Reg
    inner: Reg


def product_of(operation: Operation) -> Product:
    """The matrix products that a legalised `dot` stands for."""
    shape = dot_shape(operation)
    count, m, n = (math.prod(axes) for axes in (shape.batch, shape.rows, shape.columns))
    rows_first = operation.attributes.get("rows_first", False)
    return Product(
        operation.result.dtype,
        count,
        m,
        n,
        math.prod(shape.inner),
        _factor(operation, 0),
        _factor(operation, 1),
        Factor(False, count * n, n) if rows_first else Factor(False, n, m * n),
    )


def _factor(operation: Operation, side: int) -> Factor:
    x = operation.operands[side]
    inner, batch = operation.attributes["contract"][side], operation.attributes["batch"][side]
    free, strides = free_axes(x, inner, batch), row_major_strides(x.shape)
    by_free = bool(free) and free[-1] == x.type.ndim - 1  # neighbours are along the free axes
    vector = 1 if side else math.prod(x.shape[a] for a in inner)  # k×1 or 1×k
    return Factor(
        transposed=by_free if side == 0 else bool(free) and not by_free,
        leading=strides[(inner if by_free else free)[-1]] if free else vector,
        step=strides[batch[-1]] if batch else 0,
    )
