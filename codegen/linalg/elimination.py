"""lu_order: elimination with exchanges of rows, of which the order of the rows is kept; failure.

The former are loops of our own, not LAPACK's: what is compared then has NumPy's bits, so that near
ties are decided as in eager mode.
"""

from __future__ import annotations

import math

from ..control import for_loop, integer
from ..emitter import Reg
from ..kernels import memory
from ..routine import Routine
from .matrices import (
    REAL,
    Matrix,
    call,
    check,
    reserve_integers,
    reserve_reals,
    symmetric,
    transpose,
)


def lu_order(f: Routine) -> None:
    *stack, m, n = f.operation.operands[0].shape
    steps = _Steps(f, m, n)
    f.loop(math.prod(stack), m * n * min(m, n), steps.run)


class _Steps:
    """The elimination of one matrix, in a copy that has one more row and column of zeros: so no
    loop over what is below or behind a pivot is empty.
    """

    def __init__(self, f: Routine, m: int, n: int) -> None:
        self.f, self.e, self.m, self.n, self.k = f, f.e, m, n, min(m, n)
        self.work = reserve_reals(f, (m + 1) * (n + 1))
        self.failed, self.where = (f.e.emit("alloca i64", "ptr").name for _ in range(2))
        self.best = f.e.emit("alloca double", "ptr").name

    def run(self, i: Reg) -> None:
        f, e = self.f, self.e
        dtype = f.operation.operands[0].dtype
        memory.clear(e, self.work.pointer, (self.m + 1) * (self.n + 1) * 8)
        self.out = f.index((i, self.m + self.k + 1))

        def copy(row: Reg) -> None:
            def element(column: Reg) -> None:
                index = f.index((i, self.m * self.n), (row, self.n), (column, 1))
                self._put(row, column, e.convert(f.load("%p0", dtype, index), REAL))

            f.inner_loop(self.n, element)
            f.store(e.add(self.out, row), row)

        f.inner_loop(self.m, copy)
        memory.store_scalar(e, self.failed, integer(0))
        f.inner_loop(self.k, self._step)
        failed = memory.load_scalar(e, self.failed, "i64")
        f.store(e.add(self.out, integer(self.m + self.k)), failed)
        if f.operation.attributes["check"]:
            check(f, failed)

    def _at(self, row: Reg, column: Reg) -> str:
        index = self.f.index((row, self.n + 1), (column, 1))
        return memory.address(self.e, self.work.pointer, REAL, index)

    def _get(self, row: Reg, column: Reg) -> Reg:
        return memory.load_scalar(self.e, self._at(row, column), REAL)

    def _put(self, row: Reg, column: Reg, x: Reg) -> None:
        memory.store_scalar(self.e, self._at(row, column), x)

    def _step(self, j: Reg) -> None:
        f, e = self.f, self.e
        exchange = j
        if f.operation.attributes["pivot"]:
            exchange = self._largest(j)
            self._swap(j, exchange)
        f.store(f.index((self.out, 1), (j, 1), (integer(self.m), 1)), exchange)
        top = self._get(j, j)
        zero = e.compare("eq", top, e.const(0.0, REAL))
        failed = memory.load_scalar(e, self.failed, "i64")
        first = e.and_(e.compare("eq", failed, integer(0)), zero)
        number = e.select(first, e.add(j, integer(1)), failed)
        memory.store_scalar(e, self.failed, number)
        self._eliminate(j, e.select(zero, e.const(1.0, REAL), top))

    def _largest(self, j: Reg) -> Reg:
        """The row of the first of the largest elements of column j, from the diagonal on."""
        e = self.e
        memory.store_scalar(e, self.best, e.absolute(self._get(j, j)))
        memory.store_scalar(e, self.where, j)

        def look(i: Reg) -> None:
            value = e.absolute(self._get(i, j))
            leader = memory.load_scalar(e, self.best, REAL)
            first_nan = e.and_(e.is_nan(value), e.not_(e.is_nan(leader)))
            better = e.or_(e.compare("gt", value, leader), first_nan)
            memory.store_scalar(e, self.best, e.select(better, value, leader))
            place = memory.load_scalar(e, self.where, "i64")
            memory.store_scalar(e, self.where, e.select(better, i, place))

        for_loop(e, j, integer(self.m), 1, look)
        return memory.load_scalar(e, self.where, "i64")

    def _swap(self, j: Reg, other: Reg) -> None:
        f, e = self.f, self.e

        def column(c: Reg) -> None:
            x, y = self._get(j, c), self._get(other, c)
            self._put(j, c, y)
            self._put(other, c, x)

        f.inner_loop(self.n, column)
        places = [e.add(self.out, row) for row in (j, other)]
        rows = [f.load("%q0", "i64", place) for place in places]
        for place, row in zip(places, reversed(rows), strict=True):
            f.store(place, row)

    def _eliminate(self, j: Reg, divisor: Reg) -> None:
        e, after = self.e, self.e.add(j, integer(1))

        def row(i: Reg) -> None:
            factor = e.div(self._get(i, j), divisor)
            self._put(i, j, factor)

            def column(c: Reg) -> None:
                change = e.mul(factor, self._get(j, c))
                self._put(i, c, e.sub(self._get(i, c), change))

            for_loop(e, after, integer(self.n + 1), 1, column)

        for_loop(e, after, integer(self.m + 1), 1, row)


def failure(f: Routine) -> None:
    """The `info` of LAPACK's factorisation."""
    x = f.operation.operands[0]
    n, count = x.shape[-1], f.operation.result.type.size
    matrix = reserve_reals(f, max(n * n, 1))
    pivots = reserve_integers(f, max(n, 1))

    def one(i: Reg) -> None:
        place = memory.address(f.e, "%p0", x.dtype, f.index((i, n * n)))
        source = Matrix(place, x.dtype)
        if f.operation.attributes["of"] == "cholesky":
            symmetric(f, matrix, source, n)
            info = call(f, "dpotrf", "L", n, matrix, n)
        else:
            transpose(f, matrix, n, source, n, (n, n))
            info = call(f, "dgetrf", n, n, matrix, n, pivots)
        f.store(i, f.e.convert(info, "i64"))

    if n:
        f.loop(count, n**3, one)
    else:
        f.loop(count, 1, lambda i: f.store(i, integer(0)))
