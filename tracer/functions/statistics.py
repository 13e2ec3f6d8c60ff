"""Statistics: covariances, histograms, and the functions that pass nans over."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...ir.errors import ShapeError
from ...ir.functions import search
from ..errors import CastError, TraceError
from ..operands import builder, float_dtype, lift, materialise, same_dtype, wrap
from ..promotion import normalise_axes, normalise_axis, shape_text
from ..registry import UNSET, call, implements
from ..trace import current_trace, is_traced
from .ufuncs import call_ufunc

# --- averages ---


@implements(np.average)
def _average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = False,
) -> Any:
    x: Any = lift(a, "np.average")
    if weights is None:
        mean: Any = call(np.mean, x, axis, keepdims=keepdims)
        axes = normalise_axes(axis, x.ndim, "np.average")
        return (mean, np.full_like(mean, math.prod(x.shape[i] for i in axes))) if returned else mean
    w = _weights(x, axis, lift(weights, "np.average"))
    weighted = call(np.sum, x * w, axis, keepdims=keepdims)
    total = call(np.sum, w * np.ones_like(x), axis, keepdims=keepdims)
    mean = weighted / total
    return (mean, total) if returned else mean


def _weights(x: Any, axis: Any, w: Any) -> Any:
    """The weights in a shape that broadcasts with x."""
    if w.shape == x.shape:
        return w
    if axis is None:
        raise TraceError(
            "np.average: Axis must be specified when shapes of a and weights differ.",
        )
    given = axis if isinstance(axis, tuple | list) else (axis,)
    axes = [normalise_axis(each, x.ndim, "np.average") for each in given]
    if w.shape != tuple(x.shape[i] for i in axes):
        raise ShapeError(
            f"np.average: weights of shape {shape_text(w.shape)} do not fit an array of shape "
            f"{shape_text(x.shape)} along axis {axis}"
        )
    order = sorted(range(len(axes)), key=lambda i: axes[i])
    full = tuple(n if i in axes else 1 for i, n in enumerate(x.shape))
    return call(np.transpose, w, order).reshape(full)


# --- covariances ---


@implements(np.cov)
def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    x = _observations(m, y, rowvar, dtype)
    freedom = (0 if bias else 1) if ddof is None else ddof
    weights = _observation_weights(fweights, aweights)
    if weights is None:
        mean = call(np.mean, x, 1, keepdims=True)
        return _second_moments(x - mean, x - mean, max(x.shape[1] - freedom, 0))
    total = weights.sum()
    factor = total
    if freedom and aweights is None:
        factor = total - freedom
    elif freedom:
        factor = total - freedom * (weights * lift(aweights, "np.cov")).sum() / total
    centred = x - (x * weights).sum(1, keepdims=True) / total
    return _second_moments(centred, centred * weights, factor)


def _observations(m: Any, y: Any, rowvar: bool, dtype: Any) -> Any:
    """Variables in rows, observations in columns."""
    rows = [_rows(each, rowvar) for each in (m, y) if each is not None]
    x = rows[0] if len(rows) == 1 else call(np.concatenate, rows, 0)
    return x.astype(np.float64 if dtype is None else dtype)


def _rows(x: Any, rowvar: bool) -> Any:
    array: Any = lift(x, "np.cov")
    if array.ndim > 2:
        raise ShapeError("np.cov: m has more than 2 dimensions")
    if array.ndim < 2:
        return array.reshape(1, -1)
    return array if rowvar or array.shape[0] == 1 else array.T


def _observation_weights(fweights: Any, aweights: Any) -> Any:
    given = [lift(w, "np.cov") for w in (fweights, aweights) if w is not None]
    if not given:
        return None
    return given[0] if len(given) == 1 else given[0] * given[1]


def _second_moments(x: Any, weighted: Any, factor: Any) -> Any:
    return call(np.squeeze, (x @ weighted.T) / factor)


@implements(np.corrcoef)
def _corrcoef(
    x: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: Any = UNSET,
    ddof: Any = UNSET,
    *,
    dtype: Any = None,
) -> Any:
    covariance = _cov(x, y, rowvar, dtype=dtype)
    if covariance.ndim == 0:
        return covariance / covariance
    deviation = call_ufunc(np.sqrt, (call(np.diagonal, covariance),))
    return call(np.clip, covariance / deviation[:, None] / deviation[None, :], -1, 1)


# --- bins: positions and counts have no derivative, weights have ---


def _places(points: Any, edges: Any, *, right: bool) -> Any:
    """How many edges are less than each point (`right`: or equal)."""
    values = same_dtype((edges, points), "np.digitize")
    values = [builder().cast(v, float_dtype(v.type.dtype)) for v in values]
    return wrap(search.bisect(builder(), *values, right=right))


@implements(np.digitize)
def _digitize(x: Any, bins: Any, right: bool = False) -> Any:
    if is_traced(bins):
        raise TraceError(
            "np.digitize: whether traced bins rise or fall is not known while tracing",
            hint="np.searchsorted(bins, x), for bins that rise",
        )
    edges = np.asarray(bins)
    current_trace().bake(bins, edges)
    if edges.ndim != 1 or not (_rises(edges) or _rises(edges[::-1])):
        raise CastError("bins must be monotonically increasing or decreasing")
    if _rises(edges):
        return _places(x, edges, right=not right)
    return len(edges) - _places(x, edges[::-1].copy(), right=not right)


def _rises(edges: np.ndarray[Any, Any]) -> bool:
    return bool(np.all(edges[1:] >= edges[:-1]))


@implements(np.histogram_bin_edges)
def _histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    if isinstance(bins, str):
        raise TraceError(
            f"np.histogram_bin_edges: how many bins {bins!r} makes depends on values, which are "
            "not known while tracing",
            hint="a number of bins, or their edges",
        )
    if np.ndim(bins):
        return lift(bins, "np.histogram")
    x: Any = lift(a, "np.histogram").reshape(-1)
    low, high = range if range is not None else (call(np.min, x), call(np.max, x))
    if range is None:  # a single point gets a bin of width 1
        flat = low == high
        low, high = call(np.where, flat, low - 0.5, low), call(np.where, flat, high + 0.5, high)
    return call(np.linspace, lift(low) * 1.0, lift(high) * 1.0, int(bins) + 1)


@implements(np.histogram)
def _histogram(
    a: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> Any:
    edges: Any = _histogram_bin_edges(a, bins, range)
    x: Any = lift(a, "np.histogram").reshape(-1)
    count = edges.shape[0] - 1
    w = np.ones(x.shape, np.int64) if weights is None else weights
    counts = _binned([x], [edges], lift(w, "np.histogram").reshape(-1), [count])
    if density:
        widths = call(np.diff, edges)
        counts = counts / widths / counts.sum()
    return counts, edges


def _binned(points: list[Any], edges: list[Any], weights: Any, counts: list[int]) -> Any:
    """The sum of the weights in each bin; the last bin of an axis has its right edge as well."""
    b = builder()
    place: Any = 0
    inside: Any = True
    for x, edge, count in zip(points, edges, counts, strict=True):
        bin = _places(x, edge, right=True) - 1
        bin = call(np.where, x == edge[-1], count - 1, bin)
        inside = (bin >= 0) & (bin < count) & inside
        place = place * count + bin
    total = math.prod(counts)
    place = call(np.where, inside, place, total)  # what is in no bin goes behind the last one
    flat = b("scatter_add", place.value, weights.value, axis=0, size=total + 1)
    return wrap(flat)[:-1].reshape(tuple(counts))


@implements(np.histogram2d)
def _histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,
    density: bool | None = None,
    weights: Any = None,
) -> Any:
    sample = [lift(x, "np.histogram2d"), lift(y, "np.histogram2d")]
    listed = isinstance(bins, list | tuple) and len(bins) == 2
    if not listed and np.ndim(bins) == 1:
        bins = [bins, bins]
    counts, edges = _histogram_of_columns(sample, bins, range, density, weights)
    return counts, *edges


@implements(np.histogramdd)
def _histogramdd(
    sample: Any,
    bins: Any = 10,
    range: Any = None,
    density: bool | None = None,
    weights: Any = None,
) -> Any:
    if isinstance(sample, list | tuple):
        columns: list[Any] = [lift(x, "np.histogramdd") for x in sample]
    else:
        columns = list(lift(sample, "np.histogramdd").T)
    return _histogram_of_columns(columns, bins, range, density, weights)


def _histogram_of_columns(
    columns: list[Any], bins: Any, range: Any, density: bool | None, weights: Any
) -> tuple[Any, Any]:
    each = bins if isinstance(bins, list | tuple) else [bins] * len(columns)
    ranges = range if range is not None else [None] * len(columns)
    parts = zip(columns, each, ranges, strict=True)
    edges = [_histogram_bin_edges(x, n, limits) for x, n, limits in parts]
    counts = [edge.shape[0] - 1 for edge in edges]
    w = np.ones(columns[0].shape) if weights is None else weights
    found = _binned(columns, edges, lift(w, "np.histogram").astype(np.float64), counts)
    if density:
        total = found.sum()
        for axis, edge in enumerate(edges):
            shape = tuple(-1 if i == axis else 1 for i, _ in enumerate(counts))
            found = found / call(np.diff, edge).reshape(shape)
        found = found / total
    return found, edges


@implements(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """The size of the result depends on values: a traced x makes it a condition of the path."""
    if is_traced(x):
        places, size = _asked_places(x, minlength)
    else:
        places, size = _known_places(x, minlength)
    w = np.ones(places.shape, np.int64) if weights is None else weights
    w = lift(w, "np.bincount")
    if places.shape != w.shape:
        raise CastError("The weights and list don't have the same length.")
    values = w.value if weights is None else materialise(w, "f64", w.shape)
    return wrap(builder()("scatter_add", places.value, values, axis=0, size=size))


def _known_places(x: Any, minlength: int) -> tuple[Any, int]:
    places = np.asarray(x)
    _check_places(places)
    current_trace().bake(x, places)
    if places.min(initial=0) < 0:
        raise CastError("'list' argument must have no negative elements")
    size = max(int(places.max(initial=-1)) + 1, minlength)
    return current_trace().constant_array(places.astype(np.int64)), size


def _asked_places(x: Any, minlength: int) -> tuple[Any, int]:
    _check_places(x)
    if x.size and (x < 0).any():
        raise CastError("'list' argument must have no negative elements")
    if not x.size or (minlength and (x < minlength).all()):
        return x.astype(np.int64), minlength
    return x.astype(np.int64), int(x.max()) + 1


def _check_places(x: Any) -> None:
    if x.ndim != 1:
        raise CastError("object of too small depth for desired array")
    if x.size and x.dtype.kind not in "iub":
        raise TraceError(
            f"np.bincount takes integers, not {x.dtype}", hint="x.astype(int), or np.histogram"
        )


# --- membership ---


@implements(np.isin)
def _isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: str | None = None,
) -> Any:
    x: Any = lift(element, "np.isin")
    wanted: Any = lift(test_elements, "np.isin").reshape(-1)
    found = call(np.any, x.reshape(*x.shape, 1) == wanted, -1)
    return ~found if invert else found


@implements(getattr(np, "in1d", None))
def _in1d(ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    return _isin(lift(ar1, "np.in1d").reshape(-1), ar2, invert=invert)


@implements(np.array_equiv)
def _array_equiv(a1: Any, a2: Any) -> Any:
    x, y = lift(a1, "np.array_equiv"), lift(a2, "np.array_equiv")
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return False
    return call(np.all, x == y)
