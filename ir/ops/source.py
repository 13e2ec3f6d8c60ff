"""Ops without operands: a constant, a small array literal, a ramp."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import DTypeError, IRError, ShapeError
from ..op import ArrayConstant, Op, Sample, register
from ..types import DTYPES, NUMPY_DTYPE, TensorType, tensor_type
from .elementwise import NUMBERS, check_dtype

LARGEST_LITERAL = 1 << 14  # elements; a larger array is an input


def _never_batched(
    b: Builder, operands: tuple[Handle, ...], batched: tuple[bool, ...], **attributes: Any
) -> Handle:
    raise IRError("an op without operands has nothing to batch: it is copied as it is")


def _check_type(name: str, dtype: str, shape: tuple[int, ...]) -> TensorType:
    if dtype not in DTYPES:
        raise DTypeError(f"{name}: {dtype!r} is not one of {', '.join(DTYPES)}")
    if any(extent < 0 for extent in shape):
        raise ShapeError(f"{name}: negative extent in {list(shape)}")
    return TensorType(dtype, tuple(shape))


# --- constant: one value everywhere ---


def _infer_constant(*, value: Any, dtype: str, shape: tuple[int, ...]) -> tuple[TensorType, ...]:
    return (_check_type("constant", dtype, shape),)


def _eval_constant(*, value: Any, dtype: str, shape: tuple[int, ...]) -> Any:
    return np.full(shape, value, NUMPY_DTYPE[dtype])


def _emit_constant(e: Any, *, value: Any, dtype: str, shape: tuple[int, ...]) -> Any:
    return e.const(value, dtype)


def _constant_sample(value: Any, dtype: str, *shape: int) -> Sample:
    return Sample((), {"value": value, "dtype": dtype, "shape": shape})


register(
    Op(
        name="constant",
        arity=0,
        traits=frozenset({"source"}),
        infer=_infer_constant,
        eval=_eval_constant,
        vjp=(),
        jvp=(),
        batch=_never_batched,
        saves=(),
        emit=_emit_constant,
        samples=(
            _constant_sample(0.1, "f64", 2, 3),
            _constant_sample(-0.5, "f32"),
            _constant_sample(float("inf"), "f64"),
            _constant_sample(float("nan"), "f32", 2),
            _constant_sample(-7, "i32", 0, 3),
            _constant_sample(2**62, "i64", 2),
            _constant_sample(True, "bool", 2),
        ),
    )
)


# --- dense: a small array, written out ---


def _infer_dense(*, data: ArrayConstant) -> tuple[TensorType, ...]:
    if data.array.size > LARGEST_LITERAL:
        raise ShapeError(
            f"dense: {data.array.size} elements, at most {LARGEST_LITERAL} are written out",
            hint="make it an input of the graph",
        )
    return (tensor_type(data.array),)


def _eval_dense(*, data: ArrayConstant) -> Any:
    return data.array


def _dense_sample(array: Any, dtype: str) -> Sample:
    return Sample((), {"data": ArrayConstant(np.array(array, NUMPY_DTYPE[dtype]))})


register(
    Op(
        name="dense",
        arity=0,
        traits=frozenset({"source"}),
        infer=_infer_dense,
        eval=_eval_dense,
        vjp=(),
        jvp=(),
        batch=_never_batched,
        saves=(),
        emit=None,
        samples=(
            _dense_sample([[1.5, -2.0], [np.inf, np.nan]], "f64"),
            _dense_sample([0.1], "f32"),
            _dense_sample(3, "i32"),
            _dense_sample([[], []], "i64"),
            _dense_sample([True, False], "bool"),
        ),
    )
)


# --- iota: 0, 1, 2, … along one axis ---


def _infer_iota(*, dtype: str, shape: tuple[int, ...], axis: int) -> tuple[TensorType, ...]:
    type = _check_type("iota", dtype, shape)
    check_dtype("iota", type, NUMBERS)
    if not 0 <= axis < len(shape):
        raise ShapeError(f"iota: axis {axis} of {type}")
    return (type,)


def _eval_iota(*, dtype: str, shape: tuple[int, ...], axis: int) -> Any:
    ramp = np.arange(shape[axis], dtype=NUMPY_DTYPE[dtype])
    column = ramp.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return np.broadcast_to(column, shape)


def _iota_sample(dtype: str, axis: int, *shape: int) -> Sample:
    return Sample((), {"dtype": dtype, "shape": shape, "axis": axis})


register(
    Op(
        name="iota",
        arity=0,
        traits=frozenset({"source"}),
        infer=_infer_iota,
        eval=_eval_iota,
        vjp=(),
        jvp=(),
        batch=_never_batched,
        saves=(),
        emit=None,
        samples=(
            _iota_sample("f64", 0, 4),
            _iota_sample("f32", 1, 2, 3),
            _iota_sample("i32", 1, 2, 3, 2),
            _iota_sample("i64", 0, 0, 2),
        ),
    )
)
