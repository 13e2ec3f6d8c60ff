"""Reductions that pass nans over."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..operands import lift
from ..registry import UNSET, call, implements, is_given
from .ufuncs import call_ufunc


def _numbers(a: Any, neutral: float, who: str) -> tuple[Any, Any]:
    """The array with a neutral number in the place of its nans, and where its numbers are."""
    x: Any = lift(a, who)
    if not x.value.type.is_float:
        return x, np.ones(x.shape, bool)
    present = ~call_ufunc(np.isnan, (x,))
    return call(np.where, present, x, call(np.full_like, x, neutral)), present


def _reduction(function: Callable[..., Any], neutral: float) -> Callable[..., Any]:
    def reduce_numbers(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        *,
        keepdims: Any = False,
        initial: Any = UNSET,
        where: Any = True,
    ) -> Any:
        x = _numbers(a, neutral, f"np.nan{function.__name__}")[0]
        return call(function, x, axis, dtype, keepdims=keepdims, initial=initial, where=where)

    return reduce_numbers


implements(np.nansum)(_reduction(np.sum, 0))
implements(np.nanprod)(_reduction(np.prod, 1))


@implements(np.nancumsum)
def _nancumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return call(np.cumsum, _numbers(a, 0, "np.nancumsum")[0], axis, dtype)


@implements(np.nancumprod)
def _nancumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return call(np.cumprod, _numbers(a, 1, "np.nancumprod")[0], axis, dtype)


def _and_where(present: Any, where: Any) -> Any:
    return present if where is True or not is_given(where) else present & lift(where)


@implements(np.nanmean)
def _nanmean(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, where: Any = True
) -> Any:
    x, present = _numbers(a, 0, "np.nanmean")
    chosen = _and_where(present, where)
    return call(np.mean, x, axis, dtype, keepdims=keepdims, where=lift(chosen))


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    def spread_of_numbers(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        *,
        ddof: float = 0,
        keepdims: Any = False,
        where: Any = True,
        correction: Any = UNSET,
    ) -> Any:
        freedom = correction if is_given(correction) else ddof
        return _nan_spread(function, a, axis, dtype, freedom, keepdims, where)

    return spread_of_numbers


implements(np.nanvar)(_spread(np.var))
implements(np.nanstd)(_spread(np.std))


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
    spread = call(function, x, axis, dtype, ddof=freedom, keepdims=keepdims, where=chosen)
    count = call(np.sum, chosen, axis, keepdims=keepdims)
    return call(np.where, count > freedom, spread, np.nan)


@implements(np.nanmax)
def _nanmax(
    a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = UNSET, where: Any = True
) -> Any:
    return _nan_extremum(a, axis, keepdims, initial, where, -math.inf, np.max)


@implements(np.nanmin)
def _nanmin(
    a: Any, axis: Any = None, *, keepdims: Any = False, initial: Any = UNSET, where: Any = True
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
        return call(extremum, x, axis, **options)
    numbers, present = _numbers(x, neutral, "")
    found = call(extremum, numbers, axis, **options)
    some = call(np.any, present, axis, keepdims=keepdims)
    return found if is_given(initial) else call(np.where, some, found, np.nan)


@implements(np.nanargmax)
def _nanargmax(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return call(np.argmax, _numbers(a, -math.inf, "np.nanargmax")[0], axis, keepdims=keepdims)


@implements(np.nanargmin)
def _nanargmin(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return call(np.argmin, _numbers(a, math.inf, "np.nanargmin")[0], axis, keepdims=keepdims)
