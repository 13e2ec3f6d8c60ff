"""Medians and quantiles: the sorted row between two of its places.

Where the place is depends on how many elements there are, a number known while tracing unless nans
are passed over; then it is one for each row, and computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.types import NUMPY_DTYPE
from ..errors import CastError
from ..operands import float_dtype, is_number, kind_of, lift
from ..promotion import normalise_axes, result_dtype
from ..registry import UNSET, call, implements
from ..trace import current_trace, is_traced
from .ordering import sorted_along

# --- rows ---


def _rows(a: Any, axis: Any, who: str) -> tuple[Any, tuple[int, ...], Callable[[Any, Any], Any]]:
    """The array with the axes to reduce as one last axis; the extents of the others; and what puts
    the axes back into a result, with `keepdims`.
    """
    x: Any = lift(a, who)
    axes = normalise_axes(axis, x.ndim, who)
    others = [i for i in range(x.ndim) if i not in axes]
    kept = tuple(x.shape[i] for i in others)
    rows = call(np.transpose, x, (*others, *axes)).reshape(
        *kept, math.prod(x.shape[i] for i in axes)
    )

    def restore(result: Any, keepdims: Any) -> Any:
        if keepdims is UNSET or not keepdims:
            return result
        lead = result.shape[: result.ndim - len(others)]
        wide = (1 if i in axes else n for i, n in enumerate(x.shape))
        return result.reshape(*lead, *wide)

    return rows, kept, restore


def _isnan(x: Any) -> Any:
    return x != x


def _nan_where_last_is(ordered: Any, result: Any) -> Any:
    """nan goes through: it stands last."""
    if not ordered.value.type.is_float:
        return result
    last = ordered[..., -1]
    return call(np.where, _isnan(last), last, result)


# --- medians ---


@implements(np.median)
def _median(
    a: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: Any = False,
) -> Any:
    rows, kept, restore = _rows(a, axis, "np.median")
    n = rows.shape[-1]
    if n == 0:
        return restore(call(np.mean, rows, -1), keepdims)
    ordered = sorted_along(rows, len(kept))
    middle = call(np.mean, ordered[..., (n - 1) // 2 : n // 2 + 1], -1)
    return restore(_nan_where_last_is(ordered, middle), keepdims)


@implements(np.nanmedian)
def _nanmedian(
    a: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: Any = False,
) -> Any:
    rows, kept, restore = _rows(a, axis, "np.nanmedian")
    if not rows.value.type.is_float or not rows.shape[-1]:
        return _median(a, axis, None, False, keepdims)
    ordered, count = sorted_along(rows, len(kept)), _count(rows)
    below, above = (_taken(ordered, np.floor(place)) for place in ((count - 1) / 2, count / 2))
    return restore((below + above) / 2, keepdims)


def _count(rows: Any) -> Any:
    """How many numbers each row has."""
    return (~_isnan(rows)).astype(np.float64).sum(-1)


def _taken(ordered: Any, place: Any) -> Any:
    """The elements at a place for each row, which is moved inside."""
    last = ordered.shape[-1] - 1
    index = call(np.clip, place, 0, last).astype(np.int64)
    return call(np.take_along_axis, ordered, index[..., None], -1)[..., 0]


# --- quantiles: for n elements, at which place each method looks for a quantile ---


def _continuous(alpha: float, beta: float) -> Callable[[Any, Any], Any]:
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


def _middle(n: Any, q: Any) -> Any:
    return 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q))


def _inverted(n: Any, q: Any) -> Any:
    return np.maximum(np.ceil(n * q - 1), 0)


def _closest(n: Any, q: Any) -> Any:
    place = n * q - 1.5
    low = np.floor(place)
    stays = (place == low) & (low % 2 == 1)
    return np.maximum(_choose(stays, low, low + 1), 0)


def _choose(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)


_PLACES: dict[str, Callable[[Any, Any], Any]] = {
    "inverted_cdf": _inverted,
    "averaged_inverted_cdf": lambda n, q: n * q - 1,
    "closest_observation": _closest,
    "interpolated_inverted_cdf": _continuous(0, 1),
    "hazen": _continuous(0.5, 0.5),
    "weibull": _continuous(0, 0),
    "linear": lambda n, q: (n - 1) * q,
    "median_unbiased": _continuous(1 / 3, 1 / 3),
    "normal_unbiased": _continuous(3 / 8, 3 / 8),
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "midpoint": _middle,
    "nearest": lambda n, q: np.around((n - 1) * q),
}
_AT_ELEMENTS = ("inverted_cdf", "closest_observation", "lower", "higher", "nearest")


def _weight(method: str, place: Any, below: Any) -> Any:
    """How much the element behind the place counts."""
    weight = place - below
    if method == "averaged_inverted_cdf":
        return _choose(weight == 0, 0.5, 1.0)
    if method == "midpoint":
        return _choose(weight == 0, 0.0, 0.5)
    return weight


def _quantiles(
    a: Any, q: Any, axis: Any, method: str, keepdims: Any, who: str, pass_nans: bool
) -> Any:
    if method not in _PLACES:
        raise ValueError(
            f"{who}: {method!r} is not a valid method. Use one of: {', '.join(_PLACES)}"
        )
    rows, kept, restore = _rows(a, axis, who)
    ordered = sorted_along(rows, len(kept))
    computed = pass_nans and rows.value.type.is_float
    find = _computed_place if computed else _known_place
    weights = _weight_dtype(rows, q)
    count = _count(rows) if computed else rows.shape[-1]
    single = not (is_traced(q) or isinstance(q, np.ndarray)) or not np.ndim(q)
    points = [q] if single else [q.reshape(-1)[i] for i in range(q.size)]
    found = [find(ordered, count, point, method, weights) for point in points]
    if single:
        return restore(found[0], keepdims)
    shape = (*np.shape(q), *kept)
    stacked = call(np.stack, found, 0) if found else np.zeros(shape)
    return restore(stacked.reshape(shape), keepdims)


def _known_place(ordered: Any, count: int, q: Any, method: str, dtype: Any) -> Any:
    """One quantile of each row; its place is a number, unless q itself is computed."""
    if is_traced(q):
        places = q + np.zeros(ordered.shape[:-1])
        result = _computed_place(ordered, float(count), places, method, dtype)
    else:
        place = _PLACES[method](count, np.asarray(q))
        below = np.floor(place)
        first, second = (ordered[..., int(np.clip(k, 0, count - 1))] for k in (below, below + 1))
        if method in _AT_ELEMENTS or (method == "linear" and np.asarray(place).dtype.kind == "i"):
            result = first
        else:
            weight = _weight(method, place, below)
            result = _between(first, second, dtype.type(weight), bool(weight >= 0.5))
    return _nan_where_last_is(ordered, result)


def _weight_dtype(rows: Any, q: Any) -> np.dtype[Any]:
    """The dtype to interpolate in: a float, with a Python number as weak as it is for NumPy."""
    kind = kind_of(q) if is_traced(q) or is_number(q) else np.asarray(q).dtype
    return NUMPY_DTYPE[float_dtype(result_dtype([kind_of(rows), kind]))]


def _computed_place(ordered: Any, count: Any, q: Any, method: str, dtype: Any) -> Any:
    place = _PLACES[method](count, q)
    below = np.floor(place)
    first = _taken(ordered, below)
    if method in _AT_ELEMENTS:
        return first
    second, weight = _taken(ordered, below + 1), _weight(method, place, below)
    return _between(first, second, weight.astype(dtype), weight >= 0.5)


def _between(first: Any, second: Any, weight: Any, nearer_second: Any) -> Any:
    """first + weight · (second - first), from the end that is nearer."""
    gap = second - first
    from_first, from_second = first + gap * weight, second - gap * (1 - weight)
    if isinstance(nearer_second, bool):
        return from_second if nearer_second else from_first
    return call(np.where, nearer_second, from_second, from_first)


def _static(q: Any, largest: float, who: str) -> Any:
    """q as an array or number, checked and noted where it is not traced."""
    if is_traced(q):
        return q
    array = np.asanyarray(q)
    if isinstance(q, np.ndarray):
        current_trace().bake(q, array)
    if not ((array >= 0) & (array <= largest)).all():
        raise CastError(f"{who} must be in the range [0, {largest:g}]")
    return q if type(q) in (int, float) else array


def _quantile(a: Any, q: Any, axis: Any, method: str, keepdims: Any, *, nans: bool) -> Any:
    who = "np.nanquantile" if nans else "np.quantile"
    points = _static(q, 1, "Quantiles")
    return _quantiles(a, points, axis, method, keepdims, who, nans)


def _percentile(a: Any, q: Any, axis: Any, method: str, keepdims: Any, *, nans: bool) -> Any:
    who = "np.nanpercentile" if nans else "np.percentile"
    points = _static(q, 100, "Percentiles")
    x: Any = lift(a, who)
    if not is_traced(points):
        hundred = NUMPY_DTYPE[x.value.type.dtype].type(100) if x.value.type.is_float else 100
        share = np.true_divide(points, hundred)
        points = float(share) if type(points) in (int, float) else share
    else:
        points = points / 100
    return _quantiles(x, points, axis, method, keepdims, who, nans)


def _implementation(of: Callable[..., Any], *, nans: bool) -> Callable[..., Any]:
    def points_of(
        a: Any,
        q: Any,
        axis: Any = None,
        out: None = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
    ) -> Any:
        return of(a, q, axis, method, keepdims, nans=nans)

    return points_of


implements(np.quantile)(_implementation(_quantile, nans=False))
implements(np.nanquantile)(_implementation(_quantile, nans=True))
implements(np.percentile)(_implementation(_percentile, nans=False))
implements(np.nanpercentile)(_implementation(_percentile, nans=True))
