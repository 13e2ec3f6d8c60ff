"""Matrix products: loops of our own for small ones, calls of BLAS for others.

In a legalised `dot` the axes of the batch, the free and the inner ones stand together on either
side, and the last axis is not of the batch, so each product is op(A)·op(B) of row-major matrices
with some distance between rows. Large products go in tiles, with a poll between them.
"""

from __future__ import annotations

from collections.abc import Callable

from ...ir import Operation
from ...ir.record import record
from ..control import for_loop, integer, minimum, only_if, polled_range
from ..emitter import Emitter, Reg
from ..function import FunctionText
from ..kernels import memory
from ..threads.split import Split, limits
from .ahead import NONE, Ahead, Fetches
from .blas import find_blas
from .dot import Factor, Product, Tile, product_of
from .gemm import Blas
from .products import Shape, Strided, vector_loops

TILE_FLOPS = 1 << 30  # work between two polls: some 20 ms on one core
TILE_ELEMENTS = 1 << 24  # and what is read and written meanwhile
PARAMETERS = "ptr noalias readonly %p0, ptr noalias readonly %p1, ptr noalias %q0, ptr %context"


def lower_dot(
    operation: Operation,
    adds: bool = False,
    split: Split | None = None,
    fetches: Fetches = NONE,
) -> FunctionText:
    """The function of a `dot`, which overwrites its result, or adds to what is there. With a
    `split` of the products (axis 0), of their rows (1) or of their columns (2) it does the block
    that ``i64 %block`` names. `fetches` are for loops of our own; BLAS has its way.
    """
    product = product_of(operation)
    e = Emitter(1)
    e.lines.append("entry:")
    size = memory.ELEMENT_BYTES[product.dtype]
    if 0 in (product.count, product.m, product.n, product.k):
        if not adds:
            memory.clear(e, "%q0", operation.result.type.size * size)
        polls = False
    else:
        write = _vector_loops(e, product, adds, split, fetches)
        if write is None:
            blas = find_blas()
            write = Blas(e, product, adds, blas).write if blas else _Loops(e, product, adds).write
        polls = _for_each_product(e, product, write, split)
    e.write("ret i32 0")
    parameters = PARAMETERS.replace("ptr %context", "i64 %block, ptr %context")
    return FunctionText(
        parameters if split else PARAMETERS, tuple(e.lines), e.declarations, (), polls
    )


def _vector_loops(
    e: Emitter, product: Product, adds: bool, split: Split | None, fetches: Fetches
) -> Callable[[Tile], None] | None:
    """Our own loops for products, or blocks of their rows, that are one tile, where they are better
    than BLAS.
    """
    from ..objects.jit import vector_registers

    heights = [product.m]
    if split is not None and split.axis == 1:
        heights = [split.step, split.extent - (split.blocks - 1) * split.step]
    elif split is not None and split.axis == 2:
        return None
    longest = (max(heights), product.n, product.k)
    if tile_sizes(*longest) != longest:
        return None
    factors = (product.left, product.right, product.result)
    strides = [_strided(x, ahead) for x, ahead in zip(factors, (*fetches, None), strict=True)]
    shapes = [Shape(product.dtype, m, product.n, product.k, *strides) for m in heights]
    writers = [vector_loops(e, shape, adds, vector_registers()) for shape in shapes]
    usual, last = writers[0], writers[-1]
    if usual is None or last is None:
        return None
    if split is None or split.axis == 0 or heights[0] == heights[1]:
        return lambda tile: usual(tile.a, tile.b, tile.c)

    def write(tile: Tile) -> None:
        at_end = limits(e, split)[2]
        only_if(e, at_end, lambda: last(tile.a, tile.b, tile.c))
        only_if(e, e.not_(at_end), lambda: usual(tile.a, tile.b, tile.c))

    return write


def _strided(factor: Factor, ahead: Ahead | None) -> Strided:
    row, column = (1, factor.leading) if factor.transposed else (factor.leading, 1)
    return Strided(row, column, ahead)


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
        c = _offset(e, "%q0", product.dtype, i, product.result.step)

        def tile(row: Reg, column: Reg, inner: Reg) -> None:
            write(
                Tile(
                    _element(e, product.dtype, a, row, inner, product.left),
                    _element(e, product.dtype, b, inner, column, product.right),
                    _element(e, product.dtype, c, row, column, product.result),
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


class _Loops:
    """Products as three plain loops: the innermost runs along the inner axis."""

    def __init__(self, e: Emitter, product: Product, adds: bool) -> None:
        self.e, self.product, self.adds = e, product, adds
        self.slot = e.emit(f"alloca {e.type(product.dtype)}", "ptr").name

    def write(self, tile: Tile) -> None:
        p, e, slot = self.product, self.e, self.slot
        kind = e.type(p.dtype)
        first = e.const(False, "bool") if self.adds else e.compare("eq", tile.inner, integer(0))

        def element(i: Reg, j: Reg) -> None:
            target = _element(e, p.dtype, tile.c, i, j, p.result)
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
