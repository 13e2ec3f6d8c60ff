"""NumPy functions that are short programs of other NumPy functions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from ...ir.errors import ShapeError
from .. import complexes
from ..complexes import ComplexArray
from ..errors import UnsupportedError
from ..operands import builder, lift, wrap
from ..promotion import normalise_axis
from ..registry import call, implements
from .ufuncs import call_ufunc

# --- choice ---


@implements(np.select)
def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    if len(condlist) != len(choicelist) or not condlist:
        raise ShapeError("np.select: list of cases must be same length as list of conditions")
    pairs = list(zip(condlist, choicelist, strict=True))
    return reduce(lambda rest, pair: call(np.where, *pair, rest), reversed(pairs), default)


@implements(np.delete)
def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    x: Any = lift(arr, "np.delete")
    if axis is None:
        x, axis = x.reshape(-1), 0
    at = normalise_axis(axis, x.ndim, "np.delete")
    if not isinstance(obj, int | np.integer | slice | list | tuple):
        raise UnsupportedError(
            "np.delete of positions in an array is not supported while tracing",
            hint="an int, a slice or a list of ints",
        )
    kept = np.delete(np.arange(x.shape[at]), obj)
    return call(np.take, x, kept.tolist(), at)


# --- comparison ---


@implements(np.isclose)
def _isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    x, y = lift(a, "np.isclose"), lift(b, "np.isclose")
    near: Any = abs(x - y) <= atol + rtol * abs(y)
    close = (near & call_ufunc(np.isfinite, (y,))) | (x == y)
    if equal_nan:
        close = close | (call_ufunc(np.isnan, (x,)) & call_ufunc(np.isnan, (y,)))
    return close


@implements(np.allclose)
def _allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    return call(np.all, _isclose(a, b, rtol, atol, equal_nan))


@implements(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    x, y = lift(a1, "np.array_equal"), lift(a2, "np.array_equal")
    if x.shape != y.shape:
        return False
    same = x == y
    if equal_nan:
        same = same | (call_ufunc(np.isnan, (x,)) & call_ufunc(np.isnan, (y,)))
    return call(np.all, same)


# --- blocks, products ---


@implements(np.block)
def _block(arrays: Any) -> Any:
    depth, ndim = _depth(arrays), _most_axes(arrays)
    return _joined_blocks(arrays, depth, max(depth, ndim))


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _most_axes(arrays: Any) -> int:
    if isinstance(arrays, list):
        return max(map(_most_axes, arrays))
    return lift(arrays, "np.block").ndim


def _joined_blocks(arrays: Any, depth: int, ndim: int) -> Any:
    """Lists at the innermost level are joined along the last axis, those around them before it."""
    if not isinstance(arrays, list):
        x: Any = lift(arrays, "np.block")
        return x.reshape((1,) * (ndim - x.ndim) + x.shape)
    return call(np.concatenate, [_joined_blocks(x, depth - 1, ndim) for x in arrays], -depth)


@implements(np.kron)
def _kron(a: Any, b: Any) -> Any:
    x, y = lift(a, "np.kron"), lift(b, "np.kron")
    ndim = max(x.ndim, y.ndim)
    left, right = ((1,) * (ndim - z.ndim) + z.shape for z in (x, y))
    spread = x.reshape(tuple(n for extent in left for n in (extent, 1)))
    other = y.reshape(tuple(n for extent in right for n in (1, extent)))
    return (spread * other).reshape(tuple(m * n for m, n in zip(left, right, strict=True)))


@implements(np.imag)
def _imag(val: Any) -> Any:
    return call(np.zeros_like, val)


@implements(np.angle)
def _angle(z: Any, deg: bool = False) -> Any:
    """Of a real number: 0, or π where it is negative."""
    x: Any = lift(z, "np.angle")
    return complexes.angle(ComplexArray(x, call(np.zeros_like, x)), deg)


@implements(np.isreal)
def _isreal(x: Any) -> Any:
    return call(np.ones_like, x, dtype=bool)


@implements(np.iscomplex)
def _iscomplex(x: Any) -> Any:
    return call(np.zeros_like, x, dtype=bool)


@implements(np.real_if_close)
def _real_if_close(a: Any, tol: Any = 100) -> Any:
    return lift(a, "np.real_if_close")


@implements(np.isposinf)
def _isposinf(x: Any) -> Any:
    return lift(x, "np.isposinf") == np.inf


@implements(np.isneginf)
def _isneginf(x: Any) -> Any:
    return lift(x, "np.isneginf") == -np.inf


@implements(np.i0)
def _i0(x: Any) -> Any:
    array: Any = lift(x, "np.i0")
    if not array.value.type.is_float:
        array = array.astype(np.float64)
    return wrap(builder()("i0", array.value))


@implements(np.common_type)
def _common_type(*arrays: Any) -> Any:
    return np.common_type(*(np.zeros(0, lift(x, "np.common_type").dtype) for x in arrays))


@implements(np.min_scalar_type)
def _min_scalar_type(a: Any, /) -> Any:
    return lift(a, "np.min_scalar_type").dtype


@implements(np.can_cast)
def _can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    return np.can_cast(lift(from_, "np.can_cast").dtype, to, casting)


@implements(np.fix)
def _fix(x: Any) -> Any:
    return call_ufunc(np.trunc, (x,))
