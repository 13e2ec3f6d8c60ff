"""Reductions in registers: lanes of partial results, joined in a fixed tree.

A long sum is cut into short blocks. Inside a block each lane adds a few elements; a block's sum
then goes into a total that carries its own rounding error (Knuth's two-sum, TAOCP vol. 2, 4.2.2).
The error is that of some twenty additions, whatever the length, and the order is fixed by the nest
alone.
"""

from __future__ import annotations

import math

from ..emitter import FLOATS, Emitter, Reg
from .loops import BLOCK_PER_LANE, LoopNest, Write

_INTEGER_LIMITS = {"i32": (-(2**31), 2**31 - 1), "i64": (-(2**63), 2**63 - 1), "bool": (0, 1)}


def identity(kind: str, dtype: str) -> float | int:
    """What a reduction starts from."""
    if kind == "sum":
        return 0
    if kind == "prod":
        return 1
    if dtype in FLOATS:
        return -math.inf if kind == "reduce_max" else math.inf
    return _INTEGER_LIMITS[dtype][kind == "reduce_min"]


def combine(e: Emitter, kind: str, x: Reg, y: Reg) -> Reg:
    """One step of a reduction."""
    if kind == "sum":
        return e.add(x, y)
    if kind == "prod":
        return e.mul(x, y)
    return e.maximum(x, y) if kind == "reduce_max" else e.minimum(x, y)


def block_elements(nest: LoopNest) -> int:
    return nest.lanes * nest.unroll * BLOCK_PER_LANE


class Accumulator:
    """One reduction's registers, as stack slots that LLVM turns into registers.

    `e` writes at the nest's width. `partial` holds one slot for each unrolled copy of the body; a
    compensated sum has `total` and `error`.
    """

    __slots__ = ("compensated", "e", "error", "partial", "total", "write")

    def __init__(self, e: Emitter, write: Write, compensated: bool) -> None:
        self.e = e
        self.write = write
        self.compensated = compensated
        self.partial: list[str] = []
        self.total = self.error = ""

    def allocate(self, unroll: int) -> None:
        self.partial = [self._slot() for _ in range(unroll)]
        if self.compensated:
            self.total, self.error = self._slot(), self._slot()

    def _slot(self) -> str:
        return self.e.emit(f"alloca {self.e.type(self.write.dtype)}", "ptr").name

    def _get(self, slot: str) -> Reg:
        return self.e.emit(f"load {self.e.type(self.write.dtype)}, ptr {slot}", self.write.dtype)

    def _set(self, slot: str, x: Reg) -> None:
        self.e.write(f"store {self.e.typed(x)}, ptr {slot}")

    def _start(self) -> Reg:
        return self.e.const(identity(self.write.kind, self.write.dtype), self.write.dtype)

    def begin(self) -> None:
        """Before the outermost loop that is reduced."""
        if self.compensated:
            self._set(self.total, self._start())
            self._set(self.error, self._start())
        else:
            self._start_partial()

    def begin_block(self) -> None:
        if self.compensated:
            self._start_partial()

    def _start_partial(self) -> None:
        for slot in self.partial:
            self._set(slot, self._start())

    def add(self, copy: int, x: Reg, mask: Reg | None) -> None:
        """Take in the lanes of x that `mask` has."""
        if mask is not None:
            x = self.e.select(mask, x, self._start())
        slot = self.partial[copy]
        self._set(slot, combine(self.e, self.write.kind, self._get(slot), x))

    def end_block(self) -> None:
        if self.compensated:
            total, rounding = two_sum(self.e, self._get(self.total), self._joined())
            self._set(self.total, total)
            self._set(self.error, self.e.add(self._get(self.error), rounding))

    def _joined(self) -> Reg:
        """The unrolled copies as one vector."""
        parts = [self._get(slot) for slot in self.partial]
        while len(parts) > 1:
            parts = [
                combine(self.e, self.write.kind, a, b)
                for a, b in zip(parts[::2], parts[1::2], strict=True)
            ]
        return parts[0]

    def finish(self) -> Reg:
        """The reduction's value, as a scalar."""
        if not self.compensated:
            return _fold_lanes(self.e, self._joined(), self.write.kind)
        return self._finish_compensated()

    def _finish_compensated(self) -> Reg:
        e, total, error = self.e, self._get(self.total), self._get(self.error)
        while e.lanes > 1:
            half = e.sibling(e.lanes // 2)
            (a, b), (c, d) = _halves(e, total), _halves(e, error)
            total, rounding = two_sum(half, a, b)
            error = half.add(half.add(c, d), rounding)
            e = half
        finite = e.compare("lt", e.absolute(total), e.const(math.inf, total.dtype))
        return e.select(finite, e.add(total, error), total)  # inf - inf would make the error nan


def two_sum(e: Emitter, x: Reg, y: Reg) -> tuple[Reg, Reg]:
    """x + y and the rounding error of that sum, exactly."""
    total = e.add(x, y)
    part = e.sub(total, x)
    return total, e.add(e.sub(x, e.sub(total, part)), e.sub(y, part))


def _fold_lanes(e: Emitter, x: Reg, kind: str) -> Reg:
    while e.lanes > 1:
        half = e.sibling(e.lanes // 2)
        x = combine(half, kind, *_halves(e, x))
        e = half
    return x


def _halves(e: Emitter, x: Reg) -> tuple[Reg, Reg]:
    """The lower and the upper lanes of x, as vectors of half the width."""
    if e.lanes == 2:
        low = e.emit(f"extractelement {e.typed(x)}, i64 0", x.dtype)
        return low, e.emit(f"extractelement {e.typed(x)}, i64 1", x.dtype)
    half = e.lanes // 2
    parts = []
    for start in (0, half):
        lanes = ", ".join(f"i32 {start + i}" for i in range(half))
        parts.append(
            e.emit(
                f"shufflevector {e.typed(x)}, {e.type(x.dtype)} poison, <{half} x i32> <{lanes}>",
                x.dtype,
            )
        )
    return parts[0], parts[1]
