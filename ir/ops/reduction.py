"""Reductions over axes, which disappear; argmax and argmin; cumulative sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..op import DISCRETE, Op, Rule, Sample, register
from ..types import FLOATS, TensorType
from .elementwise import NUMBERS, check_dtype

Operands = tuple[Handle, ...]
Axes = tuple[int, ...]


def _infer_reduction(name: str, *, empty: bool) -> Callable[..., tuple[TensorType, ...]]:
    """`empty` says whether the reduction of no element has a value."""

    def infer(x: TensorType, *, axes: Axes) -> tuple[TensorType, ...]:
        check_dtype(name, x, NUMBERS, hint="cast it first")
        if list(axes) != sorted(set(axes)) or not all(0 <= axis < x.ndim for axis in axes):
            raise ShapeError(f"{name}: {list(axes)} are no axes of {x} in order")
        if not empty and any(x.shape[axis] == 0 for axis in axes):
            raise ShapeError(f"{name}: {x} is empty over axes {list(axes)}, which has no {name}")
        return (x.with_shape(tuple(n for i, n in enumerate(x.shape) if i not in axes)),)

    return infer


def _batch_axes(name: str) -> Callable[..., Handle]:
    def batch(b: Builder, operands: Operands, batched: tuple[bool, ...], *, axes: Axes) -> Handle:
        return b(name, operands[0], axes=tuple(axis + 1 for axis in axes))

    return batch


def _samples(*, empty: bool) -> tuple[Sample, ...]:
    cases: list[tuple[str, tuple[int, ...], Axes]] = [
        ("f64", (2, 3, 2), (1,)),
        ("f64", (2, 3, 2), (0, 2)),
        ("f32", (2, 4), (1,)),
        ("f32", (5,), (0,)),
        ("f64", (), ()),
        ("f64", (1, 3), (0,)),
        ("f64", (0, 3), (1,)),
        ("i32", (2, 3), (0,)),
        ("i64", (2, 3), (0, 1)),
    ]
    cases += [("f64", (0, 3), (0,)), ("f32", (2, 0), (0, 1))] if empty else []
    return tuple(_sample(dtype, shape, axes=axes) for dtype, shape, axes in cases)


def _sample(dtype: str, shape: tuple[int, ...], /, **attributes: Any) -> Sample:
    return Sample((TensorType(dtype, shape),), attributes)


def _reduction(
    name: str,
    eval: Callable[..., Any],
    vjp: Rule,
    jvp: Rule,
    *,
    saves: tuple[str, ...],
    empty: bool,
    traits: Sequence[str] = (),
) -> None:
    register(
        Op(
            name=name,
            arity=1,
            traits=frozenset(("reduction", *traits)),
            infer=_infer_reduction(name, empty=empty),
            eval=eval,
            vjp=(vjp,),
            jvp=(jvp,),
            batch=_batch_axes(name),
            saves=saves,
            emit=None,
            samples=_samples(empty=empty),
        )
    )


# --- sum ---


def _eval_sum(x: Any, *, axes: Axes) -> Any:
    return np.sum(x, axis=axes, dtype=x.dtype)


def _vjp_sum(b: Builder, g: Handle, operands: Operands, out: Handle, *, axes: Axes) -> Handle:
    return b.expand(g, axes, b.type_of(operands[0]).shape)


def _jvp_sum(b: Builder, g: Handle, operands: Operands, out: Handle, *, axes: Axes) -> Handle:
    return b.sum(g, axes)


_reduction("sum", _eval_sum, _vjp_sum, _jvp_sum, saves=(), empty=True, traits=("linear",))


# --- prod: differentiated as a tree of pairwise products, right with zeros and at any order ---


def _eval_prod(x: Any, *, axes: Axes) -> Any:
    return np.prod(x, axis=axes, dtype=x.dtype)


def _to_rows(b: Builder, x: Handle, axes: Axes) -> Handle:
    """x as [kept, reduced]: the reduced axes last, both groups flattened."""
    shape = b.type_of(x).shape
    kept = tuple(i for i in range(len(shape)) if i not in axes)
    rows = math.prod(shape[i] for i in kept)
    count = math.prod(shape[i] for i in axes)
    return b.reshape(b.transpose(x, (*kept, *axes)), (rows, count))


def _from_rows(b: Builder, rows: Handle, axes: Axes, shape: tuple[int, ...]) -> Handle:
    order = (*(i for i in range(len(shape)) if i not in axes), *axes)
    moved = b.reshape(rows, tuple(shape[i] for i in order))
    return b.transpose(moved, tuple(order.index(i) for i in range(len(shape))))


def _columns(b: Builder, rows: Handle, start: int, stop: int) -> Handle:
    return b.slice(rows, (0, start), (b.type_of(rows).shape[0], stop))


def _halves(b: Builder, rows: Handle) -> tuple[Handle, Handle, list[Handle]]:
    """Two halves of equal width, and what is left when the width is odd."""
    count = b.type_of(rows).shape[1]
    half = count // 2
    rest = [_columns(b, rows, 2 * half, count)] if count % 2 else []
    return _columns(b, rows, 0, half), _columns(b, rows, half, 2 * half), rest


def _vjp_prod(b: Builder, g: Handle, operands: Operands, out: Handle, *, axes: Axes) -> Handle:
    shape = b.type_of(operands[0]).shape
    if math.prod(shape) == 0:
        return b.zeros_like(operands[0])
    level = _to_rows(b, operands[0], axes)
    levels = []
    while b.type_of(level).shape[1] > 1:
        left, right, rest = _halves(b, level)
        levels.append((left, right))
        level = b.concatenate([b.mul(left, right), *rest], 1)
    ct = b.reshape(g, (b.type_of(level).shape[0], 1))
    for left, right in reversed(levels):
        half = b.type_of(left).shape[1]
        width = b.type_of(ct).shape[1]
        pair = _columns(b, ct, 0, half)
        rest = [_columns(b, ct, half, width)] if width > half else []
        ct = b.concatenate([b.mul(pair, right), b.mul(pair, left), *rest], 1)
    return _from_rows(b, ct, axes, shape)


def _jvp_prod(b: Builder, g: Handle, operands: Operands, out: Handle, *, axes: Axes) -> Handle:
    shape = b.type_of(operands[0]).shape
    kept = tuple(n for i, n in enumerate(shape) if i not in axes)
    if math.prod(shape) == 0:
        return b.constant(0, TensorType(b.type_of(operands[0]).dtype, kept))
    level, tangent = _to_rows(b, operands[0], axes), _to_rows(b, g, axes)
    while b.type_of(level).shape[1] > 1:
        left, right, rest = _halves(b, level)
        t_left, t_right, t_rest = _halves(b, tangent)
        level = b.concatenate([b.mul(left, right), *rest], 1)
        paired = b.add(b.mul(t_left, right), b.mul(left, t_right))
        tangent = b.concatenate([paired, *t_rest], 1)
    return b.reshape(tangent, kept)


_reduction("prod", _eval_prod, _vjp_prod, _jvp_prod, saves=("0",), empty=True)


# --- extrema: ties share the cotangent evenly ---


def _eval_max(x: Any, *, axes: Axes) -> Any:
    return np.max(x, axis=axes)


def _eval_min(x: Any, *, axes: Axes) -> Any:
    return np.min(x, axis=axes)


def _winners(b: Builder, operands: Operands, out: Handle, axes: Axes) -> tuple[Handle, Handle]:
    """Which elements are the extremum, and their number."""
    type = b.type_of(operands[0])
    mask = b.compare("eq", operands[0], b.expand(out, axes, type.shape))
    return mask, b.sum(b.cast(mask, type.dtype), axes)


def _vjp_extremum(b: Builder, g: Handle, operands: Operands, out: Handle, *, axes: Axes) -> Handle:
    mask, count = _winners(b, operands, out, axes)
    share = b.expand(b.div(g, count), axes, b.type_of(operands[0]).shape)
    return b.select(mask, share, b.zeros_like(share))


def _jvp_extremum(b: Builder, g: Handle, operands: Operands, out: Handle, *, axes: Axes) -> Handle:
    mask, count = _winners(b, operands, out, axes)
    return b.div(b.sum(b.select(mask, g, b.zeros_like(g)), axes), count)


for _name, _eval in (("reduce_max", _eval_max), ("reduce_min", _eval_min)):
    _reduction(_name, _eval, _vjp_extremum, _jvp_extremum, saves=("0", "out"), empty=False)


# --- where the extremum is: the first of equals; a nan counts as the extremum ---


def _locate(name: str, eval: Callable[..., Any]) -> None:
    def infer(x: TensorType, *, axis: int) -> tuple[TensorType, ...]:
        check_dtype(name, x, NUMBERS, hint="cast it first")
        if not 0 <= axis < x.ndim:
            raise ShapeError(f"{name}: axis {axis} of {x}")
        if x.shape[axis] == 0:
            raise ShapeError(f"{name}: {x} is empty along axis {axis}")
        return (TensorType("i64", (*x.shape[:axis], *x.shape[axis + 1 :])),)

    def batch(b: Builder, operands: Operands, batched: tuple[bool, ...], *, axis: int) -> Handle:
        return b(name, operands[0], axis=axis + 1)

    def evaluate(x: Any, *, axis: int) -> Any:
        return np.asarray(eval(x, axis), np.int64)

    register(
        Op(
            name=name,
            arity=1,
            traits=frozenset({"reduction"}),
            infer=infer,
            eval=evaluate,
            vjp=(DISCRETE,),
            jvp=(DISCRETE,),
            batch=batch,
            saves=(),
            emit=None,
            samples=(
                _sample("f64", (3, 4), axis=1),
                _sample("f32", (3, 2), axis=0),
                _sample("f64", (5,), axis=0),
                _sample("f64", (0, 3), axis=1),
                _sample("i32", (5,), axis=0),
                _sample("i64", (2, 5), axis=1),
            ),
        )
    )


_locate("argmax", np.argmax)
_locate("argmin", np.argmin)


# --- cumsum, from the front or (reverse) from the end ---


def _infer_cumsum(x: TensorType, *, axis: int, reverse: bool) -> tuple[TensorType, ...]:
    check_dtype("cumsum", x, NUMBERS, hint="cast it first")
    if not 0 <= axis < x.ndim:
        raise ShapeError(f"cumsum: axis {axis} of {x}")
    return (x,)


def _eval_cumsum(x: Any, *, axis: int, reverse: bool) -> Any:
    if not reverse:
        return np.cumsum(x, axis, dtype=x.dtype)
    return np.flip(np.cumsum(np.flip(x, axis), axis, dtype=x.dtype), axis)


def _vjp_cumsum(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, axis: int, reverse: bool
) -> Handle:
    return b("cumsum", g, axis=axis, reverse=not reverse)


def _jvp_cumsum(
    b: Builder, g: Handle, operands: Operands, out: Handle, *, axis: int, reverse: bool
) -> Handle:
    return b("cumsum", g, axis=axis, reverse=reverse)


def _batch_cumsum(
    b: Builder, operands: Operands, batched: tuple[bool, ...], *, axis: int, reverse: bool
) -> Handle:
    return b("cumsum", operands[0], axis=axis + 1, reverse=reverse)


register(
    Op(
        name="cumsum",
        arity=1,
        traits=frozenset({"scan", "linear"}),
        infer=_infer_cumsum,
        eval=_eval_cumsum,
        vjp=(_vjp_cumsum,),
        jvp=(_jvp_cumsum,),
        batch=_batch_cumsum,
        saves=(),
        emit=None,
        samples=(
            _sample("f64", (3, 4), axis=1, reverse=False),
            _sample("f64", (3, 4), axis=0, reverse=True),
            *(_sample(dtype, (5,), axis=0, reverse=True) for dtype in FLOATS),
            _sample("f64", (0, 3), axis=0, reverse=False),
            _sample("i32", (4,), axis=0, reverse=False),
            _sample("i64", (2, 2), axis=1, reverse=True),
        ),
    )
)
