"""Reductions that pass nans over."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .operands import lift
from .registry import dispatch, implements
from .ufuncs import call_ufunc

_UNSET: Any = np._NoValue


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return dispatch(function, args, kwargs)


def _numbers(a: Any, neutral: float, who: str) -> tuple[Any, Any]:
    """The array with a neutral number in the place of its nans, and where its numbers are."""
    x: Any = lift(a, who)
    if not x.value.type.is_float:
        return x, np.ones(x.shape, bool)
    present = ~call_ufunc(np.isnan, (x,))
    return _call(np.where, present, x, _call(np.full_like, x, neutral)), present


def _given(x: Any) -> bool:
    return x is not _UNSET and x is not None


def _reduction(function: Callable[..., Any], neutral: float) -> Callable[..., Any]:
    def reduce_numbers(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        *,
        keepdims: Any = False,
        initial: Any = _UNSET,
        where: Any = True,
    ) -> Any:
        x = _numbers(a, neutral, f"np.nan{function.__name__}")[0]
        return _call(function, x, axis, dtype, keepdims=keepdims, initial=initial, where=where)

    return reduce_numbers


implements(np.nansum)(_reduction(np.sum, 0))
implements(np.nanprod)(_reduction(np.prod, 1))


@implements(np.nancumsum)
def _nancumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return _call(np.cumsum, _numbers(a, 0, "np.nancumsum")[0], axis, dtype)


@implements(np.nancumprod)
def _nancumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return _call(np.cumprod, _numbers(a, 1, "np.nancumprod")[0], axis, dtype)


def _and_where(present: Any, where: Any) -> Any:
    return present if where is True or not _given(where) else present & lift(where)


@implements(np.nanmean)
def _nanmean(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, where: Any = True
) -> Any:
    x, present = _numbers(a, 0, "np.nanmean")
    chosen = _and_where(present, where)
    return _call(np.mean, x, axis, dtype, keepdims=keepdims, where=lift(chosen))


@implements(np.nanvar)
def _nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: Any = False,
    where: Any = True,
    correction: Any = _UNSET,
) -> Any:
    freedom = correction if _given(correction) else ddof
    return _nan_spread(np.var, a, axis, dtype, freedom, keepdims, where)


@implements(np.nanstd)
def _nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: Any = False,
    where: Any = True,
    correction: Any = _UNSET,
) -> Any:
    freedom = correction if _given(correction) else ddof
    return _nan_spread(np.std, a, axis, dtype, freedom, keepdims, where)


def _nan_spread(
    function: Callable[..., Any],
    a: Any,
    axis: Any,
    dtype: Any,
    freedom: float,
    keepdims: Any,
    where: Any,
) -> Any:
    """The variance or deviation of the numbers; nan where there are too few of them."""
    x, present = _numbers(a, 0, f"np.nan{function.__name__}")
    chosen = lift(_and_where(present, where))
    spread = _call(function, x, axis, dtype, ddof=freedom, keepdims=keepdims, where=chosen)
    count = _call(np.sum, chosen, axis, keepdims=keepdims)
    return _call(np.where, count > freedom, spread, np.nan)


@implements(np.nanmax)
def _nanmax(
    a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = _UNSET, where: Any = True
) -> Any:
    return _nan_extremum(a, axis, keepdims, initial, where, -math.inf, np.max)


@implements(np.nanmin)
def _nanmin(
    a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = _UNSET, where: Any = True
) -> Any:
    return _nan_extremum(a, axis, keepdims, initial, where, math.inf, np.min)


def _nan_extremum(
    a: Any,
    axis: Any,
    keepdims: Any,
    initial: Any,
    where: Any,
    neutral: float,
    extremum: Callable[..., Any],
) -> Any:
    """The extremum of the numbers; nan where there is none."""
    x: Any = lift(a, f"np.nan{extremum.__name__}")
    options = {"keepdims": keepdims, "initial": initial, "where": where}
    if not x.value.type.is_float:
        return _call(extremum, x, axis, **options)
    numbers, present = _numbers(x, neutral, "")
    found = _call(extremum, numbers, axis, **options)
    some = _call(np.any, present, axis, keepdims=keepdims)
    return found if _given(initial) else _call(np.where, some, found, np.nan)


@implements(np.nanargmax)
def _nanargmax(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return _call(np.argmax, _numbers(a, -math.inf, "np.nanargmax")[0], axis, keepdims=keepdims)


@implements(np.nanargmin)
def _nanargmin(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return _call(np.argmin, _numbers(a, math.inf, "np.nanargmin")[0], axis, keepdims=keepdims)
