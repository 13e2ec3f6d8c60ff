"""Which dtype and shape an operation has: NumPy's own answers, with Python numbers weak."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..ir.errors import DTypeError, ShapeError
from ..ir.types import DTYPES, NUMPY_DTYPE, dtype_name
from .errors import AxisError

Shape = tuple[int, ...]

# What an operand is for NumPy's promotion: a dtype, or `int` or `float` for a Python number.
Kind = Any


def supported_dtype(dtype: Any, who: str = "the array") -> str:
    """The IR's name of `dtype`, or a DTypeError that says what to do."""
    try:
        found = np.dtype(dtype)
    except TypeError as error:
        raise DTypeError(f"{dtype!r} is not a dtype: {error}") from None
    name = dtype_name(found)
    if name is None:
        raise DTypeError(f"{who} has dtype {found}, which is not supported", hint=_cast_hint(found))
    return name


def _cast_hint(dtype: np.dtype[Any]) -> str:
    if dtype.kind == "O":
        return "convert the objects to numbers: .astype(np.float64)"
    if dtype.names is not None:
        return f"take its fields one by one: array[{dtype.names[0]!r}]"
    if dtype.kind == "c":
        return "complex numbers are not supported: keep the real and the imaginary part apart"
    if dtype.kind in "iu":
        return "cast it first: .astype(np.int64)"
    if dtype.kind == "f":
        return "cast it first: .astype(np.float32) or .astype(np.float64)"
    return f"only {', '.join(DTYPES)} are"


@lru_cache(maxsize=4096)
def resolve_ufunc(
    ufunc: np.ufunc, kinds: tuple[Kind, ...], dtype: str | None = None
) -> tuple[str, ...]:
    """The dtypes that `ufunc` computes with: of its inputs, then of its outputs."""
    if all(kind is int for kind in kinds):  # NumPy compares Python's integers as objects
        kinds = (NUMPY_DTYPE["i64"],) * len(kinds)
    given = (*kinds, *(None,) * ufunc.nout)
    forced = (*(None,) * (ufunc.nin + ufunc.nout - 1), NUMPY_DTYPE[dtype] if dtype else None)
    options: dict[str, Any] = {"signature": forced} if dtype else {}
    try:
        found = ufunc.resolve_dtypes(given, **options)
    except TypeError:
        shown = " and ".join(_kind_text(kind) for kind in kinds)
        raise DTypeError(f"{ufunc_name(ufunc)} does not take {shown}") from None
    names = tuple(dtype_name(each) for each in found)
    for each, name in zip(found, names, strict=True):
        if name is None:
            raise _no_such_loop(ufunc, kinds, each)
    return names  # type: ignore[return-value]


def _no_such_loop(ufunc: np.ufunc, kinds: tuple[Kind, ...], dtype: np.dtype[Any]) -> DTypeError:
    shown = " and ".join(_kind_text(kind) for kind in kinds)
    return DTypeError(
        f"{ufunc_name(ufunc)} of {shown} is computed in {dtype} by NumPy, which is not supported",
        hint="cast the operands first: .astype(np.float64), or np.int64 for counts",
    )


def _kind_text(kind: Kind) -> str:
    if isinstance(kind, type):
        return f"a Python {kind.__name__}"
    return dtype_name(kind) or str(kind)


def ufunc_name(ufunc: np.ufunc) -> str:
    """How the user calls it."""
    name = ufunc.__name__
    return f"np.{name}" if getattr(np, name, None) is ufunc else name


def result_dtype(kinds: Sequence[Kind]) -> str:
    """The dtype that arrays and Python numbers have in common."""
    values = [kind(0) if isinstance(kind, type) else kind for kind in kinds]
    found = np.result_type(*values)
    return supported_dtype(found, "the result")


def broadcast_shapes(who: str, shapes: Sequence[Shape]) -> Shape:
    """NumPy's broadcasting of `shapes`; `who` stands in the error."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    ndim = max(map(len, shapes))
    result = [1] * ndim
    for shape in shapes:
        lead = ndim - len(shape)
        for i, extent in enumerate(shape, lead):
            if extent != 1 and result[i] not in (1, extent):
                text = " and ".join(map(shape_text, shapes))
                raise ShapeError(f"{who}: shapes {text} do not broadcast together")
            if extent != 1:
                result[i] = extent
    return tuple(result)


def shape_text(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"


def normalise_axis(axis: Any, ndim: int, who: str) -> int:
    """`axis` counted from the front."""
    number = operator.index(axis)
    if not -ndim <= number < ndim:
        raise AxisError(f"{who}: axis {number} is out of bounds for an array of {ndim} dimensions")
    return number % ndim


def normalise_axes(axis: Any, ndim: int, who: str) -> Shape:
    """`axis` as sorted axes: None stands for all, an int for one."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, tuple | list) else (axis,)
    axes = tuple(normalise_axis(each, ndim, who) for each in given)
    if len(set(axes)) != len(axes):
        raise AxisError(f"{who}: an axis stands twice in {tuple(given)}")
    return tuple(sorted(axes))


def static_shape(shape: Any) -> Shape:
    """`shape` as a tuple of ints; a single int counts."""
    if isinstance(shape, tuple | list):
        return tuple(operator.index(extent) for extent in shape)
    if isinstance(shape, np.ndarray):
        return tuple(int(extent) for extent in shape)
    return (operator.index(shape),)
