"""Linear systems and factorisations, by LAPACK: one call for each matrix of a stack.

LAPACK has columns where we have rows, and writes its results over its operands: matrices are copied
into memory of the function, transposed. What LAPACK gets is what NumPy gives it, float32 as float64
too, so that the results have NumPy's bits and the vectors NumPy's signs.
"""

from __future__ import annotations

import math

from ..control import integer
from ..emitter import Reg
from ..kernels import memory
from ..routine import Routine
from .lapack import INTEGER_WORK, INTEGER_WORK_SIZE, WORK, WORK_SIZE
from .matrices import (
    REAL,
    Matrix,
    call,
    check,
    each_matrix,
    in_triangle,
    load,
    offset_by,
    part_of,
    reserve_integers,
    reserve_reals,
    symmetric,
    transpose,
)

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
    "lu_order": (
        "a pivot is 0, by which lu_solve would divide",
        "a small multiple of the identity added to the matrix; or lu_factor_ex, which tells where",
    ),
}


# --- systems and determinants ---


def solve(f: Routine) -> None:
    *stack, n, k = f.operation.result.shape
    matrix, right, pivots = reserve_reals(f, n * n), reserve_reals(f, n * k), reserve_integers(f, n)

    def one(i: Reg) -> None:
        transpose(f, matrix, n, part_of(f, "%p0", i, n * n), n, (n, n))
        transpose(f, right, n, part_of(f, "%p1", i, n * k), k, (n, k))
        check(f, call(f, "dgesv", n, k, matrix, n, pivots, right, n))
        transpose(f, part_of(f, "%q0", i, n * k), k, right, n, (k, n))

    f.loop(math.prod(stack), n * n * (n + k), one)


def solve_triangular(f: Routine) -> None:
    """What is our lower triangle is LAPACK's upper one, to be transposed; it is only read."""
    *stack, n, k = f.operation.result.shape
    uplo = "L" if f.operation.attributes["upper"] else "U"
    right = reserve_reals(f, n * k)
    wide = None if f.dtype == REAL else reserve_reals(f, n * n)

    def one(i: Reg) -> None:
        matrix = part_of(f, "%p0", i, n * n)
        if wide:
            transpose(f, wide, 1, matrix, 1, (n * n, 1))
            matrix = wide
        transpose(f, right, n, part_of(f, "%p1", i, n * k), k, (n, k))
        check(f, call(f, "dtrtrs", uplo, "T", "N", n, k, matrix, n, right, n))
        transpose(f, part_of(f, "%q0", i, n * k), k, right, n, (k, n))

    f.loop(math.prod(stack), n * n * k, one)


def slogdet(f: Routine) -> None:
    n = f.operation.operands[0].shape[-1]
    count = math.prod(f.operation.result.shape[:-1])
    matrix, pivots = reserve_reals(f, n * n), reserve_integers(f, n)
    sign, size = reserve_reals(f, 1), reserve_reals(f, 1)

    def one(i: Reg) -> None:
        for part, start in ((sign, 1.0), (size, 0.0)):
            memory.store_scalar(f.e, part.pointer, f.e.const(start, REAL))
        singular = f.e.const(False, "bool")
        if n:
            transpose(f, matrix, n, part_of(f, "%p0", i, n * n), n, (n, n))
            info = call(f, "dgetrf", n, n, matrix, n, pivots)
            singular = f.e.compare("ne", info, f.e.const(0, info.dtype))
            f.inner_loop(n, lambda k: _take_pivot(f, k, matrix, pivots, sign, size))
        for k, (part, none) in enumerate(((sign, 0.0), (size, -math.inf))):
            found = f.e.select(singular, f.e.const(none, REAL), load(f, part, integer(0)))
            f.store(f.e.add(f.index((i, 2)), integer(k)), f.e.convert(found, f.dtype))

    f.loop(count, n**3 + 1, one)


def _take_pivot(
    f: Routine, k: Reg, matrix: Matrix, pivots: Matrix, sign: Matrix, size: Matrix
) -> None:
    """Take pivot k into the sign, which a swap of rows turns round, and the logarithm."""
    e, n = f.e, f.operation.operands[0].shape[-1]
    pivot = load(f, matrix, f.index((k, n + 1)))
    row = e.convert(load(f, pivots, k), "i64")
    swapped = e.compare("ne", row, e.add(k, integer(1)))
    turned = e.xor(swapped, e.compare("lt", pivot, e.const(0.0, REAL)))
    before, total = load(f, sign, integer(0)), load(f, size, integer(0))
    memory.store_scalar(e, sign.pointer, e.select(turned, e.neg(before), before))
    memory.store_scalar(e, size.pointer, e.add(total, e.call("log", e.absolute(pivot))))


# --- factorisations, packed as in `ir.ops` ---


def cholesky(f: Routine) -> None:
    n = f.operation.result.shape[-1]
    matrix = reserve_reals(f, n * n)

    def one(x: Matrix, low: Matrix) -> None:
        symmetric(f, matrix, x, n)
        check(f, call(f, "dpotrf", "L", n, matrix, n))
        transpose(f, low, n, matrix, n, (n, n), in_triangle(f, "ge"))

    each_matrix(f, n**3, one)


def eigh(f: Routine) -> None:
    """The result: the eigenvalues as a row, and below it the vectors as columns."""
    n = f.operation.result.shape[-1]
    matrix = reserve_reals(f, n * n)
    sizes = (WORK, WORK_SIZE, INTEGER_WORK, INTEGER_WORK_SIZE)

    def one(x: Matrix, packed: Matrix) -> None:
        symmetric(f, matrix, x, n)
        check(f, call(f, "dsyevd", "V", "L", n, matrix, n, packed, *sizes))
        transpose(f, offset_by(f, packed, n), n, matrix, n, (n, n))

    each_matrix(f, n**3, one)


def eigvalsh(f: Routine) -> None:
    n = f.operation.result.shape[-1]
    matrix = reserve_reals(f, n * n)
    sizes = (WORK, WORK_SIZE, INTEGER_WORK, INTEGER_WORK_SIZE)

    def one(x: Matrix, values: Matrix) -> None:
        symmetric(f, matrix, x, n)
        check(f, call(f, "dsyevd", "N", "L", n, matrix, n, values, *sizes))

    each_matrix(f, n**3, one)


def svdvals(f: Routine) -> None:
    m, n = f.operation.operands[0].shape[-2:]
    k = min(m, n)
    matrix, integers = reserve_reals(f, m * n), reserve_integers(f, 8 * k)
    unused = reserve_reals(f, 1)

    def one(x: Matrix, values: Matrix) -> None:
        transpose(f, matrix, m, x, n, (m, n))
        vectors = (unused, 1, unused, 1, WORK, WORK_SIZE, integers)
        check(f, call(f, "dgesdd", "N", m, n, matrix, m, values, *vectors))

    each_matrix(f, m * n * k, one)


def svd(f: Routine) -> None:
    """The result: rows [column of U | singular value | row of Vᵀ]. LAPACK writes U there itself."""
    m, n = f.operation.operands[0].shape[-2:]
    k, width = f.operation.result.shape[-2:]
    matrix, right, values = reserve_reals(f, m * n), reserve_reals(f, k * n), reserve_reals(f, k)
    integers = reserve_integers(f, 8 * k)

    def one(x: Matrix, packed: Matrix) -> None:
        transpose(f, matrix, m, x, n, (m, n))
        results = (values, packed, width, right, k)
        check(f, call(f, "dgesdd", "S", m, n, matrix, m, *results, WORK, WORK_SIZE, integers))
        transpose(f, offset_by(f, packed, m), width, values, k, (1, k))
        transpose(f, offset_by(f, packed, m + 1), width, right, k, (n, k))

    each_matrix(f, m * n * k, one)


def pinv(f: Routine) -> None:
    """V diag(1 / s) Uᵀ: the sum over the singular values that count."""
    m, n = f.operation.operands[0].shape[-2:]
    k = min(m, n)
    matrix, left, right, values = (reserve_reals(f, size) for size in (m * n, m * k, k * n, k))
    integers = reserve_integers(f, 8 * k)

    def one(x: Matrix, inverse: Matrix) -> None:
        transpose(f, matrix, m, x, n, (m, n))
        results = (values, left, m, right, k)
        check(f, call(f, "dgesdd", "S", m, n, matrix, m, *results, WORK, WORK_SIZE, integers))
        _clear(f, inverse, n * m)
        largest = load(f, values, integer(0))
        cutoff = f.e.mul(largest, f.e.const(f.operation.attributes["tolerance"], REAL))

        def add_value(k_: Reg) -> None:
            s = load(f, values, k_)
            kept = f.e.compare("gt", s, cutoff)
            one_over = f.e.div(f.e.const(1.0, REAL), s)
            factor = f.e.select(kept, one_over, f.e.const(0.0, REAL))
            _add_outer(f, inverse, factor, right, left, k_, k)

        f.inner_loop(k, add_value)

    each_matrix(f, m * n * k, one)


def _clear(f: Routine, x: Matrix, count: int) -> None:
    memory.clear(f.e, x.pointer, count * memory.ELEMENT_BYTES[x.dtype])


def _add_outer(
    f: Routine, target: Matrix, factor: Reg, right: Matrix, left: Matrix, at: Reg, k: int
) -> None:
    """target += factor · (row `at` of Vᵀ, as a column) · (column `at` of U, as a row)."""
    m, n = f.operation.operands[0].shape[-2:]

    def row(i: Reg) -> None:
        scale = f.e.mul(factor, load(f, right, f.e.add(f.index((i, k)), at)))

        def column(j: Reg) -> None:
            place = f.e.add(f.index((i, m)), j)
            pointer = memory.address(f.e, target.pointer, REAL, place)
            total = memory.load_scalar(f.e, pointer, REAL)
            u = load(f, left, f.e.add(f.index((at, m)), j))
            memory.store_scalar(f.e, pointer, f.e.muladd(scale, u, total))

        f.inner_loop(m, column)

    f.inner_loop(n, row)


def qr(f: Routine) -> None:
    """The result: rows [column of Q | row of R]. LAPACK works where Q will stand."""
    m, n = f.operation.operands[0].shape[-2:]
    width, scales = m + n, reserve_reals(f, n)

    def one(x: Matrix, packed: Matrix) -> None:
        transpose(f, packed, width, x, n, (m, n))
        call(f, "dgeqrf", m, n, packed, width, scales, WORK, WORK_SIZE)
        upper = in_triangle(f, "le")
        transpose(f, offset_by(f, packed, m), width, packed, width, (n, n), upper)
        call(f, "dorgqr", m, n, n, packed, width, scales, WORK, WORK_SIZE)

    each_matrix(f, m * n * n, one)
