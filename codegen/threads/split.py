"""How work is cut into blocks: which loop, and how many steps of it.

It depends on the operation alone, not on how many threads there are: with it the order of every sum
is fixed, so that the bits are the same on one thread and on many. What is done in less than
`LEAST_WORK` stays whole, and does not know that there are threads.

Work is counted in nanoseconds, roughly: vectorised arithmetic, calls of maths functions, and
memory.
"""

from __future__ import annotations

import math

from ...ir.record import record
from ..control import integer
from ..emitter import Emitter, Reg
from ..kernels.loops import BITS, BLOCK_PER_LANE, LoopNest, Read, Write
from ..maths import FUNCTIONS

LEAST_WORK = 200_000  # of an operation that is cut: threads take some 10 us to begin, sometimes 50
BLOCK_WORK = 25_000  # of a block, at least: to take one costs a tenth of a microsecond
MOST_BLOCKS = 256
_ENOUGH_BLOCKS = 32  # more are not better
_BYTE = 0.1
PARTIAL_WORK = 16.0  # of a block for each byte that it leaves, which one thread adds up
_SIMPLE, _SLOW, _FUNCTION = 0.15, 0.8, 2.0  # one float64; a float32 takes half as long
_DEPOSIT, _ROW = 0.5, 2.0  # a number that is added to a row by index, and the row
_SLOW_OPS = {"div", "sqrt", "rsqrt", "remainder", "gather"}


@record
class Split:
    """`blocks` of `step` indices along axis `axis` of a loop nest; the last one has what is left
    of `extent`, which may be a little more.
    """

    axis: int
    extent: int
    step: int
    blocks: int

    @property
    def longest(self) -> int:
        return max(self.step, self.extent - (self.blocks - 1) * self.step)


def cut(extent: int, blocks: int, grain: int = 1, axis: int = 0) -> Split:
    """About so many blocks, of a multiple of `grain` indices; the last one is no shorter."""
    even = math.ceil(extent / max(blocks, 1))
    step = math.ceil(even / grain) * grain
    return Split(axis, extent, step, max(1, math.ceil((extent - grain + 1) / step)))


def limits(e: Emitter, split: Split) -> tuple[Reg, Reg, Reg]:
    """The first index of the block ``%block``, the one behind its last, and if it is the last."""
    block = Reg("%block", "i64")
    last = e.compare("eq", block, integer(split.blocks - 1))
    low = e.mul(block, integer(split.step))
    high = e.select(last, integer(split.extent), e.add(low, integer(split.step)))
    return low, high, last


def print_blocks(split: Split | None) -> str:
    """A line for the stage `.loops` of a dump."""
    if split is None:
        return ""
    return f"in {split.blocks} blocks, of {split.step} steps of i{split.axis}, for threads:\n"


def split_kernel(nest: LoopNest) -> Split | None:
    """How a kernel is cut, or None where it isn't worth while."""
    work = work_of(nest)
    if work < LEAST_WORK or not nest.points:
        return None
    found = [_split_along(nest, axis, work) for axis in range(nest.rank)]
    best = max(found, key=lambda split: min(split.blocks, _ENOUGH_BLOCKS))  # of equals the first
    return best if best.blocks > 1 else None


def split_steps(extent: int, work: float, grain: int = 1) -> Split | None:
    """How `extent` steps of `work` in all are cut; `grain` of them at least may write to one
    place.
    """
    if work < LEAST_WORK or not extent:
        return None
    split = cut(extent, min(MOST_BLOCKS, int(work / BLOCK_WORK), extent), grain)
    return split if split.blocks > 1 else None


def partial_bytes(write: Write, nest: LoopNest, axis: int) -> int:
    """What one block along `axis` leaves of a reduction or a scatter, to be joined with that of
    others.
    """
    if not write.is_joined(axis):
        return 0
    return _result_size(write, nest) * BITS[write.dtype] // 8


def _result_size(write: Write, nest: LoopNest) -> int:
    if write.kind == "scatter":
        return write.size * (len(write.outputs) - 1)
    size = 1
    for axis, extent in enumerate(nest.extents):
        size *= 1 if axis in write.reduced else extent
    return size


def work_of(nest: LoopNest) -> float:
    """Of all points of a nest."""
    return nest.points * _work_of_point(nest)


def _work_of_point(nest: LoopNest) -> float:
    work = 0.0
    for operation in nest.body:
        if operation.name != "constant":
            narrow = BITS[operation.results[0].dtype] < 64
            work += _cost(operation.name) * (0.5 if narrow else 1.0)
    accesses: tuple[Read | Write, ...] = (*nest.reads, *nest.writes)
    for access in accesses:
        if any(access.strides):
            again = all(s == 0 or n == 1 for s, n in zip(access.strides, nest.extents, strict=True))
            work += 0.0 if again else _BYTE * BITS[access.dtype] / 8
    scattered = [len(write.outputs) - 1 for write in nest.writes if write.kind == "scatter"]
    return work + sum(_ROW + _DEPOSIT * count for count in scattered)


def _cost(name: str) -> float:
    if name in FUNCTIONS:
        return _FUNCTION
    return _SLOW if name in _SLOW_OPS else _SIMPLE


def _split_along(nest: LoopNest, axis: int, work: float) -> Split:
    extent = nest.extents[axis]
    grain = nest.lanes * nest.unroll * BLOCK_PER_LANE if axis == nest.rank - 1 else 1
    partial = sum(partial_bytes(write, nest, axis) for write in nest.writes)
    each = max(BLOCK_WORK, PARTIAL_WORK * partial)
    blocks = max(1, min(MOST_BLOCKS, int(work / each), extent // grain))
    return cut(extent, blocks, grain, axis)
