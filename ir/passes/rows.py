"""Row fusion: what works row by row runs on a few rows at a time, one operation after the other.

What an operation hands to the next one is then still in cache, and is never written to memory if
nobody else reads it. This is loop tiling (strip-mining) of a sequence of loops that are parallel
along their first axis; the block is chosen so that all its rows together fit into a part of the
second level cache.
"""

from __future__ import annotations

import math

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..op import TABLE
from ..ops.kernel import REDUCTIONS
from ..ops.rows import block_count, part
from ..record import record
from ..types import TensorType
from ..view import View
from .legalise import dot_shape
from .levels import HELD_BACK
from .rowwise import append_block, reads_of, with_axis_first, yields_of

CACHE = 1 << 18  # bytes that the rows of a block may fill: a part of the second level cache
NEAR_CACHE = 1 << 15  # and of the first level, for products that are done as fast as that is read
NEAR_ROWS = 32  # of a block, from which that pays
LEAST_SAVED = 1 << 20  # bytes of memory traffic for which it is worth another loop
MOST_CHUNKS = 16  # of blocks, in each of which products over the rows are added up
CHUNK_SHARE = 16  # saved bytes for each byte of these sums
MOST_COUNTS = 16  # extents of first axes that are tried
LEAST_FILLED = 0.5  # of CACHE by a block that divides the rows, else there is a shorter last one


def fuse_rows(graph: Graph) -> Graph:
    """Join kernels, and products between them, that share their first axis into `rows`.

    Requires: a fused graph. Ensures: the same operations on the same elements; sums over the rows
    are made of partial sums by blocks. Why: large intermediates stay in cache.
    """
    for rows in _row_counts(graph):
        joined = _joined(_turned(graph, rows), rows)
        graph = graph if joined is None else joined
    return graph


def _turned(graph: Graph, rows: int) -> Graph:
    """`graph` with kernels that sum over the rows written so that these are their first axis."""
    if not any(_axis_to_turn(operation, rows) for operation in graph):
        return graph
    builder = GraphBuilder(graph.name)
    values: dict[Value, Value] = {x: builder.input(x.type, x.name) for x in graph.inputs}
    for operation in graph:
        axis = _axis_to_turn(operation, rows)
        operands = tuple(values[x] for x in operation.operands)
        builder.location, builder.note = operation.location, operation.note
        if axis:
            results = with_axis_first(builder, operation, operands, axis)
        else:
            results = builder.copy(operation, operands)
        values.update(zip(operation.results, results, strict=True))
    return builder.build([values[x] for x in graph.outputs])


def _axis_to_turn(operation: Operation, rows: int) -> int:
    """The axis of a kernel that had better be the first; 0 where there is none."""
    if operation.name != "kernel" or operation.attributes["indices"]:
        return 0
    domain, yields = operation.attributes["domain"], operation.attributes["yields"]
    if rows not in domain[1:] or domain.count(rows) != 1:
        return 0
    axis: int = domain.index(rows)
    reduced = all(kind in REDUCTIONS and axis in axes for kind, _, axes in yields)
    large = any(x.type.bytes >= LEAST_SAVED and x.shape[:1] == (rows,) for x in operation.operands)
    return axis if reduced and large else 0


@record
class _Group:
    """Operations to be joined, in order; `saved` are the bytes that need not move."""

    rows: int
    operations: tuple[Operation, ...]
    outputs: tuple[Value, ...]
    saved: int


def _row_counts(graph: Graph) -> list[int]:
    """The extents of first axes to try, that with most bytes first."""
    moved: dict[int, int] = {}
    for operation in graph:
        rows = _first_extent(operation)
        if rows is not None:
            values = (*operation.operands, *operation.results)
            moved[rows] = moved.get(rows, 0) + sum(value.type.bytes for value in values)
    large = [rows for rows, size in moved.items() if size >= LEAST_SAVED and rows > 1]
    return sorted(large, key=lambda rows: -moved[rows])[:MOST_COUNTS]


def _first_extent(operation: Operation) -> int | None:
    """What might be the number of rows that an operation works by."""
    if operation.name == "kernel":
        shape = operation.attributes["domain"]
    else:
        shape = operation.operands[0].shape if operation.name == "dot" else ()
    return shape[0] if shape else None


# --- groups ---


Reads = dict[Operation, tuple[str, ...]]  # of the operations that work by rows


def _joined(graph: Graph, rows: int) -> Graph | None:
    """`graph` with the groups that pay; None where there are none.

    An operation's level says how many groups it has to wait for; those of one level are a group.
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
    return _written(graph, groups, level) if groups else None


def _levels(graph: Graph, reads: Reads) -> dict[Operation, int]:
    combined = {
        result
        for operation in reads
        for result, kind in zip(operation.results, yields_of(operation), strict=True)
        if kind != "rows"
    }
    level: dict[Operation, int] = {}
    reached = 0
    for operation in graph:
        level[operation] = reached if operation.note == HELD_BACK else 0
        ways = reads.get(operation, ("whole",) * len(operation.operands))
        for operand, how in zip(operation.operands, ways, strict=True):
            producer = operand.producer
            if producer is None:
                continue
            within = how == "rows" and producer in reads and operand not in combined
            waits = producer in reads and not within
            level[operation] = max(level[operation], level[producer] + waits)
        reached = max(reached, level[operation])
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
    """The operations that work by these rows, and how they read.

    Those that need none of the others, but are needed by an operation of another kind, had better
    run before them all: else what needs that operation would have to wait for a second group.
    """
    reads = {op: how for op in graph if (how := reads_of(op, rows)) is not None}
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
        result: kind
        for operation in group.operations
        for result, kind in zip(operation.results, yields_of(operation), strict=True)
    }
    yields = tuple(
        (kept[value], output.dtype, output.shape)
        for value, output in zip(group.outputs, region.graph.outputs, strict=True)
    )
    attributes = {
        "rows": (group.rows, block),
        "chunk": _chunk(group, block, yields),
        "reads": region.ways,
        "yields": yields,
    }
    operands = tuple(values[x] for x in region.outside)
    results = builder.append(TABLE["rows"], operands, attributes, tuple(regions)).results
    for value, result in zip(group.outputs, results, strict=True):
        rowwise = kept[value] == "rows"
        values[value] = result if rowwise else _combined(builder, value, result)


def _combined(builder: GraphBuilder, value: Value, partial: Value) -> Value:
    """The reduction of the blocks' parts of `value`: a kernel of its own."""
    producer = value.producer
    assert producer is not None
    if partial.shape[0] == 1:
        single: Value = builder.reshape(partial, value.shape)
        return single
    kind, dtype = "sum", value.dtype
    if producer.name == "kernel":
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
    row = max(_live_bytes(group), 1)
    products = [operation for operation in group.operations if operation.name == "dot"]
    near = bool(products) and NEAR_CACHE // row >= NEAR_ROWS
    cache = min(NEAR_CACHE, CACHE) if near else CACHE
    if near and any(map(_is_by_vector, products)):
        cache //= 2  # the rows of the next block, which are fetched meanwhile, have the other half
    most = max(min(cache // row, group.rows), 1)
    divisor = next(n for n in range(most, 0, -1) if group.rows % n == 0)
    return divisor if divisor >= LEAST_FILLED * most else most


def _is_by_vector(dot: Operation) -> bool:
    """Is one factor a vector, so that each element of the other is used once?"""
    shape = dot_shape(dot)
    return 1 in (math.prod(shape.rows), math.prod(shape.columns))


def _chunk(group: _Group, block: int, yields: tuple[tuple[str, str, tuple[int, ...]], ...]) -> int:
    """How many blocks add up what they yield by chunks: so many that these sums take a small part
    of the memory traffic that is saved, and some threads have chunks to do.
    """
    size = sum(TensorType(dtype, shape).bytes for kind, dtype, shape in yields if kind == "chunk")
    chunks = min(max(group.saved // (CHUNK_SHARE * max(size, 1)), 1), MOST_CHUNKS)
    return -(-block_count((group.rows, block)) // chunks)


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
    """A group's operations on `block` rows."""

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

    def _write(self, operation: Operation) -> None:
        ways = reads_of(operation, self.group.rows)
        assert ways is not None
        operands = tuple(
            self._operand(x, how) for x, how in zip(operation.operands, ways, strict=True)
        )
        results = append_block(self.builder, operation, operands, self.block)
        self.values.update(zip(operation.results, results, strict=True))

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
