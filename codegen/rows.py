"""Row fusion's operation: a loop over blocks of rows, which calls the kernels of its region.

Each kernel is a function for one block. What it hands to the next lies in scratch memory, which is
small enough to stay in cache, and is used again by every block.
"""

from __future__ import annotations

from collections.abc import Callable

from ..ir import Graph, Operation, Value
from ..ir.ops.rows import block_count
from ..ir.passes.plan import Place, Plan, plan_buffers
from .control import integer, only_if, polled_range, return_if_nonzero
from .emitter import Emitter, Reg
from .function import FunctionText
from .loops import POLL_ELEMENTS
from .routine import scratch_parameter
from .threads.split import Split, limits

Define = Callable[[Operation], tuple[str, FunctionText]]  # an operation's function, with its symbol


def lower_rows(operation: Operation, define: Define, split: Split | None = None) -> FunctionText:
    """The LLVM function of a `rows` operation; `define` puts those of its kernels in the module.

    With a `split` of the blocks that are whole, it runs those which ``i64 %block`` stands for.
    """
    return _Rows(operation, define, split).write()


class _Rows:
    def __init__(self, operation: Operation, define: Define, split: Split | None) -> None:
        self.operation = operation
        self.split = split
        self.e = Emitter(1)
        self.regions = [_Region(region, define) for region in operation.regions]
        self.scratch = max(region.plan.arena for region in self.regions)
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
            self._parameters(), tuple(self.e.lines), self.e.declarations, (), polls, self.scratch
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
        """The kernels of one block, in order."""
        for operation, symbol, text in region.calls:
            values = (*operation.operands, *operation.results)
            pointers = [self._pointer(region.plan.places[value], i) for value in values]
            arguments = ", ".join(f"ptr {pointer}" for pointer in (*pointers, "%context"))
            status = self.e.emit(f"call i32 {symbol}({arguments})", "i32")
            if text.can_fail:
                return_if_nonzero(self.e, status)

    def _pointer(self, place: Place, i: Reg) -> str:
        if place.kind == "arena":
            return self._behind("%scratch", integer(place.index))
        base = f"%p{place.index}" if place.kind == "input" else f"%q{place.index}"
        step = self.steps[place.kind][place.index]
        return self._behind(base, self.e.mul(i, integer(step))) if step else base

    def _behind(self, base: str, offset: Reg) -> str:
        return self.e.emit(f"getelementptr i8, ptr {base}, i64 {offset.name}", "ptr").name


class _Region:
    """A block's kernels, where their buffers are, and how many points they visit."""

    def __init__(self, graph: Graph, define: Define) -> None:
        self.plan: Plan = plan_buffers(graph)
        self.calls = [(operation, *define(operation)) for operation in graph]
        self.work = sum(_points(operation) for operation in graph)


def _points(operation: Operation) -> int:
    values: tuple[Value, ...] = (*operation.operands, *operation.results)
    return max(value.type.size for value in values)
