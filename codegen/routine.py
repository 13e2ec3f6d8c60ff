"""What operations that are no kernels are written with: loops over one operation's buffers."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..ir import Operation
from ..ir.passes.plan import ALIGNMENT
from .control import for_loop, integer, polled_loop
from .emitter import Emitter, Reg
from .function import FunctionText
from .kernels import memory
from .kernels.loops import POLL_ELEMENTS


def scratch_parameter(size: int) -> str:
    return f"ptr noalias dereferenceable({size}) %scratch"


class Routine:
    """A function under construction: an emitter of scalars, and the operation it is for."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.e = Emitter(1)
        self.polls = False
        self._scratch = 0  # bytes

    def write(self, body: Callable[[Routine], None]) -> FunctionText:
        self.e.lines.append("entry:")
        if self.operation.result.type.size:
            body(self)
        self.e.write("ret i32 0")
        reads = [f"ptr noalias readonly %p{i}" for i in range(len(self.operation.operands))]
        scratch = [scratch_parameter(self._scratch)] if self._scratch else []
        return FunctionText(
            ", ".join([*reads, "ptr noalias %q0", *scratch, "ptr %context"]),
            tuple(self.e.lines),
            self.e.declarations,
            tuple(self.e.functions),
            self.polls,
            self._scratch,
        )

    def scratch(self, dtype: str, count: int) -> str:
        """The pointer to memory for `count` elements, which is the function's own while it runs."""
        place, size = self._scratch, count * memory.ELEMENT_BYTES[dtype]
        self._scratch += -(-size // ALIGNMENT) * ALIGNMENT
        return self.e.emit(f"getelementptr i8, ptr %scratch, i64 {place}", "ptr").name

    @property
    def dtype(self) -> str:
        return self.operation.result.dtype

    def load(self, base: str, dtype: str, index: Reg) -> Reg:
        return memory.load_scalar(self.e, memory.address(self.e, base, dtype, index), dtype)

    def store(self, index: Reg, x: Reg) -> None:
        memory.store_scalar(self.e, memory.address(self.e, "%q0", x.dtype, index), x)

    def index(self, *terms: tuple[Reg, int]) -> Reg:
        """Σ register · factor."""
        total = integer(0)
        for register, factor in terms:
            term = register if factor == 1 else self.e.mul(register, integer(factor))
            total = term if total.name == "0" else self.e.add(total, term)
        return total

    def loop(self, extent: int, work: int, body: Callable[[Reg], None]) -> None:
        """A loop of `extent` steps, which handle `work` elements each."""
        every = max(POLL_ELEMENTS // max(work, 1), 1)
        if extent:
            polls = polled_loop(self.e, 0, extent, 1, every, body)
            self.polls |= polls

    def long_loop(self, low: int, high: int, body: Callable[[Reg], None]) -> None:
        """A loop from `low` on, which polls if it is long."""
        if low < high:
            polls = polled_loop(self.e, low, high, 1, POLL_ELEMENTS, body)
            self.polls |= polls

    def inner_loop(self, extent: int, body: Callable[[Reg], None]) -> None:
        for_loop(self.e, integer(0), integer(extent), 1, body, once=extent == 1)


def around(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    """How many elements before and after an axis."""
    return math.prod(shape[:axis]), math.prod(shape[axis + 1 :])


def nest(f: Routine, outer: int, count: int, work: int, body: Callable[[Reg, Reg], None]) -> None:
    """Two loops, which poll where there is much to do inside them."""
    if outer == 1:
        f.loop(count, work, lambda k: body(integer(0), k))
    elif count * work > POLL_ELEMENTS:
        f.loop(outer, count * work, lambda o: f.loop(count, work, lambda k: body(o, k)))
    else:
        f.loop(outer, count * work, lambda o: f.inner_loop(count, lambda k: body(o, k)))
