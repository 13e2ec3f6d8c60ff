"""Lanes into rows: numbers that lie in the lanes of several vectors, side by side for each lane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..control import integer
from ..emitter import Emitter, Reg
from . import memory


def store_rows(e: Emitter, pointer: str, columns: Sequence[Reg]) -> None:
    """The elements of each lane side by side, lane after lane, from `pointer` on."""
    scalar, count, dtype = e.sibling(1), len(columns), columns[0].dtype
    for first, width in pieces(count, e.lanes):
        row_width = e.sibling(width)
        for lane, row in enumerate(rows_of(e, columns[first : first + width])):
            place = memory.address(scalar, pointer, dtype, integer(lane * count + first))
            memory.store(row_width, place, row, 1, None)


def pieces(count: int, widest: int) -> list[tuple[int, int]]:
    """`count` elements cut into powers of 2 of up to `widest`: (first, width)."""
    found, first = [], 0
    while first < count:
        width = min(widest, 1 << (count - first).bit_length() - 1)
        found.append((first, width))
        first += width
    return found


def rows_of(e: Emitter, columns: Sequence[Reg]) -> Iterator[Reg]:
    """For each lane a vector of its elements of `columns`, a power of 2 and at most `e.lanes`."""
    vectors, width = [*columns], len(columns)
    step = 1
    while step < width:
        for i in range(width):
            if not i & step:
                vectors[i], vectors[i + step] = _exchange(e, vectors[i], vectors[i + step], step)
        step *= 2
    for lane in range(e.lanes):
        yield _part(e, vectors[lane % width], lane // width * width, width)


def _exchange(e: Emitter, x: Reg, y: Reg, step: int) -> tuple[Reg, Reg]:
    """Blocks of `step` lanes: the odd ones of x for the even ones of y."""
    lanes = range(e.lanes)
    low = [i if not i & step else e.lanes + i - step for i in lanes]
    high = [i + step if not i & step else e.lanes + i for i in lanes]
    return _shuffle(e, x, y, low), _shuffle(e, x, y, high)


def _shuffle(e: Emitter, x: Reg, y: Reg, lanes: list[int]) -> Reg:
    order = ", ".join(f"i32 {i}" for i in lanes)
    text = f"shufflevector {e.typed(x)}, {e.typed(y)}, <{len(lanes)} x i32> <{order}>"
    return e.emit(text, x.dtype)


def _part(e: Emitter, x: Reg, first: int, width: int) -> Reg:
    """`width` lanes of x as a vector, or as a scalar where it is one."""
    if width == e.lanes:
        return x
    if width == 1:
        return e.emit(f"extractelement {e.typed(x)}, i64 {first}", x.dtype)
    return _shuffle(e, x, x, [first + i for i in range(width)])
