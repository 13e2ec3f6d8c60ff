"""Linear systems and factorisations, by LAPACK: one call for each matrix of a stack.

LAPACK has columns where we have rows, and writes its results over its operands: matrices are copied
into memory of the function, transposed. What LAPACK gets is what NumPy gives it, float32 as float64
too, so that the results have NumPy's bits and the vectors NumPy's signs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..ir.errors import NotCompiledError
from ..ir.record import record
from . import memory
from .blas import NativeLibrary
from .control import for_loop, integer, minimum, return_if_nonzero
from .emitter import Reg
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
from .routine import FAILED, Routine

_BLOCK = 16  # rows that a transposing copy reads side by side
_REAL = "f64"  # what is computed in, as in NumPy

_NO_VALUES = ("Eigenvalues did not converge", "look for nan and inf in the matrix")
_NO_SVD = ("SVD did not converge", "look for nan and inf in the matrix")
_SINGULAR = (
    "Singular matrix",
    "np.linalg.lstsq or np.linalg.pinv; or add a small multiple of the identity",
)
_INDEFINITE = (
    "Matrix is not positive definite",
    "check its eigenvalues; a small multiple of the identity added to it helps",
)
WHY_FAILED = {  # and what to try
    "solve": _SINGULAR,
    "solve_triangular": _SINGULAR,
    "cholesky": _INDEFINITE,
    "eigh": _NO_VALUES,
    "eigvalsh": _NO_VALUES,
    "svd": _NO_SVD,
    "svdvals": _NO_SVD,
    "pinv": _NO_SVD,
}


@record
class _Array:
    """Elements of `dtype` from `pointer` on, in memory."""

    pointer: str
    dtype: str


# --- calls ---


def _library(f: Routine) -> NativeLibrary:
    found = find_lapack()
    if found is None:
        raise NotCompiledError(
            f"{f.operation.name} needs LAPACK, which neither NumPy's library nor SciPy has here "
            "under a name that is known",
            at=f.operation.location,
            hint="install SciPy, or call the function eagerly, f.eager(...)",
        )
    return found


def _call(f: Routine, routine: str, *arguments: Argument | _Array) -> Reg:
    """Call LAPACK, with the working memory that it wants; gives `info`."""
    lapack = _library(f)
    given = [x.pointer if isinstance(x, _Array) else x for x in arguments]
    words: dict[Argument, Argument] = {}
    if WORK in given:
        floats, integers = workspace(lapack, routine, given)
        words = {WORK: f.scratch(_REAL, floats), WORK_SIZE: floats}
        if INTEGER_WORK in given:
            words[INTEGER_WORK] = f.scratch(lapack.integer, integers)
            words[INTEGER_WORK_SIZE] = integers
    info = f.scratch(lapack.integer, 1)
    write_call(f.e, lapack.integer, routine, [*(words.get(x, x) for x in given), info])
    return memory.load_scalar(f.e, info, lapack.integer)


def _check(f: Routine, info: Reg) -> None:
    """Leave the function where a call failed."""
    failed = f.e.compare("ne", info, f.e.const(0, info.dtype))
    return_if_nonzero(f.e, f.e.select(failed, Reg(str(FAILED), "i32"), Reg("0", "i32")))


def _reals(f: Routine, count: int) -> _Array:
    """Memory of the function for numbers."""
    return _Array(f.scratch(_REAL, count), _REAL)


def _integers(f: Routine, count: int) -> _Array:
    """Memory for LAPACK's integers."""
    kind = _library(f).integer
    return _Array(f.scratch(kind, count), kind)


def _each(f: Routine, work: int, body: Callable[[_Array, _Array], None]) -> None:
    """`body` for each matrix of the stack: of an operand, and the place of its result."""
    x, result = f.operation.operands[0].type, f.operation.result.type
    count = math.prod(x.shape[:-2])
    size = result.size // count
    narrow = None if f.dtype == _REAL else _reals(f, size)

    def one(i: Reg) -> None:
        place = _part(f, "%q0", i, size)
        body(_part(f, "%p0", i, x.size // count), narrow or place)
        if narrow:
            _transpose(f, place, 1, narrow, 1, (size, 1))

    f.loop(count, work, one)


def _part(f: Routine, base: str, i: Reg, size: int) -> _Array:
    """The i-th part of an operand or the result, of `size` elements."""
    return _Array(memory.address(f.e, base, f.dtype, f.index((i, size))), f.dtype)


# --- copies ---


def _load(f: Routine, x: _Array, index: Reg) -> Reg:
    return f.load(x.pointer, x.dtype, index)


def _transpose(
    f: Routine,
    target: _Array,
    leading: int,
    source: _Array,
    stride: int,
    extents: tuple[int, int],
    value: Callable[[Reg, Reg, Reg], Reg] | None = None,
) -> None:
    """target[j·leading + i] = source[i·stride + j] for all (i, j) in `extents`; with `value`, what
    it makes of (i, j, that element).
    """

    def move(i: Reg, j: Reg) -> None:
        x = _load(f, source, f.e.add(f.index((i, stride)), j))
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


def _symmetric(f: Routine, target: _Array, source: _Array, n: int) -> None:
    """The mean of a matrix and its transpose."""

    def mean(i: Reg, j: Reg, x: Reg) -> Reg:
        other = _load(f, source, f.e.add(f.index((j, n)), i))
        return f.e.mul(f.e.add(x, other), f.e.const(0.5, x.dtype))

    _transpose(f, target, n, source, n, (n, n), mean)


def _triangle(f: Routine, predicate: str) -> Callable[[Reg, Reg, Reg], Reg]:
    """Elements whose row compares so with their column, zero elsewhere."""

    def kept(column: Reg, row: Reg, x: Reg) -> Reg:
        return f.e.select(f.e.compare(predicate, row, column), x, f.e.const(0.0, x.dtype))

    return kept


def _from(f: Routine, x: _Array, offset: int) -> _Array:
    return _Array(memory.address(f.e, x.pointer, x.dtype, integer(offset)), x.dtype)


# --- systems and determinants ---


def solve(f: Routine) -> None:
    *stack, n, k = f.operation.result.shape
    matrix, right, pivots = _reals(f, n * n), _reals(f, n * k), _integers(f, n)

    def one(i: Reg) -> None:
        _transpose(f, matrix, n, _part(f, "%p0", i, n * n), n, (n, n))
        _transpose(f, right, n, _part(f, "%p1", i, n * k), k, (n, k))
        _check(f, _call(f, "dgesv", n, k, matrix, n, pivots, right, n))
        _transpose(f, _part(f, "%q0", i, n * k), k, right, n, (k, n))

    f.loop(math.prod(stack), n * n * (n + k), one)


def solve_triangular(f: Routine) -> None:
    """What is our lower triangle is LAPACK's upper one, to be transposed; it is only read."""
    *stack, n, k = f.operation.result.shape
    uplo = "L" if f.operation.attributes["upper"] else "U"
    right = _reals(f, n * k)
    wide = None if f.dtype == _REAL else _reals(f, n * n)

    def one(i: Reg) -> None:
        matrix = _part(f, "%p0", i, n * n)
        if wide:
            _transpose(f, wide, 1, matrix, 1, (n * n, 1))
            matrix = wide
        _transpose(f, right, n, _part(f, "%p1", i, n * k), k, (n, k))
        _check(f, _call(f, "dtrtrs", uplo, "T", "N", n, k, matrix, n, right, n))
        _transpose(f, _part(f, "%q0", i, n * k), k, right, n, (k, n))

    f.loop(math.prod(stack), n * n * k, one)


def slogdet(f: Routine) -> None:
    n = f.operation.operands[0].shape[-1]
    count = math.prod(f.operation.result.shape[:-1])
    matrix, pivots = _reals(f, n * n), _integers(f, n)
    sign, size = _reals(f, 1), _reals(f, 1)

    def one(i: Reg) -> None:
        for part, start in ((sign, 1.0), (size, 0.0)):
            memory.store_scalar(f.e, part.pointer, f.e.const(start, _REAL))
        singular = f.e.const(False, "bool")
        if n:
            _transpose(f, matrix, n, _part(f, "%p0", i, n * n), n, (n, n))
            info = _call(f, "dgetrf", n, n, matrix, n, pivots)
            singular = f.e.compare("ne", info, f.e.const(0, info.dtype))
            f.inner_loop(n, lambda k: _take_pivot(f, k, matrix, pivots, sign, size))
        for k, (part, none) in enumerate(((sign, 0.0), (size, -math.inf))):
            found = f.e.select(singular, f.e.const(none, _REAL), _load(f, part, integer(0)))
            f.store(f.e.add(f.index((i, 2)), integer(k)), f.e.convert(found, f.dtype))

    f.loop(count, n**3 + 1, one)


def _take_pivot(
    f: Routine, k: Reg, matrix: _Array, pivots: _Array, sign: _Array, size: _Array
) -> None:
    """Take pivot k into the sign, which a swap of rows turns round, and the logarithm."""
    e, n = f.e, f.operation.operands[0].shape[-1]
    pivot = _load(f, matrix, f.index((k, n + 1)))
    row = e.convert(_load(f, pivots, k), "i64")
    swapped = e.compare("ne", row, e.add(k, integer(1)))
    turned = e.xor(swapped, e.compare("lt", pivot, e.const(0.0, _REAL)))
    before, total = _load(f, sign, integer(0)), _load(f, size, integer(0))
    memory.store_scalar(e, sign.pointer, e.select(turned, e.neg(before), before))
    memory.store_scalar(e, size.pointer, e.add(total, e.call("log", e.absolute(pivot))))


# --- factorisations, packed as in `ir.ops` ---


def cholesky(f: Routine) -> None:
    n = f.operation.result.shape[-1]
    matrix = _reals(f, n * n)

    def one(x: _Array, low: _Array) -> None:
        _symmetric(f, matrix, x, n)
        _check(f, _call(f, "dpotrf", "L", n, matrix, n))
        _transpose(f, low, n, matrix, n, (n, n), _triangle(f, "ge"))

    _each(f, n**3, one)


def eigh(f: Routine) -> None:
    """The result: the eigenvalues as a row, and below it the vectors as columns."""
    n = f.operation.result.shape[-1]
    matrix = _reals(f, n * n)
    sizes = (WORK, WORK_SIZE, INTEGER_WORK, INTEGER_WORK_SIZE)

    def one(x: _Array, packed: _Array) -> None:
        _symmetric(f, matrix, x, n)
        _check(f, _call(f, "dsyevd", "V", "L", n, matrix, n, packed, *sizes))
        _transpose(f, _from(f, packed, n), n, matrix, n, (n, n))

    _each(f, n**3, one)


def eigvalsh(f: Routine) -> None:
    n = f.operation.result.shape[-1]
    matrix = _reals(f, n * n)
    sizes = (WORK, WORK_SIZE, INTEGER_WORK, INTEGER_WORK_SIZE)

    def one(x: _Array, values: _Array) -> None:
        _symmetric(f, matrix, x, n)
        _check(f, _call(f, "dsyevd", "N", "L", n, matrix, n, values, *sizes))

    _each(f, n**3, one)


def svdvals(f: Routine) -> None:
    m, n = f.operation.operands[0].shape[-2:]
    k = min(m, n)
    matrix, integers, unused = _reals(f, m * n), _integers(f, 8 * k), _reals(f, 1)

    def one(x: _Array, values: _Array) -> None:
        _transpose(f, matrix, m, x, n, (m, n))
        vectors = (unused, 1, unused, 1, WORK, WORK_SIZE, integers)
        _check(f, _call(f, "dgesdd", "N", m, n, matrix, m, values, *vectors))

    _each(f, m * n * k, one)


def svd(f: Routine) -> None:
    """The result: rows [column of U | singular value | row of Vᵀ]. LAPACK writes U there itself."""
    m, n = f.operation.operands[0].shape[-2:]
    k, width = f.operation.result.shape[-2:]
    matrix, right, values = _reals(f, m * n), _reals(f, k * n), _reals(f, k)
    integers = _integers(f, 8 * k)

    def one(x: _Array, packed: _Array) -> None:
        _transpose(f, matrix, m, x, n, (m, n))
        results = (values, packed, width, right, k)
        _check(f, _call(f, "dgesdd", "S", m, n, matrix, m, *results, WORK, WORK_SIZE, integers))
        _transpose(f, _from(f, packed, m), width, values, k, (1, k))
        _transpose(f, _from(f, packed, m + 1), width, right, k, (n, k))

    _each(f, m * n * k, one)


def pinv(f: Routine) -> None:
    """V diag(1 / s) Uᵀ: the sum over the singular values that count."""
    m, n = f.operation.operands[0].shape[-2:]
    k = min(m, n)
    matrix, left, right, values = (_reals(f, size) for size in (m * n, m * k, k * n, k))
    integers = _integers(f, 8 * k)

    def one(x: _Array, inverse: _Array) -> None:
        _transpose(f, matrix, m, x, n, (m, n))
        results = (values, left, m, right, k)
        _check(f, _call(f, "dgesdd", "S", m, n, matrix, m, *results, WORK, WORK_SIZE, integers))
        _clear(f, inverse, n * m)
        largest = _load(f, values, integer(0))
        cutoff = f.e.mul(largest, f.e.const(f.operation.attributes["tolerance"], _REAL))

        def add_value(k_: Reg) -> None:
            s = _load(f, values, k_)
            kept = f.e.compare("gt", s, cutoff)
            one_over = f.e.div(f.e.const(1.0, _REAL), s)
            factor = f.e.select(kept, one_over, f.e.const(0.0, _REAL))
            _add_outer(f, inverse, factor, right, left, k_, k)

        f.inner_loop(k, add_value)

    _each(f, m * n * k, one)


def _clear(f: Routine, x: _Array, count: int) -> None:
    memory.clear(f.e, x.pointer, count * memory.ELEMENT_BYTES[x.dtype])


def _add_outer(
    f: Routine, target: _Array, factor: Reg, right: _Array, left: _Array, at: Reg, k: int
) -> None:
    """target += factor · (row `at` of Vᵀ, as a column) · (column `at` of U, as a row)."""
    m, n = f.operation.operands[0].shape[-2:]

    def row(i: Reg) -> None:
        scale = f.e.mul(factor, _load(f, right, f.e.add(f.index((i, k)), at)))

        def column(j: Reg) -> None:
            place = f.e.add(f.index((i, m)), j)
            pointer = memory.address(f.e, target.pointer, _REAL, place)
            total = memory.load_scalar(f.e, pointer, _REAL)
            u = _load(f, left, f.e.add(f.index((at, m)), j))
            memory.store_scalar(f.e, pointer, f.e.muladd(scale, u, total))

        f.inner_loop(m, column)

    f.inner_loop(n, row)


def qr(f: Routine) -> None:
    """The result: rows [column of Q | row of R]. LAPACK works where Q will stand."""
    m, n = f.operation.operands[0].shape[-2:]
    width, scales = m + n, _reals(f, n)

    def one(x: _Array, packed: _Array) -> None:
        _transpose(f, packed, width, x, n, (m, n))
        _call(f, "dgeqrf", m, n, packed, width, scales, WORK, WORK_SIZE)
        upper = _triangle(f, "le")
        _transpose(f, _from(f, packed, m), width, packed, width, (n, n), upper)
        _call(f, "dorgqr", m, n, n, packed, width, scales, WORK, WORK_SIZE)

    _each(f, m * n * n, one)
