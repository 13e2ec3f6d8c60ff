"""From a loop nest to LLVM: one function for each kernel.

    define internal i32 @kernel(ptr %p0, …, ptr %q0, …, ptr %context)      p: what it reads, q: what
    it writes

Loops run outermost first. Before the vector loop everything that does not change along it is
computed once; inside, each operation of the body is one vector instruction, or some. The function
returns 0, or what the poll of the cancel flag said.
"""

from __future__ import annotations

from collections.abc import Callable

from ...ir import Value
from ...ir.record import record
from ..control import for_loop, integer, minimum, only_if, polled_range, unless_rare
from ..emitter import Emitter, Reg
from ..function import FunctionText
from ..threads.split import Split, limits
from . import memory
from .fixed import Fixed, emit_operation
from .interior import interior
from .lookups import Lookups
from .loops import HEAVY, POLL_ELEMENTS, LoopNest, Read, Write
from .reduction import Accumulator, block_elements, combine, identity
from .transpose import store_rows


def write_kernel(nest: LoopNest, split: Split | None = None) -> FunctionText:
    """The LLVM text of a loop nest. With a `split` it runs one block, which the caller names by
    ``i64 %block``; a reduction over the axis that is cut yields the block's part.
    """
    return _Kernel(nest, split).write()


@record
class Section:
    """A part of the vector axis: [low, high), `unroll` vectors at a time, masked or not."""

    low: int
    high: int
    unroll: int
    masked: bool


class _Kernel:
    def __init__(self, nest: LoopNest, split: Split | None) -> None:
        self.nest = nest
        self.split = split
        self.lengths = list(nest.extents)  # the most steps that each loop takes
        self.s = Emitter(1)
        self.v = self.s.sibling(nest.lanes)
        self.fixed = Fixed(nest, self.s, self.v)
        self.accumulators: dict[Write, Accumulator] = {}
        self.lookups = Lookups(nest, self.s, self.v)
        self.polls = False
        self.interior = interior(nest)
        self.within = False  # is the code being written for points of the interior alone?

    def write(self) -> FunctionText:
        nest = self.nest
        self.s.lines.append("entry:")
        self.lookups.allocate()
        if nest.points:
            self._allocate()
        if self.split is not None:
            self._begin_block(self.split)
        for write in nest.writes:
            if write.kind not in ("store", "scatter") and (
                nest.points == 0 or write.accumulates_in_memory(nest.rank)
            ):
                self._fill(write)
        if nest.points:
            self._loop(0)
        self.s.write("ret i32 0")
        return FunctionText(
            self._parameters(),
            tuple(self.s.lines),
            self.s.declarations,
            tuple(self.s.functions),
            self.polls,
        )

    def _parameters(self) -> str:
        reads = [f"ptr noalias readonly %p{r.operand}" for r in self.nest.reads]
        writes = [f"ptr noalias %q{w.number}" for w in self.nest.writes]
        block = ["i64 %block"] if self.split is not None else []
        return ", ".join([*reads, *writes, *block, "ptr %context"])

    def _begin_block(self, split: Split) -> None:
        """Find the limits of the block."""
        self.lengths[split.axis] = split.longest
        self.low, self.high, self.last = limits(self.s, split)

    def _limits(self, axis: int) -> tuple[Reg, Reg]:
        """Where the loop over an axis begins and ends."""
        if self.split is not None and self.split.axis == axis:
            return self.low, self.high
        return integer(0), integer(self.nest.extents[axis])

    def _allocate(self) -> None:
        nest, block = self.nest, block_elements(self.nest)
        for write in nest.writes:
            depth = write.register_depth(nest.rank)
            if write.kind in ("store", "scatter") or depth == nest.rank:
                continue
            points = 1
            for extent in nest.extents[depth:]:
                points *= extent
            long = write.kind == "sum" and write.dtype in ("f32", "f64") and points > block
            self.accumulators[write] = Accumulator(self.v, write, compensated=long)
            self.accumulators[write].allocate(nest.unroll)

    def _fill(self, write: Write) -> None:
        """Start a reduction that adds to memory: the elements that the loops come to."""
        start = self.s.const(identity(write.kind, write.dtype), write.dtype)
        axes = [axis for axis in range(self.nest.rank) if axis not in write.reduced]

        def fill(depth: int, place: Reg) -> None:
            if depth == len(axes):
                pointer = memory.address(self.s, f"%q{write.number}", write.dtype, place)
                memory.store_scalar(self.s, pointer, start)
                return
            axis = axes[depth]
            low, high = self._limits(axis)

            def step(i: Reg) -> None:
                stride = write.strides[axis]
                offset = i if stride == 1 else self.s.mul(i, integer(stride))
                fill(depth + 1, offset if place.name == "0" else self.s.add(place, offset))

            for_loop(self.s, low, high, 1, step, once=self.lengths[axis] == 1)

        if all(self.nest.extents[axis] for axis in axes):
            fill(0, integer(0))

    # --- loops ---

    def _loop(self, axis: int) -> None:
        last = axis == self.nest.rank - 1
        starting = [
            a for w, a in self.accumulators.items() if w.register_depth(self.nest.rank) == axis
        ]
        for accumulator in starting:
            accumulator.begin()
        if last:
            self._vector_axis()
        else:
            tile, step = self._poll_tile(axis), self._outer_step(axis)
            self._tiled(self._limits(axis), self.lengths[axis], tile, 1, step)
        for accumulator in starting:
            self._finish(accumulator)

    def _outer_step(self, axis: int) -> Callable[[Reg], None]:
        def step(i: Reg) -> None:
            self.fixed.index[axis] = i
            self._loop(axis + 1)

        return step

    def _poll_tile(self, axis: int) -> int:
        """Steps of this axis between two polls; 0: the loop does not poll."""
        inner = 1
        for length in self.lengths[axis + 1 :]:
            inner *= length
        if inner >= POLL_ELEMENTS or inner * self.lengths[axis] <= POLL_ELEMENTS:
            return 0
        return -(-POLL_ELEMENTS // inner)

    def _tiled(
        self,
        between: tuple[Reg, Reg],
        longest: int,
        poll: int,
        step: int,
        body: Callable[[Reg], None],
    ) -> None:
        polls = polled_range(self.s, *between, longest, step, poll, body)
        self.polls |= polls  # not in one line: the body may have set it meanwhile

    def _vector_axis(self) -> None:
        self.fixed.prepare()
        sections = self._sections()
        if not self._is_cut():
            for section in sections:
                self._section(section)
        elif len(sections) == 1:
            self._section(sections[0], (self.low, self.high))
        else:
            body, tail = sections
            self._section(body, (self.low, minimum(self.s, self.high, integer(body.high))))
            only_if(self.s, self.last, lambda: self._section(tail))

    def _is_cut(self) -> bool:
        """Is the vector axis the one that is cut into blocks?"""
        return self.split is not None and self.split.axis == self.nest.rank - 1

    def _section(self, section: Section, part: tuple[Reg, Reg] | None = None) -> None:
        """A section of the vector axis, or a part of it."""
        block = block_elements(self.nest)
        compensated = [a for a in self.accumulators.values() if a.compensated]
        poll = -(-self._poll_tile(self.nest.rank - 1) // block) * block
        step = self.nest.lanes * section.unroll
        longest = min(section.high - section.low, self.lengths[-1])
        low, high = part or (integer(section.low), integer(section.high))
        if not compensated:
            self._tiled((low, high), longest, poll, step, self._point(section))
            return

        def run_block(start: Reg) -> None:
            for accumulator in compensated:
                accumulator.begin_block()
            end = minimum(self.s, self.s.add(start, integer(block)), high)
            for_loop(self.s, start, end, step, self._point(section))
            for accumulator in compensated:
                accumulator.end_block()

        self._tiled((low, high), longest, poll, block, run_block)

    def _sections(self) -> list[Section]:
        n, lanes, unroll = self.nest.extents[-1], self.nest.lanes, self.nest.unroll
        if n % (lanes * unroll) == 0:
            return [Section(0, n, unroll, False)]
        if len(self.nest.body) >= HEAVY or n < lanes * unroll:
            return [Section(0, n, 1, n % lanes != 0)]
        full = n - n % (lanes * unroll)
        return [Section(0, full, unroll, False), Section(full, n, 1, True)]

    # --- one step of the vector loop ---

    def _point(self, section: Section) -> Callable[[Reg], None]:
        inner = self.interior
        if inner is None or section.low or not (inner.edges or section.masked):
            return lambda j: self._vectors(section, j)

        def step(j: Reg) -> None:
            last = inner.high - self.nest.lanes * section.unroll
            outside = self.s.compare("gt", j, integer(last))
            if inner.low:
                outside = self.s.or_(outside, self.s.compare("lt", j, integer(inner.low)))
            unless_rare(
                self.s,
                outside,
                lambda: self._interior_vectors(section, j),
                lambda: self._vectors(section, j),
            )

        return step

    def _vectors(self, section: Section, j: Reg) -> None:
        for copy in range(section.unroll):
            at = self.s.add(j, integer(copy * self.nest.lanes)) if copy else j
            masked = section.masked and not self.within
            self._step(at, copy, self._tail_mask(at) if masked else None)

    def _interior_vectors(self, section: Section, j: Reg) -> None:
        self.within = True
        self._vectors(section, j)
        self.within = False

    def _tail_mask(self, j: Reg) -> Reg:
        """The lanes that are still below the extent."""
        left = self.s.sub(integer(self.nest.extents[-1]), j)
        left = self.s.convert(minimum(self.s, left, integer(self.nest.lanes)), "i32")
        lanes = self.v.lane_constants(tuple(range(self.nest.lanes)), "i32")
        return self.v.compare("lt", lanes, self.v.splat(left))

    def _step(self, j: Reg, copy: int, mask: Reg | None) -> None:
        values = dict(self.fixed.spread)
        self.lookups.begin_step()
        inputs = self.nest.body.inputs
        for read in self.nest.reads:
            if inputs[read.operand] not in values and not read.table:
                values[inputs[read.operand]] = self._load(read, j, mask)
        for (_, dtype), value in zip(self.nest.indices, self.fixed.index_inputs(), strict=True):
            if value not in values:
                exact = dtype if dtype == "i32" else "i64"
                values[value] = self.v.convert(self._lane_indices(j, exact), dtype)
        known = self.interior.known if self.interior and self.within else {}
        for operation in self.nest.body:
            if operation.result in values or operation.result in known:
                continue
            if operation.name == "lookup":
                index = values[operation.operands[1]]
                values[operation.result] = self.lookups.look_up(operation, index, mask)
                continue
            if operation.name == "select" and operation.operands[0] in known:
                condition, x, y = operation.operands
                values[operation.result] = values[x if known[condition] else y]
                continue
            registers = [self._known_or(known, values, x) for x in operation.operands]
            values[operation.result] = emit_operation(self.v, operation, registers)
        for write in self.nest.writes:
            made = [self.nest.body.outputs[k] for k in write.outputs]
            outputs = [self._known_or(known, values, x) for x in made]
            self._yield(write, outputs, j, copy, mask)

    def _known_or(self, known: dict[Value, bool], values: dict[Value, Reg], x: Value) -> Reg:
        return self.v.const(known[x], "bool") if x in known else values[x]

    def _lane_indices(self, j: Reg, dtype: str = "i64") -> Reg:
        lanes = self.v.lane_constants(tuple(range(self.nest.lanes)), dtype)
        return self.v.add(self.v.splat(self.s.convert(j, dtype)), lanes)

    def _load(self, read: Read, j: Reg, mask: Reg | None) -> Reg:
        bounds = read.bounds[-1]
        if bounds is not None and self.within and self.interior is not None:
            if not self.interior.is_inside(bounds):
                return self.v.const(0, read.dtype)
        elif bounds is not None:
            lanes = self._lane_indices(j)
            low = self.v.compare("ge", lanes, self.v.const(bounds[0], "i64"))
            mask = self._both(mask, low)
            mask = self._both(mask, self.v.compare("lt", lanes, self.v.const(bounds[1], "i64")))
        if read in self.fixed.inside:
            mask = self._both(mask, self.v.splat(self.fixed.inside[read]))
        return memory.load(self.v, self.fixed.address(read, j), read.dtype, read.strides[-1], mask)

    def _both(self, x: Reg | None, y: Reg) -> Reg:
        return y if x is None else self.v.and_(x, y)

    # --- results ---

    def _yield(self, write: Write, outputs: list[Reg], j: Reg, copy: int, mask: Reg | None) -> None:
        if write in self.accumulators:
            self.accumulators[write].add(copy, outputs[0], mask)
            return
        if write.kind == "scatter":
            self.lookups.deposit(write, outputs, j, mask)
            return
        pointer, stride = self.fixed.address(write, j), write.strides[-1]
        if mask is None and 1 < len(outputs) == stride and write.dtype != "bool":
            store_rows(self.v, pointer, outputs)
            return
        for k, x in enumerate(outputs):
            if write.kind != "store":
                old = memory.load(self.v, pointer, write.dtype, stride, mask)
                x = combine(self.v, write.kind, old, x)
            at = memory.address(self.s, pointer, write.dtype, integer(k)) if k else pointer
            memory.store(self.v, at, x, stride, mask)

    def _finish(self, accumulator: Accumulator) -> None:
        write, total = accumulator.write, accumulator.finish()
        index = integer(0)
        for axis, stride in enumerate(write.strides[: write.register_depth(self.nest.rank)]):
            if stride:
                index = self.s.add(index, self.s.mul(self.fixed.index[axis], integer(stride)))
        pointer = memory.address(self.s, f"%q{write.number}", write.dtype, index)
        if write.accumulates_in_memory(self.nest.rank):
            total = combine(
                self.s, write.kind, memory.load_scalar(self.s, pointer, write.dtype), total
            )
        memory.store_scalar(self.s, pointer, total)
