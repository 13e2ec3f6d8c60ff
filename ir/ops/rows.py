"""Rows: kernels run on one block of rows after the other, so that what is between them stays in
cache. Row fusion makes them, behind the fusion of kernels.

    %0, %1 = rows %x, %w {rows = [4096, 4], reads = ["rows", "whole"],
                          yields = [["rows", "f32", [4, 512]], ["block", "f32", [512]]]} (
      ^body(%x0: f32[4, 512], %w0: f32[512]) { %2, %3 = kernel … yield %2, %3 }
    ) : f32[4096, 512], f32[1024, 512]

`rows` = [R, B]: R rows, B of them in a block; where B doesn't divide R, a second region does the
rows that are left over. The region reads an operand "whole", or of its first axis the part that
belongs to the block's "rows". yields[j] = [kind, dtype, shape] of output j of a block: those of
"rows" lie one behind the other in the result, those of a "block" stand on a new first axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import IRError
from ..types import TensorType
from .late import late


def part(extent: int, rows: int, block: int) -> int:
    """How much of an axis of `extent`, which divides into `rows`, belongs to `block` of them."""
    if extent % rows:
        raise IRError(f"rows: an axis of {extent} does not divide into {rows} rows")
    return extent // rows * block


def block_count(rows: tuple[int, int]) -> int:
    """The number of blocks, a shorter last one included."""
    return -(-rows[0] // rows[1])


def _infer(
    *operands: TensorType,
    rows: tuple[int, int],
    reads: tuple[str, ...],
    yields: tuple[tuple[str, str, tuple[int, ...]], ...],
) -> tuple[TensorType, ...]:
    if len(reads) != len(operands):
        raise IRError(f"rows: {len(reads)} ways to read {len(operands)} operands")
    for operand, how in zip(operands, reads, strict=True):
        if how == "rows":
            part(operand.shape[0], *rows)
    return tuple(TensorType(dtype, _whole(kind, shape, rows)) for kind, dtype, shape in yields)


def _whole(kind: str, shape: tuple[int, ...], rows: tuple[int, int]) -> tuple[int, ...]:
    """The shape of all blocks together."""
    if kind == "rows":
        return (part(shape[0], rows[1], rows[0]), *shape[1:])
    return (block_count(rows), *shape)


def _eval(
    *operands: np.ndarray,
    rows: tuple[int, int],
    reads: tuple[str, ...],
    yields: tuple[tuple[str, str, tuple[int, ...]], ...],
    regions: tuple[Any, ...],
) -> tuple[np.ndarray, ...]:
    from ..interpret import interpret

    found: list[list[np.ndarray]] = []
    for i in range(block_count(rows)):
        start, stop = i * rows[1], min((i + 1) * rows[1], rows[0])
        region = regions[0] if stop - start == rows[1] else regions[1]
        inputs = [
            x if how == "whole" else _between(x, rows[0], start, stop)
            for x, how in zip(operands, reads, strict=True)
        ]
        found.append(interpret(region, inputs))
    return tuple(
        np.concatenate(outputs) if kind == "rows" else np.stack(outputs)
        for (kind, _, _), outputs in zip(yields, zip(*found, strict=True), strict=True)
    )


def _between(x: np.ndarray, rows: int, start: int, stop: int) -> np.ndarray:
    return x[part(x.shape[0], rows, start) : part(x.shape[0], rows, stop)]


ROWS = late("rows", None, ("kernel", "regions"), _infer, _eval, "before fusion")
