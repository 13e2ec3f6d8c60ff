"""Systems and factors of matrices of up to four rows: without LAPACK, in registers.

A call of LAPACK takes longer than all its arithmetic then. As there, float32 is computed as
float64, and rows are exchanged for the largest pivot; the exchange is a choice, not a branch.
"""

from __future__ import annotations

import math

from ...ir import Operation
from ..control import integer, return_if_nonzero
from ..emitter import Reg
from ..kernels import memory
from ..routine import Routine
from ..status import FAILED

_REAL = "f64"
LARGEST = 4  # rows, and columns on the right

Matrix = list[list[Reg]]


def is_tiny(operation: Operation) -> bool:
    """Whether an operation's matrices are so small that this page is for them."""
    return all(max(x.shape[-2:]) <= LARGEST for x in operation.operands)


# --- memory ---


def _load(f: Routine, base: str, number: Reg, rows: int, columns: int) -> Matrix:
    """Matrix `number` of the stack at `base`, in registers."""
    first = f.index((number, rows * columns))

    def element(i: int, j: int) -> Reg:
        x = f.load(base, f.dtype, f.e.add(first, integer(i * columns + j)))
        return f.e.convert(x, _REAL)

    return [[element(i, j) for j in range(columns)] for i in range(rows)]


def _store(f: Routine, number: Reg, matrix: Matrix) -> None:
    first = f.index((number, len(matrix) * len(matrix[0])))
    elements = (x for row in matrix for x in row)
    for k, x in enumerate(elements):
        place = memory.address(f.e, "%q0", f.dtype, f.e.add(first, integer(k)))
        memory.store_scalar(f.e, place, f.e.convert(x, f.dtype))


def _fail_if(f: Routine, failed: Reg) -> None:
    return_if_nonzero(f.e, f.e.select(failed, Reg(str(FAILED), "i32"), Reg("0", "i32")))


def _minus(f: Routine, x: Reg, y: Reg, z: Reg) -> Reg:
    """x - y z."""
    return f.e.muladd(f.e.neg(y), z, x)


# --- systems ---


def solve(f: Routine) -> None:
    *stack, n, k = f.operation.result.shape

    def one(number: Reg) -> None:
        a, c = _load(f, "%p0", number, n, n), _load(f, "%p1", number, n, k)
        rows = [[*left, *right] for left, right in zip(a, c, strict=True)]
        singular = _eliminate(f, rows)
        _fail_if(f, singular)
        _substitute(f, rows, k, upper=True)
        _store(f, number, [row[n:] for row in rows])

    f.loop(math.prod(stack), n * n * (n + k), one)


def solve_triangular(f: Routine) -> None:
    *stack, n, k = f.operation.result.shape
    upper = f.operation.attributes["upper"]

    def one(number: Reg) -> None:
        a, c = _load(f, "%p0", number, n, n), _load(f, "%p1", number, n, k)
        rows = [[*left, *right] for left, right in zip(a, c, strict=True)]
        _fail_if(f, _some_zero(f, [a[i][i] for i in range(n)]))
        _substitute(f, rows, k, upper=upper)
        _store(f, number, [row[n:] for row in rows])

    f.loop(math.prod(stack), n * n * k, one)


def _eliminate(f: Routine, rows: Matrix) -> Reg:
    """Make the matrix on the left upper triangular, by rows; whether it is singular."""
    for column in range(len(rows)):
        for other in range(column + 1, len(rows)):
            _put_larger_first(f, rows, column, other)
        one_over = f.e.div(f.e.const(1.0, _REAL), rows[column][column])
        for other in range(column + 1, len(rows)):
            factor = f.e.mul(rows[other][column], one_over)
            for j in range(column + 1, len(rows[0])):
                rows[other][j] = _minus(f, rows[other][j], factor, rows[column][j])
    return _some_zero(f, [row[i] for i, row in enumerate(rows)])


def _put_larger_first(f: Routine, rows: Matrix, column: int, other: int) -> None:
    """Exchange two rows if that brings a larger pivot."""
    sizes = [f.e.absolute(rows[i][column]) for i in (column, other)]
    exchange = f.e.compare("gt", sizes[1], sizes[0])
    for j in range(column, len(rows[0])):
        x, y = rows[column][j], rows[other][j]
        rows[column][j] = f.e.select(exchange, y, x)
        rows[other][j] = f.e.select(exchange, x, y)


def _some_zero(f: Routine, pivots: list[Reg]) -> Reg:
    found = f.e.const(False, "bool")
    for pivot in pivots:
        found = f.e.or_(found, f.e.compare("eq", pivot, f.e.const(0.0, _REAL)))
    return found


def _substitute(f: Routine, rows: Matrix, k: int, *, upper: bool) -> None:
    """Solve the triangular system of [matrix | right-hand sides], which become the solutions."""
    n = len(rows)
    for i in reversed(range(n)) if upper else range(n):
        known = range(i + 1, n) if upper else range(i)
        for j in range(n, n + k):
            for other in known:
                rows[i][j] = _minus(f, rows[i][j], rows[i][other], rows[other][j])
            rows[i][j] = f.e.div(rows[i][j], rows[i][i])


# --- factors ---


def cholesky(f: Routine) -> None:
    *stack, n, _ = f.operation.result.shape
    zero, half = f.e.const(0.0, _REAL), f.e.const(0.5, f.dtype)

    def one(number: Reg) -> None:
        x = _load(f, "%p0", number, n, n)
        low = [[zero] * n for _ in range(n)]
        for i in range(n):
            for j in range(i + 1):
                rest = _mean(i, j, x)
                for k in range(j):
                    rest = _minus(f, rest, low[i][k], low[j][k])
                if i == j:
                    _fail_if(f, f.e.compare("le", rest, zero))
                    low[i][i] = f.e.sqrt(rest)
                else:
                    low[i][j] = f.e.div(rest, low[j][j])
        _store(f, number, low)

    def _mean(i: int, j: int, x: Matrix) -> Reg:
        narrow = [f.e.convert(each, f.dtype) for each in (x[i][j], x[j][i])]
        return f.e.convert(f.e.mul(f.e.add(*narrow), half), _REAL)

    f.loop(math.prod(stack), n**3, one)
