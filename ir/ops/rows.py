"""Rows: kernels run on one block of rows after the other, so that what is between them stays in
cache. Row fusion makes them, behind the fusion of kernels.

    %0, %1 = rows %x, %w {rows = [4096, 4], chunk = 64, reads = ["rows", "whole"],
                          yields = [["rows", "f32", [4, 512]], ["block", "f32", [512]]]} (
      ^body(%x0: f32[4, 512], %w0: f32[512]) { %2, %3 = kernel … yield %2, %3 }
    ) : f32[4096, 512], f32[1024, 512]

`rows` = [R, B]: R rows, B of them in a block; where B doesn't divide R, a second region does the
rows that are left over. The region reads an operand "whole", or of its first axis the part that
belongs to the block's "rows". yields[j] = [kind, dtype, shape] of output j of a block: those of
"rows" lie one behind the other in the result, those of a "block" stand on a new first axis, and
those of a "chunk" are added up over so many blocks, and these sums stand on a new first axis.
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


def chunk_count(rows: tuple[int, int], chunk: int) -> int:
    """The number of chunks, a shorter last one included."""
    return -(-block_count(rows) // chunk)


def _infer(
    *operands: TensorType,
    rows: tuple[int, int],
    chunk: int,
    reads: tuple[str, ...],
    yields: tuple[tuple[str, str, tuple[int, ...]], ...],
) -> tuple[TensorType, ...]:
    if len(reads) != len(operands):
        raise IRError(f"rows: {len(reads)} ways to read {len(operands)} operands")
    for operand, how in zip(operands, reads, strict=True):
        if how == "rows":
            part(operand.shape[0], *rows)
    return tuple(
        TensorType(dtype, _whole(kind, shape, rows, chunk)) for kind, dtype, shape in yields
    )


def _whole(kind: str, shape: tuple[int, ...], rows: tuple[int, int], chunk: int) -> tuple[int, ...]:
    """The shape of all blocks together."""
    if kind == "rows":
        return (part(shape[0], rows[1], rows[0]), *shape[1:])
    return (block_count(rows) if kind == "block" else chunk_count(rows, chunk), *shape)


def _eval(
    *operands: np.ndarray,
    rows: tuple[int, int],
    chunk: int,
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
        _together(kind, outputs, chunk)
        for (kind, _, _), outputs in zip(yields, zip(*found, strict=True), strict=True)
    )


def _together(kind: str, outputs: tuple[np.ndarray, ...], chunk: int) -> np.ndarray:
    """What all blocks yield for one output."""
    if kind == "rows":
        return np.concatenate(outputs)
    if kind == "block":
        return np.stack(outputs)
    starts = range(0, len(outputs), chunk)
    return np.stack([np.sum(outputs[i : i + chunk], axis=0) for i in starts])


def _between(x: np.ndarray, rows: int, start: int, stop: int) -> np.ndarray:
    return x[part(x.shape[0], rows, start) : part(x.shape[0], rows, stop)]


ROWS = late("rows", None, ("kernel", "regions"), _infer, _eval, "before fusion")
