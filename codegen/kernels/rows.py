"""Row fusion's operation: a loop over blocks of rows, which calls the kernels of its region.

Each kernel or product is a function for one block. What it hands to the next lies in scratch
memory, which is small enough to stay in cache, and is used again by every block. Products over the
rows are added to where their chunk of blocks has its sum, from zeros on.
"""

from __future__ import annotations

from collections.abc import Callable

from ...ir import Graph, Operation
from ...ir.ops.rows import block_count
from ...ir.passes.plan import Place, Plan, plan_buffers
from ...ir.passes.rowwise import work_on_row
from ..control import integer, only_if, polled_range, return_if_nonzero
from ..emitter import Emitter, Reg
from ..function import FunctionText
from ..linalg.ahead import NONE, fetches_of
from ..routine import scratch_parameter
from ..threads.split import Split, limits
from . import memory
from .loops import POLL_ELEMENTS

LONG = 1 << 14  # scalar operations of a block beside which the loop over the blocks is nothing

# The function of an operation, with its symbol; if that is said, one that adds to its result, and
# one that fetches what comes next
Define = Callable[..., tuple[str, FunctionText]]


def lower_rows(operation: Operation, define: Define, split: Split | None = None) -> FunctionText:
    """The LLVM function of a `rows` operation; `define` puts those it calls in the module.

    With a `split` of the blocks that are whole, it runs those which ``i64 %block`` stands for.
    """
    return _Rows(operation, define, split).write()


class _Rows:
    def __init__(self, operation: Operation, define: Define, split: Split | None) -> None:
        self.operation = operation
        self.split = split
        self.e = Emitter(1)
        self.chunk = integer(operation.attributes["chunk"])
        self.kinds = [kind for kind, _, _ in operation.attributes["yields"]]
        # Bytes from one block's part of an operand or a result to the next one's
        self.steps = {
            "input": [
                value.type.bytes if how == "rows" else 0
                for value, how in zip(
                    operation.regions[0].inputs, operation.attributes["reads"], strict=True
                )
            ],
            "output": [value.type.bytes for value in operation.regions[0].outputs],
        }
        steps: tuple[list[int], ...] = (self.steps["input"], [])  # behind the last there is none
        self.regions = [
            _Region(region, self.kinds, define, ahead)
            for region, ahead in zip(operation.regions, steps, strict=False)
        ]
        self.scratch = max(region.plan.arena for region in self.regions)

    def write(self) -> FunctionText:
        rows, block = self.operation.attributes["rows"]
        whole = rows // block
        self.e.lines.append("entry:")
        every = max(POLL_ELEMENTS // max(self.regions[0].work, 1), 1)
        low, high, longest, last = integer(0), integer(whole), whole, None
        if self.split is not None:
            low, high, last = limits(self.e, self.split)
            longest = self.split.longest
        polls = polled_range(
            self.e, low, high, longest, 1, every, lambda i: self._block(self.regions[0], i)
        )
        if block_count((rows, block)) > whole:
            self._left_over(last, whole)
        self.e.write("ret i32 0")
        polls |= any(text.polls for region in self.regions for _, _, text in region.calls)
        return FunctionText(
            self._parameters(),
            tuple(self.e.lines),
            self.e.declarations,
            (),
            polls,
            self.scratch,
            directs=self.regions[0].work >= LONG,
        )

    def _parameters(self) -> str:
        reads = [f"ptr noalias readonly %p{i}" for i in range(len(self.operation.operands))]
        writes = [f"ptr noalias %q{i}" for i in range(len(self.operation.results))]
        scratch = [scratch_parameter(self.scratch)] if self.scratch else []
        split = ["i64 %block"] if self.split is not None else []
        return ", ".join([*reads, *writes, *split, *scratch, "ptr %context"])

    def _left_over(self, last: Reg | None, whole: int) -> None:
        """The rows behind the last whole block; only `last`, where that is asked for, has them."""
        if last is None:
            self._block(self.regions[1], integer(whole))
        else:
            only_if(self.e, last, lambda: self._block(self.regions[1], integer(whole)))

    def _block(self, region: _Region, i: Reg) -> None:
        """The operations of one block, in order."""
        self._begin_chunk(i)
        for operation, symbol, text in region.calls:
            values = (*operation.operands, *operation.results)
            pointers = [self._pointer(region.plan.places[value], i) for value in values]
            arguments = ", ".join(f"ptr {pointer}" for pointer in (*pointers, "%context"))
            status = self.e.emit(f"call i32 {symbol}({arguments})", "i32")
            if text.can_fail:
                return_if_nonzero(self.e, status)

    def _begin_chunk(self, i: Reg) -> None:
        """Before the first block of a chunk, clear its sums."""
        sums = [number for number, kind in enumerate(self.kinds) if kind == "chunk"]
        if not sums:
            return
        clear, go = self.e.new_label("clear"), self.e.new_label("go")
        place = self.e.emit(f"urem i64 {i.name}, {self.chunk.name}", "i64")
        first = self.e.compare("eq", place, integer(0))
        self.e.write(f"br i1 {first.name}, label %{clear}, label %{go}")
        self.e.start_block(clear)
        for number in sums:
            pointer = self._pointer(Place("output", number), i)
            memory.clear(self.e, pointer, self.steps["output"][number])
        self.e.write(f"br label %{go}")
        self.e.start_block(go)

    def _pointer(self, place: Place, i: Reg) -> str:
        if place.kind == "arena":
            return self._behind("%scratch", integer(place.index))
        base = f"%p{place.index}" if place.kind == "input" else f"%q{place.index}"
        step = self.steps[place.kind][place.index]
        if place.kind == "output" and self.kinds[place.index] == "chunk":
            i = self.e.emit(f"udiv i64 {i.name}, {self.chunk.name}", "i64")
        return self._behind(base, self.e.mul(i, integer(step))) if step else base

    def _behind(self, base: str, offset: Reg) -> str:
        return self.e.emit(f"getelementptr i8, ptr {base}, i64 {offset.name}", "ptr").name


class _Region:
    """A block's operations, where their buffers are, and a measure of the time they take."""

    def __init__(self, graph: Graph, kinds: list[str], define: Define, steps: list[int]) -> None:
        self.plan: Plan = plan_buffers(graph)
        sums = {x for x, kind in zip(graph.outputs, kinds, strict=True) if kind == "chunk"}
        fetches = fetches_of(graph, dict(zip(graph.inputs, steps, strict=False)))
        self.calls = [
            (op, *define(op, not sums.isdisjoint(op.results), fetches.get(op, NONE)))
            for op in graph
        ]
        self.work = sum(work_on_row(operation, 1) for operation in graph)
