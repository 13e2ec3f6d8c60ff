"""Ops that take parts and put them together: slice, pad, concatenate. All are linear.

The NumPy evaluation of slice may return a view of the operand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import DTypeError, ShapeError
from ..op import Op, Sample, register
from ..types import TensorType
from .elementwise import batch_all, listing

Operands = tuple[Handle, ...]
Batched = tuple[bool, ...]
Shape = tuple[int, ...]


def _sample(dtype: str, shape: Shape, /, **attributes: Any) -> Sample:
    return Sample((TensorType(dtype, shape),), attributes)


# --- slice: x[start:stop:step] along every axis ---


def _infer_slice(
    x: TensorType, *, start: Shape, stop: Shape, step: Shape
) -> tuple[TensorType, ...]:
    if not len(start) == len(stop) == len(step) == x.ndim:
        raise ShapeError(f"slice: {x} needs {x.ndim} starts, stops and steps")
    for axis, extent in enumerate(x.shape):
        if not (0 <= start[axis] <= stop[axis] <= extent and step[axis] >= 1):
            bounds = f"{start[axis]}:{stop[axis]}:{step[axis]}"
            raise ShapeError(f"slice: {bounds} is out of range for axis {axis} of {x}")
    extents = (_count(*bounds) for bounds in zip(start, stop, step, strict=True))
    return (x.with_shape(tuple(extents)),)


def _count(start: int, stop: int, step: int) -> int:
    return -(-(stop - start) // step)


def _eval_slice(x: Any, *, start: Shape, stop: Shape, step: Shape) -> Any:
    return x[tuple(slice(*bounds) for bounds in zip(start, stop, step, strict=True))]


def _vjp_slice(
    b: Builder,
    g: Handle,
    operands: Operands,
    out: Handle,
    *,
    start: Shape,
    stop: Shape,
    step: Shape,
) -> Handle:
    extents = b.type_of(operands[0]).shape
    spans = [_span(_count(*bounds), bounds[2]) for bounds in zip(start, stop, step, strict=True)]
    return pad(
        b,
        g,
        low=start,
        high=tuple(n - low - span for n, low, span in zip(extents, start, spans, strict=True)),
        interior=tuple(s - 1 for s in step),
    )


def _span(count: int, step: int) -> int:
    """How far `count` elements reach that stand `step` apart."""
    return (count - 1) * step + 1 if count else 0


def _jvp_slice(b: Builder, g: Handle, operands: Operands, out: Handle, **bounds: Any) -> Handle:
    return b("slice", g, **bounds)


def _batch_slice(
    b: Builder, operands: Operands, batched: Batched, *, start: Shape, stop: Shape, step: Shape
) -> Handle:
    size = b.type_of(operands[0]).shape[0]
    return b("slice", operands[0], start=(0, *start), stop=(size, *stop), step=(1, *step))


register(
    Op(
        name="slice",
        arity=1,
        traits=frozenset({"view", "linear"}),
        infer=_infer_slice,
        eval=_eval_slice,
        vjp=(_vjp_slice,),
        jvp=(_jvp_slice,),
        batch=_batch_slice,
        saves=(),
        emit=None,
        samples=(
            _sample("f64", (5, 4), start=(1, 0), stop=(5, 3), step=(2, 1)),
            _sample("f32", (7,), start=(1,), stop=(6,), step=(3,)),
            _sample("f64", (), start=(), stop=(), step=()),
            _sample("f64", (3, 2), start=(2, 0), stop=(2, 2), step=(2, 1)),
            _sample("f64", (0,), start=(0,), stop=(0,), step=(1,)),
            _sample("i32", (5,), start=(0,), stop=(4,), step=(1,)),
            _sample("i64", (5,), start=(0,), stop=(5,), step=(2,)),
            _sample("bool", (5,), start=(0,), stop=(5,), step=(2,)),
        ),
    )
)


# --- pad: zeros before, behind and between the elements ---


def _infer_pad(
    x: TensorType, *, low: Shape, high: Shape, interior: Shape
) -> tuple[TensorType, ...]:
    if not len(low) == len(high) == len(interior) == x.ndim:
        raise ShapeError(f"pad: {x} needs {x.ndim} values each of low, high and interior")
    if min((*low, *high, *interior), default=0) < 0:
        raise ShapeError(f"pad: negative padding of {x}", hint="slice instead")
    spans = (_span(n, between + 1) for n, between in zip(x.shape, interior, strict=True))
    extents = (a + span + c for a, span, c in zip(low, spans, high, strict=True))
    return (x.with_shape(tuple(extents)),)


def _eval_pad(x: Any, *, low: Shape, high: Shape, interior: Shape) -> Any:
    starts, steps = low, [between + 1 for between in interior]
    stops = [a + _span(n, s) for n, a, s in zip(x.shape, low, steps, strict=True)]
    out = np.zeros([a + c for a, c in zip(stops, high, strict=True)], x.dtype)
    out[tuple(slice(*bounds) for bounds in zip(starts, stops, steps, strict=True))] = x
    return out


def _vjp_pad(
    b: Builder,
    g: Handle,
    operands: Operands,
    out: Handle,
    *,
    low: Shape,
    high: Shape,
    interior: Shape,
) -> Handle:
    steps = tuple(between + 1 for between in interior)
    extents = b.type_of(operands[0]).shape
    stop = tuple(a + _span(n, s) for n, a, s in zip(extents, low, steps, strict=True))
    return b.slice(g, low, stop, steps)


def _jvp_pad(b: Builder, g: Handle, operands: Operands, out: Handle, **widths: Any) -> Handle:
    return pad(b, g, **widths)


def _batch_pad(
    b: Builder, operands: Operands, batched: Batched, *, low: Shape, high: Shape, interior: Shape
) -> Handle:
    return pad(b, operands[0], low=(0, *low), high=(0, *high), interior=(0, *interior))


def pad(b: Builder, x: Handle, *, low: Shape, high: Shape, interior: Shape) -> Handle:
    if not any((*low, *high, *interior)):
        return x
    return b("pad", x, low=low, high=high, interior=interior)


register(
    Op(
        name="pad",
        arity=1,
        traits=frozenset({"structure", "linear"}),
        infer=_infer_pad,
        eval=_eval_pad,
        vjp=(_vjp_pad,),
        jvp=(_jvp_pad,),
        batch=_batch_pad,
        saves=(),
        emit=None,
        samples=(
            _sample("f64", (3, 2), low=(1, 0), high=(2, 1), interior=(2, 0)),
            _sample("f32", (3,), low=(0,), high=(0,), interior=(1,)),
            _sample("f64", (), low=(), high=(), interior=()),
            _sample("f64", (0, 2), low=(1, 0), high=(1, 0), interior=(2, 0)),
            _sample("i32", (2,), low=(1,), high=(1,), interior=(0,)),
            _sample("i64", (2,), low=(0,), high=(1,), interior=(1,)),
            _sample("bool", (2,), low=(0,), high=(1,), interior=(1,)),
        ),
    )
)


# --- concatenate ---


def _infer_concatenate(*types: TensorType, axis: int) -> tuple[TensorType, ...]:
    if not types:
        raise ShapeError("concatenate: nothing to concatenate")
    first = types[0]
    if not 0 <= axis < first.ndim:
        raise ShapeError(f"concatenate: axis {axis} of {first}")
    if any(type.dtype != first.dtype for type in types):
        raise DTypeError(f"concatenate: dtypes differ, {listing(types)}", hint="cast them first")
    if any(_without(type.shape, axis) != _without(first.shape, axis) for type in types):
        raise ShapeError(f"concatenate: only axis {axis} may differ, {listing(types)}")
    total = sum(type.shape[axis] for type in types)
    return (first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :])),)


def _without(shape: Shape, axis: int) -> tuple[int, Shape, Shape]:
    return len(shape), shape[:axis], shape[axis + 1 :]


def _eval_concatenate(*xs: Any, axis: int) -> Any:
    return np.concatenate(xs, axis)


def _place(b: Builder, operands: Operands, axis: int, index: int) -> tuple[int, int]:
    """Where operand `index` starts along `axis`, and how much follows it."""
    extents = [b.type_of(x).shape[axis] for x in operands]
    return sum(extents[:index]), sum(extents[index + 1 :])


def _vjp_concatenate(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, axis: int, index: int
) -> Handle:
    shape = b.type_of(operands[index]).shape
    before, _ = _place(b, operands, axis, index)
    start = tuple(before if i == axis else 0 for i in range(len(shape)))
    return b.slice(g, start, tuple(a + n for a, n in zip(start, shape, strict=True)))


def _jvp_concatenate(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, axis: int, index: int
) -> Handle:
    before, after = _place(b, operands, axis, index)
    ndim = len(b.type_of(operands[index]).shape)
    low = tuple(before if i == axis else 0 for i in range(ndim))
    high = tuple(after if i == axis else 0 for i in range(ndim))
    return pad(b, g, low=low, high=high, interior=(0,) * ndim)


def _batch_concatenate(b: Builder, operands: Operands, batched: Batched, *, axis: int) -> Handle:
    return b("concatenate", *batch_all(b, operands, batched), axis=axis + 1)


def _concatenate_sample(dtype: str, axis: int, *shapes: Shape) -> Sample:
    return Sample(tuple(TensorType(dtype, shape) for shape in shapes), {"axis": axis})


register(
    Op(
        name="concatenate",
        arity=None,
        traits=frozenset({"structure", "linear"}),
        infer=_infer_concatenate,
        eval=_eval_concatenate,
        vjp=(_vjp_concatenate,),
        jvp=(_jvp_concatenate,),
        batch=_batch_concatenate,
        saves=(),
        emit=None,
        samples=(
            _concatenate_sample("f64", 1, (2, 1), (2, 3), (2, 2)),
            _concatenate_sample("f32", 0, (2,), (0,), (1,)),
            _concatenate_sample("f64", 0, (3, 2)),
            _concatenate_sample("f64", 0, (0, 2), (0, 2)),
            _concatenate_sample("i32", 0, (2,), (3,)),
            _concatenate_sample("i64", 0, (2, 2), (1, 2)),
            _concatenate_sample("bool", 0, (2,), (3,)),
        ),
    )
)
