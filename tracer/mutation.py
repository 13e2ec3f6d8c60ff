"""Writing into traced arrays: a store makes a new value of the memory that arrays share.

The IR knows values only. So what NumPy's arrays share, a block of memory, stands here as a `Memory`
with its value of the moment. An array that is a view of it knows the operations that show it (cuts,
transposes, reshapes): a store through the view puts the new elements back along them, and an array
that was read before a store derives its value anew when it is next asked for it.

Elements that are stored one by one are collected, and become one `update` when somebody looks at
more than single elements: a loop that fills a buffer costs what its stores cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir.errors import DTypeError, ShapeError
from ..ir.graph import Operation, Value
from ..ir.types import NUMPY_DTYPE, TensorType
from ..ir.view import View, row_major_strides
from .errors import StoreError
from .operands import lift, materialise
from .promotion import Shape, shape_text
from .trace import Memory, current_trace, is_traced

if TYPE_CHECKING:
    from ..ir.builder import GraphBuilder
    from .array import TracedArray

MOST_PARTS = 128  # of one update: LLVM takes longer than linear for what belongs together


# --- the value of the moment ---


def memory_of(x: TracedArray) -> Memory:
    """The memory of an array, which has one as soon as somebody shares or changes it."""
    if x.memory is None:
        x.memory = Memory(x._value)
    return x.memory


def refresh(x: TracedArray) -> Value:
    """The value of `x`, whose memory has changed since it was last asked for."""
    memory = memory_of(x)
    value = _settled(memory, x.tracer.builder)
    for step in x.steps:
        value = _again(x.tracer.builder, step, value)
    x._value, x.seen = value, memory.version
    return value


def _again(b: GraphBuilder, step: Operation, value: Value) -> Value:
    result: Value = b.apply(step.op, (value, *step.operands[1:]), dict(step.attributes))
    return result


def _settled(memory: Memory, b: GraphBuilder) -> Value:
    """The memory's value, with the elements that were stored one by one."""
    if not memory.pending:
        return memory.value
    shape, ones = memory.value.shape, (1,) * memory.value.type.ndim
    items = list(memory.pending.items())
    value = memory.value
    if len(items) == value.type.size:  # nothing of the old value is left
        value = b.constant(0, value.type)
    for first in range(0, len(items), MOST_PARTS):
        group = items[first : first + MOST_PARTS]
        parts = [b.reshape(element, ones) for _, element in group]
        starts = tuple(_place(number, shape) for number, _ in group)
        value = b("update", value, *parts, starts=starts, step=ones)
    memory.value = value
    memory.elements.update(memory.pending)
    memory.pending.clear()
    return value


def _place(number: int, shape: Shape) -> Shape:
    """The index of an element that is counted in row-major order."""
    index = []
    for stride, extent in zip(row_major_strides(shape), shape, strict=True):
        index.append(number // stride % extent)
    return tuple(index)


# --- views ---


def view_of(value: Value, of: TracedArray, *, shared: bool = False) -> TracedArray:
    """The array of a value that in NumPy shares the memory of `of`: made from its value by ops of
    which each shows, or picks from, its first operand. A reshape that NumPy can't do by strides is
    a copy there and here, unless the memory is known to be `shared`.
    """
    trace = current_trace()
    if value is of.value:
        value = apart(value)
    steps = _path(value, of.value)
    if steps is None or of.tracer is not trace:
        return trace.wrap(value)
    memory = memory_of(of)
    found = trace.wrap(value)
    found.memory, found.steps, found.seen = memory, (*of.steps, *steps), memory.version
    if not shared and any(step.name == "reshape" and not _only_unit_axes(step) for step in steps):
        found.layout = layout_of(found)
        if found.layout is None:
            return trace.wrap(value)
    return found


def apart(value: Value) -> Value:
    """The same value; another one where the graph has to tell arrays apart that have it."""
    trace = current_trace()
    return trace.builder("reshape", value, shape=value.type.shape) if trace.boxes else value


def _path(value: Value, base: Value) -> list[Operation] | None:
    """The operations from `base` to `value`, each the first operand of the next."""
    steps: list[Operation] = []
    while value is not base:
        if value.producer is None or not value.producer.operands:
            return None
        steps.append(value.producer)
        value = value.producer.operands[0]
    return steps[::-1]


def _only_unit_axes(reshape: Operation) -> bool:
    """Does a reshape only add or drop axes of extent 1?"""
    before, after = reshape.operands[0].shape, reshape.result.shape
    return [n for n in before if n != 1] == [n for n in after if n != 1]


def layout_of(x: TracedArray) -> View | None:
    """Where the elements of `x` lie in its memory; None where strides can't tell."""
    if x.layout is None:
        found: View | None = View.dense(memory_of(x).value.shape)
        for step in x.steps:
            found = found.through(step) if found is not None else None
        x.layout = found
    return x.layout


def shows_the_same(x: Any, y: TracedArray) -> bool:
    """Is `x` an up-to-date look at just the elements of `y`?"""
    if not is_traced(x) or x.memory is None or x.memory is not y.memory:
        return False
    here = layout_of(x)
    return x.seen == x.memory.version and here is not None and here == layout_of(y)


# --- single elements ---


def element_number(x: TracedArray, index: Shape) -> int | None:
    """Which element of the memory ``x[index]`` is; None where strides can't tell."""
    layout = layout_of(x)
    if layout is None or layout.bounds is not None:
        return None
    return layout.offset + sum(i * s for i, s in zip(index, layout.strides, strict=True))


def read_element(x: TracedArray, index: Shape) -> Value | None:
    """``x[index]``, without the stores that wait elsewhere; None where strides can't tell."""
    if x.tracer is not current_trace():
        return None
    memory, number = memory_of(x), element_number(x, index)
    if number is None:
        return None
    if number in memory.pending:
        return memory.pending[number]
    found = memory.elements.get(number)
    if found is None:
        b, start = x.tracer.builder, _place(number, memory.value.shape)
        cut = b.slice(memory.value, start, tuple(i + 1 for i in start))
        found = memory.elements[number] = b.reshape(cut, ())
    return found


def store_element(x: TracedArray, index: Shape, value: Any) -> bool:
    """``x[index] = value`` for an element; False where strides can't tell where that is."""
    memory = memory_of(x)
    number = element_number(x, index)
    if number is None or not _is_writable(x):
        return False
    _note_mode(x)
    memory.pending.pop(number, None)
    memory.pending[number] = fitted(value, x.value_type.dtype, ())
    memory.version += 1
    return True


# --- whole arrays ---


def store(x: TracedArray, value: Value) -> None:
    """Let the elements of `x` be `value`, for all arrays that share them."""
    check_writable(x)
    _note_mode(x)
    memory, b = memory_of(x), x.tracer.builder
    if x.steps:
        memory.value = _put_back(x, _settled(memory, b), value)
    else:
        memory.value = value
        memory.pending.clear()
    memory.elements.clear()
    memory.version += 1
    if not (x.steps and x.tracer.boxes):  # of Tensors a view is taken anew from what it is part of
        x._value, x.seen = value, memory.version


def _note_mode(x: TracedArray) -> None:
    """A store that eager mode does not record leaves the array where it was in the graph: values
    and gradients are of different things then, which no graph says.
    """
    mode = x.tracer.switched_off()
    if mode:
        x.tracer.eagerly = f"it changes an array in place under {mode}()"
    elif any(step.name == "stop_gradient" for step in x.steps):
        x.tracer.eagerly = "it changes a detached array in place"


def _put_back(x: TracedArray, base: Value, value: Value) -> Value:
    """`base` with `value` in the place of what the steps of `x` show of it."""
    b = x.tracer.builder
    below = [base]
    for step in x.steps[:-1]:
        below.append(_again(b, step, below[-1]))
    for step, old in zip(reversed(x.steps), reversed(below), strict=True):
        value = _undo(b, step, old, value)
    return value


def _undo(b: GraphBuilder, step: Operation, old: Value, new: Value) -> Value:
    attributes = step.attributes
    match step.name:
        case "slice" if new.shape == old.shape:
            return new
        case "slice":
            return b("update", old, new, starts=(attributes["start"],), step=attributes["step"])  # type: ignore[no-any-return]
        case "stop_gradient":
            return new
        case "reshape" | "broadcast":
            return b.reshape(new, old.shape)  # type: ignore[no-any-return]
        case "transpose":
            order = attributes["permutation"]
            return b.transpose(new, tuple(order.index(i) for i in range(len(order))))  # type: ignore[no-any-return]
        case _:
            return b("reverse", new, axes=attributes["axes"])  # type: ignore[no-any-return]


_INVERTIBLE = ("slice", "reshape", "transpose", "reverse", "stop_gradient")


def check_writable(x: TracedArray) -> None:
    """Raise where a store into `x` could not be seen by those who should see it."""
    memory = memory_of(x)
    if x.tracer is not current_trace():
        raise StoreError(
            "an array of the function around this one would be changed in place",
            hint="x = x.copy() before, or return the new values",
        )
    if memory.frozen:
        raise StoreError(
            f"{memory.frozen} would be changed in place, which is not supported while tracing",
            hint="copy it first: x = np.array(x)",
        )
    if not _is_writable(x):
        raise StoreError(
            "assignment destination is read-only", hint="copy it first: x = np.array(x)"
        )


def _is_writable(x: TracedArray) -> bool:
    if memory_of(x).frozen or x.tracer is not current_trace():
        return False
    return all(step.name in _INVERTIBLE or _adds_axes(step) for step in x.steps)


def _adds_axes(step: Operation) -> bool:
    return step.name == "broadcast" and step.operands[0].type.size == step.result.type.size


# --- what is stored ---


def fitted(value: Any, dtype: str, shape: Shape) -> Value:
    """What a store puts into elements of this dtype and shape: cast and broadcast as NumPy does."""
    x = lift(value, "an assignment")
    b = current_trace().builder
    have = x.value.shape
    lead = len(have) - len(shape)
    if lead > 0 and all(n == 1 for n in have[:lead]):
        x = current_trace().wrap(b.reshape(x.value, have[lead:]), weak=x.weak)
    pairs = zip(reversed(x.shape), reversed(shape), strict=False)
    if x.ndim > len(shape) or any(n not in (1, m) for n, m in pairs):
        raise ShapeError(
            f"could not broadcast input array from shape {shape_text(have)} "
            f"into shape {shape_text(shape)}"
        )
    return materialise(x, dtype, shape)


def store_result(sign: str, target: TracedArray, result: Any) -> TracedArray:
    """``target {sign}= …`` or ``out=target``: the result must have its shape, and a dtype that
    goes into its own.
    """
    have = target.value_type
    x = lift(result)
    got = x.value.type
    if not np.can_cast(NUMPY_DTYPE[got.dtype], NUMPY_DTYPE[have.dtype], "same_kind"):
        raise DTypeError(
            f"{sign}: a result of dtype {got.dtype} does not go into an array of {have.dtype}",
            hint="cast it with .astype(...), or give the result an array of its own",
        )
    if got.shape != have.shape and not (sign == "out=" and len(got.shape) <= len(have.shape)):
        raise ShapeError(
            f"{sign}: the result of shape {shape_text(got.shape)} does not fit into the array of "
            f"shape {shape_text(have.shape)}",
        )
    store(target, fitted(x, have.dtype, have.shape))
    return target


def numbered(type: TensorType) -> Value:
    """The numbers of an array's elements in row-major order, in its shape."""
    b = current_trace().builder
    flat = b("iota", dtype="i64", shape=(type.size,), axis=0)
    return b.reshape(flat, type.shape)  # type: ignore[no-any-return]
