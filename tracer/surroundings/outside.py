"""Views of arrays from outside: as slices of the array that owns the memory.

A loop over the rows of a table that the function finds outside makes a new view in each step.
Captured one by one they would be as many inputs as there are steps; as slices of one input they are
what a loop over an argument gives.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Builder
from ...ir.graph import Value

Array = np.ndarray[Any, Any]

MANY = 8  # views of one array that are captured as they are


def owner_of(array: Array) -> Array | None:
    """The array whose memory `array` looks at, if it is one that slices can be taken of."""
    base = array.base
    if type(array) is not np.ndarray or type(base) is not np.ndarray:
        return None
    return base if base.flags.c_contiguous and base.dtype == array.dtype else None


def geometry(array: Array) -> tuple[Any, ...]:
    """What tells views of one array apart."""
    return (array.__array_interface__["data"][0], array.shape, array.strides)


def slice_of(b: Builder, whole: Value, owner: Array, array: Array) -> Value | None:
    """`array` as a slice of `whole`, the value of its owner; None where it can't be one.

    The owner's elements are seen with an axis for each stride of the view, so that one slice along
    each of them is the view.
    """
    item = array.itemsize
    axes = [i for i, n in enumerate(array.shape) if n != 1]
    steps = [array.strides[i] // item for i in axes]
    regular = all(s > 0 and array.strides[i] % item == 0 for i, s in zip(axes, steps, strict=True))
    if not array.size or not regular or steps != sorted(steps, reverse=True):
        return None
    offset = geometry(array)[0] - geometry(owner)[0]
    if offset % item:
        return None
    extents = [array.shape[i] for i in axes]
    return _cut(b, whole, offset // item, extents or [1], steps or [1], array.shape)


def _cut(
    b: Builder,
    whole: Value,
    offset: int,
    extents: list[int],
    steps: list[int],
    shape: tuple[int, ...],
) -> Value | None:
    """Elements at offset + Σ iₖ·stepₖ, in `shape`."""
    inner = [*steps[1:], 1]
    if any(outer % step for outer, step in zip(steps, inner, strict=True)):
        return None
    size = whole.type.size
    rows, rest = divmod(offset, steps[0])
    low, high = [], []
    for extent, outer, step in zip([*extents[1:], 1], steps, inner, strict=True):
        start, rest = divmod(rest, step)
        if start + extent > outer // step:
            return None  # the view runs over the end of a row
        low.append(start)
        high.append(start + extent)
    stop = (rows + extents[0]) * steps[0]
    if rest or stop > size:
        return None
    flat = b.reshape(whole, (size,))
    block = b.slice(flat, (rows * steps[0],), (stop,))
    grid = tuple(outer // step for outer, step in zip(steps, inner, strict=True))
    block = b.reshape(block, (extents[0], *grid))
    block = b.slice(block, (0, *low), (extents[0], *high))
    made: Value = b.reshape(block, shape)
    return made
