"""Ops that show elements otherwise: broadcast, reshape, transpose, reverse. All are linear.

Their NumPy evaluation may return a view of the operand.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..op import Op, Sample, register
from ..types import TensorType

Operands = tuple[Handle, ...]
Batched = tuple[bool, ...]
Shape = tuple[int, ...]

_VIEW = frozenset({"view", "linear"})


def _sample(dtype: str, shape: Shape, /, **attributes: Any) -> Sample:
    return Sample((TensorType(dtype, shape),), attributes)


# --- broadcast: NumPy's, trailing axes aligned ---


def _infer_broadcast(x: TensorType, *, shape: Shape) -> tuple[TensorType, ...]:
    tail = shape[len(shape) - x.ndim :]
    fits = len(shape) >= x.ndim and all(a in (1, n) for a, n in zip(x.shape, tail, strict=True))
    if not fits:
        raise ShapeError(f"broadcast: {x} does not broadcast to {list(shape)}")
    return (x.with_shape(shape),)


def _eval_broadcast(x: Any, *, shape: Shape) -> Any:
    return np.broadcast_to(x, shape)


def _vjp_broadcast(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, shape: Shape
) -> Handle:
    return b.sum_to(g, b.type_of(operands[0]).shape)


def _jvp_broadcast(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, shape: Shape
) -> Handle:
    return b.broadcast(g, shape)


def _batch_broadcast(b: Builder, operands: Operands, batched: Batched, *, shape: Shape) -> Handle:
    size, *rest = b.type_of(operands[0]).shape
    aligned = (size, *(1,) * (len(shape) - len(rest)), *rest)
    return b.broadcast(b.reshape(operands[0], aligned), (size, *shape))


register(
    Op(
        name="broadcast",
        arity=1,
        traits=_VIEW,
        infer=_infer_broadcast,
        eval=_eval_broadcast,
        vjp=(_vjp_broadcast,),
        jvp=(_jvp_broadcast,),
        batch=_batch_broadcast,
        saves=(),
        emit=None,
        samples=(
            _sample("f64", (3, 1), shape=(2, 3, 4)),
            _sample("f32", (), shape=(2, 3)),
            _sample("f64", (), shape=()),
            _sample("f64", (1, 3), shape=(0, 3)),
            _sample("f64", (2, 3), shape=(2, 3)),
            _sample("i32", (1,), shape=(3, 2)),
            _sample("i64", (2,), shape=(3, 2)),
            _sample("bool", (2, 1), shape=(2, 3)),
        ),
    )
)


# --- reshape: in C order ---


def _infer_reshape(x: TensorType, *, shape: Shape) -> tuple[TensorType, ...]:
    if any(extent < 0 for extent in shape) or math.prod(shape) != x.size:
        raise ShapeError(f"reshape: {x} has {x.size} elements, not those of {list(shape)}")
    return (x.with_shape(shape),)


def _eval_reshape(x: Any, *, shape: Shape) -> Any:
    return np.reshape(x, shape)


def _vjp_reshape(b: Builder, g: Handle, operands: Operands, out: Handle, *, shape: Shape) -> Handle:
    return b.reshape(g, b.type_of(operands[0]).shape)


def _jvp_reshape(b: Builder, g: Handle, operands: Operands, out: Handle, *, shape: Shape) -> Handle:
    return b.reshape(g, shape)


def _batch_reshape(b: Builder, operands: Operands, batched: Batched, *, shape: Shape) -> Handle:
    return b.reshape(operands[0], (b.type_of(operands[0]).shape[0], *shape))


register(
    Op(
        name="reshape",
        arity=1,
        traits=_VIEW,
        infer=_infer_reshape,
        eval=_eval_reshape,
        vjp=(_vjp_reshape,),
        jvp=(_jvp_reshape,),
        batch=_batch_reshape,
        saves=(),
        emit=None,
        samples=(
            _sample("f64", (2, 3), shape=(3, 1, 2)),
            _sample("f32", (1, 1), shape=()),
            _sample("f64", (), shape=(1,)),
            _sample("f64", (0, 3), shape=(2, 0)),
            _sample("i32", (6,), shape=(2, 3)),
            _sample("i64", (4,), shape=(2, 2)),
            _sample("bool", (4,), shape=(2, 2)),
        ),
    )
)


# --- transpose: result axis i is operand axis permutation[i] ---


def _infer_transpose(x: TensorType, *, permutation: Shape) -> tuple[TensorType, ...]:
    if sorted(permutation) != list(range(x.ndim)):
        raise ShapeError(f"transpose: {list(permutation)} is no permutation of the axes of {x}")
    return (x.with_shape(tuple(x.shape[axis] for axis in permutation)),)


def _eval_transpose(x: Any, *, permutation: Shape) -> Any:
    return np.transpose(x, permutation)


def _vjp_transpose(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, permutation: Shape
) -> Handle:
    return b.transpose(g, inverse(permutation))


def _jvp_transpose(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, permutation: Shape
) -> Handle:
    return b.transpose(g, permutation)


def _batch_transpose(
    b: Builder, operands: Operands, batched: Batched, *, permutation: Shape
) -> Handle:
    return b.transpose(operands[0], (0, *(axis + 1 for axis in permutation)))


def inverse(permutation: Shape) -> Shape:
    """
    >>> inverse((2, 0, 1))
    (1, 2, 0)
    """
    return tuple(permutation.index(axis) for axis in range(len(permutation)))


register(
    Op(
        name="transpose",
        arity=1,
        traits=_VIEW,
        infer=_infer_transpose,
        eval=_eval_transpose,
        vjp=(_vjp_transpose,),
        jvp=(_jvp_transpose,),
        batch=_batch_transpose,
        saves=(),
        emit=None,
        samples=(
            _sample("f64", (2, 3, 4), permutation=(2, 0, 1)),
            _sample("f32", (2, 3), permutation=(1, 0)),
            _sample("f64", (), permutation=()),
            _sample("f64", (0, 3), permutation=(1, 0)),
            _sample("i32", (2, 3), permutation=(1, 0)),
            _sample("i64", (2, 3), permutation=(1, 0)),
            _sample("bool", (2, 3), permutation=(1, 0)),
        ),
    )
)


# --- reverse ---


def _infer_reverse(x: TensorType, *, axes: Shape) -> tuple[TensorType, ...]:
    if list(axes) != sorted(set(axes)) or not all(0 <= axis < x.ndim for axis in axes):
        raise ShapeError(f"reverse: {list(axes)} are no axes of {x} in order")
    return (x,)


def _eval_reverse(x: Any, *, axes: Shape) -> Any:
    return np.flip(x, axes)


def _reverse(b: Builder, g: Handle, operands: Operands, out: Handle, *, axes: Shape) -> Handle:
    return b("reverse", g, axes=axes)


def _batch_reverse(b: Builder, operands: Operands, batched: Batched, *, axes: Shape) -> Handle:
    return b("reverse", operands[0], axes=tuple(axis + 1 for axis in axes))


register(
    Op(
        name="reverse",
        arity=1,
        traits=_VIEW,
        infer=_infer_reverse,
        eval=_eval_reverse,
        vjp=(_reverse,),
        jvp=(_reverse,),
        batch=_batch_reverse,
        saves=(),
        emit=None,
        samples=(
            _sample("f64", (2, 3, 2), axes=(0, 2)),
            _sample("f32", (4,), axes=(0,)),
            _sample("f64", (), axes=()),
            _sample("f64", (0, 2), axes=(0,)),
            _sample("i32", (3,), axes=(0,)),
            _sample("i64", (3,), axes=(0,)),
            _sample("bool", (3,), axes=(0,)),
        ),
    )
)
