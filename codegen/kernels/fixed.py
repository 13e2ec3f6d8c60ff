"""What is fixed along the vector axis of a kernel, computed once before its loop."""

from __future__ import annotations

from ...ir import Operation, Value
from ..control import integer
from ..emitter import Emitter, Reg
from . import memory
from .loops import LoopNest, Read, Write


class Fixed:
    """Element indices, uniform loads and uniform operations of one kernel.

    `s` writes scalars, `v` at the nest's width.
    """

    def __init__(self, nest: LoopNest, s: Emitter, v: Emitter) -> None:
        self.nest, self.s, self.v = nest, s, v
        self.index: dict[int, Reg] = {}  # nest axis -> its current index
        self.uniform: dict[Value, Reg] = {}  # scalars that are fixed along the vector axis
        self.spread: dict[Value, Reg] = {}  # the same, in every lane
        self.bases: dict[Read | Write, Reg] = {}  # element index at the start of the vector axis
        self.inside: dict[Read, Reg] = {}  # is the read inside its bounds along the outer axes

    def prepare(self) -> None:
        """Compute element indices, uniform loads and uniform operations before the vector loop."""
        self.uniform.clear()
        self.spread.clear()
        last = self.nest.rank - 1
        accesses: tuple[Read | Write, ...] = (*self.nest.reads, *self.nest.writes)
        for access in accesses:
            self.bases[access] = self._outer_index(access)
        for read in self.nest.reads:
            if any(read.bounds[:last]):
                self.inside[read] = self._outer_inside(read)
            if read.strides[last] == 0 and read.bounds[last] is None and not read.table:
                pointer = self.address(read, None)
                mask = self.inside.get(read)
                value = self.nest.body.inputs[read.operand]
                self.uniform[value] = memory.load(self.s, pointer, read.dtype, 0, mask)
        for (axis, dtype), value in zip(self.nest.indices, self.index_inputs(), strict=True):
            if axis != last:
                index = self.index[axis] if axis >= 0 else integer(0)
                self.uniform[value] = self.s.convert(index, dtype)
        for operation in self.nest.body:
            if operation.operands and all(self._is_uniform(x) for x in operation.operands):
                registers = [self._scalar(x) for x in operation.operands]
                self.uniform[operation.result] = emit_operation(self.s, operation, registers)
        for value in self.uniform:
            self.spread[value] = self.v.splat(self.uniform[value])

    def index_inputs(self) -> tuple[Value, ...]:
        """The inputs of the body that are indices, in the order of `nest.indices`."""
        return self.nest.body.inputs[len(self.nest.reads) :]

    def _is_uniform(self, value: Value) -> bool:
        return value in self.uniform or _is_constant(value)

    def _scalar(self, value: Value) -> Reg:
        if value in self.uniform:
            return self.uniform[value]
        assert value.producer is not None
        return self.s.const(value.producer.attributes["value"], value.dtype)

    def _outer_index(self, access: Read | Write) -> Reg:
        total = integer(access.offset if isinstance(access, Read) else 0)
        for axis, stride in enumerate(access.strides[:-1]):
            if stride:
                term = self.s.mul(self.index[axis], integer(stride))
                total = term if total.name == "0" else self.s.add(total, term)
        return total

    def _outer_inside(self, read: Read) -> Reg:
        inside = self.s.const(True, "bool")
        for axis, bounds in enumerate(read.bounds[:-1]):
            if bounds is not None:
                i = self.index[axis]
                inside = self.s.and_(inside, self.s.compare("ge", i, integer(bounds[0])))
                inside = self.s.and_(inside, self.s.compare("lt", i, integer(bounds[1])))
        return inside

    def address(self, access: Read | Write, j: Reg | None) -> str:
        """The element of an access at index j of the vector axis."""
        index, stride = self.bases[access], access.strides[-1]
        if j is not None and stride:
            along = j if stride == 1 else self.s.mul(j, integer(stride))
            index = along if index.name == "0" else self.s.add(index, along)
        name = f"%p{access.operand}" if isinstance(access, Read) else f"%q{access.number}"
        return memory.address(self.s, name, access.dtype, index)


def _is_constant(value: Value) -> bool:
    return value.producer is not None and value.producer.name == "constant"


def emit_operation(e: Emitter, operation: Operation, registers: list[Reg]) -> Reg:
    """One operation of the body, at the emitter's width."""
    if operation.name == "constant":
        return e.const(operation.attributes["value"], operation.result.dtype)
    emit = operation.op.emit
    if emit is None:
        raise AssertionError(f"{operation!r} has no scalar code")
    result: Reg = emit(e, *registers, **operation.attributes)
    return result
