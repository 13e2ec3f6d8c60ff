"""Legalisation of contractions: into products of matrices, or into kernels where tiny."""

from __future__ import annotations

import math
from collections import Counter

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..record import record
from .rewrite import rewrite

TINY_PRODUCT = 64  # multiplications up to which a product is a kernel, and fuses with others

MANY_ROWS = 64  # of a product: from here on, to transpose its right factor is little work
SMALL_FACTOR = 1 << 19  # bytes


@record
class DotShape:
    """A `dot` seen as a batch of matrix products, m×k times k×n."""

    batch: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    inner: tuple[int, ...]

    @property
    def multiplications(self) -> int:
        return math.prod((*self.batch, *self.rows, *self.columns, *self.inner))


def dot_shape(operation: Operation) -> DotShape:
    """The extents of the batch, row, column and inner axes of a `dot`."""
    x, y = operation.operands
    contract, batch = operation.attributes["contract"], operation.attributes["batch"]
    return DotShape(
        tuple(x.shape[a] for a in batch[0]),
        tuple(x.shape[a] for a in free_axes(x, contract[0], batch[0])),
        tuple(y.shape[a] for a in free_axes(y, contract[1], batch[1])),
        tuple(x.shape[a] for a in contract[0]),
    )


def free_axes(x: Value, contract: tuple[int, ...], batch: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a for a in range(x.type.ndim) if a not in contract and a not in batch)


def legalise_dots(graph: Graph) -> Graph:
    """Bring every `dot` into a form that can be emitted.

    Requires: no kernels. Ensures: the batch, free and inner axes of each operand stand together, in
    order, and the last axis is no batch axis; inner axes have one order in both; a transpose of the
    result is folded in where that puts the rows in front; products of few
    elements, of vectors, of integers and of unlike layouts are elementwise code and sums. Why: BLAS
    reads each such layout, so that most transposes cost nothing.
    """
    if not any(operation.name == "dot" for operation in graph):
        return graph
    uses = Counter(x for operation in graph for x in operation.operands)
    uses.update(graph.outputs)

    def rule(
        b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]
    ) -> tuple[Value, ...] | None:
        if operation.name == "transpose" and uses[operation.operands[0]] == 1:
            return _transposed(b, operation, operands[0])
        if operation.name != "dot" or operation.attributes.get("rows_first"):
            return None
        return _legalise_dot(b, operation, operands)

    return rewrite(graph, rule)


def _legalise_dot(
    b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]
) -> tuple[Value, ...]:
    shape = dot_shape(operation)
    vectors = not shape.inner or (not shape.rows and not shape.columns)
    if shape.multiplications <= TINY_PRODUCT or vectors or not operation.result.type.is_float:
        return (_as_sum(b, operation, operands),)
    (x, xs, xb), (y, ys, yb) = (
        _fold_transpose(
            operand, operation.attributes["contract"][side], operation.attributes["batch"][side]
        )
        for side, operand in enumerate(operands)
    )
    order = tuple(sorted(range(len(xs)), key=lambda i: xs[i]))  # inner axes as they lie in x
    xs, ys = tuple(xs[i] for i in order), tuple(ys[i] for i in order)
    x, xs, xb = _as_matrix(b, x, xs, xb)
    y, ys, yb = _as_matrix(b, y, ys, yb)
    if math.prod(shape.rows) >= MANY_ROWS and y.type.bytes <= SMALL_FACTOR:
        y, ys, yb = _by_columns(b, y, ys, yb)
    return (b("dot", x, y, contract=(xs, ys), batch=(xb, yb)),)


def _fold_transpose(
    operand: Value, contract: tuple[int, ...], batch: tuple[int, ...]
) -> tuple[Value, tuple[int, ...], tuple[int, ...]]:
    """Read through a transpose, where the free axes keep their order."""
    producer = operand.producer
    if producer is None or producer.name != "transpose":
        return operand, contract, batch
    permutation = producer.attributes["permutation"]
    free = [permutation[a] for a in free_axes(operand, contract, batch)]
    if free != sorted(free):
        return operand, contract, batch
    inside = producer.operands[0]
    return inside, tuple(permutation[a] for a in contract), tuple(permutation[a] for a in batch)


def _as_matrix(
    b: GraphBuilder, x: Value, contract: tuple[int, ...], batch: tuple[int, ...]
) -> tuple[Value, tuple[int, ...], tuple[int, ...]]:
    """Transpose x to (batch, free, inner), unless BLAS can read it as it is."""
    free = free_axes(x, contract, batch)
    axes = tuple(range(x.type.ndim))
    runs = sorted(run for run in (batch, free, contract) if run)
    if axes == tuple(a for run in runs for a in run) and runs[-1] != batch:
        return x, contract, batch
    x = b.transpose(x, (*batch, *free, *contract))
    start = len(batch) + len(free)
    return x, axes[start:], axes[: len(batch)]


def _by_columns(
    b: GraphBuilder, y: Value, contract: tuple[int, ...], batch: tuple[int, ...]
) -> tuple[Value, tuple[int, ...], tuple[int, ...]]:
    """Transpose a small right factor to (batch, inner, free), unless its columns are neighbours.

    It is read once for each row, and then best by whole vectors of columns.
    """
    free = free_axes(y, contract, batch)
    if not free or free[-1] == y.type.ndim - 1:
        return y, contract, batch
    axes = tuple(range(y.type.ndim))
    start = len(batch) + len(contract)
    return b.transpose(y, (*batch, *contract, *free)), axes[len(batch) : start], axes[: len(batch)]


def _transposed(b: GraphBuilder, operation: Operation, x: Value) -> tuple[Value, ...] | None:
    """A product with another order of its axes, where it can be written so at once."""
    producer = x.producer
    if producer is None or producer.name != "dot" or producer.attributes.get("rows_first"):
        return None
    permutation = operation.attributes["permutation"]
    return _swap_factors(b, producer, x, permutation) or _rows_first(b, producer, permutation)


def _rows_first(
    b: GraphBuilder, producer: Operation, permutation: tuple[int, ...]
) -> tuple[Value, ...] | None:
    """BLAS takes any distance between the rows of the result: they may stand before the batch."""
    shape = dot_shape(producer)
    start, middle = len(shape.batch), len(shape.batch) + len(shape.rows)
    axes = tuple(range(len(permutation)))
    if not start or permutation != (*axes[start:middle], *axes[:start], *axes[middle:]):
        return None
    return (b("dot", *producer.operands, **{**producer.attributes, "rows_first": True}),)


def _swap_factors(
    b: GraphBuilder, producer: Operation, x: Value, permutation: tuple[int, ...]
) -> tuple[Value, ...] | None:
    """A product whose rows are to be the last axis is the product of the factors swapped."""
    shape = dot_shape(producer)
    start, middle = len(shape.batch), len(shape.batch) + len(shape.rows)
    if not shape.columns or not start <= permutation[-1] < middle:
        return None
    contract, batch = producer.attributes["contract"], producer.attributes["batch"]
    left, right = producer.operands
    swapped = b("dot", right, left, contract=contract[::-1], batch=batch[::-1])
    axes = range(x.type.ndim)  # where each axis of the old product is in the new one
    moved = (*axes[:start], *axes[-len(shape.rows) :], *axes[start : start + len(shape.columns)])
    left_over = tuple(moved[a] for a in permutation)
    return _rows_first(b, swapped.producer, left_over) or (b.transpose(swapped, left_over),)


def _as_sum(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value:
    """Σ_k x[…k] · y[…k] with axes (batch, rows, columns, inner), written out."""
    contract, batch = operation.attributes["contract"], operation.attributes["batch"]
    shape = dot_shape(operation)
    full = (*shape.batch, *shape.rows, *shape.columns, *shape.inner)
    aligned = []
    for side, x in enumerate(operands):
        free = free_axes(x, contract[side], batch[side])
        x = b.transpose(x, (*batch[side], *free, *contract[side]))
        rows = shape.rows if side == 0 else (1,) * len(shape.rows)
        columns = shape.columns if side == 1 else (1,) * len(shape.columns)
        aligned.append(
            b.broadcast(b.reshape(x, (*shape.batch, *rows, *columns, *shape.inner)), full)
        )
    first = len(full) - len(shape.inner)
    return b.sum(b.mul(*aligned), range(first, len(full)))
