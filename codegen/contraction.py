"""Matrix products: calls of BLAS, or plain loops where there is none.

A legalised `dot` has axes (batch, free, inner) or (batch, inner, free) on either side, so each
product of the batch is op(A)·op(B) of row-major matrices. Large products go in panels of rows, with
a poll between them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..ir import Operation
from ..ir.passes.legalise import dot_shape
from ..ir.record import record
from . import memory
from .blas import Blas, find_blas
from .control import for_loop, integer, polled_loop
from .emitter import Emitter, Reg, float_literal
from .function import FunctionText

PANEL_FLOPS = 1 << 30  # work between two polls: some 20 ms on one core
ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112  # CBLAS's enumerations
PARAMETERS = "ptr noalias readonly %p0, ptr noalias readonly %p1, ptr noalias %q0, ptr %context"


Write = Callable[[str, str, str, int], None]  # (a, b, c, rows): the pointers of a panel


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


def _for_each_product(e: Emitter, product: Product, write: Write) -> bool:
    """Run `write(a, b, c)` with the pointers of each product, in panels of rows."""
    rows = max(PANEL_FLOPS // (2 * product.n * product.k), 1)
    polls = [False]

    def one(i: Reg) -> None:
        a = _offset(e, "%p0", product.dtype, i, product.m * product.k)
        b = _offset(e, "%p1", product.dtype, i, product.k * product.n)
        c = _offset(e, "%q0", product.dtype, i, product.m * product.n)
        if rows >= product.m:
            write(a, b, c, product.m)
            return
        step = 1 if product.left_transposed else product.k

        def panel(row: Reg) -> None:
            a_panel = _offset(e, a, product.dtype, row, step)
            c_panel = _offset(e, c, product.dtype, row, product.n)
            write(a_panel, b, c_panel, rows)

        whole = product.m - product.m % rows
        polls[0] |= polled_loop(e, 0, whole, rows, rows, panel)
        if whole < product.m:
            row = integer(whole)
            a_last = _offset(e, a, product.dtype, row, step)
            c_last = _offset(e, c, product.dtype, row, product.n)
            write(a_last, b, c_last, product.m - whole)

    work = 2 * product.m * product.n * product.k
    every = max(PANEL_FLOPS // work, 1)
    return polled_loop(e, 0, product.count, 1, every, one) or polls[0]


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

    def write(self, a: str, b: str, c: str, rows: int) -> None:
        p = self.product
        if p.n == 1:  # A·x
            height, width = (p.k, rows) if p.left_transposed else (rows, p.k)
            lda = p.m if p.left_transposed else p.k
            self._gemv(p.left_transposed, height, width, a, lda, b, c)
        elif p.m == 1:  # xᵀ·B = Bᵀ·x
            height, width = (p.n, p.k) if p.right_transposed else (p.k, p.n)
            self._gemv(not p.right_transposed, height, width, b, width, a, c)
        else:
            self._gemm(a, b, c, rows)

    def _scalar(self, value: float) -> str:
        return f"{self.real} {float_literal(value, self.product.dtype)}"

    def _int(self, value: int) -> str:
        return f"{self.integer} {value}"

    def _call(self, function: str, arguments: list[str]) -> None:
        name = f"fg.blas.{function}"
        kinds = ", ".join(argument.split()[0] for argument in arguments)
        self.e.declarations[name] = f"declare void @{name}({kinds})"
        self.e.write(f"call void @{name}({', '.join(arguments)})")

    def _gemv(self, trans: bool, rows: int, columns: int, a: str, lda: int, x: str, y: str) -> None:
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
                self._int(1),
                self._scalar(0.0),
                f"ptr {y}",
                self._int(1),
            ],
        )

    def _gemm(self, a: str, b: str, c: str, rows: int) -> None:
        p = self.product
        self._call(
            f"{self.letter}gemm",
            [
                f"i32 {ROW_MAJOR}",
                f"i32 {TRANSPOSED if p.left_transposed else PLAIN}",
                f"i32 {TRANSPOSED if p.right_transposed else PLAIN}",
                self._int(rows),
                self._int(p.n),
                self._int(p.k),
                self._scalar(1.0),
                f"ptr {a}",
                self._int(p.m if p.left_transposed else p.k),
                f"ptr {b}",
                self._int(p.k if p.right_transposed else p.n),
                self._scalar(0.0),
                f"ptr {c}",
                self._int(p.n),
            ],
        )


class _Loops:
    """Products as three plain loops: the innermost runs along the inner axis."""

    def __init__(self, e: Emitter, product: Product) -> None:
        self.e, self.product = e, product
        self.slot = e.emit(f"alloca {e.type(product.dtype)}", "ptr").name

    def write(self, a: str, b: str, c: str, rows: int) -> None:
        p, e, slot = self.product, self.e, self.slot
        kind = e.type(p.dtype)

        def element(i: Reg, j: Reg) -> None:
            e.write(f"store {e.typed(e.const(0, p.dtype))}, ptr {slot}")

            def add(k: Reg) -> None:
                x = self._at(a, i, k, p.m if p.left_transposed else p.k, p.left_transposed)
                y = self._at(b, k, j, p.k if p.right_transposed else p.n, p.right_transposed)
                total = e.emit(f"load {kind}, ptr {slot}", p.dtype)
                e.write(f"store {e.typed(e.muladd(x, y, total))}, ptr {slot}")

            for_loop(e, integer(0), integer(p.k), 1, add)
            total = e.emit(f"load {kind}, ptr {slot}", p.dtype)
            memory.store_scalar(e, self._address(c, i, j, p.n, False), total)

        def row(i: Reg) -> None:
            for_loop(e, integer(0), integer(p.n), 1, lambda j: element(i, j))

        for_loop(e, integer(0), integer(rows), 1, row)

    def _address(self, base: str, i: Reg, j: Reg, leading: int, transposed: bool) -> str:
        e = self.e
        row, column = (j, i) if transposed else (i, j)
        index = e.add(e.mul(row, integer(leading)), column)
        return memory.address(e, base, self.product.dtype, index)

    def _at(self, base: str, i: Reg, j: Reg, leading: int, transposed: bool) -> Reg:
        pointer = self._address(base, i, j, leading, transposed)
        return memory.load_scalar(self.e, pointer, self.product.dtype)
