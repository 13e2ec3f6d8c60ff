"""Small axes unrolled: an array of 3-vectors becomes three arrays of numbers.

What a program does along an axis of a few elements (a cross product, a norm, slices put together
again, a product with a small matrix, rows taken by index) is then plain arithmetic between parts,
which fusion joins into one loop over the large axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..ops.kernel import REDUCTIONS
from .legalise import dot_shape
from .parts import (
    MOST_PARTS,
    RULES,
    SMALL,
    Parts,
    Unrolled,
    count_parts,
    elementwise,
    large_axes,
    large_shape,
    small_shape,
)

MOST_OPERATIONS = 2048  # that the operations which depend on each other become
MOST_PRODUCTS = 128  # multiplications of a small product for each point
FOLD = 10.5  # elements that are moved in the time in which the lanes of a row are added up
FULL_FOLD = 8.0  # and those of a row that is whole vectors, and needs no mask
VECTOR = 8  # elements
LEAST_SAVED = 1 << 13  # elements that need not move, for which it is worth more code


def unroll_small_axes(graph: Graph, small: int = SMALL, least: float = LEAST_SAVED) -> Graph:
    """Compute with the parts of tensors that have axes of up to `small` elements.

    Requires: no kernels. Ensures: same values, but for -0 where a pad's zero is added to it; where
    axes go, at least `least` elements less are moved. Why: code along a small axis fills no vector,
    and every change between it and the large ones goes through memory.
    """
    chosen = _chosen(graph, small, least)
    return _Writer(graph, chosen, small).write() if chosen else graph


# --- which operations ---


def _chosen(graph: Graph, small: int, least: float) -> set[Operation]:
    """The operations to unroll: groups that hand parts to each other, where that pays."""
    candidates = {operation for operation in graph if _is_candidate(operation, small)}
    if not candidates:
        return candidates
    groups = _connected(graph, candidates, small)
    outputs, readers = set(graph.outputs), _readers(graph)
    chosen = set()
    for group in groups:
        size = sum(_count(operation, small) for operation in group)
        if size > MOST_OPERATIONS:
            continue
        members = set(group)
        saved = sum(_saved(operation, members, small) for operation in group)
        moved = _moved(group, members, outputs, readers, small)
        points = max(math.prod(large_shape(x.result.shape, small)) for x in group)
        if (saved - moved) * points >= least:
            chosen |= members
    return chosen


def _is_candidate(operation: Operation, small: int) -> bool:
    values = (*operation.operands, *operation.results)
    if len(operation.results) != 1 or any(not x.type.size for x in values):
        return False
    if not any(large_axes(x.shape, small) for x in values):
        return False
    if operation.name in ("gather", "scatter_add"):
        return _takes_rows(operation, small)
    if any(count_parts(x.shape, small) > MOST_PARTS for x in values):
        return False
    if operation.op.elementwise:
        return True
    condition = _CONDITIONS.get(operation.name)
    return condition is not None and condition(operation, small)


def _takes_rows(operation: Operation, small: int) -> bool:
    """A gather or scatter of few numbers for each index."""
    axis, gathers = operation.attributes["axis"], operation.name == "gather"
    table = operation.operands[0] if gathers else operation.result
    indices = operation.operands[1 if gathers else 0]
    picked = operation.result if gathers else operation.operands[1]
    others = [extent for a, extent in enumerate(table.shape) if a != axis]
    return (
        bool(large_axes(indices.shape, small))
        and all(extent <= small for extent in others)
        and count_parts(picked.shape, small) <= MOST_PARTS
        and table.dtype != "bool"
    )


def _keeps_axes(operation: Operation, small: int) -> bool:
    """Is each axis large before and after, or small?"""
    large = large_axes(operation.result.shape, small)
    return all(large_axes(x.shape, small) == large for x in operation.operands)


def _keeps_order(operation: Operation, small: int) -> bool:
    """A reshape of small axes between large ones that stay."""
    return _runs(operation.operands[0].shape, small) == _runs(operation.result.shape, small)


def _runs(shape: tuple[int, ...], small: int) -> list[int]:
    """The extents of large axes, and between them the elements of the small ones."""
    runs = [1]
    for extent in shape:
        if extent > small:
            runs += [extent, 1]
        else:
            runs[-1] *= extent
    return runs


def _joins_small(operation: Operation, small: int) -> bool:
    axis = operation.attributes["axis"]
    return _keeps_axes(operation, small) and operation.result.shape[axis] <= small


def _sums_numbers(operation: Operation, small: int) -> bool:
    return operation.result.dtype != "bool" and operation.operands[0].dtype != "bool"


def _is_small_product(operation: Operation, small: int) -> bool:
    """One large axis, and few multiplications for each of its elements."""
    shape = dot_shape(operation)
    extents = (*shape.batch, *shape.rows, *shape.columns, *shape.inner)
    few = math.prod(n for n in extents if n <= small) <= MOST_PRODUCTS
    return few and sum(n > small for n in extents) == 1 and operation.result.type.is_float


_CONDITIONS: dict[str, Callable[[Operation, int], bool]] = {
    "constant": lambda operation, small: True,
    "iota": lambda operation, small: True,
    "broadcast": lambda operation, small: True,
    "reshape": _keeps_order,
    "transpose": lambda operation, small: True,
    "slice": _keeps_axes,
    "reverse": lambda operation, small: True,
    "pad": _keeps_axes,
    "concatenate": _joins_small,
    "cumsum": lambda operation, small: (
        operation.result.shape[operation.attributes["axis"]] <= small
    ),
    "dot": _is_small_product,
    **dict.fromkeys(REDUCTIONS, _sums_numbers),
}


def _is_split(x: Value, small: int) -> bool:
    """Has it several parts?"""
    return count_parts(x.shape, small) > 1 and bool(large_axes(x.shape, small))


def _connected(graph: Graph, candidates: set[Operation], small: int) -> list[list[Operation]]:
    """Candidates that hand values of several parts to each other."""
    parent = {operation: operation for operation in candidates}

    def find(operation: Operation) -> Operation:
        while parent[operation] is not operation:
            parent[operation] = parent[parent[operation]]
            operation = parent[operation]
        return operation

    first: dict[Value, Operation] = {}
    for operation in graph:
        if operation not in candidates:
            continue
        for x in operation.operands:
            if x.producer in candidates:
                parent[find(operation)] = find(x.producer)
            elif _is_split(x, small):
                parent[find(operation)] = find(first.setdefault(x, operation))
    groups: dict[Operation, list[Operation]] = {}
    for operation in graph:
        if operation in candidates:
            groups.setdefault(find(operation), []).append(operation)
    return list(groups.values())


def _readers(graph: Graph) -> dict[Value, list[Operation]]:
    readers: dict[Value, list[Operation]] = {}
    for operation in graph:
        for x in dict.fromkeys(operation.operands):
            readers.setdefault(x, []).append(operation)
    return readers


def _count(operation: Operation, small: int) -> int:
    """How many operations it becomes."""
    if operation.name == "dot":
        shape = dot_shape(operation)
        extents = (*shape.batch, *shape.rows, *shape.columns, *shape.inner)
        return 2 * math.prod(n for n in extents if n <= small)
    return max(count_parts(x.shape, small) for x in (*operation.operands, operation.result))


def _saved(operation: Operation, members: set[Operation], small: int) -> float:
    """Elements a point that would go through memory, or sideways through vectors."""
    if operation.name in ("gather", "scatter_add"):
        return (
            2.0 * count_parts(operation.operands[1].shape, small)
            if (operation.name == "scatter_add")
            else 2.0 * count_parts(operation.result.shape, small)
        )
    if operation.name == "dot":
        return float(_count(operation, small))
    x = operation.operands[0] if operation.operands else operation.result
    if not _is_split(x, small) and not _is_split(operation.result, small):
        return 0.0
    if operation.name in REDUCTIONS:
        folded = [x.shape[a] for a in operation.attributes["axes"] if x.shape[a] <= small]
        row = math.prod(folded)
        fold = FOLD if row % VECTOR else FULL_FOLD
        return count_parts(x.shape, small) / row * min(2.0 * row, fold) if row > 1 else 0.0
    if operation.name == "slice":
        computed = x.producer in members and x.shape != operation.result.shape
        return float(count_parts(operation.result.shape, small)) if computed else 0.0
    if operation.name in ("pad", "concatenate", "cumsum"):
        return 2.0 * count_parts(operation.result.shape, small)
    return 0.0


def _moved(
    group: list[Operation],
    members: set[Operation],
    outputs: set[Value],
    readers: dict[Value, list[Operation]],
    small: int,
) -> float:
    """Elements a point that are read and written part by part, where rows would do."""
    moved = 0.0
    for x in dict.fromkeys(x for operation in group for x in operation.operands):
        if x.producer not in members and _is_split(x, small):
            moved += count_parts(x.shape, small) * (1.0 if _is_product(x.producer) else 0.5)
    for operation in group:
        x = operation.result
        users = [user for user in readers.get(x, ()) if user not in members]
        if (not users and x not in outputs) or not _is_split(x, small):
            continue
        if operation.name not in ("constant", "scatter_add"):
            moved += count_parts(x.shape, small) * (2.0 if any(map(_is_product, users)) else 1.0)
    return moved


def _is_product(operation: Operation | None) -> bool:
    """It shares its rows with what is computed beside it, as long as they are whole."""
    return operation is not None and operation.name == "dot"


# --- writing ---


class _Writer:
    """Rebuilds a graph with the chosen operations in parts."""

    def __init__(self, graph: Graph, chosen: set[Operation], small: int) -> None:
        self.graph, self.chosen, self.small = graph, chosen, small
        self.b = GraphBuilder(graph.name)
        self.b.inputs = list(graph.inputs)
        self.u = Unrolled(self.b, small)
        self.wholes: dict[Value, Value] = {x: x for x in graph.inputs}
        self.parts: dict[Value, Parts] = {}

    def write(self) -> Graph:
        for operation in self.graph:
            self.b.location, self.b.note = operation.location, operation.note
            if operation not in self.chosen:
                operands = tuple([self._whole(x) for x in operation.operands])
                results = self.b.keep(operation, operands)
                self.wholes.update(zip(operation.results, results, strict=True))
            elif operation.name == "gather":
                self.parts[operation.result] = self._gather(operation)
            elif operation.name == "scatter_add":
                self.wholes[operation.result] = self._scatter_add(operation)
            else:
                rule = RULES.get(operation.name, elementwise)
                split = [self._split(x) for x in operation.operands]
                self.parts[operation.result] = rule(self.u, operation, split)
        return self.b.build([self._whole(x) for x in self.graph.outputs])

    def _whole(self, x: Value) -> Value:
        if x not in self.wholes:
            self.wholes[x] = self.u.whole(x, self.parts[x])
        return self.wholes[x]

    def _split(self, x: Value) -> Parts:
        if x not in self.parts:
            self.parts[x] = self.u.split(self.wholes[x])
        return self.parts[x]

    def _indices(self, x: Value) -> Parts:
        type = self.u.part_type(x)
        return self.u.parts_like(x, [self.u.real(p, type) for p in self._split(x).ravel()])

    def _gather(self, operation: Operation) -> Parts:
        """A column of the table for each of the other axes' elements, looked up by itself."""
        (x, indices), axis = operation.operands, operation.attributes["axis"]
        table, places = self._whole(x), self._indices(indices)
        others = tuple(1 if a == axis else n for a, n in enumerate(x.shape))
        result = np.empty(small_shape(operation.result.shape, self.small), object)
        for other in np.ndindex(others):
            stop = tuple(x.shape[a] if a == axis else i + 1 for a, i in enumerate(other))
            column = self.b.reshape(self.b.slice(table, other, stop), (x.shape[axis],))
            for place in np.ndindex(places.shape):
                found = self.b("gather", column, places[place], axis=0)
                result[(*other[:axis], *place, *other[axis + 1 :])] = found
        return result

    def _scatter_add(self, operation: Operation) -> Value:
        """The rows of the result: a deposit for each index of a point."""
        (indices, updates), axis = operation.operands, operation.attributes["axis"]
        size, type = operation.attributes["size"], self.u.part_type(updates)
        places, parts = self._indices(indices), self._split(updates)
        behind = axis + indices.type.ndim
        order = (*range(axis, behind), *range(axis), *range(behind, updates.type.ndim))
        rows = parts.transpose(order).reshape((places.size, -1))
        terms = [
            self.b("deposit", place, *(self.u.real(p, type) for p in row), size=size)
            for place, row in zip(places.ravel(), rows, strict=True)
        ]
        total = self.u.tree("add", terms)
        shape = operation.result.shape
        moved = self.b.reshape(total, (size, *shape[:axis], *shape[axis + 1 :]))
        back = (*range(1, axis + 1), 0, *range(axis + 1, len(shape)))
        result: Value = self.b.transpose(moved, back)
        return result
