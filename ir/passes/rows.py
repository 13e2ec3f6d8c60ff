"""Row fusion: kernels that work row by row run on a few rows at a time, one kernel after the other.

What a kernel hands to the next one is then still in cache, and is never written to memory if nobody
else reads it. This is loop tiling (strip-mining) of a sequence of loops that are parallel along
their first axis; the block is chosen so that all its rows together fit into a part of the second
level cache.
"""

from __future__ import annotations

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..op import TABLE
from ..ops.rows import part
from ..record import record
from ..types import TensorType
from ..view import View

CACHE = 1 << 18  # bytes that the rows of a block may fill
LEAST_SAVED = 1 << 20  # bytes of memory traffic for which it is worth another loop
MOST_COUNTS = 16  # extents of first axes that are tried
LEAST_FILLED = 0.5  # of CACHE by a block that divides the rows, else there is a shorter last one


def fuse_rows(graph: Graph) -> Graph:
    """Join kernels that share their first axis into `rows`.

    Requires: a fused graph. Ensures: the same kernels on the same elements; sums over the rows are
    made of partial sums by blocks. Why: large intermediates stay in cache.
    """
    for rows in _row_counts(graph):
        graph = _joined(graph, rows)
    return graph


@record
class _Group:
    """Kernels to be joined, in order; `saved` are the bytes that need not move."""

    rows: int
    operations: tuple[Operation, ...]
    outputs: tuple[Value, ...]
    saved: int


def _row_counts(graph: Graph) -> list[int]:
    """The extents of first axes to try, that with most bytes first."""
    moved: dict[int, int] = {}
    for operation in graph:
        if operation.name == "kernel" and operation.attributes["domain"]:
            rows = operation.attributes["domain"][0]
            values = (*operation.operands, *operation.results)
            moved[rows] = moved.get(rows, 0) + sum(value.type.bytes for value in values)
    large = [rows for rows, size in moved.items() if size >= LEAST_SAVED and rows > 1]
    return sorted(large, key=lambda rows: -moved[rows])[:MOST_COUNTS]


# --- which kernels work row by row ---


def _reads(kernel: Operation, rows: int) -> tuple[str, ...] | None:
    """How each operand is read: its own "rows", or "whole"; None where a row needs others."""
    domain = kernel.attributes["domain"]
    if not domain or domain[0] != rows:
        return None
    if any(axis == 0 for axis, _ in kernel.attributes["indices"]):
        return None
    if any(kind == "scatter" for kind, _, _ in kernel.attributes["yields"]):
        return None
    found = []
    for operand, (offset, strides, bounds) in zip(
        kernel.operands, kernel.attributes["views"], strict=True
    ):
        view = View(domain, offset, strides, bounds)
        how = _how(operand.type, view)
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
    row = _row_view(view, 1).reads()
    return "rows" if row is None or (row[0] >= 0 and row[1] < stride) else None


def _row_view(view: View, block: int) -> View:
    """The view of `block` rows in those rows."""
    bounds = None if view.bounds is None else ((0, block), *view.bounds[1:])
    return View((block, *view.shape[1:]), view.offset, view.strides, bounds)


def _keeps_rows(kernel: Operation) -> tuple[bool, ...]:
    """For each result whether it has the rows as its first axis, or combines them."""
    return tuple(0 not in axes for _, _, axes in kernel.attributes["yields"])


# --- groups ---


Reads = dict[Operation, tuple[str, ...]]  # of the kernels that work by rows


def _joined(graph: Graph, rows: int) -> Graph:
    """`graph` with the groups that pay.

    An operation's level says how many groups it has to wait for; kernels of one level are a group.
    The other operations of a level come before it.
    """
    reads = _members(graph, rows)
    level = _levels(graph, reads)
    members: dict[int, list[Operation]] = {}
    for operation in reads:
        members.setdefault(level[operation], []).append(operation)
    outside = _outside(graph, reads, level)
    groups = {}
    for number, operations in members.items():
        group = _group(rows, operations, reads, outside)
        if group.saved >= LEAST_SAVED:
            groups[number] = group
    return _written(graph, groups, level) if groups else graph


def _levels(graph: Graph, reads: Reads) -> dict[Operation, int]:
    combined = {
        result
        for operation in reads
        for result, keeps in zip(operation.results, _keeps_rows(operation), strict=True)
        if not keeps
    }
    level: dict[Operation, int] = {}
    for operation in graph:
        level[operation] = 0
        ways = reads.get(operation, ("whole",) * len(operation.operands))
        for operand, how in zip(operation.operands, ways, strict=True):
            producer = operand.producer
            if producer is None:
                continue
            within = how == "rows" and producer in reads and operand not in combined
            waits = producer in reads and not within
            level[operation] = max(level[operation], level[producer] + waits)
    return level


def _outside(graph: Graph, reads: Reads, level: dict[Operation, int]) -> set[Value]:
    """The values that somebody reads who is not in the group that makes them."""
    found = set(graph.outputs)
    for operation in graph:
        for operand in operation.operands:
            producer = operand.producer
            within = operation in reads and producer is not None and producer in reads
            if not within or level[producer] != level[operation]:  # type: ignore[index]
                found.add(operand)
    return found


def _members(graph: Graph, rows: int) -> dict[Operation, tuple[str, ...]]:
    """The kernels that work by these rows, and how they read.

    Those that need none of the others, but are needed by an operation of another kind, had better
    run before them all: else what needs that operation would have to wait for a second group.
    """
    reads = {op: how for op in graph if op.name == "kernel" and (how := _reads(op, rows))}
    needed = {x.producer for op in graph if op not in reads for x in op.operands}
    for operation in [*reads]:
        if operation in needed and not any(x.producer in reads for x in operation.operands):
            del reads[operation]
    return reads


def _group(rows: int, operations: list[Operation], reads: Reads, outside: set[Value]) -> _Group:
    made = [result for operation in operations for result in operation.results]
    outputs = tuple(value for value in made if value in outside)
    return _Group(rows, tuple(operations), outputs, _saved(operations, reads, outside))


def _saved(operations: list[Operation], reads: Reads, outside: set[Value]) -> int:
    """Bytes that move between memory and cache now and would not: what is read again, and what is
    written for the group alone.
    """
    touched: dict[Value, int] = {}
    for operation in operations:
        for operand, how in zip(operation.operands, reads[operation], strict=True):
            if how == "rows":
                touched[operand] = touched.get(operand, 0) + 1
    made = {result for operation in operations for result in operation.results}
    saved = 0
    for value, count in touched.items():
        inner = value not in outside
        saved += value.type.bytes * (count + inner if value in made else count - 1)
    return saved


# --- writing ---


def _written(graph: Graph, groups: dict[int, _Group], level: dict[Operation, int]) -> Graph:
    """`graph` by levels, with each of the groups as one operation behind the rest of its level."""
    builder = GraphBuilder(graph.name)
    values: dict[Value, Value] = {x: builder.input(x.type, x.name) for x in graph.inputs}
    members = {operation for group in groups.values() for operation in group.operations}
    alone: list[list[Operation]] = [[] for _ in range(max(level.values()) + 1)]
    for operation in graph:
        if operation not in members:
            alone[level[operation]].append(operation)
    for number, operations in enumerate(alone):
        for operation in operations:
            _copy(builder, operation, values)
        if number in groups:
            _write_group(builder, groups[number], values)
    return builder.build([values[x] for x in graph.outputs])


def _copy(builder: GraphBuilder, operation: Operation, values: dict[Value, Value]) -> None:
    results = builder.copy(operation, tuple(values[x] for x in operation.operands))
    values.update(zip(operation.results, results, strict=True))


def _write_group(builder: GraphBuilder, group: _Group, values: dict[Value, Value]) -> None:
    block = _block(group)
    region = _Region(group, block)
    regions = [region.graph]
    if group.rows % block:
        regions.append(_Region(group, group.rows % block).graph)
    last = group.operations[-1]
    builder.location, builder.note = last.location, last.note
    kept = {
        result: keeps
        for operation in group.operations
        for result, keeps in zip(operation.results, _keeps_rows(operation), strict=True)
    }
    yields = tuple(
        ("rows" if kept[value] else "block", output.dtype, output.shape)
        for value, output in zip(group.outputs, region.graph.outputs, strict=True)
    )
    attributes = {"rows": (group.rows, block), "reads": region.ways, "yields": yields}
    operands = tuple(values[x] for x in region.outside)
    results = builder.append(TABLE["rows"], operands, attributes, tuple(regions)).results
    for value, result in zip(group.outputs, results, strict=True):
        values[value] = result if kept[value] else _combined(builder, value, result)


def _combined(builder: GraphBuilder, value: Value, partial: Value) -> Value:
    """The reduction of the blocks' parts of `value`: a kernel of its own."""
    producer = value.producer
    assert producer is not None
    kind, dtype, _ = producer.attributes["yields"][producer.results.index(value)]
    body = GraphBuilder("body")
    element = body.input(TensorType(dtype), "x")
    view = View.dense(partial.shape)
    builder.location, builder.note = producer.location, producer.note
    attributes = {
        "domain": partial.shape,
        "indices": (),
        "views": ((view.offset, view.strides, view.bounds),),
        "yields": ((kind, dtype, (0,)),),
    }
    kernel = TABLE["kernel"]
    return builder.append(kernel, (partial,), attributes, (body.build([element]),)).result


def _block(group: _Group) -> int:
    """Rows in a block: a number that divides the rows, if one fills enough of the cache."""
    most = max(min(CACHE // max(_live_bytes(group), 1), group.rows), 1)
    divisor = next(n for n in range(most, 0, -1) if group.rows % n == 0)
    return divisor if divisor >= LEAST_FILLED * most else most


def _live_bytes(group: _Group) -> int:
    """The most bytes of one row that are in use at the same time."""
    last = {x: i for i, op in enumerate(group.operations) for x in (*op.operands, *op.results)}
    dying: dict[int, list[Value]] = {}
    for value, i in last.items():
        dying.setdefault(i, []).append(value)
    live, most, seen = 0, 0, set[Value]()
    for i, operation in enumerate(group.operations):
        for value in (*operation.operands, *operation.results):
            if value not in seen and value.shape and value.shape[0] % group.rows == 0:
                seen.add(value)
                live += value.type.bytes // group.rows
        most = max(most, live)
        live -= sum(v.type.bytes // group.rows for v in dying.get(i, ()) if v in seen)
    return most


class _Region:
    """A group's kernels on `block` rows."""

    def __init__(self, group: _Group, block: int) -> None:
        self.group, self.block = group, block
        self.builder = GraphBuilder("region")
        self.inputs: dict[tuple[Value, str], Value] = {}
        self.values: dict[Value, Value] = {}
        for operation in group.operations:
            self._write(operation)
        self.graph = self.builder.build([self.values[x] for x in group.outputs])

    @property
    def outside(self) -> tuple[Value, ...]:
        return tuple(value for value, _ in self.inputs)

    @property
    def ways(self) -> tuple[str, ...]:
        return tuple(how for _, how in self.inputs)

    def _write(self, kernel: Operation) -> None:
        ways = _reads(kernel, self.group.rows)
        assert ways is not None
        operands = tuple(
            self._operand(x, how) for x, how in zip(kernel.operands, ways, strict=True)
        )
        domain = (self.block, *kernel.attributes["domain"][1:])
        views = []
        for offset, strides, bounds in kernel.attributes["views"]:
            view = _row_view(View(kernel.attributes["domain"], offset, strides, bounds), self.block)
            views.append((view.offset, view.strides, view.bounds))
        attributes = {**kernel.attributes, "domain": domain, "views": tuple(views)}
        self.builder.location, self.builder.note = kernel.location, kernel.note
        made = self.builder.append(kernel.op, operands, attributes, (_clone(kernel.regions[0]),))
        self.values.update(zip(kernel.results, made.results, strict=True))

    def _operand(self, operand: Value, how: str) -> Value:
        if operand in self.values:
            return self.values[operand]
        key = (operand, how)
        if key not in self.inputs:
            shape = operand.shape
            if how == "rows":
                shape = (part(shape[0], self.group.rows, self.block), *shape[1:])
            name = operand.name or f"x{len(self.inputs)}"
            self.inputs[key] = self.builder.input(TensorType(operand.dtype, shape), name)
        return self.inputs[key]


def _clone(body: Graph) -> Graph:
    """The same code with values of its own."""
    builder = GraphBuilder(body.name)
    values = {x: builder.input(x.type, x.name) for x in body.inputs}
    for operation in body:
        builder.location, builder.note = operation.location, operation.note
        results = builder.copy(operation, tuple(values[x] for x in operation.operands))
        values.update(zip(operation.results, results, strict=True))
    return builder.build([values[x] for x in body.outputs])
