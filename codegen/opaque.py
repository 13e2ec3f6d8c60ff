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
from . import incomplete, sorting
from .control import integer, return_if_nonzero
from .emitter import FLOATS, Reg
from .function import FunctionText
from .kernels import memory
from .kernels.kernel import write_kernel
from .kernels.loops import plan_loops
from .kernels.stores import store_text
from .linalg import elimination, factorisation, tiny
from .linalg.ahead import NONE, Fetches
from .linalg.contraction import lower_dot
from .linalg.tiny import is_tiny
from .routine import Routine, around, nest
from .status import INDEX_ERROR

MOST_STORES = 64  # by which a literal is written; a longer one is a constant of the module


def lower(operation: Operation, adds: bool = False, fetches: Fetches = NONE) -> FunctionText:
    """The LLVM function of an operation of a fused graph; a product may add to its result, and
    fetch what comes next.
    """
    if operation.name == "kernel":
        return write_kernel(plan_loops(operation))
    if operation.name == "dot":
        return lower_dot(operation, adds, fetches=fetches)
    if operation.name == "update":
        return store_text(operation)
    table = _TINY_BODIES if operation.name in _TINY_BODIES and is_tiny(operation) else _BODIES
    body = table.get(operation.name)
    if body is None:
        raise NotCompiledError(
            f"{operation.name} is not compiled yet, it runs in eager mode only",
            at=operation.location,
            hint="call the function eagerly, f.eager(...), or compute this part outside of it",
        )
    return Routine(operation).write(body)


def _dense(f: Routine) -> None:
    array = f.operation.attributes["data"].array.astype(NUMPY_DTYPE[f.dtype])
    if array.size > MOST_STORES:
        memory.copy(f.e, "%q0", memory.constant_array(f.e, array), array.nbytes)
        return
    for i, number in enumerate(array.ravel().tolist()):
        f.store(integer(i), f.e.const(number, f.dtype))


def _concatenate(f: Routine) -> None:
    axis, shape = f.operation.attributes["axis"], f.operation.result.shape
    outer, inner = around(shape, axis)
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


def _checked_index(f: Routine, base: str, dtype: str, k: Reg, size: int) -> Reg:
    """indices[k], or leave the function with INDEX_ERROR where it is not in 0 … size-1."""
    index = f.e.convert(f.load(base, dtype, k), "i64")
    outside = f.e.emit(f"icmp uge i64 {index.name}, {size}", "bool")
    return_if_nonzero(f.e, f.e.select(outside, Reg(str(INDEX_ERROR), "i32"), Reg("0", "i32")))
    return index


def _gather(f: Routine) -> None:
    x, indices = f.operation.operands
    axis = f.operation.attributes["axis"]
    outer, inner = around(x.shape, axis)
    size, count, item = x.shape[axis], indices.type.size, memory.ELEMENT_BYTES[f.dtype]

    def pick(o: Reg, k: Reg) -> None:
        index = _checked_index(f, "%p1", indices.dtype, k, size)
        source = memory.address(f.e, "%p0", f.dtype, f.index((o, size * inner), (index, inner)))
        target = memory.address(f.e, "%q0", f.dtype, f.index((o, count * inner), (k, inner)))
        memory.copy(f.e, target, source, inner * item)

    nest(f, outer, count, inner, pick)


def _scatter_add(f: Routine) -> None:
    indices, updates = f.operation.operands
    axis, size = f.operation.attributes["axis"], f.operation.attributes["size"]
    outer, inner = around(f.operation.result.shape, axis)
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
        nest(f, outer, count, inner, put)


def _last_of(f: Routine) -> None:
    (indices,) = f.operation.operands
    size = f.operation.attributes["size"]
    f.loop(size, 1, lambda place: f.store(place, integer(-1)))
    f.loop(
        indices.type.size,
        1,
        lambda k: f.store(_checked_index(f, "%p0", indices.dtype, k, size), k),
    )


def _cumsum(f: Routine) -> None:
    x, axis = f.operation.operands[0], f.operation.attributes["axis"]
    outer, inner = around(x.shape, axis)
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

    nest(f, outer, inner, n, column)


def _arg_extremum(f: Routine) -> None:
    x, axis = f.operation.operands[0], f.operation.attributes["axis"]
    outer, inner = around(x.shape, axis)
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

    nest(f, outer, inner, n, column)


def _pad(f: Routine) -> None:
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


_BODIES: dict[str, Callable[[Routine], None]] = {
    "dense": _dense,
    "concatenate": _concatenate,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "last_of": _last_of,
    "cumsum": _cumsum,
    "argmax": _arg_extremum,
    "argmin": _arg_extremum,
    "pad": _pad,
    "argsort": sorting.argsort,
    "solve": factorisation.solve,
    "solve_triangular": factorisation.solve_triangular,
    "slogdet": factorisation.slogdet,
    "cholesky": factorisation.cholesky,
    "eigh": factorisation.eigh,
    "eigvalsh": factorisation.eigvalsh,
    "svdvals": factorisation.svdvals,
    "svd": factorisation.svd,
    "qr": factorisation.qr,
    "pinv": factorisation.pinv,
    "lu_order": elimination.lu_order,
    "failure": elimination.failure,
    "gammainc": incomplete.gammainc,
}

_TINY_BODIES: dict[str, Callable[[Routine], None]] = {
    "solve": tiny.solve,
    "solve_triangular": tiny.solve_triangular,
    "cholesky": tiny.cholesky,
}
