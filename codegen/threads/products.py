"""Matrix products by a BLAS of one thread, in panels where they are large.

How a BLAS of several threads divides its work, and so the last bits of its results, depends on
their number. So a BLAS that could start threads is told not to while it computes for us, and large
products are cut here: a batch into its products, a product into panels of rows or of columns.
Panels cost a few percent, as each brings the other factor into the BLAS's own order again. LAPACK
calls the BLAS, so the same holds for factorisations; they are not cut.
"""

from __future__ import annotations

from ...ir import Operation
from ..function import FunctionText
from ..kernels.loops import BITS
from ..linalg.blas import find_controls
from ..linalg.dot import Product, product_of
from ..linalg.lapack import find_lapack
from .split import LEAST_WORK, Split, cut, split_steps

PANEL_WORK = 70_000_000  # multiplications and additions in a panel, at least
_PANEL_ROWS = 256  # or columns
_ROW_PANEL, _SLAB = 16, 256  # of a matrix times a vector: whole rows of it, or parts of all rows
_OPERATIONS = 32.0  # of float64 in a nanosecond
_BYTES = 10.0
_THREADED_PRODUCT = 1 << 16  # multiplications from which OpenBLAS may start threads
_THREADED_VECTOR = 1 << 12  # the same for a matrix times a vector
_THREADED_MATRIX = 32  # rows or columns from which LAPACK may have such products

ALONE = {
    "fg.alone.begin": "declare void @fg.alone.begin()",
    "fg.alone.end": "declare void @fg.alone.end()",
}


def work_of_product(operation: Operation) -> float:
    """In nanoseconds, as `split` counts."""
    product = product_of(operation)
    width = BITS[product.dtype] / 64
    moved = product.elements * 8 * width / _BYTES
    return product.count * (moved + product.flops * width / _OPERATIONS)


def split_product(operation: Operation) -> Split | None:
    """How a `dot` is cut: its batch (axis 0), rows (1) or columns (2)."""
    product = product_of(operation)
    work = work_of_product(operation)
    if work < LEAST_WORK or find_controls() is None or not product.k:
        return None
    if product.count > 1:
        return split_steps(product.count, work)
    axis = 1 if product.m >= product.n else 2
    blocks = _most_blocks(product, axis, work)
    return cut(product.extents[axis], blocks, axis=axis) if blocks > 1 else None


def _most_blocks(product: Product, axis: int, work: float) -> int:
    extent = product.extents[axis]
    if 1 not in (product.m, product.n):
        return min(product.flops // PANEL_WORK, extent // _PANEL_ROWS)
    by_rows = product.right.transposed if axis == 2 else not product.left.transposed
    steps = split_steps(extent // (_ROW_PANEL if by_rows else _SLAB), work)
    return steps.blocks if steps else 1


def starts_threads(operation: Operation) -> bool:
    """Would a BLAS do this operation, or one in its regions, on several threads?"""
    if operation.name == "dot":
        p = product_of(operation)
        limit = _THREADED_VECTOR if 1 in (p.m, p.n) else _THREADED_PRODUCT
        return p.m * p.n * p.k > limit and find_controls() is not None
    if "factorisation" in operation.op.traits:
        lapack, controls = find_lapack(), find_controls()
        same = lapack is not None and controls is not None and lapack.library == controls.library
        return same and max(operation.operands[0].shape[-2:]) > _THREADED_MATRIX
    if operation.name == "rows":
        return any(starts_threads(inner) for region in operation.regions for inner in region)
    return False


def run_alone(text: FunctionText, symbol: str) -> FunctionText:
    """A function that calls another one, while the BLAS uses one thread."""
    lines = (
        "entry:",
        "  call void @fg.alone.begin()",
        f"  %status = call i32 {symbol}({_given(text.parameters)})",
        "  call void @fg.alone.end()",
        "  ret i32 %status",
    )
    return FunctionText(text.parameters, lines, ALONE, (), text.polls, text.scratch)


def _given(parameters: str) -> str:
    """A function's own parameters as arguments."""
    words = [parameter.split() for parameter in parameters.split(", ")]
    return ", ".join(f"{parameter[0]} {parameter[-1]}" for parameter in words)
