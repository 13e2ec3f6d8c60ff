"""Which operations of a fused graph work row by row, and what they do on a block of rows.

Rows are the first axis. A kernel has them as the first axis of its domain. A product has them as
rows of its result, as its batch, or as what it sums over; those that do so much arithmetic on a row
that memory is not what they wait for are left to themselves, as BLAS does large products best.
"""

from __future__ import annotations

from typing import Any

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..types import TensorType
from ..view import View
from .legalise import dot_shape, free_axes

MOST_FLOPS = 64  # of a product, for each element of a row that it reads or writes
LARGEST_WHOLE = 1 << 19  # bytes of what a product needs whole, or adds up, beside its rows


def reads_of(operation: Operation, rows: int) -> tuple[str, ...] | None:
    """How each operand is read: its own "rows", or "whole"; None where a row needs others."""
    if operation.name == "kernel":
        return _reads_of_kernel(operation, rows)
    return _reads_of_dot(operation, rows) if operation.name == "dot" else None


def yields_of(operation: Operation) -> tuple[str, ...]:
    """For each result of an operation by rows: the block's "rows", or one of these combined, by
    "block" or, where that is large, by "chunk" of blocks.
    """
    if operation.name == "kernel":
        return tuple("block" if 0 in axes else "rows" for _, _, axes in _yields(operation))
    return ("chunk" if 0 in operation.attributes["contract"][0] else "rows",)


def append_block(
    builder: GraphBuilder, operation: Operation, operands: tuple[Value, ...], block: int
) -> tuple[Value, ...]:
    """The results of an operation by rows on `block` of them."""
    builder.location, builder.note = operation.location, operation.note
    if operation.name == "dot":
        return builder.append(operation.op, operands, dict(operation.attributes)).results
    domain = operation.attributes["domain"]
    views = [row_view(View(domain, *view), block) for view in operation.attributes["views"]]
    attributes = {
        **operation.attributes,
        "domain": (block, *domain[1:]),
        "views": tuple((view.offset, view.strides, view.bounds) for view in views),
    }
    body = _clone(operation.regions[0])
    return builder.append(operation.op, operands, attributes, (body,)).results


def with_axis_first(
    builder: GraphBuilder, kernel: Operation, operands: tuple[Value, ...], axis: int
) -> tuple[Value, ...]:
    """The results of a kernel, which reduces them all over `axis`, with that as its first axis."""
    rank = len(kernel.attributes["domain"])
    order = (axis, *(a for a in range(rank) if a != axis))

    def moved(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(items[a] for a in order)

    attributes = {
        **kernel.attributes,
        "domain": moved(kernel.attributes["domain"]),
        "views": tuple(
            (offset, moved(strides), None if bounds is None else moved(bounds))
            for offset, strides, bounds in kernel.attributes["views"]
        ),
        "yields": tuple(
            (kind, dtype, tuple(sorted(order.index(a) for a in axes)))
            for kind, dtype, axes in _yields(kernel)
        ),
    }
    body = _clone(kernel.regions[0])
    return builder.append(kernel.op, operands, attributes, (body,)).results


def work_on_row(operation: Operation, rows: int) -> int:
    """A measure of the time that a row takes: elements touched, or groups of multiplications."""
    values = (*operation.operands, *operation.results)
    touched = max(value.type.size for value in values)
    if operation.name == "dot":
        touched = max(touched, dot_shape(operation).multiplications // 16)
    return max(touched // rows, 1)


# --- kernels ---


def _yields(kernel: Operation) -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    found: tuple[tuple[str, str, tuple[int, ...]], ...] = kernel.attributes["yields"]
    return found


def _reads_of_kernel(kernel: Operation, rows: int) -> tuple[str, ...] | None:
    domain = kernel.attributes["domain"]
    if not domain or domain[0] != rows:
        return None
    if any(axis == 0 for axis, _ in kernel.attributes["indices"]):
        return None
    if any(kind == "scatter" for kind, _, _ in kernel.attributes["yields"]):
        return None
    found = []
    for operand, view in zip(kernel.operands, kernel.attributes["views"], strict=True):
        how = _how(operand.type, View(domain, *view))
        if how is None:
            return None
        found.append(how)
    return tuple(found)


def _how(operand: TensorType, view: View) -> str | None:
    rows, stride = view.shape[0], view.strides[0]
    if view.bounds is not None and (view.bounds[0][0] > 0 or view.bounds[0][1] < rows):
        return None
    if stride == 0:
        return "whole"
    if operand.shape[0] % rows or operand.size != rows * stride:
        return None
    row = row_view(view, 1).reads()
    return "rows" if row is None or (row[0] >= 0 and row[1] < stride) else None


def row_view(view: View, block: int) -> View:
    """The view of `block` rows in those rows."""
    bounds = None if view.bounds is None else ((0, block), *view.bounds[1:])
    return View((block, *view.shape[1:]), view.offset, view.strides, bounds)


def _clone(body: Graph) -> Graph:
    """The same code with values of its own."""
    builder = GraphBuilder(body.name)
    values = {x: builder.input(x.type, x.name) for x in body.inputs}
    for operation in body:
        builder.location, builder.note = operation.location, operation.note
        results = builder.copy(operation, tuple(values[x] for x in operation.operands))
        values.update(zip(operation.results, results, strict=True))
    return builder.build([values[x] for x in body.outputs])


# --- products ---


def _reads_of_dot(dot: Operation, rows: int) -> tuple[str, ...] | None:
    x, y = dot.operands
    (inner, other_inner), batch = dot.attributes["contract"], dot.attributes["batch"]
    if not x.shape or x.shape[0] != rows or not _waits_for_memory(dot, rows):
        return None
    if 0 in inner:
        summed_by_rows = other_inner[inner.index(0)] == 0
        small = dot.result.type.bytes <= LARGEST_WHOLE
        return ("rows", "rows") if summed_by_rows and small else None
    rows_first = dot.attributes.get("rows_first", False)
    if 0 in batch[0]:
        first = batch[0][0] == batch[1][0] == 0 and not (rows_first and dot_shape(dot).rows)
        return ("rows", "rows") if first else None
    first = free_axes(x, inner, batch[0])[0] == 0 and (rows_first or not batch[0])
    return ("rows", "whole") if first and y.type.bytes <= LARGEST_WHOLE else None


def _waits_for_memory(dot: Operation, rows: int) -> bool:
    shape = dot_shape(dot)
    if not rows or not shape.multiplications:
        return False
    by_rows = sum(x.type.size for x in (*dot.operands, dot.result) if rows in x.shape)
    return 2 * shape.multiplications <= MOST_FLOPS * by_rows
