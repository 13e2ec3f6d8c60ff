"""Places in a sorted row, found by halving: log2(n) steps, each a gather for all points at once."""

from __future__ import annotations

from ..builder import Builder, Handle
from ..types import TensorType


def bisect(b: Builder, row: Handle, points: Handle, *, right: bool) -> Handle:
    """How many elements of the ascending `row` [n] are less than each point (`right`: or equal).

    A nan is taken to be larger than every number, as in a sort. The result is i64, of the shape of
    `points`; it has no derivative.
    """
    extent, shape = b.type_of(row).shape[0], b.type_of(points).shape
    flat = b.reshape(points, (b.type_of(points).size,))
    place = b.constant(0, TensorType("i64", b.type_of(flat).shape))
    place = b.broadcast(place, b.type_of(flat).shape)
    step = 1 << (extent.bit_length() - 1) if extent else 0
    while step:
        ahead = b.add(place, b.full_like(place, step))
        fits = b.compare("le", ahead, b.full_like(ahead, extent))
        last = b.sub(b.select(fits, ahead, b.full_like(ahead, 1)), b.full_like(ahead, 1))
        before = _stands_before(b, b("gather", row, last, axis=0), flat, right=right)
        place = b.select(b("logical_and", fits, before), ahead, place)
        step //= 2
    return b.reshape(place, shape)


def _stands_before(b: Builder, x: Handle, point: Handle, *, right: bool) -> Handle:
    before = b.compare("le" if right else "lt", x, point)
    if not b.type_of(x).is_float:
        return before
    nan = b.compare("ne", point, point)
    beyond = nan if right else b("logical_and", nan, b.compare("eq", x, x))
    return b("logical_or", before, beyond)
