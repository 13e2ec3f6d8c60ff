"""update: parts stored into a buffer, which is first a copy of the operand where it can't be that
buffer itself.

The function of an update stores one part, ``i32 (ptr part, ptr place, ptr context)``: equal parts
share it, wherever they go. Single elements, and parts that lie in memory as they are, need none.
"""

from __future__ import annotations

from collections.abc import Callable

from ...ir import Operation, Value
from ...ir.view import row_major_strides
from ..control import integer
from ..emitter import Emitter, Reg
from ..function import FunctionText
from ..routine import Routine
from . import memory

Call = Callable[[str, str], None]  # (part, place)


def store_text(operation: Operation) -> FunctionText:
    """The function that stores a part of the update's shape."""
    routine = Routine(operation)
    text = routine.write(_store_part)
    parameters = "ptr noalias readonly %p0, ptr noalias %q0, ptr %context"
    return FunctionText(parameters, text.lines, text.declarations, (), text.polls)


def _store_part(f: Routine) -> None:
    part, steps = f.operation.operands[1], _strides(f.operation)
    if not part.type.size or part.type.size == 1:
        return
    axes = [i for i, n in enumerate(part.shape) if n != 1]
    strides = row_major_strides(part.shape)
    run, outer = _run(part, steps, axes)

    def copy(depth: int, source: Reg, target: Reg) -> None:
        if depth == outer:
            _copy_run(f, source, target, run)
            return
        axis = axes[depth]

        def step(i: Reg) -> None:
            copy(
                depth + 1,
                f.e.add(source, f.index((i, strides[axis]))),
                f.e.add(target, f.index((i, steps[axis]))),
            )

        if depth == 0:
            f.loop(part.shape[axis], part.type.size // part.shape[axis], step)
        else:
            f.inner_loop(part.shape[axis], step)

    copy(0, integer(0), integer(0))


def _copy_run(f: Routine, source: Reg, target: Reg, run: int) -> None:
    if run == 1:
        f.store(target, f.load("%p0", f.dtype, source))
        return
    from_ = memory.address(f.e, "%p0", f.dtype, source)
    to = memory.address(f.e, "%q0", f.dtype, target)
    memory.copy(f.e, to, from_, run * memory.ELEMENT_BYTES[f.dtype])


def _run(part: Value, steps: tuple[int, ...], axes: list[int]) -> tuple[int, int]:
    """How many elements lie together in part and buffer alike, and how many axes are around."""
    run, outer = 1, len(axes)
    while outer and steps[axes[outer - 1]] == run:
        outer -= 1
        run *= part.shape[axes[outer]]
    return run, outer


def _strides(operation: Operation) -> tuple[int, ...]:
    """How far neighbours of a part stand apart in the buffer."""
    strides = row_major_strides(operation.result.shape)
    return tuple(s * k for s, k in zip(strides, operation.attributes["step"], strict=True))


def write_update(e: Emitter, operation: Operation, pointers: list[str], call: Call) -> None:
    """The code of an update. `pointers` are those of operands and result; the first and the last
    are equal where the update is in place.
    """
    x, *parts = operation.operands
    source, *sources, target = pointers
    item = memory.ELEMENT_BYTES[x.dtype]
    if source != target and x.type.size:
        memory.copy(e, target, source, x.type.size * item)
    strides, steps = row_major_strides(x.shape), _strides(operation)
    for part, pointer, start in zip(parts, sources, operation.attributes["starts"], strict=True):
        if not part.type.size:
            continue
        offset = sum(a * s for a, s in zip(start, strides, strict=True))
        place = memory.address(e, target, x.dtype, integer(offset))
        run, _ = _run(part, steps, [i for i, n in enumerate(part.shape) if n != 1])
        if part.type.size == 1:
            memory.store_scalar(e, place, memory.load_scalar(e, pointer, x.dtype))
        elif run == part.type.size:
            memory.copy(e, place, pointer, run * item)
        else:
            call(pointer, place)
