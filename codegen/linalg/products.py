"""Small and skinny matrix products as vector loops of our own.

BLAS copies its factors into an order of its own before it multiplies, which pays where each element
is used often. Where a product has few rows, or sums few terms, or is small altogether, the copies
and the call cost as much as the arithmetic. Here a tile of the result stays in registers while one
loop runs along the inner axis; the factors are read where they are.

Tiles are functions of pointers and distances, so that the products of a module share them.

Each element is a sum in the order of the inner axis (for a matrix times a vector: one such sum for
each lane, and these in a fixed tree), so that its bits depend on shapes and layouts alone.
"""

from __future__ import annotations

from collections.abc import Callable

from ...ir.record import record
from ..control import for_loop, integer, minimum
from ..emitter import BITS, Emitter, Reg
from ..kernels import memory
from ..kernels.loops import VECTOR_BITS
from .ahead import Ahead
from .subnormals import Watch, are_watched
from .tiles import RowKernel, TileKernel

ROWS_AT_ONCE = 8  # of a matrix times a vector: a power of two
UNDER_WAY = 8  # multiply-adds, as each waits for the one before it in its sum
MANY_REGISTERS = 16  # of 512 bits, from which a tile may be wide
MOST_COLUMNS = 2  # vectors in a row of a tile; of a single row four times as many
MOST_ROWS = 8  # of a tile
FEW_VECTORS = 8  # in a row of the result
FEW = 64  # rows, or terms of each sum, that are too few for BLAS
SMALL = 1 << 21  # multiplications of a product that is small altogether
TERMS_AT_ONCE = 192  # of a sum; b's rows, as wide as a tile, then stay in cache
MOST_TERMS = 1 << 12  # of the sums of a matrix times a vector
LARGEST = 1 << 20  # bytes of a factor that is to stay in cache


@record
class Strided:
    """A matrix in memory: elements from one row to the next, and from one column to the next; and
    what is fetched `ahead`, with the vectors that are read of it.
    """

    row: int
    column: int
    ahead: Ahead | None = None

    @property
    def transposed(self) -> Strided:
        return Strided(self.column, self.row, self.ahead)


@record
class Shape:
    """c = a b, or c += a b: an m×k by a k×n matrix. (All sizes are at least 1.)"""

    dtype: str
    m: int
    n: int
    k: int
    a: Strided
    b: Strided
    c: Strided

    @property
    def transposed(self) -> Shape:
        """The same product, written as cᵀ = bᵀ aᵀ."""
        a, b, c = self.b.transposed, self.a.transposed, self.c.transposed
        return Shape(self.dtype, self.n, self.m, self.k, a, b, c)

    @property
    def lanes(self) -> int:
        return VECTOR_BITS // BITS[self.dtype]

    @property
    def by_columns(self) -> bool:
        """Are neighbours along the columns neighbours in memory, in b and in c?"""
        return self.n > 1 and self.b.column == self.c.column == 1

    @property
    def by_terms(self) -> bool:
        """Is it a matrix times a vector, both with the inner axis in memory order?"""
        return self.n == 1 and self.a.column == self.b.row == 1

    @property
    def bytes(self) -> int:
        """Of the larger factor."""
        return max(self.m, self.n) * self.k * BITS[self.dtype] // 8


Write = Callable[[str, str, str], None]  # the code, for pointers to a, b and c


def vector_loops(e: Emitter, shape: Shape, adds: bool, registers: int) -> Write | None:
    """Who writes the loops of a product on a CPU of so many vector registers of 512 bits; None
    where BLAS does it better, or its layout is not one of these.
    """
    loops = _loops(e, shape, adds, registers)
    if loops is not None:
        return loops.write
    swapped = _loops(e, shape.transposed, adds, registers)
    return None if swapped is None else lambda a, b, c: swapped.write(b, a, c)


def _loops(e: Emitter, shape: Shape, adds: bool, registers: int) -> _Columns | _Terms | None:
    if shape.by_terms:
        near = shape.bytes <= LARGEST and shape.k <= MOST_TERMS
        return _Terms(e, shape, adds) if near else None
    if not shape.by_columns:
        return None
    high, wide = _tile_size(shape, registers)
    if shape.m == 1:
        pays = shape.bytes <= LARGEST
    elif shape.k <= FEW:  # b is read again for each tile of rows
        pays = shape.k * shape.n * BITS[shape.dtype] // 8 <= LARGEST
    else:
        pays = shape.m <= FEW or shape.m * shape.n * shape.k <= SMALL
    return _Columns(e, shape, adds, high, wide) if pays else None


def _tile_size(shape: Shape, registers: int) -> tuple[int, int]:
    """Rows, and vectors along the columns, of a tile whose sums fit into the registers."""
    room = registers * 3 // 4  # the others hold a row of b, and an element of a
    most = MOST_COLUMNS if registers >= MANY_REGISTERS else 1
    vectors = -(-shape.n // shape.lanes)
    few = vectors < FEW_VECTORS  # then rather one kind of tile than two
    if few and shape.m > 1 and most > 1 and vectors % most:
        wide = vectors  # narrow tiles would wait for the elements of a
    else:
        wide = _evenly(vectors, most * (4 if shape.m == 1 else 1), 1 if few else most)
    return _evenly(shape.m, min(max(room // wide, 1), MOST_ROWS), -(-UNDER_WAY // wide)), wide


def _evenly(extent: int, most: int, least: int) -> int:
    """The size of parts of up to `most`: alike if they then have `least`, else the last one is
    shorter. (Tiles of another kind are more code to compile.)
    """
    parts = -(-extent // most)
    alike = next(size for size in range(min(most, extent), 0, -1) if extent % size == 0)
    return alike if alike >= least else -(-extent // parts)


class _Columns:
    """Tiles of some rows by some vectors along the columns."""

    def __init__(self, e: Emitter, shape: Shape, adds: bool, high: int, wide: int) -> None:
        self.e, self.shape, self.adds, self.high, self.wide = e, shape, adds, high, wide
        self.copies = max(UNDER_WAY // (-(-shape.n // shape.lanes) * shape.m), 1)
        long = shape.k > FEW and shape.a.row == 1 and high > 1
        self.watch = Watch(e) if long and are_watched() else None

    def write(self, a: str, b: str, c: str) -> None:
        """Sums of few terms by rows, as a is read once then; others by columns, and by parts."""
        if self.shape.k <= FEW:
            self._by_rows(a, b, c)
        else:
            self._by_columns(a, b, c)

    def _by_rows(self, a: str, b: str, c: str) -> None:
        shape, none = self.shape, integer(0)

        def rows(i: Reg, height: int) -> None:
            def columns(j: Reg, width: int) -> None:
                self._call((a, b, c), (i, j, none), (height, width), integer(shape.k))

            self._loop(shape.n, self.wide * shape.lanes, columns)

        self._loop(shape.m, self.high, rows)

    def _by_columns(self, a: str, b: str, c: str) -> None:
        """For some columns, for some terms of their sums, for some rows: a tile."""
        shape = self.shape
        at_once = _evenly(shape.k, TERMS_AT_ONCE, TERMS_AT_ONCE // 2)

        def columns(j: Reg, width: int) -> None:
            def terms(p: Reg) -> None:
                count = integer(at_once)
                if shape.k % at_once:
                    count = minimum(self.e, count, self.e.sub(integer(shape.k), p))

                def all_rows(met: str = "") -> None:
                    def rows(i: Reg, height: int) -> None:
                        self._call((a, b, c), (i, j, p), (height, width), count, met)

                    self._loop(shape.m, self.high, rows)

                if self.watch is None:
                    all_rows()
                else:
                    self.watch.run(all_rows, all_rows)

            once = at_once == shape.k
            for_loop(self.e, integer(0), integer(shape.k), at_once, terms, once=once)

        self._loop(shape.n, self.wide * shape.lanes, columns)

    def _loop(self, extent: int, step: int, body: Callable[[Reg, int], None]) -> None:
        """`body(i, step)` for each step along an axis, then for what is left over."""
        whole = extent // step * step
        for first, end, part in ((0, whole, step), (whole, extent, extent - whole)):
            if first < end:
                once = end - first == part

                def one(i: Reg, part: int = part) -> None:
                    body(i, part)

                for_loop(self.e, integer(first), integer(end), part, one, once=once)

    def _adds(self, p: Reg) -> Reg:
        """Are the terms from p on added to what is there?"""
        if self.adds or p.name == "0":
            return self.e.const(self.adds, "bool")
        return self.e.compare("ne", p, integer(0))

    def _call(
        self,
        bases: tuple[str, str, str],
        place: tuple[Reg, Reg, Reg],
        size: tuple[int, int],
        count: Reg,
        met: str = "",
    ) -> None:
        """One tile: rows from i, columns from j, `count` terms from p on; a careful one, if it is
        said where it notes that it `met` subnormal numbers.
        """
        shape, (i, j, p) = self.shape, place
        wide = -(-size[1] // shape.lanes)
        last = size[1] - (wide - 1) * shape.lanes  # lanes of the last vector
        masked = shape.n % shape.lanes > 0  # one kind of tile for all columns
        ahead = shape.b.ahead if shape.m <= self.high else None  # b is read once
        every = ahead.every if ahead else 0
        kernel = TileKernel(shape.dtype, size[0], wide, self.copies, masked, every, bool(met))
        symbol = kernel.declare(self.e)
        arguments = [
            f"ptr {_at(self.e, shape, bases[0], shape.a, i, p)}",
            f"i64 {shape.a.row}",
            f"i64 {shape.a.column}",
            f"ptr {_at(self.e, shape, bases[1], shape.b, p, j)}",
            f"i64 {shape.b.row}",
            f"ptr {_at(self.e, shape, bases[2], shape.c, i, j)}",
            f"i64 {shape.c.row}",
            f"i64 {last}",
            f"i64 {count.name}",
            f"i1 {self._adds(p).name}",
            *_distance(ahead),
            *([f"ptr {met}"] if met else []),
        ]
        self.e.write(f"call void {symbol}({', '.join(arguments)})")


class _Terms:
    """A matrix times a vector: some rows at once, vectors along the inner axis."""

    def __init__(self, e: Emitter, shape: Shape, adds: bool) -> None:
        self.e, self.shape, self.adds = e, shape, adds

    def write(self, a: str, b: str, c: str) -> None:
        m, whole = self.shape.m, self.shape.m // ROWS_AT_ONCE * ROWS_AT_ONCE
        for first, end, rows in ((0, whole, ROWS_AT_ONCE), (whole, m, 1)):
            if first < end:
                every = self.shape.a.ahead.every if self.shape.a.ahead else 0
                symbol = RowKernel(self.shape.dtype, rows, every).declare(self.e)

                def some(i: Reg, symbol: str = symbol) -> None:
                    self._call(symbol, a, b, c, i)

                once = end - first == rows
                for_loop(self.e, integer(first), integer(end), rows, some, once=once)

    def _call(self, symbol: str, a: str, b: str, c: str, i: Reg) -> None:
        shape, none = self.shape, integer(0)
        arguments = [
            f"ptr {_at(self.e, shape, a, shape.a, i, none)}",
            f"i64 {shape.a.row}",
            f"ptr {b}",
            f"ptr {_at(self.e, shape, c, shape.c, i, none)}",
            f"i64 {shape.c.row}",
            f"i64 {shape.k}",
            f"i1 {self.e.const(self.adds, 'bool').name}",
            *_distance(shape.a.ahead),
        ]
        self.e.write(f"call void {symbol}({', '.join(arguments)})")


def _distance(ahead: Ahead | None) -> list[str]:
    return [f"i64 {ahead.bytes}"] if ahead else []


def _at(e: Emitter, shape: Shape, base: str, matrix: Strided, i: Reg, j: Reg) -> str:
    """The pointer to element (i, j)."""
    place = integer(0)
    for index, step in ((i, matrix.row), (j, matrix.column)):
        if index.name != "0":
            moved = index if step == 1 else e.mul(index, integer(step))
            place = moved if place.name == "0" else e.add(place, moved)
    return base if place.name == "0" else memory.address(e, base, shape.dtype, place)
