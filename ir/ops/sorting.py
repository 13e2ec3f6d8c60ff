"""argsort: the order of elements. What is sorted is then gathered, which has the derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..op import DISCRETE, Op, Sample, register
from ..types import TensorType
from .elementwise import NUMBERS, check_dtype


def _infer(x: TensorType, *, axis: int, descending: bool) -> tuple[TensorType, ...]:
    check_dtype("argsort", x, NUMBERS, hint="cast it first")
    if not 0 <= axis < x.ndim:
        raise ShapeError(f"argsort: axis {axis} of {x}")
    return (TensorType("i64", x.shape),)


def _eval(x: Any, *, axis: int, descending: bool) -> Any:
    """Equal elements keep their order; a nan counts as the largest."""
    if not descending:
        return np.asarray(np.argsort(x, axis, kind="stable"), np.int64)
    backwards = np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    return np.asarray(x.shape[axis] - 1 - backwards, np.int64)


def _batch(
    b: Builder,
    operands: tuple[Handle, ...],
    batched: tuple[bool, ...],
    *,
    axis: int,
    descending: bool,
) -> Handle:
    return b("argsort", operands[0], axis=axis + 1, descending=descending)


def _sample(dtype: str, shape: tuple[int, ...], axis: int, descending: bool) -> Sample:
    return Sample((TensorType(dtype, shape),), {"axis": axis, "descending": descending})


register(
    Op(
        name="argsort",
        arity=1,
        traits=frozenset({"ordering"}),
        infer=_infer,
        eval=_eval,
        vjp=(DISCRETE,),
        jvp=(DISCRETE,),
        batch=_batch,
        saves=(),
        emit=None,
        samples=(
            _sample("f64", (3, 4), 1, False),
            _sample("f32", (3, 4), 0, True),
            _sample("f64", (0, 3), 1, False),
            _sample("i64", (7,), 0, True),
            _sample("i32", (7,), 0, False),
        ),
    )
)
