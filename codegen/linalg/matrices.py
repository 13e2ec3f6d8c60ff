"""Matrices in memory, for LAPACK: its calls, copies transposed, the working memory of a routine."""

from __future__ import annotations

import math
from collections.abc import Callable

from ...ir.errors import NotCompiledError
from ...ir.record import record
from ..control import for_loop, integer, minimum, return_if_nonzero
from ..emitter import Reg
from ..kernels import memory
from ..routine import Routine
from ..status import FAILED
from .blas import NativeLibrary
from .lapack import (
    INTEGER_WORK,
    INTEGER_WORK_SIZE,
    WORK,
    WORK_SIZE,
    Argument,
    find_lapack,
    workspace,
    write_call,
)

_BLOCK = 16  # rows that a transposing copy reads side by side
REAL = "f64"  # what is computed in, as in NumPy


@record
class Matrix:
    """Elements of `dtype` from `pointer` on, in memory."""

    pointer: str
    dtype: str


# --- calls ---


def library(f: Routine) -> NativeLibrary:
    found = find_lapack()
    if found is None:
        raise NotCompiledError(
            f"{f.operation.name} needs LAPACK, which neither NumPy's library nor SciPy has here "
            "under a name that is known",
            at=f.operation.location,
            hint="install SciPy, or call the function eagerly, f.eager(...)",
        )
    return found


def call(f: Routine, routine: str, *arguments: Argument | Matrix) -> Reg:
    """Call LAPACK, with the working memory that it wants; gives `info`."""
    lapack = library(f)
    given = [x.pointer if isinstance(x, Matrix) else x for x in arguments]
    words: dict[Argument, Argument] = {}
    if WORK in given:
        floats, integers = workspace(lapack, routine, given)
        words = {WORK: f.scratch(REAL, floats), WORK_SIZE: floats}
        if INTEGER_WORK in given:
            words[INTEGER_WORK] = f.scratch(lapack.integer, integers)
            words[INTEGER_WORK_SIZE] = integers
    info = f.scratch(lapack.integer, 1)
    write_call(f.e, lapack.integer, routine, [*(words.get(x, x) for x in given), info])
    return memory.load_scalar(f.e, info, lapack.integer)


def check(f: Routine, info: Reg) -> None:
    """Leave the function where a call failed."""
    failed = f.e.compare("ne", info, f.e.const(0, info.dtype))
    return_if_nonzero(f.e, f.e.select(failed, Reg(str(FAILED), "i32"), Reg("0", "i32")))


def reserve_reals(f: Routine, count: int) -> Matrix:
    """Memory of the function for numbers."""
    return Matrix(f.scratch(REAL, count), REAL)


def reserve_integers(f: Routine, count: int) -> Matrix:
    """Memory for LAPACK's integers."""
    kind = library(f).integer
    return Matrix(f.scratch(kind, count), kind)


def each_matrix(f: Routine, work: int, body: Callable[[Matrix, Matrix], None]) -> None:
    """`body` for each matrix of the stack: of an operand, and the place of its result."""
    x, result = f.operation.operands[0].type, f.operation.result.type
    count = math.prod(x.shape[:-2])
    size = result.size // count
    narrow = None if f.dtype == REAL else reserve_reals(f, size)

    def one(i: Reg) -> None:
        place = part_of(f, "%q0", i, size)
        body(part_of(f, "%p0", i, x.size // count), narrow or place)
        if narrow:
            transpose(f, place, 1, narrow, 1, (size, 1))

    f.loop(count, work, one)


def part_of(f: Routine, base: str, i: Reg, size: int) -> Matrix:
    """The i-th part of an operand or the result, of `size` elements."""
    return Matrix(memory.address(f.e, base, f.dtype, f.index((i, size))), f.dtype)


# --- copies ---


def load(f: Routine, x: Matrix, index: Reg) -> Reg:
    return f.load(x.pointer, x.dtype, index)


def transpose(
    f: Routine,
    target: Matrix,
    leading: int,
    source: Matrix,
    stride: int,
    extents: tuple[int, int],
    value: Callable[[Reg, Reg, Reg], Reg] | None = None,
) -> None:
    """target[j·leading + i] = source[i·stride + j] for all (i, j) in `extents`; with `value`, what
    it makes of (i, j, that element).
    """

    def move(i: Reg, j: Reg) -> None:
        x = load(f, source, f.e.add(f.index((i, stride)), j))
        x = f.e.convert(value(i, j, x) if value else x, target.dtype)
        index = f.e.add(f.index((j, leading)), i)
        memory.store_scalar(f.e, memory.address(f.e, target.pointer, target.dtype, index), x)

    _blocks(f, extents, move)


def _blocks(f: Routine, extents: tuple[int, int], body: Callable[[Reg, Reg], None]) -> None:
    """`body` for all (i, j), in blocks of rows: then neither side of a copy strides far."""
    rows, columns = extents

    def block(start: Reg) -> None:
        stop = integer(rows)
        if rows > _BLOCK:
            stop = minimum(f.e, f.e.add(start, integer(_BLOCK)), stop)

        def column(j: Reg) -> None:
            for_loop(f.e, start, stop, 1, lambda i: body(i, j), once=rows == 1)

        f.inner_loop(columns, column)

    for_loop(f.e, integer(0), integer(rows), _BLOCK, block, once=rows <= _BLOCK)


def symmetric(f: Routine, target: Matrix, source: Matrix, n: int) -> None:
    """The mean of a matrix and its transpose."""

    def mean(i: Reg, j: Reg, x: Reg) -> Reg:
        other = load(f, source, f.e.add(f.index((j, n)), i))
        return f.e.mul(f.e.add(x, other), f.e.const(0.5, x.dtype))

    transpose(f, target, n, source, n, (n, n), mean)


def in_triangle(f: Routine, predicate: str) -> Callable[[Reg, Reg, Reg], Reg]:
    """Elements whose row compares so with their column, zero elsewhere."""

    def kept(column: Reg, row: Reg, x: Reg) -> Reg:
        return f.e.select(f.e.compare(predicate, row, column), x, f.e.const(0.0, x.dtype))

    return kept


def offset_by(f: Routine, x: Matrix, offset: int) -> Matrix:
    return Matrix(memory.address(f.e, x.pointer, x.dtype, integer(offset)), x.dtype)
