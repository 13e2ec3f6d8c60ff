"""Operations that are no kernels: each a function of plain loops, ``i32 (ptr p…, ptr q0, ptr
context)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..ir import Operation
from ..ir.errors import NotCompiledError
from ..ir.types import NUMPY_DTYPE
from ..ir.view import row_major_strides
from . import memory
from .contraction import lower_dot
from .control import for_loop, integer, polled_loop, return_if_nonzero
from .emitter import FLOATS, Emitter, Reg
from .function import FunctionText
from .kernel import write_kernel
from .loops import POLL_ELEMENTS, plan_loops

INDEX_ERROR = 1  # the status of a function that met an index out of range
NO_MEMORY = 2


def lower(operation: Operation) -> FunctionText:
    """The LLVM function of an operation of a fused graph."""
    if operation.name == "kernel":
        return write_kernel(plan_loops(operation))
    if operation.name == "dot":
        return lower_dot(operation)
    body = _BODIES.get(operation.name)
    if body is None:
        raise NotCompiledError(
            f"{operation.name} is not compiled yet, it runs in eager mode only",
            at=operation.location,
            hint="call the function eagerly, f.eager(...), or compute this part outside of it",
        )
    return _Function(operation).write(body)


class _Function:
    """A function under construction: an emitter of scalars, and the operation it is for."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.e = Emitter(1)
        self.polls = False

    def write(self, body: Callable[[_Function], None]) -> FunctionText:
        self.e.lines.append("entry:")
        if self.operation.result.type.size:
            body(self)
        self.e.write("ret i32 0")
        reads = [f"ptr noalias readonly %p{i}" for i in range(len(self.operation.operands))]
        parameters = ", ".join([*reads, "ptr noalias %q0", "ptr %context"])
        return FunctionText(parameters, tuple(self.e.lines), self.e.declarations, (), self.polls)

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


def _around(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    """How many elements before and after an axis."""
    return math.prod(shape[:axis]), math.prod(shape[axis + 1 :])


def _dense(f: _Function) -> None:
    array = f.operation.attributes["data"].array.astype(NUMPY_DTYPE[f.dtype])
    for i, number in enumerate(array.ravel().tolist()):
        f.store(integer(i), f.e.const(number, f.dtype))


def _concatenate(f: _Function) -> None:
    axis, shape = f.operation.attributes["axis"], f.operation.result.shape
    outer, inner = _around(shape, axis)
    item = memory.ELEMENT_BYTES[f.dtype]
    start = 0
    for number, part in enumerate(f.operation.operands):
        width = part.shape[axis] * inner

        def copy(i: Reg, number: int = number, width: int = width, start: int = start) -> None:
            source = memory.address(f.e, f"%p{number}", f.dtype, f.index((i, width)))
            place = f.e.add(f.index((i, shape[axis] * inner)), integer(start))
            target = memory.address(f.e, "%q0", f.dtype, place)
            memory.copy(f.e, target, source, width * item)

        if width:
            f.loop(outer, width, copy)
        start += width


def _checked_index(f: _Function, base: str, dtype: str, k: Reg, size: int) -> Reg:
    """indices[k], or leave the function with INDEX_ERROR where it is not in 0 … size-1."""
    index = f.e.convert(f.load(base, dtype, k), "i64")
    outside = f.e.emit(f"icmp uge i64 {index.name}, {size}", "bool")
    return_if_nonzero(f.e, f.e.select(outside, Reg(str(INDEX_ERROR), "i32"), Reg("0", "i32")))
    return index


def _gather(f: _Function) -> None:
    x, indices = f.operation.operands
    axis = f.operation.attributes["axis"]
    outer, inner = _around(x.shape, axis)
    size, count, item = x.shape[axis], indices.type.size, memory.ELEMENT_BYTES[f.dtype]

    def pick(o: Reg, k: Reg) -> None:
        index = _checked_index(f, "%p1", indices.dtype, k, size)
        source = memory.address(f.e, "%p0", f.dtype, f.index((o, size * inner), (index, inner)))
        target = memory.address(f.e, "%q0", f.dtype, f.index((o, count * inner), (k, inner)))
        memory.copy(f.e, target, source, inner * item)

    _nest(f, outer, count, inner, pick)


def _scatter_add(f: _Function) -> None:
    indices, updates = f.operation.operands
    axis, size = f.operation.attributes["axis"], f.operation.attributes["size"]
    outer, inner = _around(f.operation.result.shape, axis)
    count = indices.type.size
    memory.clear(f.e, "%q0", f.operation.result.type.size * memory.ELEMENT_BYTES[f.dtype])

    def put(o: Reg, k: Reg) -> None:
        index = _checked_index(f, "%p0", indices.dtype, k, size)
        target = f.index((o, size * inner), (index, inner))
        source = f.index((o, count * inner), (k, inner))

        def add(i: Reg) -> None:
            place = f.e.add(target, i)
            update = f.load("%p1", f.dtype, f.e.add(source, i))
            f.store(place, f.e.add(f.load("%q0", f.dtype, place), update))

        f.inner_loop(inner, add)

    if updates.type.size:
        _nest(f, outer, count, inner, put)


def _nest(
    f: _Function, outer: int, count: int, work: int, body: Callable[[Reg, Reg], None]
) -> None:
    """Two loops, which poll where there is much to do inside them."""
    if outer == 1:
        f.loop(count, work, lambda k: body(integer(0), k))
    elif count * work > POLL_ELEMENTS:
        f.loop(outer, count * work, lambda o: f.loop(count, work, lambda k: body(o, k)))
    else:
        f.loop(outer, count * work, lambda o: f.inner_loop(count, lambda k: body(o, k)))


def _cumsum(f: _Function) -> None:
    x, axis = f.operation.operands[0], f.operation.attributes["axis"]
    outer, inner = _around(x.shape, axis)
    n, backwards = x.shape[axis], f.operation.attributes["reverse"]
    step = -inner if backwards else inner

    def column(o: Reg, i: Reg) -> None:
        first = f.e.add(
            f.index((o, n * inner), (i, 1)), integer((n - 1) * inner if backwards else 0)
        )
        f.store(first, f.load("%p0", f.dtype, first))

        def add(k: Reg) -> None:
            place = f.e.add(first, f.index((k, step)))
            before = f.load("%q0", f.dtype, f.e.sub(place, integer(step)))
            f.store(place, f.e.add(before, f.load("%p0", f.dtype, place)))

        f.long_loop(1, n, add)

    _nest(f, outer, inner, n, column)


def _arg_extremum(f: _Function) -> None:
    x, axis = f.operation.operands[0], f.operation.attributes["axis"]
    outer, inner = _around(x.shape, axis)
    n = x.shape[axis]
    predicate = "gt" if f.operation.name == "argmax" else "lt"
    best = f.e.emit(f"alloca {f.e.type('i8' if x.dtype == 'bool' else x.dtype)}", "ptr").name
    where = f.e.emit("alloca i64", "ptr").name

    def column(o: Reg, i: Reg) -> None:
        start = f.index((o, n * inner), (i, 1))
        memory.store_scalar(f.e, best, f.load("%p0", x.dtype, start))
        memory.store_scalar(f.e, where, integer(0))

        def look(k: Reg) -> None:
            value = f.load("%p0", x.dtype, f.e.add(start, f.index((k, inner))))
            leader = memory.load_scalar(f.e, best, x.dtype)
            better = f.e.compare(predicate, value, leader)
            if x.dtype in FLOATS:  # the first nan wins
                first_nan = f.e.and_(f.e.is_nan(value), f.e.not_(f.e.is_nan(leader)))
                better = f.e.or_(better, first_nan)
            memory.store_scalar(f.e, best, f.e.select(better, value, leader))
            place = memory.load_scalar(f.e, where, "i64")
            memory.store_scalar(f.e, where, f.e.select(better, k, place))

        f.long_loop(1, n, look)
        f.store(f.index((o, inner), (i, 1)), memory.load_scalar(f.e, where, "i64"))

    _nest(f, outer, inner, n, column)


def _pad(f: _Function) -> None:
    """A pad with zeros between the elements (others are views)."""
    x, result = f.operation.operands[0], f.operation.result
    attributes = f.operation.attributes
    memory.clear(f.e, "%q0", result.type.bytes)
    strides = row_major_strides(result.shape)
    steps = [s * (k + 1) for s, k in zip(strides, attributes["interior"], strict=True)]
    offset = sum(s * low for s, low in zip(strides, attributes["low"], strict=True))
    source_strides = row_major_strides(x.shape)

    def fill(axis: int, source: Reg, target: Reg) -> None:
        if axis == len(x.shape):
            f.store(target, f.load("%p0", f.dtype, source))
            return

        def step(i: Reg) -> None:
            fill(
                axis + 1,
                f.e.add(source, f.index((i, source_strides[axis]))),
                f.e.add(target, f.index((i, steps[axis]))),
            )

        if axis == 0:
            f.loop(x.shape[0], math.prod(x.shape[1:]), step)
        else:
            f.inner_loop(x.shape[axis], step)

    if x.type.size:
        fill(0, integer(0), integer(offset))


_BODIES: dict[str, Callable[[_Function], None]] = {
    "dense": _dense,
    "concatenate": _concatenate,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "cumsum": _cumsum,
    "argmax": _arg_extremum,
    "argmin": _arg_extremum,
    "pad": _pad,
}
