"""Grids: np.linspace and its kin, np.meshgrid."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import CastError
from ..operands import lift, same_dtype, wrap
from ..promotion import supported_dtype
from ..registry import call, implements
from .ufuncs import call_ufunc


@implements(np.linspace)
def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    first, last = (wrap(v) for v in same_dtype((start, stop), "np.linspace"))
    count = operator.index(num)
    if count < 0:
        raise CastError(f"Number of samples, {count}, must be non-negative.")
    steps = count - 1 if endpoint else count
    step: Any = (last * 1.0 - first) / max(steps, 1)
    found = first + np.arange(float(count)).reshape((count,) + (1,) * step.ndim) * step
    if endpoint and count > 1:
        end = call(np.broadcast_to, last, step.shape).astype(found.dtype)
        found = call(np.concatenate, [found[:-1], end[None]])
    found = call(np.moveaxis, found, 0, axis)
    found = found if dtype is None else _in_dtype(found, dtype, "np.linspace")
    return (found, step if steps else np.nan) if retstep else found


def _in_dtype(x: Any, dtype: Any, who: str) -> Any:
    if supported_dtype(dtype, f"the result of {who}") in ("i32", "i64"):
        x = call_ufunc(np.floor, (x,))
    return x.astype(dtype)


@implements(np.logspace)
def _logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    exponents = _linspace(start, stop, num, endpoint, axis=axis)
    root: Any = lift(base, "np.logspace")
    if root.ndim:
        root = call(np.expand_dims, root, axis)
    found = call_ufunc(np.power, (root * 1.0, exponents))
    return found if dtype is None else found.astype(dtype)


@implements(np.geomspace)
def _geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Through logarithms; the ends are exact. Both ends must have one sign."""
    first, last = (wrap(v) * 1.0 for v in same_dtype((start, stop), "np.geomspace"))
    sign = call_ufunc(np.sign, (first,))
    low, high = (call_ufunc(np.log10, (x * sign,)) for x in (first, last))
    powers = call_ufunc(np.power, (10.0, _linspace(low, high, num, endpoint)))
    count = powers.shape[0]
    parts = [powers]
    if count:
        ends = [call(np.broadcast_to, x * sign, powers.shape[1:])[None] for x in (first, last)]
        parts = [ends[0], powers[1:]]
        if endpoint and count > 1:
            parts = [ends[0], powers[1:-1], ends[1]]
    found = call(np.moveaxis, call(np.concatenate, parts) * sign, 0, axis)
    return found if dtype is None else found.astype(dtype)


@implements(np.meshgrid)
def _meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise CastError("Valid values for `indexing` are 'xy' and 'ij'.")
    axes: list[Any] = [lift(x, "np.meshgrid").reshape(-1) for x in xi]
    order = list(range(len(axes)))
    if indexing == "xy" and len(axes) > 1:
        order[0], order[1] = 1, 0
    spread = [
        x.reshape(tuple(-1 if i == place else 1 for i in range(len(axes))))
        for x, place in zip(axes, order, strict=True)
    ]
    if sparse:
        return tuple(spread)
    grids = call(np.broadcast_arrays, *spread)
    return tuple(grid.copy() for grid in grids)
