"""Matrix products: calls of BLAS, or plain loops where there is none.

In a legalised `dot` the axes of the batch, the free and the inner ones stand together on either
side, and the last axis is not of the batch, so each product is op(A)·op(B) of row-major matrices
with some distance between rows. Large products go in tiles, with a poll between them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..ir import Operation
from ..ir.passes.legalise import dot_shape, free_axes
from ..ir.record import record
from ..ir.view import row_major_strides
from . import memory
from .blas import NativeLibrary, find_blas
from .control import for_loop, integer, minimum, polled_range
from .emitter import Emitter, Reg, float_literal
from .function import FunctionText
from .threads.split import Split, limits

TILE_FLOPS = 1 << 30  # work between two polls: some 20 ms on one core
TILE_ELEMENTS = 1 << 24  # and what is read and written meanwhile
ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112  # CBLAS's enumerations
PARAMETERS = "ptr noalias readonly %p0, ptr noalias readonly %p1, ptr noalias %q0, ptr %context"


@record
class Factor:
    """How the matrices of one side lie: elements from one row as stored to the next (`leading`),
    and from one matrix to the next (`step`). A transposed one lies as k×m or n×k.
    """

    transposed: bool
    leading: int
    step: int


@record
class Product:
    """`count` products of an m×k by a k×n matrix."""

    dtype: str
    count: int
    m: int
    n: int
    k: int
    left: Factor
    right: Factor

    @property
    def extents(self) -> tuple[int, int, int, int]:
        return self.count, self.m, self.n, self.k

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
    return Product(
        operation.result.dtype,
        math.prod(shape.batch),
        math.prod(shape.rows),
        math.prod(shape.columns),
        math.prod(shape.inner),
        _factor(operation, 0),
        _factor(operation, 1),
    )


def _factor(operation: Operation, side: int) -> Factor:
    x = operation.operands[side]
    inner, batch = operation.attributes["contract"][side], operation.attributes["batch"][side]
    free, strides = free_axes(x, inner, batch), row_major_strides(x.shape)
    by_free = bool(free) and free[-1] == x.type.ndim - 1  # neighbours are along the free axes
    vector = 1 if side else math.prod(x.shape[a] for a in inner)  # k×1 or 1×k
    return Factor(
        transposed=by_free if side == 0 else bool(free) and not by_free,
        leading=strides[(inner if by_free else free)[-1]] if free else vector,
        step=strides[batch[-1]] if batch else 0,
    )


def lower_dot(operation: Operation, split: Split | None = None) -> FunctionText:
    """The function of a `dot`. With a `split` of the products (axis 0), of their rows (1) or of
    their columns (2) it does the block that ``i64 %block`` names.
    """
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
        polls = _for_each_product(e, product, write, split)
    e.write("ret i32 0")
    parameters = PARAMETERS.replace("ptr %context", "i64 %block, ptr %context")
    return FunctionText(
        parameters if split else PARAMETERS, tuple(e.lines), e.declarations, (), polls
    )


def _for_each_product(
    e: Emitter, product: Product, write: Callable[[Tile], None], split: Split | None
) -> bool:
    """Run `write` for each tile of each product, with polls between; returns whether it polls."""
    ranges = {i: _Range(integer(0), integer(n), n) for i, n in enumerate(product.extents)}
    if split is not None:
        low, high, _ = limits(e, split)
        ranges[split.axis] = _Range(low, high, split.longest)
    rows, columns, depth = tile_sizes(*(ranges[axis].longest for axis in (1, 2, 3)))
    polls = []

    def one(i: Reg) -> None:
        a = _offset(e, "%p0", product.dtype, i, product.left.step)
        b = _offset(e, "%p1", product.dtype, i, product.right.step)
        c = _offset(e, "%q0", product.dtype, i, product.m * product.n)

        def tile(row: Reg, column: Reg, inner: Reg) -> None:
            write(
                Tile(
                    _element(e, product.dtype, a, row, inner, product.left),
                    _element(e, product.dtype, b, inner, column, product.right),
                    _element(e, product.dtype, c, row, column, Factor(False, product.n, 0)),
                    _left_over(e, row, rows, ranges[1]),
                    _left_over(e, column, columns, ranges[2]),
                    _left_over(e, inner, depth, ranges[3]),
                    inner,
                )
            )

        def by_columns(row: Reg) -> None:
            def by_depth(column: Reg) -> None:
                loop(3, depth, depth, lambda inner: tile(row, column, inner))

            loop(2, columns, columns, by_depth)

        loop(1, rows, rows, by_columns)

    def loop(axis: int, step: int, every: int, body: Callable[[Reg], None]) -> None:
        low, high, longest = ranges[axis].low, ranges[axis].high, ranges[axis].longest
        polls.append(polled_range(e, low, high, longest, step, every, body))

    every = min(TILE_FLOPS // product.flops, TILE_ELEMENTS // product.elements)
    loop(0, 1, max(every, 1), one)
    return any(polls)


@record
class _Range:
    """What is done of an axis: [low, high), which is at most `longest` long."""

    low: Reg
    high: Reg
    longest: int


def tile_sizes(m: int, n: int, k: int) -> tuple[int, int, int]:
    """Rows, columns and depth of a tile: all, halved until it is done in some 20 ms."""
    sizes = [m, n, k]

    def too_large() -> bool:
        m, n, k = sizes
        return 2 * m * n * k > TILE_FLOPS or m * k + k * n + m * n > TILE_ELEMENTS

    while too_large() and max(sizes) > 1:
        longest = sizes.index(max(sizes))
        sizes[longest] = -(-sizes[longest] // 2)
    return sizes[0], sizes[1], sizes[2]


def _left_over(e: Emitter, start: Reg, step: int, range_: _Range) -> Reg:
    """How much of an axis the step from `start` covers."""
    if range_.high.name == str(range_.longest) and range_.longest % step == 0:
        return integer(step)
    return minimum(e, integer(step), e.sub(range_.high, start))


def _element(e: Emitter, dtype: str, base: str, i: Reg, j: Reg, factor: Factor) -> str:
    """The pointer to element (i, j) of a matrix."""
    row = _offset(e, base, dtype, i, 1 if factor.transposed else factor.leading)
    return _offset(e, row, dtype, j, factor.leading if factor.transposed else 1)


def _offset(e: Emitter, base: str, dtype: str, index: Reg, scale: int) -> str:
    if index.name == "0":
        return base
    return memory.address(e, base, dtype, e.mul(index, integer(scale)))


class _Blas:
    """Products by NumPy's BLAS: gemm, or gemv where one factor is a vector."""

    def __init__(self, e: Emitter, product: Product, blas: NativeLibrary) -> None:
        self.e, self.product, self.integer = e, product, blas.integer
        self.letter = "d" if product.dtype == "f64" else "s"
        self.real = "double" if product.dtype == "f64" else "float"

    def write(self, tile: Tile) -> None:
        left, right = self.product.left, self.product.right
        if self.product.n == 1:  # A·x
            height, width = _as_stored(tile.rows, tile.depth, left.transposed)
            step = 1 if right.transposed else right.leading
            self._gemv(tile, left.transposed, height, width, (tile.a, left), (tile.b, step))
        elif self.product.m == 1:  # xᵀ·B = Bᵀ·x
            height, width = _as_stored(tile.depth, tile.columns, right.transposed)
            step = left.leading if left.transposed else 1
            self._gemv(tile, not right.transposed, height, width, (tile.b, right), (tile.a, step))
        else:
            self._gemm(tile)

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
        self,
        tile: Tile,
        trans: bool,
        rows: Reg,
        columns: Reg,
        matrix: tuple[str, Factor],
        vector: tuple[str, int],
    ) -> None:
        self._call(
            f"{self.letter}gemv",
            [
                f"i32 {ROW_MAJOR}",
                f"i32 {TRANSPOSED if trans else PLAIN}",
                self._int(rows),
                self._int(columns),
                self._scalar(1.0),
                f"ptr {matrix[0]}",
                self._int(integer(matrix[1].leading)),
                f"ptr {vector[0]}",
                self._int(integer(vector[1])),
                self._keep(tile),
                f"ptr {tile.c}",
                self._int(integer(1)),
            ],
        )

    def _gemm(self, tile: Tile) -> None:
        p = self.product
        self._call(
            f"{self.letter}gemm",
            [
                f"i32 {ROW_MAJOR}",
                f"i32 {TRANSPOSED if p.left.transposed else PLAIN}",
                f"i32 {TRANSPOSED if p.right.transposed else PLAIN}",
                self._int(tile.rows),
                self._int(tile.columns),
                self._int(tile.depth),
                self._scalar(1.0),
                f"ptr {tile.a}",
                self._int(integer(p.left.leading)),
                f"ptr {tile.b}",
                self._int(integer(p.right.leading)),
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
            target = _element(e, p.dtype, tile.c, i, j, Factor(False, p.n, 0))
            before = memory.load_scalar(e, target, p.dtype)
            start = e.select(first, e.const(0, p.dtype), before)
            e.write(f"store {e.typed(start)}, ptr {slot}")

            def add(k: Reg) -> None:
                x = self._at(tile.a, i, k, p.left)
                y = self._at(tile.b, k, j, p.right)
                total = e.emit(f"load {kind}, ptr {slot}", p.dtype)
                e.write(f"store {e.typed(e.muladd(x, y, total))}, ptr {slot}")

            for_loop(e, integer(0), tile.depth, 1, add)
            total = e.emit(f"load {kind}, ptr {slot}", p.dtype)
            memory.store_scalar(e, target, total)

        def row(i: Reg) -> None:
            for_loop(e, integer(0), tile.columns, 1, lambda j: element(i, j))

        for_loop(e, integer(0), tile.rows, 1, row)

    def _at(self, base: str, i: Reg, j: Reg, factor: Factor) -> Reg:
        pointer = _element(self.e, self.product.dtype, base, i, j, factor)
        return memory.load_scalar(self.e, pointer, self.product.dtype)
