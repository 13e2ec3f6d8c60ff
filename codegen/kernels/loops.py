"""From a kernel to a loop nest: which loops, in which order, how wide, and who reads what with
which stride.

The last axis of a nest is the vector axis: its loop advances by `lanes` elements at a time.
Adjacent axes that every access walks through evenly are joined into one. A reduction keeps its sums
in registers over the innermost loops that it reduces, and adds to memory in the loops outside of
them.
"""

from __future__ import annotations

import math
from typing import Any

from ...ir import Graph, Operation, Value
from ...ir.location import Location
from ...ir.ops.kernel import all_packs, result_shape, taken
from ...ir.record import identity_record, record
from ...ir.view import row_major_strides

VECTOR_BITS = 512
BITS = {"f32": 32, "f64": 64, "i32": 32, "i64": 64, "bool": 8}
HEAVY = 12  # operations from which a body is not written twice (unrolled, or again for a tail)
BLOCK_PER_LANE = 16  # additions in a row before a partial sum goes into the compensated total
POLL_ELEMENTS = 1 << 16  # elements between two looks at the cancel flag


@record
class Read:
    """Operand `operand` at offset + Σ strides·index, for indices inside `bounds`; 0 elsewhere.

    Of a `table` nothing is read here: lookups do, at computed indices.
    """

    operand: int
    dtype: str
    offset: int
    strides: tuple[int, ...]
    bounds: tuple[tuple[int, int] | None, ...]
    table: bool = False


@record
class Check:
    """An index of the body must be in 0 … size - 1, or the user's line has an error."""

    index: Value
    size: int
    location: Location | None


@record
class Write:
    """Result `number`, made of the body's `outputs`: "store" or a reduction over the nest axes
    `reduced`. Several outputs are stored side by side; those of a "scatter" are an index, and
    numbers that are added to that row of `size` ones.
    """

    number: int
    kind: str
    dtype: str
    strides: tuple[int, ...]  # 0 along reduced axes
    reduced: frozenset[int]
    outputs: tuple[int, ...]
    size: int = 0

    def is_joined(self, axis: int) -> bool:
        """Does each stretch of an axis leave a part of the whole result?"""
        return axis in self.reduced or self.kind == "scatter"

    def register_depth(self, rank: int) -> int:
        """The first of the innermost loops that are all reduced; `rank` where there is none."""
        depth = rank
        while depth > 0 and depth - 1 in self.reduced:
            depth -= 1
        return depth

    def accumulates_in_memory(self, rank: int) -> bool:
        depth = self.register_depth(rank)
        return any(axis < depth for axis in self.reduced)


@record
class LoopNest:
    """Loops over `extents`, outermost first; the last one is stepped by `lanes`."""

    extents: tuple[int, ...]
    lanes: int
    unroll: int
    reads: tuple[Read, ...]
    writes: tuple[Write, ...]
    indices: tuple[tuple[int, str], ...]  # (nest axis or -1 where the index is always 0, dtype)
    body: Graph
    checks: tuple[Check, ...] = ()

    @property
    def rank(self) -> int:
        return len(self.extents)

    @property
    def points(self) -> int:
        return math.prod(self.extents)


@identity_record
class _Draft:
    """A nest while its axes are being joined and ordered."""

    extents: list[int]
    reads: list[list[int]]
    bounds: list[list[tuple[int, int] | None]]
    writes: list[list[int]]
    reduced: list[list[bool]]
    indexed: list[list[bool]]

    def drop(self, axis: int) -> None:
        del self.extents[axis]
        for rows in self._tables():
            for row in rows:
                del row[axis]

    def joinable(self, a: int) -> bool:
        """Can axes a and a+1 be walked as one?"""
        b, n = a + 1, self.extents[a + 1]
        even = all(row[a] == row[b] * n for row in (*self.reads, *self.writes))
        alike = all(row[a] == row[b] for row in self.reduced)
        free = all(row[a] is None and row[b] is None for row in self.bounds)
        return even and alike and free and not any(row[a] or row[b] for row in self.indexed)

    def join(self, a: int) -> None:
        self.extents[a + 1] *= self.extents[a]
        self.drop(a)

    def append_single(self) -> None:
        """One more axis of extent 1, which nobody walks along."""
        self.extents.append(1)
        for row in (*self.reads, *self.writes):
            row.append(0)
        for bounds in self.bounds:
            bounds.append(None)
        for flags in (*self.reduced, *self.indexed):
            flags.append(False)

    def permute(self, order: list[int]) -> None:
        self.extents[:] = [self.extents[a] for a in order]
        for rows in self._tables():
            rows[:] = [[row[a] for a in order] for row in rows]

    def _tables(self) -> tuple[list[list[Any]], ...]:
        return (self.reads, self.bounds, self.writes, self.reduced, self.indexed)


def plan_loops(kernel: Operation) -> LoopNest:
    """The loop nest of a `kernel` operation."""
    attributes, body = kernel.attributes, kernel.regions[0]
    domain: tuple[int, ...] = attributes["domain"]
    draft = _draft(kernel, domain)
    order = list(range(len(domain)))  # which domain axis each nest axis is, for the indices
    for axis in reversed(range(len(domain))):
        if domain[axis] == 1 and all(row[axis] is None for row in draft.bounds):
            draft.drop(axis)
            del order[axis]
    for axis in reversed(range(len(order) - 1)):
        if draft.joinable(axis):
            draft.join(axis)
            del order[axis]
    lanes = _lanes(kernel)
    if order:
        permutation = _loop_order(draft, lanes)
        draft.permute(permutation)
        order = [order[p] for p in permutation]
    return _finish(kernel, body, draft, order, lanes)


def _draft(kernel: Operation, domain: tuple[int, ...]) -> _Draft:
    views, yields = kernel.attributes["views"], kernel.attributes["yields"]
    packs = all_packs(kernel.attributes.get("packs", ()), yields)
    rank = len(domain)
    return _Draft(
        extents=list(domain),
        reads=[list(strides) for _, strides, _ in views],
        bounds=[_real_bounds(bounds, domain) for _, _, bounds in views],
        writes=[
            _write_strides(domain, axes, taken(pack))
            for (_, _, axes), pack in zip(yields, packs, strict=True)
        ],
        reduced=[[a in axes for a in range(rank)] for _, _, axes in yields],
        indexed=[[a == axis for a in range(rank)] for axis, _ in kernel.attributes["indices"]],
    )


def _real_bounds(
    bounds: tuple[tuple[int, int], ...] | None, domain: tuple[int, ...]
) -> list[tuple[int, int] | None]:
    if bounds is None:
        return [None] * len(domain)
    return [
        None if b[0] <= 0 and b[1] >= n else (b[0], b[1])
        for b, n in zip(bounds, domain, strict=True)
    ]


def _write_strides(domain: tuple[int, ...], axes: tuple[int, ...], width: int) -> list[int]:
    dense = iter(row_major_strides(result_shape(domain, axes)))
    return [0 if a in axes else next(dense) * width for a in range(len(domain))]


def _lanes(kernel: Operation) -> int:
    """How many elements of the widest type in the body fill a vector register."""
    body = kernel.regions[0]
    dtypes = {v.dtype for v in body.inputs} | {
        op.result.dtype for op in body if op.name != "constant"
    }
    widest = max((BITS[d] for d in dtypes if d != "bool"), default=32)
    return VECTOR_BITS // widest


def _loop_order(draft: _Draft, lanes: int) -> list[int]:
    """The axes with the cheapest one to vectorise last, the others as they were."""
    rank = len(draft.extents)
    vector = min(reversed(range(rank)), key=lambda axis: _vector_cost(draft, axis, lanes))
    return [a for a in range(rank) if a != vector] + [vector]


def _vector_cost(draft: _Draft, axis: int, lanes: int) -> float:
    """Work for each point if `axis` is the vector axis: wasted lanes and scattered accesses."""
    extent = draft.extents[axis]
    waste = math.ceil(extent / lanes) * lanes / extent if extent else 1.0
    strides = [row[axis] for row in (*draft.reads, *draft.writes)]
    accesses = sum(0.2 if s == 0 else 1.0 if abs(s) == 1 else 6.0 for s in strides)
    horizontal = sum(lanes / max(extent, 1) for row in draft.reduced if row[axis])
    return waste * (1.0 + accesses + horizontal)


def _finish(
    kernel: Operation, body: Graph, draft: _Draft, order: list[int], lanes: int
) -> LoopNest:
    if not order:  # a single point
        draft.append_single()
    extent = draft.extents[-1]
    while lanes > 1 and lanes // 2 >= extent:
        lanes //= 2
    offsets = [offset for offset, _, _ in kernel.attributes["views"]]
    reads = tuple(
        Read(
            i,
            body.inputs[i].dtype,
            offsets[i],
            tuple(draft.reads[i]),
            tuple(draft.bounds[i]),
            body.inputs[i].type.ndim > 0,
        )
        for i in range(len(offsets))
    )
    writes = _writes(kernel, draft)
    indices = tuple(
        (order.index(axis) if axis in order else -1, dtype)
        for axis, dtype in kernel.attributes["indices"]
    )
    summed = any(
        w.kind != "store" and w.register_depth(len(draft.extents)) < len(draft.extents)
        for w in writes
    )
    unroll = 4 if len(body) < HEAVY and extent >= 8 * lanes and summed else 1
    checks = _checks(body, writes, kernel.location)
    return LoopNest(tuple(draft.extents), lanes, unroll, reads, writes, indices, body, checks)


def _writes(kernel: Operation, draft: _Draft) -> tuple[Write, ...]:
    yields, writes, first = kernel.attributes["yields"], [], 0
    for i, pack in enumerate(all_packs(kernel.attributes.get("packs", ()), yields)):
        kind, dtype, _ = yields[i]
        reduced = frozenset(a for a, is_reduced in enumerate(draft.reduced[i]) if is_reduced)
        if not reduced and kind != "scatter":  # a reduction of one element
            kind = "store"
        outputs = tuple(range(first, first + taken(pack)))
        writes.append(Write(i, kind, dtype, tuple(draft.writes[i]), reduced, outputs, pack[1]))
        first += taken(pack)
    return tuple(writes)


def _checks(body: Graph, writes: tuple[Write, ...], location: Location | None) -> tuple[Check, ...]:
    """One for each index and the axis that it counts along."""
    found: dict[tuple[Value, int], Check] = {}
    for operation in body:
        if operation.name == "lookup":
            key = (operation.operands[1], operation.attributes["size"])
            found.setdefault(key, Check(*key, operation.location))
    for write in writes:
        if write.kind == "scatter":
            key = (body.outputs[write.outputs[0]], write.size)
            maker = key[0].producer  # what the index went through on the line that uses it
            found.setdefault(key, Check(*key, maker.location if maker else location))
    return tuple(found.values())


def print_nest(name: str, nest: LoopNest) -> str:
    """The nest as pseudo-code: the stage `.loops` of a dump."""
    lines = [
        f"kernel {name}: {nest.points} points, {len(nest.body)} operations, {nest.lanes} lanes"
    ]
    for axis, extent in enumerate(nest.extents):
        step = f" step {nest.lanes}" if axis == nest.rank - 1 and nest.lanes > 1 else ""
        lines.append("  " * (axis + 1) + f"for i{axis} in 0 .. {extent}{step}:")
    indent = "  " * (nest.rank + 1)
    for read in nest.reads:
        how = "table" if read.table else "load"
        at = "" if read.table else _index(read)
        lines.append(f"{indent}%{nest.body.inputs[read.operand].name} = {how} p{read.operand}{at}")
    start = str(nest.body).splitlines()[1:-2]
    lines += [indent + line.strip() for line in start]
    results = str(nest.body).splitlines()[-2].split()[1:]
    for write in nest.writes:
        verb = "store" if write.kind == "store" else f"{write.kind} into"
        values = [results[k].strip(",") for k in write.outputs]
        at = f"[{values.pop(0)}]" if write.kind == "scatter" else _index(write)
        lines.append(f"{indent}{verb} r{write.number}{at}, {', '.join(values)}")
    return "\n".join(lines)


def _index(access: Read | Write) -> str:
    terms = [f"{s}*i{a}" if s != 1 else f"i{a}" for a, s in enumerate(access.strides) if s]
    offset = [str(access.offset)] if isinstance(access, Read) and access.offset else []
    inside = ""
    if isinstance(access, Read):
        limits = [f"{b[0]} <= i{a} < {b[1]}" for a, b in enumerate(access.bounds) if b]
        inside = " if " + " and ".join(limits) if limits else ""
    return f"[{' + '.join(offset + terms) or '0'}]{inside}"
