"""The operand of a loop of which each step reads a part: from the values that the steps read.

Mostly these are slices of one array at places that move by as much from step to step. Then the
operand is a view of that array; else it is put together from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from ...graph import Operation, Value
from ...op import ArrayConstant
from ...ops.source import LARGEST_LITERAL
from ...record import record
from ...types import NUMPY_DTYPE
from .periods import Reading

if TYPE_CHECKING:
    from .write import Writer

WIDEST = 64  # elements of a window along the axis on which it moves


@record
class Window:
    """Slices that move: number `place` of the views, along `axis`, by `step` from `first` on."""

    place: int
    axis: int
    first: int
    step: int


def cut_of(writer: Writer, values: tuple[Value, ...]) -> Value:
    """An array with the elements of `values[i]` in its part i: in order, or one for all of them."""
    numbers = _numbers([writer.listing.reading(x) for x in values])
    if numbers is not None:
        return _written_out(writer, numbers)
    joined: Value = writer.builder.concatenate(_pieces(writer, values), 0)
    return joined


def _pieces(writer: Writer, values: tuple[Value, ...]) -> list[Value]:
    """The array in pieces: the parts that are slices of one array together."""
    b = writer.builder
    found: list[Value] = []
    for root, group in groupby(values, key=lambda x: writer.listing.reading(x).root):
        neighbours = tuple(group)
        readings = [writer.listing.reading(x) for x in neighbours]
        window = _window(readings) if len(neighbours) > 1 and root.type.size > 1 else None
        if window is not None:
            found.append(_moving(writer, readings, window))
        else:
            found += [b.reshape(writer.new(x), (1, *x.shape)) for x in neighbours]
    return found


def _window(readings: Sequence[Reading]) -> Window | None:
    """How slices of one root move; None where they do not move as a window does."""
    first = readings[0]
    moving = []
    for place, view in enumerate(first.path):
        if view.name == "slice":
            starts = np.array([reading.path[place].attributes["start"] for reading in readings])
            moving += [(place, axis, starts[:, axis]) for axis in np.flatnonzero(np.ptp(starts, 0))]
    if len(moving) != 1:
        return None
    place, axis, starts = moving[0]
    steps = np.diff(starts)
    window = Window(place, int(axis), int(starts[0]), int(steps[0]))
    if np.any(steps != steps[0]):
        return None
    view = first.path[place]
    return window if _tiles(view, window) or view.result.shape[axis] <= WIDEST else None


def _tiles(view: Operation, window: Window) -> bool:
    """Does each slice begin where the one before ends?"""
    stride = view.attributes["step"][window.axis]
    return bool(stride == 1 and view.result.shape[window.axis] == window.step)


def _moving(writer: Writer, readings: Sequence[Reading], window: Window) -> Value:
    """One strided view for each element of the window along its axis, side by side."""
    b, path = writer.builder, readings[0].path
    view = path[window.place]
    array = writer.new(view.operands[0])
    if _tiles(view, window):
        return _all_later(writer, _tiled(writer, array, view, window, len(readings)), path, window)
    width, stride = view.result.shape[window.axis], view.attributes["step"][window.axis]
    columns = [
        _column(writer, array, view, window, len(readings), offset * stride)
        for offset in range(width)
    ]
    return _all_later(writer, b.concatenate(columns, window.axis + 1), path, window)


def _all_later(writer: Writer, parts: Value, path: tuple[Operation, ...], window: Window) -> Value:
    """`parts` through the views behind the slices that move."""
    for view in path[window.place + 1 :]:
        parts = _later(writer, parts, view)
    return parts


def _tiled(writer: Writer, array: Value, view: Operation, window: Window, count: int) -> Value:
    """Slices without a gap: one slice, divided."""
    b, axis = writer.builder, window.axis
    start, stop, step = (list(view.attributes[name]) for name in ("start", "stop", "step"))
    start[axis], stop[axis] = window.first, window.first + count * window.step
    whole = b.slice(array, tuple(start), tuple(stop), tuple(step))
    shape = whole.shape
    divided = b.reshape(whole, (*shape[:axis], count, window.step, *shape[axis + 1 :]))
    others = [i for i in range(divided.type.ndim) if i != axis]
    one: Value = b.transpose(divided, (axis, *others))
    return one


def _column(
    writer: Writer, array: Value, view: Operation, window: Window, count: int, offset: int
) -> Value:
    """The slices' elements at `offset` along the axis: that of step i in part i."""
    b, axis = writer.builder, window.axis
    start, stop, step = (list(view.attributes[name]) for name in ("start", "stop", "step"))
    first = window.first + offset
    last = first + (count - 1) * window.step
    start[axis], stop[axis], step[axis] = min(first, last), max(first, last) + 1, abs(window.step)
    column = b.slice(array, tuple(start), tuple(stop), tuple(step))
    if window.step < 0:
        column = b("reverse", column, axes=(axis,))
    others = [i for i in range(array.type.ndim) if i != axis]
    column = b.transpose(column, (axis, *others))
    shape = column.shape[1:]
    one: Value = b.reshape(column, (count, *shape[:axis], 1, *shape[axis:]))
    return one


def _later(writer: Writer, x: Value, view: Operation) -> Value:
    """A view of each part."""
    b, attributes = writer.builder, view.attributes
    count, shape = x.shape[0], view.result.shape
    if view.name == "slice":
        result = b.slice(
            x,
            (0, *attributes["start"]),
            (count, *attributes["stop"]),
            (1, *attributes["step"]),
        )
    elif view.name == "transpose":
        result = b.transpose(x, (0, *(axis + 1 for axis in attributes["permutation"])))
    elif view.name == "reverse":
        result = b("reverse", x, axes=tuple(axis + 1 for axis in attributes["axes"]))
    elif view.name == "broadcast":
        lead = (1,) * (len(shape) - (x.type.ndim - 1))
        result = b.broadcast(b.reshape(x, (count, *lead, *x.shape[1:])), (count, *shape))
    else:
        result = b.reshape(x, (count, *shape))
    assert isinstance(result, Value)
    return result


def _numbers(readings: Sequence[Reading]) -> np.ndarray | None:
    """The numbers that the steps read, if each reads one."""
    found = []
    for reading in readings:
        made = reading.root.producer
        if made is None or made.name != "constant" or reading.path:
            return None
        found.append(made.attributes["value"])
    return np.array(found, NUMPY_DTYPE[readings[0].root.dtype])


def _written_out(writer: Writer, numbers: np.ndarray) -> Value:
    b = writer.builder
    pieces = range(0, len(numbers), LARGEST_LITERAL)
    parts = [b("dense", data=ArrayConstant(numbers[i : i + LARGEST_LITERAL])) for i in pieces]
    joined: Value = b.concatenate(parts, 0)
    return joined
