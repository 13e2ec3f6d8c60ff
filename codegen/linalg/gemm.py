"""A tile of a matrix product by NumPy's BLAS."""

from __future__ import annotations

from ..control import integer
from ..emitter import Emitter, Reg, float_literal
from .blas import NativeLibrary
from .dot import Factor, Product, Tile

ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112  # CBLAS's enumerations


class Blas:
    """Products by NumPy's BLAS: gemm, or gemv where one factor is a vector."""

    def __init__(self, e: Emitter, product: Product, adds: bool, blas: NativeLibrary) -> None:
        self.e, self.product, self.adds, self.integer = e, product, adds, blas.integer
        self.letter = "d" if product.dtype == "f64" else "s"
        self.real = "double" if product.dtype == "f64" else "float"

    def write(self, tile: Tile) -> None:
        left, right = self.product.left, self.product.right
        if self.product.n == 1:  # A·x
            height, width = _as_stored(tile.rows, tile.depth, left.transposed)
            step = 1 if right.transposed else right.leading
            out = self.product.result.leading
            self._gemv(tile, left.transposed, height, width, (tile.a, left), (tile.b, step), out)
        elif self.product.m == 1:  # xᵀ·B = Bᵀ·x
            height, width = _as_stored(tile.depth, tile.columns, right.transposed)
            step = left.leading if left.transposed else 1
            self._gemv(
                tile, not right.transposed, height, width, (tile.b, right), (tile.a, step), 1
            )
        else:
            self._gemm(tile)

    def _scalar(self, value: float) -> str:
        return f"{self.real} {float_literal(value, self.product.dtype)}"

    def _keep(self, tile: Tile) -> str:
        """What the tile's results so far are multiplied by: 0 at the first step along the depth."""
        if self.adds:
            return self._scalar(1.0)
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
        out: int,
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
                self._int(integer(out)),
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
                self._int(integer(p.result.leading)),
            ],
        )


def _as_stored(height: Reg, width: Reg, transposed: bool) -> tuple[Reg, Reg]:
    return (width, height) if transposed else (height, width)
