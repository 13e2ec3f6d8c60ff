"""Matrix products: calls of BLAS, or plain loops where there is none.

A legalised `dot` has axes (batch, free, inner) or (batch, inner, free) on either side, so each
product of the batch is op(A)·op(B) of row-major matrices. Large products go in tiles, with a poll
between them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..ir import Operation
from ..ir.passes.legalise import dot_shape
from ..ir.record import record
from . import memory
from .blas import Blas, find_blas
from .control import for_loop, integer, minimum, polled_loop
from .emitter import Emitter, Reg, float_literal
from .function import FunctionText

TILE_FLOPS = 1 << 30  # work between two polls: some 20 ms on one core
TILE_ELEMENTS = 1 << 24  # and what is read and written meanwhile
ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112  # CBLAS's enumerations
PARAMETERS = "ptr noalias readonly %p0, ptr noalias readonly %p1, ptr noalias %q0, ptr %context"


@record
class Product:
    """`count` products of an m×k by a k×n matrix; a transposed factor lies as k×m or n×k."""

    dtype: str
    count: int
    m: int
    n: int
    k: int
    left_transposed: bool
    right_transposed: bool

    @property
    def flops(self) -> int:
        """Of one product."""
        return 2 * self.m * self.n * self.k

    @property
    def elements(self) -> int:
        """What one product reads and writes."""
        return self.m * self.k + self.k * self.n + self.m * self.n


@record
class Tile:
    """A part of a product: c += a·b, where `rows`×`depth` and `depth`×`columns` begin at a and b.

    `inner` is where it begins along the inner axis: at 0, c is not read.
    """

    a: str
    b: str
    c: str
    rows: Reg
    columns: Reg
    depth: Reg
    inner: Reg


def product_of(operation: Operation) -> Product:
    """The matrix products that a legalised `dot` stands for."""
    shape = dot_shape(operation)
    x, y = operation.operands
    contract, batch = operation.attributes["contract"], operation.attributes["batch"]
    return Product(
        operation.result.dtype,
        math.prod(shape.batch),
        math.prod(shape.rows),
        math.prod(shape.columns),
        math.prod(shape.inner),
        left_transposed=contract[0][0] == len(batch[0]) and bool(shape.rows) and x.type.ndim > 1,
        right_transposed=contract[1][0] != len(batch[1])
        and bool(shape.columns)
        and y.type.ndim > 1,
    )


def lower_dot(operation: Operation) -> FunctionText:
    """The function of a `dot`."""
    product = product_of(operation)
    e = Emitter(1)
    e.lines.append("entry:")
    size = memory.ELEMENT_BYTES[product.dtype]
    if 0 in (product.count, product.m, product.n, product.k):
        memory.clear(e, "%q0", operation.result.type.size * size)
        polls = False
    else:
        blas = find_blas()
        write = _Blas(e, product, blas).write if blas else _Loops(e, product).write
        polls = _for_each_product(e, product, write)
    e.write("ret i32 0")
    return FunctionText(PARAMETERS, tuple(e.lines), e.declarations, (), polls)


def _for_each_product(e: Emitter, product: Product, write: Callable[[Tile], None]) -> bool:
    """Run `write` for each tile of each product, with polls between; returns whether it polls."""
    rows, columns, depth = tile_sizes(product)
    polls = []

    def one(i: Reg) -> None:
        a = _offset(e, "%p0", product.dtype, i, product.m * product.k)
        b = _offset(e, "%p1", product.dtype, i, product.k * product.n)
        c = _offset(e, "%q0", product.dtype, i, product.m * product.n)

        def tile(row: Reg, column: Reg, inner: Reg) -> None:
            left = _element(
                e, product, a, row, inner, product.m, product.k, product.left_transposed
            )
            right = _element(
                e, product, b, inner, column, product.k, product.n, product.right_transposed
            )
            write(
                Tile(
                    left,
                    right,
                    _element(e, product, c, row, column, product.m, product.n, False),
                    _left_over(e, row, rows, product.m),
                    _left_over(e, column, columns, product.n),
                    _left_over(e, inner, depth, product.k),
                    inner,
                )
            )

        def by_columns(row: Reg) -> None:
            def by_depth(column: Reg) -> None:
                loop(product.k, depth, lambda inner: tile(row, column, inner))

            loop(product.n, columns, by_depth)

        loop(product.m, rows, by_columns)

    def loop(extent: int, step: int, body: Callable[[Reg], None]) -> None:
        polls.append(polled_loop(e, 0, extent, step, step, body))

    every = min(TILE_FLOPS // product.flops, TILE_ELEMENTS // product.elements)
    polls.append(polled_loop(e, 0, product.count, 1, max(every, 1), one))
    return any(polls)


def tile_sizes(product: Product) -> tuple[int, int, int]:
    """Rows, columns and depth of a tile: all, halved until it is done in some 20 ms."""
    sizes = [product.m, product.n, product.k]

    def too_large() -> bool:
        m, n, k = sizes
        return 2 * m * n * k > TILE_FLOPS or m * k + k * n + m * n > TILE_ELEMENTS

    while too_large() and max(sizes) > 1:
        longest = sizes.index(max(sizes))
        sizes[longest] = -(-sizes[longest] // 2)
    return sizes[0], sizes[1], sizes[2]


def _left_over(e: Emitter, start: Reg, step: int, extent: int) -> Reg:
    """How much of an axis the step from `start` covers."""
    if extent % step == 0:
        return integer(step)
    return minimum(e, integer(step), e.sub(integer(extent), start))


def _element(
    e: Emitter,
    product: Product,
    base: str,
    i: Reg,
    j: Reg,
    height: int,
    width: int,
    transposed: bool,
) -> str:
    """The pointer to element (i, j) of a height×width matrix, which may lie transposed."""
    row = _offset(e, base, product.dtype, i, 1 if transposed else width)
    return _offset(e, row, product.dtype, j, height if transposed else 1)


def _offset(e: Emitter, base: str, dtype: str, index: Reg, scale: int) -> str:
    if index.name == "0":
        return base
    return memory.address(e, base, dtype, e.mul(index, integer(scale)))


class _Blas:
    """Products by NumPy's BLAS: gemm, or gemv where one factor is a vector."""

    def __init__(self, e: Emitter, product: Product, blas: Blas) -> None:
        self.e, self.product, self.integer = e, product, blas.integer
        self.letter = "d" if product.dtype == "f64" else "s"
        self.real = "double" if product.dtype == "f64" else "float"

    def write(self, tile: Tile) -> None:
        p = self.product
        lda = integer(p.m if p.left_transposed else p.k)
        ldb = integer(p.k if p.right_transposed else p.n)
        if p.n == 1:  # A·x
            height, width = _as_stored(tile.rows, tile.depth, p.left_transposed)
            self._gemv(tile, p.left_transposed, height, width, tile.a, lda, tile.b)
        elif p.m == 1:  # xᵀ·B = Bᵀ·x
            height, width = _as_stored(tile.depth, tile.columns, p.right_transposed)
            self._gemv(tile, not p.right_transposed, height, width, tile.b, ldb, tile.a)
        else:
            self._gemm(tile, lda, ldb)

    def _scalar(self, value: float) -> str:
        return f"{self.real} {float_literal(value, self.product.dtype)}"

    def _keep(self, tile: Tile) -> str:
        """What the tile's results so far are multiplied by: 0 at the first step along the depth."""
        if tile.inner.name == "0":
            return self._scalar(0.0)
        first = self.e.compare("eq", tile.inner, integer(0))
        zero, one = (self.e.const(x, self.product.dtype) for x in (0.0, 1.0))
        return self.e.typed(self.e.select(first, zero, one))

    def _int(self, value: Reg) -> str:
        if self.integer == "i32" and value.name.startswith("%"):
            value = self.e.emit(f"trunc i64 {value.name} to i32", "i32")
        return f"{self.integer} {value.name}"

    def _call(self, function: str, arguments: list[str]) -> None:
        name = f"fg.blas.{function}"
        kinds = ", ".join(argument.split()[0] for argument in arguments)
        self.e.declarations[name] = f"declare void @{name}({kinds})"
        self.e.write(f"call void @{name}({', '.join(arguments)})")

    def _gemv(
        self, tile: Tile, trans: bool, rows: Reg, columns: Reg, a: str, lda: Reg, x: str
    ) -> None:
        self._call(
            f"{self.letter}gemv",
            [
                f"i32 {ROW_MAJOR}",
                f"i32 {TRANSPOSED if trans else PLAIN}",
                self._int(rows),
                self._int(columns),
                self._scalar(1.0),
                f"ptr {a}",
                self._int(lda),
                f"ptr {x}",
                self._int(integer(1)),
                self._keep(tile),
                f"ptr {tile.c}",
                self._int(integer(1)),
            ],
        )

    def _gemm(self, tile: Tile, lda: Reg, ldb: Reg) -> None:
        p = self.product
        self._call(
            f"{self.letter}gemm",
            [
                f"i32 {ROW_MAJOR}",
                f"i32 {TRANSPOSED if p.left_transposed else PLAIN}",
                f"i32 {TRANSPOSED if p.right_transposed else PLAIN}",
                self._int(tile.rows),
                self._int(tile.columns),
                self._int(tile.depth),
                self._scalar(1.0),
                f"ptr {tile.a}",
                self._int(lda),
                f"ptr {tile.b}",
                self._int(ldb),
                self._keep(tile),
                f"ptr {tile.c}",
                self._int(integer(p.n)),
            ],
        )


def _as_stored(height: Reg, width: Reg, transposed: bool) -> tuple[Reg, Reg]:
    return (width, height) if transposed else (height, width)


class _Loops:
    """Products as three plain loops: the innermost runs along the inner axis."""

    def __init__(self, e: Emitter, product: Product) -> None:
        self.e, self.product = e, product
        self.slot = e.emit(f"alloca {e.type(product.dtype)}", "ptr").name

    def write(self, tile: Tile) -> None:
        p, e, slot = self.product, self.e, self.slot
        kind = e.type(p.dtype)
        first = e.compare("eq", tile.inner, integer(0))

        def element(i: Reg, j: Reg) -> None:
            target = self._address(tile.c, i, j, p.n, False)
            before = memory.load_scalar(e, target, p.dtype)
            start = e.select(first, e.const(0, p.dtype), before)
            e.write(f"store {e.typed(start)}, ptr {slot}")

            def add(k: Reg) -> None:
                x = self._at(tile.a, i, k, p.m if p.left_transposed else p.k, p.left_transposed)
                y = self._at(tile.b, k, j, p.k if p.right_transposed else p.n, p.right_transposed)
                total = e.emit(f"load {kind}, ptr {slot}", p.dtype)
                e.write(f"store {e.typed(e.muladd(x, y, total))}, ptr {slot}")

            for_loop(e, integer(0), tile.depth, 1, add)
            total = e.emit(f"load {kind}, ptr {slot}", p.dtype)
            memory.store_scalar(e, target, total)

        def row(i: Reg) -> None:
            for_loop(e, integer(0), tile.columns, 1, lambda j: element(i, j))

        for_loop(e, integer(0), tile.rows, 1, row)

    def _address(self, base: str, i: Reg, j: Reg, leading: int, transposed: bool) -> str:
        e = self.e
        row, column = (j, i) if transposed else (i, j)
        index = e.add(e.mul(row, integer(leading)), column)
        return memory.address(e, base, self.product.dtype, index)

    def _at(self, base: str, i: Reg, j: Reg, leading: int, transposed: bool) -> Reg:
        pointer = self._address(base, i, j, leading, transposed)
        return memory.load_scalar(self.e, pointer, self.product.dtype)
