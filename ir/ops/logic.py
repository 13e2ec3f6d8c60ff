"""Comparisons, truth values and bits, choice, conversion of dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import DTypeError, ShapeError
from ..op import DISCRETE, Op, Sample, register
from ..types import DTYPES, NUMPY_DTYPE, TensorType
from .elementwise import (
    ANY,
    DISCRETES,
    batch_same,
    binary,
    check_dtype,
    infer_same,
    listing,
    samples_of,
    unary,
)

# --- comparisons: false where an operand is a nan, but for `ne` ---


def _comparison(name: str, eval: Callable[..., Any], *traits: str) -> None:
    same = infer_same(name, ANY)

    def infer(x: TensorType, y: TensorType) -> tuple[TensorType, ...]:
        return (same(x, y)[0].with_dtype("bool"),)

    register(
        Op(
            name=name,
            arity=2,
            traits=frozenset(("elementwise", "comparison", *traits)),
            infer=infer,
            eval=eval,
            vjp=(DISCRETE, DISCRETE),
            jvp=(DISCRETE, DISCRETE),
            batch=batch_same(name),
            saves=(),
            emit=lambda e, x, y: e.compare(name, x, y),
            samples=samples_of(2, ANY),
        )
    )


_comparison("lt", np.less)
_comparison("le", np.less_equal)
_comparison("gt", np.greater)
_comparison("ge", np.greater_equal)
_comparison("eq", np.equal, "commutative")
_comparison("ne", np.not_equal, "commutative")

# --- truth values; on integers the same ops act on bits ---

_NONE = (DISCRETE, DISCRETE)
binary(
    "logical_and",
    np.bitwise_and,
    lambda e, x, y: e.and_(x, y),
    _NONE,
    dtypes=DISCRETES,
    traits=("commutative",),
)
binary(
    "logical_or",
    np.bitwise_or,
    lambda e, x, y: e.or_(x, y),
    _NONE,
    dtypes=DISCRETES,
    traits=("commutative",),
)
binary(
    "logical_xor",
    np.bitwise_xor,
    lambda e, x, y: e.xor(x, y),
    _NONE,
    dtypes=DISCRETES,
    traits=("commutative",),
)
unary("logical_not", np.invert, lambda e, x: e.not_(x), DISCRETE, dtypes=DISCRETES)


# --- choice ---


def _infer_select(condition: TensorType, x: TensorType, y: TensorType) -> tuple[TensorType, ...]:
    check_dtype("the condition of select", condition, ("bool",))
    if condition.shape != x.shape or x.shape != y.shape:
        shapes = listing((condition, x, y))
        raise ShapeError(f"select: shapes differ, {shapes}", hint="broadcast them first")
    if x.dtype != y.dtype:
        raise DTypeError(f"select: dtypes differ, {listing((x, y))}", hint="cast them first")
    return (x,)


def _chosen(b: Builder, g: Handle, operands: tuple[Handle, ...], out: Handle) -> Handle:
    return b.select(operands[0], g, b.zeros_like(g))


def _not_chosen(b: Builder, g: Handle, operands: tuple[Handle, ...], out: Handle) -> Handle:
    return b.select(operands[0], b.zeros_like(g), g)


def _select_sample(dtype: str, *shape: int) -> Sample:
    type = TensorType(dtype, shape)
    return Sample((type.with_dtype("bool"), type, type))


register(
    Op(
        name="select",
        arity=3,
        traits=frozenset(("elementwise", "linear")),
        infer=_infer_select,
        eval=np.where,
        vjp=(DISCRETE, _chosen, _not_chosen),
        jvp=(DISCRETE, _chosen, _not_chosen),
        batch=batch_same("select"),
        saves=("0",),
        emit=lambda e, condition, x, y: e.select(condition, x, y),
        samples=(
            *(_select_sample(dtype, 2, 3) for dtype in ANY),
            _select_sample("f64"),
            _select_sample("f64", 0),
        ),
    )
)


# --- conversion ---


def _infer_cast(x: TensorType, *, dtype: str) -> tuple[TensorType, ...]:
    if dtype not in DTYPES:
        raise DTypeError(f"cast: {dtype!r} is not one of {', '.join(DTYPES)}")
    return (x.with_dtype(dtype),)


def _eval_cast(x: Any, *, dtype: str) -> Any:
    return x.astype(NUMPY_DTYPE[dtype])


def _vjp_cast(
    b: Builder, g: Handle, operands: tuple[Handle, ...], out: Handle, *, dtype: str
) -> Handle:
    return b.cast(g, b.type_of(operands[0]).dtype)


def _jvp_cast(
    b: Builder, g: Handle, operands: tuple[Handle, ...], out: Handle, *, dtype: str
) -> Handle:
    return b.cast(g, dtype)


def _cast_sample(source: str, target: str, *shape: int) -> Sample:
    return Sample((TensorType(source, shape),), {"dtype": target})


register(
    Op(
        name="cast",
        arity=1,
        traits=frozenset(("elementwise", "linear")),
        infer=_infer_cast,
        eval=_eval_cast,
        vjp=(_vjp_cast,),
        jvp=(_jvp_cast,),
        batch=batch_same("cast"),
        saves=(),
        emit=lambda e, x, dtype: e.cast(x, dtype),
        samples=(
            *(_cast_sample(source, target, 3) for source in ANY for target in ANY),
            _cast_sample("f64", "f32"),
            _cast_sample("f64", "f32", 2, 0),
        ),
    )
)
