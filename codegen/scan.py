"""`scan` as a native loop: a function that calls the functions of a step's operations, in order.

The carries live in scratch memory, twice: a step reads the one and writes the other. What a step
reads of slices, and what it leaves behind, lies in the operands and the results themselves.
"""

from __future__ import annotations

from collections.abc import Callable

from ..ir import Operation, Value
from ..ir.passes.plan import ALIGNMENT, Place, Plan, plan_buffers
from .calls import CallSite, Define, work_of, write_call
from .control import integer, polled_loop
from .emitter import Emitter, Reg
from .function import FunctionText
from .kernels import memory
from .kernels.loops import POLL_ELEMENTS
from .routine import scratch_parameter

SHORT = 64  # scalar operations of a kernel that a step contains rather than calls


def is_short(operation: Operation) -> bool:
    """Is a call as long as what `operation` does?"""
    if operation.name != "kernel" or operation.attributes["domain"]:
        return False
    return len(operation.regions[0]) <= SHORT


def lower_scan(
    operation: Operation, define: Define, number: Callable[[Operation], int]
) -> FunctionText:
    """The LLVM function of a `scan`; `define` puts the functions of its step in the module, and
    `number` says what number an operation's error codes carry.
    """
    return _Scan(operation, define, number).write()


class _Scan:
    def __init__(
        self, operation: Operation, define: Define, number: Callable[[Operation], int]
    ) -> None:
        self.operation, self.region = operation, operation.regions[0]
        self.e = Emitter(1)
        self.sites = [
            CallSite(op, *define(op), number(op)) for op in self.region if op.name != "reshape"
        ]
        scratch = {site.operation: site.text.scratch for site in self.sites}
        self.plan: Plan = plan_buffers(self.region, scratch)
        self.carries: int = operation.attributes["carries"]
        self.cut = range(self.carries, self.carries + operation.attributes["slices"])
        self._place_carries()

    def _place_carries(self) -> None:
        """Offsets of the carries in either of their two blocks, which lie behind the step's own."""
        self.offsets, self.block = [], 0
        for value in self.region.inputs[: self.carries]:
            self.offsets.append(self.block)
            self.block += max(-(-value.type.bytes // ALIGNMENT), 1) * ALIGNMENT
        self.scratch = self.plan.arena + 2 * self.block

    def write(self) -> FunctionText:
        length = self.operation.attributes["length"]
        self.e.lines.append("entry:")
        first = self._block_of(integer(0))
        for i, value in enumerate(self.operation.operands[: self.carries]):
            memory.copy(self.e, self._carry(first, i), f"%p{i}", value.type.bytes)
        step = sum(work_of(operation) for operation in self.region)
        every = max(POLL_ELEMENTS // max(step, 1), 1)
        polls = polled_loop(self.e, 0, length, 1, every, self._step)
        last = self._block_of(integer(length))
        for i, value in enumerate(self.operation.results[: self.carries]):
            memory.copy(self.e, f"%q{i}", self._carry(last, i), value.type.bytes)
        self.e.write("ret i32 0")
        polls |= any(site.text.polls for site in self.sites)
        return FunctionText(
            self._parameters(), tuple(self.e.lines), self.e.declarations, (), polls, self.scratch
        )

    def _parameters(self) -> str:
        reads = [f"ptr noalias readonly %p{i}" for i in range(len(self.operation.operands))]
        writes = [f"ptr noalias %q{i}" for i in range(len(self.operation.results))]
        scratch = [scratch_parameter(self.scratch)] if self.scratch else []
        return ", ".join([*reads, *writes, *scratch, "ptr %context"])

    def _step(self, i: Reg) -> None:
        """Step number i: the operations of the region on its part of everything."""
        e = self.e
        self.now, self.next = self._block_of(i), self._block_of(e.add(i, integer(1)))
        self.part = i
        if self.operation.attributes["reverse"]:
            self.part = e.sub(integer(self.operation.attributes["length"] - 1), i)
        for site in self.sites:
            values = (*site.operation.operands, *site.operation.results)
            pointers = [self._pointer(value) for value in values]
            scratch = None
            if site.text.scratch:
                offset = self.plan.scratch[site.operation]
                scratch = self._behind("%scratch", integer(offset))
            if site.operation.name == "update" and self._same_place(values[0], values[-1]):
                pointers[-1] = pointers[0]
            write_call(e, site, pointers, scratch)

    def _same_place(self, x: Value, y: Value) -> bool:
        return self.plan.places[x] == self.plan.places[y]

    def _block_of(self, i: Reg) -> str:
        """The block that holds the carries before step i: the two take turns."""
        if not self.carries:
            return "null"
        odd = self.e.and_(i, integer(1))
        offset = self.e.add(self.e.mul(odd, integer(self.block)), integer(self.plan.arena))
        return self._behind("%scratch", offset)

    def _carry(self, block: str, i: int) -> str:
        return self._behind(block, integer(self.offsets[i]))

    def _pointer(self, value: Value) -> str:
        place: Place = self.plan.places[value]
        if place.kind == "arena":
            return self._behind("%scratch", integer(place.index))
        if place.index < self.carries:
            return self._carry(self.now if place.kind == "input" else self.next, place.index)
        if place.kind == "input" and place.index not in self.cut:
            return f"%p{place.index}"
        name, values = (
            ("%p", self.region.inputs) if place.kind == "input" else ("%q", self.region.outputs)
        )
        step = integer(values[place.index].type.bytes)
        return self._behind(f"{name}{place.index}", self.e.mul(self.part, step))

    def _behind(self, base: str, offset: Reg) -> str:
        return self.e.emit(f"getelementptr i8, ptr {base}, i64 {offset.name}", "ptr").name
