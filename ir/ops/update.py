"""update: a tensor with some elements replaced, which is what a store into an array becomes.

    %2 = update %buffer, %v {starts = [[4, 0]], step = [1, 1]} : f64[10, 3]

Part number k takes the places ``starts[k] + step * i``. One part may have any step; several have
one shape and step 1, and start at multiples of their extents, so that none covers another: the
elements that a loop stored one by one are one operation. Where the old tensor is not read again the
planner lets the new one have its memory, and only the parts are written.
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
Starts = tuple[Shape, ...]


def stops(start: Shape, step: Shape, extents: Shape) -> Shape:
    """Behind the last place of a part along each axis."""
    return tuple(
        a + ((n - 1) * s + 1 if n else 0) for a, s, n in zip(start, step, extents, strict=True)
    )


def _infer(
    x: TensorType, *parts: TensorType, starts: Starts, step: Shape
) -> tuple[TensorType, ...]:
    if not len(starts) == len(parts) > 0 or len(step) != x.ndim or any(s < 1 for s in step):
        raise ShapeError(f"update: {len(starts)} starts and step {step} for {listing((x, *parts))}")
    if any(part.dtype != x.dtype for part in parts):
        raise DTypeError(f"update: dtypes differ, {listing((x, *parts))}", hint="cast them first")
    for part, start in zip(parts, starts, strict=True):
        if part.ndim != x.ndim or len(start) != x.ndim:
            raise ShapeError(f"update: {part} at {start} has not the axes of {x}")
        ends = stops(start, step, part.shape)
        if any(not 0 <= a <= b <= n for a, b, n in zip(start, ends, x.shape, strict=True)):
            raise ShapeError(f"update: {part} at {start} does not fit into {x}")
    if len(parts) > 1:
        _check_apart(parts, starts, step)
    return (x,)


def _check_apart(parts: tuple[TensorType, ...], starts: Starts, step: Shape) -> None:
    """Several parts are tiles of one grid, each at a place of its own."""
    extents = parts[0].shape
    same = all(part.shape == extents for part in parts) and all(s == 1 for s in step)
    tiles = all(n and not a % n for start in starts for a, n in zip(start, extents, strict=True))
    if not (same and tiles and len(set(starts)) == len(starts)):
        raise ShapeError("update: several parts must be tiles of one grid, none of them twice")


def _places(start: Shape, step: Shape, extents: Shape) -> tuple[slice, ...]:
    ends = stops(start, step, extents)
    return tuple(slice(*bounds) for bounds in zip(start, ends, step, strict=True))


def _eval(x: Any, *parts: Any, starts: Starts, step: Shape) -> Any:
    out = np.array(x)
    for part, start in zip(parts, starts, strict=True):
        out[_places(start, step, part.shape)] = part
    return out


def _vjp(
    b: Builder,
    g: Handle,
    operands: Operands,
    out: Handle,
    *,
    starts: Starts,
    step: Shape,
    index: int,
) -> Handle:
    if index == 0:
        zeros = [b("constant", value=0, **_type(b, part)) for part in operands[1:]]
        return b("update", g, *zeros, starts=starts, step=step)
    start, extents = starts[index - 1], b.type_of(operands[index]).shape
    return b.slice(g, start, stops(start, step, extents), step)


def _type(b: Builder, x: Handle) -> dict[str, Any]:
    type = b.type_of(x)
    return {"dtype": type.dtype, "shape": type.shape}


def _jvp(
    b: Builder,
    g: Handle,
    operands: Operands,
    out: Handle,
    *,
    starts: Starts,
    step: Shape,
    index: int,
) -> Handle:
    tangents = [b("constant", value=0, **_type(b, x)) for x in operands]
    tangents[index] = g
    return b("update", *tangents, starts=starts, step=step)


def _batch(
    b: Builder, operands: Operands, batched: Batched, *, starts: Starts, step: Shape
) -> Handle:
    starts = tuple((0, *start) for start in starts)
    return b("update", *batch_all(b, operands, batched), starts=starts, step=(1, *step))


def _sample(dtype: str, shape: Shape, part: Shape, starts: Starts, step: Shape) -> Sample:
    types = (TensorType(dtype, shape), *(TensorType(dtype, part) for _ in starts))
    return Sample(types, {"starts": starts, "step": step})


register(
    Op(
        name="update",
        arity=None,
        traits=frozenset({"structure", "linear"}),
        infer=_infer,
        eval=_eval,
        vjp=(_vjp,),
        jvp=(_jvp,),
        batch=_batch,
        saves=(),
        emit=None,
        samples=(
            _sample("f64", (5, 4), (2, 3), ((1, 1),), (2, 1)),
            _sample("f32", (7,), (1,), ((3,), (0,), (6,)), (1,)),
            _sample("f64", (2, 4), (1, 2), ((1, 2), (0, 0)), (1, 1)),
            _sample("f64", (), (), ((),), ()),
            _sample("f64", (3, 2), (0, 2), ((1, 0),), (1, 1)),
            _sample("f64", (9,), (3,), ((2,),), (3,)),
            _sample("i32", (4,), (2,), ((1,),), (1,)),
            _sample("i64", (4,), (1,), ((1,), (2,)), (1,)),
            _sample("bool", (4,), (2,), ((0,),), (2,)),
        ),
    )
)
