"""Elements by computed indices inside kernels: numbers looked up, and rows that numbers are added
to.

Every index is checked where it is used, all lanes at once; one that is out of range ends the kernel
with INDEX_ERROR and the number of the check.
"""

from __future__ import annotations

from ...ir import Operation, Value
from ...ir.record import identity_record
from ..control import for_loop, integer, minimum, return_if_nonzero
from ..emitter import Emitter, Reg
from ..status import CHECK_SHIFT, INDEX_ERROR, MOST_CHECKS
from . import memory
from .loops import LoopNest, Write
from .transpose import pieces, store_rows


@identity_record
class _Tile:
    """Stack memory for the lanes of a deposit: its indices, and its numbers one after the other."""

    indices: str
    numbers: str


class Lookups:
    """The lookups and deposits of one kernel. `s` writes scalars, `v` at the nest's width."""

    def __init__(self, nest: LoopNest, s: Emitter, v: Emitter) -> None:
        self.nest, self.s, self.v = nest, s, v
        self.numbers = {(c.index, c.size): i for i, c in enumerate(nest.checks)}
        self.tables = {nest.body.inputs[r.operand]: r.operand for r in nest.reads if r.table}
        self.tiles: dict[Write, _Tile] = {}
        self.checked: dict[tuple[Value, int], Reg] = {}  # in this step: the index as i64

    def allocate(self) -> None:
        """Room for deposits, and zeros where they go."""
        for write in self.nest.writes:
            if write.kind != "scatter":
                continue
            count, lanes = len(write.outputs) - 1, self.nest.lanes
            bytes_ = write.size * count * memory.ELEMENT_BYTES[write.dtype]
            memory.clear(self.s, f"%q{write.number}", bytes_)
            self.tiles[write] = _Tile(
                self._slot(f"[{lanes} x i64]"),
                self._slot(f"[{count * lanes} x {self.s.type(write.dtype)}]"),
            )

    def _slot(self, kind: str) -> str:
        return self.s.emit(f"alloca {kind}, align 64", "ptr").name

    def begin_step(self) -> None:
        """Forget what was checked: other lanes come."""
        self.checked.clear()

    def _index(self, value: Value, register: Reg, size: int, mask: Reg | None) -> Reg:
        """An index as i64, of which all lanes are in range."""
        key = (value, size)
        if key not in self.checked:
            v = self.v
            index = v.convert(register, "i64")
            limit = v.const(size, "i64")
            outside = v.emit(f"icmp uge {v.typed(index)}, {limit.name}", "bool")
            if mask is not None:
                outside = v.and_(outside, mask)
            number = min(self.numbers[key], MOST_CHECKS)
            status = Reg(str(INDEX_ERROR | number << CHECK_SHIFT), "i32")
            stop = self.s.select(v.any_lane(outside), status, Reg("0", "i32"))
            return_if_nonzero(self.s, stop)
            self.checked[key] = index
        return self.checked[key]

    def look_up(self, operation: Operation, register: Reg, mask: Reg | None) -> Reg:
        """The elements of a table at the lanes of an index; lanes outside `mask` are 0."""
        table, index_value = operation.operands
        offset, stride, size = (operation.attributes[n] for n in ("offset", "stride", "size"))
        index = self._index(index_value, register, size, mask)
        if stride != 1:
            index = self.v.mul(index, self.v.const(stride, "i64"))
        name, dtype = f"%p{self.tables[table]}", operation.result.dtype
        if offset:
            name = memory.address(self.s, name, dtype, integer(offset))
        return memory.load_at(self.v, name, dtype, index, mask)

    def deposit(self, write: Write, registers: list[Reg], j: Reg, mask: Reg | None) -> None:
        """Add the lanes of the numbers to the rows of their index, one lane after the other."""
        s, lanes, tile = self.s, self.nest.lanes, self.tiles[write]
        index_value = self.nest.body.outputs[write.outputs[0]]
        index = self._index(index_value, registers[0], write.size, mask)
        numbers, item = registers[1:], write.dtype
        cuts = pieces(len(numbers), lanes)
        memory.store(self.v, tile.indices, index, 1, None)
        store_rows(self.v, tile.numbers, numbers)
        end = integer(lanes)
        if mask is not None:
            end = minimum(s, s.sub(integer(self.nest.extents[-1]), j), end)

        def add(lane: Reg) -> None:
            at = memory.address(s, tile.indices, "i64", lane)
            row = s.mul(memory.load_scalar(s, at, "i64"), integer(len(numbers)))
            start = memory.address(s, f"%q{write.number}", item, row)
            own = s.mul(lane, integer(len(numbers)))
            more = memory.address(s, tile.numbers, item, own)
            for first, width in cuts:
                e = s.sibling(width)
                target, source = (memory.address(s, p, item, integer(first)) for p in (start, more))
                old = memory.load(e, target, item, 1, None)
                new = e.add(old, memory.load(e, source, item, 1, None))
                memory.store(e, target, new, 1, None)

        for_loop(s, integer(0), end, 1, add, once=lanes == 1)
