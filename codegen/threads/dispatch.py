"""An operation that is cut into blocks, as three functions in place of one.

    part      the operation's own code for one block: its parameters, and ``i64 %block``
    task      ``i32 (ptr frame, i64 block, ptr scratch, ptr context)``: calls the part with the
              pointers that it finds in the frame. This is what threads run.
    whole     the operation's function as its callers know it: fills the frame, hands all blocks to
              `fg.parallel`, and joins what they leave of reductions

Where a reduction goes over the axis that is cut, each block's part has a place of its own, and the
parts are joined block after block, whoever computed them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ...ir.passes.plan import ALIGNMENT
from ...ir.record import record
from ..control import for_loop, integer, minimum, return_if_nonzero
from ..emitter import FLOATS, Emitter, Reg
from ..function import FunctionText
from ..kernels import memory
from ..kernels.loops import Write
from ..kernels.reduction import combine, identity, two_sum
from ..routine import scratch_parameter
from .split import Split

Add = Callable[[str, FunctionText], str]  # puts a function into the module; its symbol

PARALLEL = "declare i32 @fg.parallel(ptr, ptr, i64, ptr, i64, ptr, ptr)"
_LANES = 8


@record
class Partial:
    """Result `number`, of which each block leaves `size` elements, in memory from `place` on."""

    write: Write
    size: int
    place: int

    @property
    def kind(self) -> str:
        """How the parts are joined; scattered numbers are added up."""
        return "sum" if self.write.kind == "scatter" else self.write.kind

    @property
    def bytes(self) -> int:
        """From one block's elements to the next one's."""
        return self.size * memory.ELEMENT_BYTES[self.write.dtype]


def run_kernel_in_blocks(
    part: FunctionText, writes: Sequence[Write], sizes: Sequence[int], split: Split, add: Add
) -> FunctionText:
    """The whole function of a kernel whose `part` is one block; `sizes` are those of its results,
    in elements.
    """
    partials: dict[str, Partial] = {}
    place = 0
    for write in writes:
        if write.is_joined(split.axis):
            partial = Partial(write, sizes[write.number], place)
            partials[f"%q{write.number}"] = partial
            place += -(-partial.bytes * split.blocks // ALIGNMENT) * ALIGNMENT
    return _Whole(part, split.blocks, partials, place, 0, add).write()


def run_in_blocks(part: FunctionText, blocks: int, add: Add) -> FunctionText:
    """The whole function of an operation whose results are not reductions over the blocks.

    Each thread has scratch memory of its own, as much as the part asks for.
    """
    return _Whole(part, blocks, {}, 0, part.scratch, add).write()


class _Whole:
    """`shared` bytes of scratch memory are for partial results, `private` ones for each thread."""

    def __init__(
        self,
        part: FunctionText,
        blocks: int,
        partials: dict[str, Partial],
        shared: int,
        private: int,
        add: Add,
    ) -> None:
        self.part, self.blocks, self.partials = part, blocks, partials
        self.shared, self.private, self.add = shared, private, add
        self.pointers = [name for name in _names(part) if name[:2] in ("%p", "%q")]
        self.e = Emitter(1)
        self.e.declarations["fg.parallel"] = PARALLEL

    def write(self) -> FunctionText:
        e = self.e
        task = self.add("task", self._task(self.add("block", self.part)))
        e.lines.append("entry:")
        e.write(f"%frame = alloca [{len(self.pointers)} x ptr], align 8")
        for i, name in enumerate(self.pointers):
            place = e.emit(f"getelementptr ptr, ptr %frame, i64 {i}", "ptr").name
            e.write(f"store ptr {self._source(name)}, ptr {place}")
        scratch = "%scratch" if self.private else "null"
        status = e.emit(
            f"call i32 @fg.parallel(ptr {task}, ptr %frame, i64 {self.blocks}, ptr {scratch}, "
            f"i64 {self.private}, ptr @fg.poll, ptr %context)",
            "i32",
        )
        return_if_nonzero(e, status)
        for name, partial in self.partials.items():
            join = self.add("join", join_text(partial, self.blocks))
            e.write(f"call i32 {join}(ptr {self._source(name)}, ptr {name}, ptr %context)")
        e.write("ret i32 0")
        return FunctionText(
            self._parameters(), tuple(e.lines), e.declarations, (), True, self.shared + self.private
        )

    def _parameters(self) -> str:
        outer = [
            p for p in self.part.parameters.split(", ") if p.split()[-1] not in _INNER_PARAMETERS
        ]
        size = self.shared + self.private
        return ", ".join([*outer, *([scratch_parameter(size)] if size else []), "ptr %context"])

    def _source(self, name: str) -> str:
        """The pointer in the frame that stands for a parameter of the part."""
        partial = self.partials.get(name)
        if partial is None:
            return name
        return self.e.emit(f"getelementptr i8, ptr %scratch, i64 {partial.place}", "ptr").name

    def _task(self, part: str) -> FunctionText:
        e = Emitter(1)
        e.lines.append("entry:")
        arguments = []
        for i, name in enumerate(self.pointers):
            place = e.emit(f"getelementptr ptr, ptr %frame, i64 {i}", "ptr").name
            pointer = e.emit(f"load ptr, ptr {place}", "ptr").name
            if name in self.partials:
                offset = e.mul(Reg("%block", "i64"), integer(self.partials[name].bytes))
                pointer = e.emit(f"getelementptr i8, ptr {pointer}, i64 {offset.name}", "ptr").name
            arguments.append(f"ptr {pointer}")
        inner = [n for n in _names(self.part) if n in _INNER_PARAMETERS]
        arguments += [f"{'i64' if name == '%block' else 'ptr'} {name}" for name in inner]
        status = e.emit(f"call i32 {part}({', '.join(arguments)})", "i32")
        e.write(f"ret i32 {status.name}")
        parameters = "ptr %frame, i64 %block, ptr %scratch, ptr %context"
        return FunctionText(parameters, tuple(e.lines), {}, (), self.part.polls, directs=True)


_INNER_PARAMETERS = ("%block", "%scratch", "%context")


def _names(text: FunctionText) -> list[str]:
    """The names of a function's parameters."""
    return [parameter.split()[-1] for parameter in text.parameters.split(", ")]


def join_text(partial: Partial, blocks: int) -> FunctionText:
    """``i32 (ptr parts, ptr result, ptr context)``: the parts of all blocks in one, in order.

    A sum of floats is compensated, as inside of a block.
    """
    s = Emitter(1)
    s.lines.append("entry:")
    lanes = min(_LANES, 1 << (partial.size - 1).bit_length())
    v = s.sibling(lanes)
    slots = [v.emit(f"alloca {v.type(partial.write.dtype)}", "ptr").name for _ in range(2)]

    def some(first: Reg) -> None:
        mask = _below(s, v, first, partial.size) if partial.size % lanes else None
        _join(s, v, slots, partial, blocks, first, mask)

    for_loop(s, integer(0), integer(partial.size), lanes, some, once=partial.size <= lanes)
    s.write("ret i32 0")
    parameters = "ptr noalias readonly %parts, ptr noalias %result, ptr %context"
    return FunctionText(parameters, tuple(s.lines), s.declarations, tuple(s.functions), False)


def _below(s: Emitter, v: Emitter, first: Reg, size: int) -> Reg:
    """The lanes from `first` on that are below `size`."""
    left = s.convert(minimum(s, s.sub(integer(size), first), integer(v.lanes)), "i32")
    numbers = v.lane_constants(tuple(range(v.lanes)), "i32")
    return v.compare("lt", numbers, v.splat(left))


def _join(
    s: Emitter,
    v: Emitter,
    slots: list[str],
    partial: Partial,
    blocks: int,
    first: Reg,
    mask: Reg | None,
) -> None:
    """The lanes from `first` on of all blocks."""
    kind, dtype = partial.kind, partial.write.dtype
    compensated = kind == "sum" and dtype in FLOATS

    def get(slot: str) -> Reg:
        return v.emit(f"load {v.type(dtype)}, ptr {slot}", dtype)

    def put(slot: str, x: Reg) -> None:
        v.write(f"store {v.typed(x)}, ptr {slot}")

    for slot in slots[: 1 + compensated]:
        put(slot, v.const(identity(kind, dtype), dtype))

    def add(block: Reg) -> None:
        index = s.add(s.mul(block, integer(partial.size)), first)
        pointer = memory.address(s, "%parts", dtype, index)
        x = memory.load(v, pointer, dtype, 1, mask)
        if not compensated:
            put(slots[0], combine(v, kind, get(slots[0]), x))
            return
        total, rounding = two_sum(v, get(slots[0]), x)
        put(slots[0], total)
        put(slots[1], v.add(get(slots[1]), rounding))

    for_loop(s, integer(0), integer(blocks), 1, add)
    result = get(slots[0])
    if compensated:  # inf - inf would make the error nan
        finite = v.compare("lt", v.absolute(result), v.const(math.inf, dtype))
        result = v.select(finite, v.add(result, get(slots[1])), result)
    memory.store(v, memory.address(s, "%result", dtype, first), result, 1, mask)
