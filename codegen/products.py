"""Small and skinny matrix products as vector loops of our own.

BLAS copies its factors into an order of its own before it multiplies, which pays where each element
is used often. Where a product has few rows, or sums few terms, or is small altogether, the copies
and the call cost as much as the arithmetic. Here a tile of the result stays in registers while one
loop runs along the inner axis; the factors are read where they are.

Each element is a sum in the order of the inner axis (for a matrix times a vector: one such sum for
each lane, and these in a fixed tree), so that its bits depend on shapes and layouts alone.
"""

from __future__ import annotations

from collections.abc import Callable

from ..ir.record import record
from . import memory
from .control import for_loop, integer
from .emitter import BITS, Emitter, Reg
from .loops import VECTOR_BITS

ROWS_AT_ONCE = 8  # of a matrix times a vector: a power of two
UNDER_WAY = 8  # multiply-adds, as each waits for the one before it in its sum
MANY_REGISTERS = 16  # of 512 bits, from which a tile may be wide
MOST_COLUMNS = 4  # vectors in a row of a tile; of a single row twice as many
FEW = 64  # rows, or terms of each sum, that are too few for BLAS
SMALL = 1 << 21  # multiplications of a product that is small altogether
TERMS_AT_ONCE = 192  # of a sum; b's rows, as wide as a tile, then stay in cache
MOST_TERMS = 1 << 12  # of the sums of a matrix times a vector
LARGEST = 1 << 20  # bytes of a factor that is to stay in cache


@record
class Strided:
    """A matrix in memory: elements from one row to the next, and from one column to the next."""

    row: int
    column: int

    @property
    def transposed(self) -> Strided:
        return Strided(self.column, self.row)


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
Part = tuple[Reg, int]  # of an axis: from where on, how much


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
    tile = _tile(shape, registers)
    if shape.m == 1:
        pays = shape.bytes <= LARGEST
    elif shape.k <= FEW:  # a is read again for each tile of columns
        one_across = tile.wide * shape.lanes >= shape.n
        pays = one_across or shape.m * shape.k * BITS[shape.dtype] // 8 <= LARGEST
    else:
        pays = shape.m <= FEW or shape.m * shape.n * shape.k <= SMALL
    return _Columns(e, shape, adds, tile) if pays else None


@record
class Tile:
    """The part of a result that is in registers: `high` rows by `wide` vectors, in `copies` that
    add up every so manieth term.
    """

    high: int
    wide: int
    copies: int


def _tile(shape: Shape, registers: int) -> Tile:
    vectors = -(-shape.n // shape.lanes)
    room = registers * 3 // 4  # the others hold a row of b, and an element of a
    most = MOST_COLUMNS if registers >= MANY_REGISTERS else 1
    wide = _evenly(vectors, most * (2 if shape.m == 1 else 1))
    high = _evenly(shape.m, max(room // wide, 1))
    return Tile(high, wide, max(UNDER_WAY // (vectors * shape.m), 1))


class _Loops:
    """What both ways have in common: addresses, and slots that LLVM turns into registers."""

    def __init__(self, e: Emitter, shape: Shape, adds: bool) -> None:
        self.e, self.shape, self.adds = e, shape, adds
        self.v = e.sibling(shape.lanes)

    def at(self, base: str, matrix: Strided, i: Reg, j: Reg) -> str:
        """The pointer to element (i, j)."""
        e = self.e
        row = i if matrix.row == 1 else e.mul(i, integer(matrix.row))
        column = j if matrix.column == 1 else e.mul(j, integer(matrix.column))
        return memory.address(e, base, self.shape.dtype, e.add(row, column))

    def slots(self, count: int) -> list[str]:
        kind = self.v.type(self.shape.dtype)
        return [self.e.emit(f"alloca {kind}", "ptr").name for _ in range(count)]

    def get(self, slot: str) -> Reg:
        return self.e.emit(f"load {self.v.type(self.shape.dtype)}, ptr {slot}", self.shape.dtype)

    def set(self, slot: str, x: Reg) -> None:
        self.e.write(f"store {self.v.typed(x)}, ptr {slot}")

    def clear(self, slots: list[str]) -> None:
        for slot in slots:
            self.set(slot, self.v.const(0, self.shape.dtype))

    def loop(self, extent: int, step: int, body: Callable[[Reg, int], None]) -> None:
        """`body(i, step)` for each step along an axis, then for what is left over."""
        whole = extent // step * step
        for first, end, part in ((0, whole, step), (whole, extent, extent - whole)):
            if first < end:
                once = end - first == part
                low, high = integer(first), integer(end)

                def one(i: Reg, part: int = part) -> None:
                    body(i, part)

                for_loop(self.e, low, high, part, one, once=once)

    def mask(self, count: int) -> Reg | None:
        """The first `count` lanes; None for all."""
        if count >= self.shape.lanes:
            return None
        return self.v.lane_constants(
            tuple(int(lane < count) for lane in range(self.shape.lanes)), "bool"
        )


def _evenly(extent: int, most: int) -> int:
    """The size of parts of up to `most`, as alike as can be."""
    parts = -(-extent // most)
    return -(-extent // parts)


class _Columns(_Loops):
    """Tiles of some rows by some vectors along the columns."""

    def __init__(self, e: Emitter, shape: Shape, adds: bool, tile: Tile) -> None:
        super().__init__(e, shape, adds)
        self.tile, self.copies = tile, tile.copies
        self.all = self.slots(tile.wide * tile.high * tile.copies)

    def write(self, a: str, b: str, c: str) -> None:
        """For some columns, for some terms of their sums, for some rows: a tile."""
        shape = self.shape

        def columns(j: Reg, width: int) -> None:
            def terms(p: Reg, count: int) -> None:
                def rows(i: Reg, height: int) -> None:
                    self._tile(a, b, c, (i, height), (j, width), (p, count))

                self.loop(shape.m, self.tile.high, rows)

            self.loop(shape.k, _evenly(shape.k, TERMS_AT_ONCE), terms)

        self.loop(shape.n, self.tile.wide * shape.lanes, columns)

    def _tile(self, a: str, b: str, c: str, rows: Part, columns: Part, terms: Part) -> None:
        """Part of the result: part of the terms of its sums."""
        (i, height), (j, width), (p, count) = rows, columns, terms
        masks = [self.mask(width - first) for first in range(0, width, self.shape.lanes)]
        size = height * len(masks)
        slots = self.all[: size * self.copies]
        self.clear(slots)
        start = self.at(a, self.shape.a, i, p), self.at(b, self.shape.b, p, j)
        self._sums(*start, slots, height, masks, count)
        for number, slot in enumerate(slots[:size]):
            row, column = divmod(number, len(masks))
            total = self.get(slot)
            for other in slots[number + size :: size]:
                total = self.v.add(total, self.get(other))
            target = self._target(c, i, j, row, column)
            self._put(target, total, masks[column], p)

    def _put(self, target: str, total: Reg, mask: Reg | None, p: Reg) -> None:
        """Store the sum of terms from p on: with what is there, unless these are the first."""
        v, dtype = self.v, self.shape.dtype
        if self.adds or p.name != "0":
            all_ = v.add(memory.load(v, target, dtype, 1, mask), total)
            if self.adds:
                total = all_
            else:
                first = self.e.compare("eq", p, integer(0))
                total = v.emit(f"select i1 {first.name}, {v.typed(total)}, {v.typed(all_)}", dtype)
        memory.store(v, target, total, 1, mask)

    def _target(self, c: str, i: Reg, j: Reg, row: int, column: int) -> str:
        first = self.e.add(j, integer(column * self.shape.lanes))
        return self.at(c, self.shape.c, self.e.add(i, integer(row)), first)

    def _sums(
        self, a: str, b: str, slots: list[str], rows: int, masks: list[Reg | None], count: int
    ) -> None:
        """Add up terms; copy q of the slots takes every term of number q modulo `copies`."""
        size = rows * len(masks)

        def some(p: Reg, step: int) -> None:
            for q in range(step):
                term = self.e.add(p, integer(q)) if q else p
                self._term(a, b, term, slots[q * size : (q + 1) * size], rows, masks)

        self.loop(count, self.copies, some)

    def _term(
        self, a: str, b: str, p: Reg, slots: list[str], rows: int, masks: list[Reg | None]
    ) -> None:
        dtype, lanes = self.shape.dtype, self.shape.lanes
        start = self.at(b, self.shape.b, p, integer(0))
        vectors = []
        for number, mask in enumerate(masks):
            pointer = memory.address(self.e, start, dtype, integer(number * lanes))
            vectors.append(memory.load(self.v, pointer, dtype, 1, mask))
        for row in range(rows):
            pointer = self.at(a, self.shape.a, integer(row), p)
            x = self.v.splat(memory.load_scalar(self.e, pointer, dtype))
            for vector, slot in zip(vectors, slots[row * len(masks) :], strict=False):
                self.set(slot, self.v.muladd(x, vector, self.get(slot)))


class _Terms(_Loops):
    """A matrix times a vector: some rows at once, vectors along the inner axis."""

    def __init__(self, e: Emitter, shape: Shape, adds: bool) -> None:
        super().__init__(e, shape, adds)
        self.all = self.slots(ROWS_AT_ONCE)

    def write(self, a: str, b: str, c: str) -> None:
        m, many = self.shape.m, ROWS_AT_ONCE

        def rows(i: Reg, step: int) -> None:
            if step == many:
                self._rows(a, b, c, i, many)
            else:
                left_over = range(step)
                for row in left_over:
                    self._rows(a, b, c, self.e.add(i, integer(row)), 1)

        self.loop(m, many, rows)

    def _rows(self, a: str, b: str, c: str, i: Reg, rows: int) -> None:
        slots = self.all[:rows]
        self.clear(slots)

        def terms(p: Reg, step: int) -> None:
            self._terms(a, b, i, p, slots, self.mask(step))

        self.loop(self.shape.k, self.shape.lanes, terms)
        sums = self._folded([self.get(slot) for slot in slots])
        for row, total in enumerate(sums):
            target = self.at(c, self.shape.c, self.e.add(i, integer(row)), integer(0))
            if self.adds:
                before = memory.load_scalar(self.e, target, self.shape.dtype)
                total = self.e.add(before, total)
            memory.store_scalar(self.e, target, total)

    def _terms(self, a: str, b: str, i: Reg, p: Reg, slots: list[str], mask: Reg | None) -> None:
        dtype = self.shape.dtype
        vector = memory.load(self.v, self.at(b, self.shape.b, p, integer(0)), dtype, 1, mask)
        for row, slot in enumerate(slots):
            pointer = self.at(a, self.shape.a, self.e.add(i, integer(row)), p)
            x = memory.load(self.v, pointer, dtype, 1, mask)
            self.set(slot, self.v.muladd(x, vector, self.get(slot)))

    def _folded(self, vectors: list[Reg]) -> list[Reg]:
        """The sum of the lanes of each vector: neighbours are folded into one vector, in halves."""
        group = lanes = self.shape.lanes
        while len(vectors) > 1:
            pairs = zip(vectors[::2], vectors[1::2], strict=True)
            vectors = [self._fold(x, y, lanes, group, lanes) for x, y in pairs]
            group //= 2
        while group > 1:
            vectors = [self._fold(vectors[0], vectors[0], lanes, group, lanes // 2)]
            group, lanes = group // 2, lanes // 2
        if lanes == 1:
            return vectors
        kind = self.e.sibling(lanes).typed(vectors[0])
        return [
            self.e.emit(f"extractelement {kind}, i64 {lane}", self.shape.dtype)
            for lane in range(lanes)
        ]

    def _fold(self, x: Reg, y: Reg, lanes: int, group: int, kept: int) -> Reg:
        """Of each group of lanes of x, then y, the first half plus the second; `kept` of these."""
        half = group // 2
        lower = [i for i in range(2 * lanes) if i % group < half][:kept]
        wide, narrow = self.e.sibling(lanes), self.e.sibling(kept)
        if kept == 1:
            parts = [
                self.e.emit(f"extractelement {wide.typed(x)}, i64 {i}", x.dtype)
                for i in (lower[0], lower[0] + half)
            ]
            return self.e.add(*parts)
        parts = []
        for offset in (0, half):
            order = ", ".join(f"i32 {i + offset}" for i in lower)
            parts.append(
                self.e.emit(
                    f"shufflevector {wide.typed(x)}, {wide.typed(y)}, <{kept} x i32> <{order}>",
                    x.dtype,
                )
            )
        return narrow.add(*parts)
