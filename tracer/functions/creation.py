"""Arrays of chosen, limited, rounded and constant elements."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.functions import elementwise as composed
from ...ir.types import TensorType
from ..errors import UnsupportedError
from ..operands import builder, kind_of, lift, lift_unless_number, materialise, together, wrap
from ..promotion import broadcast_shapes, result_dtype, static_shape, supported_dtype
from ..registry import UNSET, dispatch, implements
from .ufuncs import call_ufunc

if TYPE_CHECKING:
    from ..array import TracedArray


# --- choice ---


@implements(np.where)
def _where(condition: Any, x: Any = UNSET, y: Any = UNSET, /) -> TracedArray:
    if x is UNSET or y is UNSET:
        return dispatch(np.nonzero, (condition,), {})  # type: ignore[no-any-return]
    mask = lift(condition, "np.where")
    operands = [lift_unless_number(each, "np.where") for each in (x, y)]
    dtype = result_dtype([kind_of(each) for each in operands])
    shapes = [each.shape if hasattr(each, "value") else () for each in operands]
    shape = broadcast_shapes("np.where", [mask.shape, *shapes])
    chosen, other = (materialise(each, dtype, shape) for each in operands)
    return wrap(builder().select(materialise(mask, "bool", shape), chosen, other))


@implements(np.clip)
def _clip(
    a: Any, a_min: Any = UNSET, a_max: Any = UNSET, *, min: Any = UNSET, max: Any = UNSET
) -> TracedArray:
    low = min if a_min is UNSET else a_min
    high = max if a_max is UNSET else a_max
    x = lift(a, "np.clip")
    bounds = [None if each is UNSET else each for each in (low, high)]
    values, _ = together([x, *(each for each in bounds if each is not None)], "np.clip")
    rest = iter(values[1:])
    first, second = (None if each is None else next(rest) for each in bounds)
    return wrap(composed.clip(builder(), values[0], first, second))


@implements(np.nan_to_num)
def _nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> TracedArray:
    if not copy:
        raise UnsupportedError(
            "np.nan_to_num with copy=False is not supported while tracing: it changes its argument",
            hint="x = np.nan_to_num(x)",
        )
    array = lift(x, "np.nan_to_num")
    if not array.value.type.is_float:
        return wrap(array.value)
    b, value, type = builder(), array.value, array.value.type
    limits = np.finfo(array.dtype)
    for found, wanted in (
        (
            b.compare("eq", value, b.full_like(value, math.inf)),
            limits.max if posinf is None else posinf,
        ),
        (
            b.compare("eq", value, b.full_like(value, -math.inf)),
            limits.min if neginf is None else neginf,
        ),
        (b.compare("ne", value, value), nan),
    ):
        value = b.select(found, materialise(wanted, type.dtype, type.shape), value)
    return wrap(value)


@implements(np.round, np.around)
def _round(a: Any, decimals: int = 0) -> Any:
    x = lift(a, "np.round")
    if x.value.type.dtype == "bool":
        raise UnsupportedError(
            "np.round of truth values, which NumPy gives as float16, is not supported",
            hint="x.astype(float), which is round already",
        )
    if not x.value.type.is_float:
        return wrap(x.value) if decimals >= 0 else _rounded_integers(x, decimals)
    if decimals == 0:
        return call_ufunc(np.rint, (x,))
    factor = 10.0 ** abs(decimals)
    if decimals > 0:
        return call_ufunc(np.rint, (x * factor,)) / factor
    return call_ufunc(np.rint, (x / factor,)) * factor


def _rounded_integers(x: TracedArray, decimals: int) -> Any:
    """Integers rounded to tens, hundreds …: as NumPy does it, in double precision."""
    factor = 10.0**-decimals
    return (call_ufunc(np.rint, (x.astype(np.float64) / factor,)) * factor).astype(x.dtype)


@implements(np.sinc)
def _sinc(x: Any) -> TracedArray:
    array = lift(x, "np.sinc")
    dtype = "f32" if array.value.type.dtype == "f32" else "f64"
    return wrap(composed.sinc(builder(), materialise(array, dtype, array.shape)))


@implements(np.real)
def _real(val: Any) -> TracedArray:
    return lift(val, "np.real")


# --- filling ---


def _filled(a: Any, value: Any, dtype: Any, shape: Any, who: str) -> TracedArray:
    x = lift(a, who)
    name = x.value.type.dtype if dtype is None else supported_dtype(dtype, f"the result of {who}")
    extents = x.shape if shape is None else static_shape(shape)
    return wrap(builder().constant(value, TensorType(name, extents)))


@implements(np.zeros_like, np.empty_like)
def _zeros_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> TracedArray:
    return _filled(a, 0, dtype, shape, "np.zeros_like")


@implements(np.ones_like)
def _ones_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> TracedArray:
    return _filled(a, 1, dtype, shape, "np.ones_like")


@implements(np.full_like)
def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
) -> TracedArray:
    x = lift(a, "np.full_like")
    name = x.value.type.dtype if dtype is None else supported_dtype(dtype, "np.full_like")
    extents = x.shape if shape is None else static_shape(shape)
    value = lift_unless_number(fill_value, "np.full_like")
    return wrap(materialise(value, name, extents))
