"""Parts of a stack that are put together again: taken as one block.

After a loop its values mostly go into an array, as a list that becomes one, or a buffer that the
loop filled. That array is then made from the stack, not from its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ...graph import Operation, Value
from ...record import record

if TYPE_CHECKING:
    from .write import Writer

LEAST_PARTS = 4


@record
class _Part:
    """A part of a stack, in another shape."""

    stack: Value
    step: int


def concatenate_parts(writer: Writer, operation: Operation) -> Value:
    """The concatenation, with neighbours among its operands that are neighbours in a stack as one
    operand.
    """
    b, axis = writer.builder, operation.attributes["axis"]
    found: list[Value] = []
    for first, last in _neighbours(writer, operation.operands):
        operands = operation.operands[first:last]
        if last - first < LEAST_PARTS:
            found += [writer.new(x) for x in operands]
        else:
            found.append(_along(writer, _block(writer, operands), axis))
    joined: Value = b.concatenate(found, axis)
    return joined


@record
class _Stores:
    """Stores into one buffer, one after the other: parts of one shape, none over another."""

    parts: list[Value]
    starts: list[tuple[int, ...]]
    step: tuple[int, ...]

    def takes(self, part: Value, start: tuple[int, ...], step: tuple[int, ...]) -> bool:
        """May one more be joined to these?"""
        same = part.shape == self.parts[0].shape and step == self.step
        tile = all(n and not a % n for a, n in zip(start, part.shape, strict=True))
        return same and tile and all(s == 1 for s in step)


def store_chain(writer: Writer, buffer: Value) -> Value:
    """What `buffer` is after the stores into it; also those before that others read are kept."""
    chain: list[Operation] = []
    at = buffer
    while at not in writer.values and at.producer in writer.listing.stores:
        assert at.producer is not None
        chain.append(at.producer)
        at = at.producer.operands[0]
    x = writer.new(at)
    group: list[Operation] = []
    for operation in reversed(chain):
        group.append(operation)
        if operation.result is buffer or writer.readers[operation.result] > 1:
            for last, stores in _joined(group):
                writer.builder.location, writer.builder.note = last.location, last.note
                x = _store(writer, x, stores)
            writer.values[operation.result] = x
            group = []
    return x


def _joined(chain: Iterable[Operation]) -> Iterator[tuple[Operation, _Stores]]:
    """The stores of a chain of updates, as few groups as there can be."""
    group: _Stores | None = None
    taken: set[tuple[int, ...]] = set()
    where: Operation | None = None
    for operation in chain:
        step = operation.attributes["step"]
        for part, start in zip(operation.operands[1:], operation.attributes["starts"], strict=True):
            if group is None or start in taken or not group.takes(part, start, step):
                if group is not None and where is not None:
                    yield where, group
                group, taken = _Stores([], [], step), set()
            group.parts.append(part)
            group.starts.append(start)
            taken.add(start)
            where = operation
    if group is not None and where is not None:
        yield where, group


def _store(writer: Writer, x: Value, stores: _Stores) -> Value:
    """`x` after the stores, with neighbours among the parts as one part."""
    b, parts, starts, step = writer.builder, stores.parts, stores.starts, stores.step
    single: list[int] = []
    for first, last in _neighbours(writer, parts):
        axis = _grid_axis(starts[first:last], parts[first].shape)
        if last - first < LEAST_PARTS or axis is None:
            single += range(first, last)
            continue
        away = starts[first + 1][axis] - starts[first][axis]
        block = _along(writer, _block(writer, parts[first:last]), axis, away < 0)
        start = min(starts[first], starts[last - 1])
        extent = parts[first].shape[axis]
        apart = tuple(abs(away) if i == axis and extent == 1 else s for i, s in enumerate(step))
        x = b("update", x, block, starts=(start,), step=apart)
    if single:
        news = [writer.new(parts[i]) for i in single]
        x = b("update", x, *news, starts=tuple(starts[i] for i in single), step=step)
    return x


def _grid_axis(starts: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> int | None:
    """The axis along which parts of `shape` follow each other: single elements at any distance, or
    longer ones without a gap.
    """
    if len(starts) < 2:
        return None
    away = [b - a for a, b in zip(starts[0], starts[1], strict=True)]
    moving = [axis for axis, distance in enumerate(away) if distance]
    if len(moving) != 1:
        return None
    axis = moving[0]
    if shape[axis] != 1 and shape[axis] != away[axis]:
        return None
    expected = list(starts[0])
    for start in starts:
        if list(start) != expected:
            return None
        expected[axis] += away[axis]
    return axis


def _along(writer: Writer, block: Value, axis: int, backwards: bool = False) -> Value:
    """Parts, one behind the other along their `axis`."""
    b, (count, *shape) = writer.builder, block.shape
    if backwards:
        block = b("reverse", block, axes=(0,))
    moved = b.transpose(block, (*range(1, axis + 1), 0, *range(axis + 1, block.type.ndim)))
    shape[axis] *= count
    joined: Value = b.reshape(moved, tuple(shape))
    return joined


def _neighbours(writer: Writer, operands: Sequence[Value]) -> Iterator[tuple[int, int]]:
    """Ranges of operands that follow each other in one stack, up or down; others alone."""
    parts = [_part(writer, x) for x in operands]
    first, way = 0, 0
    for i in range(1, len(parts) + 1):
        following = 0
        if i < len(parts) and operands[i].shape == operands[i - 1].shape:
            following = _distance(parts[i - 1], parts[i])
        if abs(following) == 1 and (i - first == 1 or following == way):
            way = following
            continue
        yield first, i
        first = i


def _distance(before: _Part | None, part: _Part | None) -> int:
    """How many steps it is from one to the other, 0 if they are not of one stack."""
    if before is None or part is None or part.stack is not before.stack:
        return 0
    return part.step - before.step


def _part(writer: Writer, value: Value) -> _Part | None:
    reading = writer.listing.reading(value)
    if reading.root not in writer.stacked or any(v.name != "reshape" for v in reading.path):
        return None
    return _Part(*writer.stacked[reading.root])


def _block(writer: Writer, operands: Sequence[Value]) -> Value:
    """Operands that follow each other in a stack, on a new first axis."""
    b = writer.builder
    ends = [part for part in (_part(writer, operands[0]), _part(writer, operands[-1])) if part]
    stack, steps = ends[0].stack, [part.step for part in ends]
    low = (min(steps), *[0] * (stack.type.ndim - 1))
    rows = b.slice(stack, low, (max(steps) + 1, *stack.shape[1:]))
    if steps[0] > steps[-1]:
        rows = b("reverse", rows, axes=(0,))
    block: Value = b.reshape(rows, (len(operands), *operands[0].shape))
    return block
