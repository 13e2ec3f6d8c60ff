"""Functions without derivatives that NumPy computes at once: sets, counts, bins, bits.

They take Tensors and arrays, and give what they were given. Of arrays that are being traced NumPy's
functions are taken where they can be traced; the others have no values to work with, and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from ..apply.dispatch import is_tensor_like, refusal, traced
from ..apply.operands import as_operand, floating, promoted
from ..core import make
from ..errors import EagerError, UnsupportedDtypeError
from . import linear_algebra

__all__ = [
    "Histogram",
    "bincount",
    "bitwise_left_shift",
    "bitwise_right_shift",
    "bucketize",
    "gcd",
    "histc",
    "histogram",
    "isin",
    "isreal",
    "lcm",
    "matrix_rank",
    "nextafter",
    "searchsorted",
    "unique",
    "unique_consecutive",
    "unravel_index",
]


class Histogram(NamedTuple):
    """Counts, and the edges of their bins."""

    hist: Any
    bin_edges: Any


def of_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """The public form of a function of NumPy arrays that gives arrays."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        if traced(given) is not None:
            name = function.__name__
            if name not in _TRACED:
                raise refusal(f"{name}() in a compiled function", "call it before, on arrays")
            return _TRACED[name](*args, **kwargs)
        result = function(
            *[_plain(x) for x in args], **{word: _plain(x) for word, x in kwargs.items()}
        )
        return _wrapped(result) if any(map(is_tensor_like, given)) else result

    return run


def _plain(x: Any) -> Any:
    return x._data if is_tensor_like(x) else x


def _wrapped(result: Any) -> Any:
    if isinstance(result, tuple):
        parts = [_wrapped(x) for x in result]
        return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    return make(result) if isinstance(result, np.ndarray | np.generic) else result


# --- sets ---


@of_values
def unique(
    x: Any,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements (along `dim`: entries), in order, and on request where each element
    of x went and how often each stands in x. Every nan is one of its own.
    """
    x = np.asarray(x)
    wanted: dict[str, Any] = {"return_inverse": True, "return_counts": True, "axis": dim}
    values, inverse, counts = np.unique(x, equal_nan=False, **wanted)
    inverse = inverse.reshape(x.shape if dim is None else (x.shape[dim],))
    return _chosen(values, inverse, counts, return_inverse, return_counts)


@of_values
def unique_consecutive(
    x: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The first of each run of equal elements (along `dim`: entries); see `unique`."""
    x = np.asarray(x)
    rows = x.reshape(-1, 1) if dim is None else np.moveaxis(x, dim, 0).reshape(x.shape[dim], -1)
    first = np.ones(len(rows), np.bool_)
    first[1:] = (rows[1:] != rows[:-1]).any(1)
    places = np.flatnonzero(first)
    values = x.reshape(-1)[places] if dim is None else np.take(x, places, dim)
    inverse = (np.cumsum(first) - 1).reshape(x.shape if dim is None else (len(rows),))
    counts = np.diff(np.append(places, len(rows)))
    return _chosen(values, inverse, counts, return_inverse, return_counts)


def _chosen(values: Any, inverse: Any, counts: Any, with_inverse: bool, with_counts: bool) -> Any:
    extra = [x.astype(np.int64) for x, on in ((inverse, with_inverse), (counts, with_counts)) if on]
    return (values, *extra) if extra else values


@of_values
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Any:
    """Whether each of `elements` is one of `test_elements`."""
    return np.asarray(np.isin(elements, test_elements, assume_unique, invert))


# --- places in an order ---


@of_values
def searchsorted(
    sorted_sequence: Any,
    values: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> Any:
    """Where in the rows of `sorted_sequence` each of `values` would be put in, to keep the order.

    A sequence with several axes has a row for each row of `values`. Before equal elements, or
    (`right`, side="right") after them.
    """
    if side not in (None, "left", "right") or (side == "left" and right):
        raise EagerError(f"searchsorted: side={side!r} and right={right} contradict each other")
    rows, wanted = np.asarray(sorted_sequence), np.asarray(values)
    where: Any = "right" if right or side == "right" else "left"
    if sorter is not None:
        rows = np.take_along_axis(rows, np.asarray(sorter), -1)
    dtype = np.int32 if out_int32 else np.int64
    if rows.ndim == 1:
        return np.asarray(np.searchsorted(rows, wanted, where), dtype)
    if rows.shape[:-1] != wanted.shape[:-1]:
        raise EagerError(
            "searchsorted: boundaries tensor should be 1 dimension or the first N-1 dimensions of "
            f"boundaries and values must match, got {list(rows.shape)} and {list(wanted.shape)}"
        )
    result = np.empty(wanted.shape, dtype)
    for row in np.ndindex(rows.shape[:-1]):
        result[row] = np.searchsorted(rows[row], wanted[row], where)
    return result


@of_values
def bucketize(x: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """Between which `boundaries` each element of x stands; see `searchsorted`."""
    if np.ndim(boundaries) != 1:
        raise EagerError(
            f"boundaries tensor must be 1 dimension, but got dim({np.ndim(boundaries)})"
        )
    side: Any = "right" if right else "left"
    found = np.searchsorted(np.asarray(boundaries), x, side)
    return np.asarray(found, np.int32 if out_int32 else np.int64)


@of_values
def unravel_index(indices: Any, shape: Sequence[int]) -> tuple[Any, ...]:
    """The coordinates in `shape` of flat positions: one array for each axis."""
    return tuple(np.asarray(x) for x in np.unravel_index(np.asarray(indices), tuple(shape)))


# --- counts ---


@of_values
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each of 0, 1, 2, … stands in the vector x; or the sum of the weights there."""
    x = np.asarray(x)
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x < 0).any():
        raise EagerError("bincount only supports 1-d non-negative integral inputs.")
    counts = np.bincount(x, weights, minlength)
    dtype = np.asarray(weights).dtype
    return counts.astype(dtype) if weights is not None and dtype.kind == "f" else counts


@of_values
def histc(x: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """Counts of the elements in `bins` parts of [min, max], by default of the range of x."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        raise EagerError(f"histc is not implemented for {x.dtype}; cast it first, x.float()")
    counts, _ = np.histogram(x, bins, _range_of(x, min, max))
    return counts.astype(x.dtype)


def _range_of(x: np.ndarray, low: float, high: float) -> tuple[float, float]:
    if low == high and x.size:
        low, high = float(x.min()), float(x.max())
    if not low <= high or not np.isfinite([low, high]).all():
        raise EagerError(f"histc: range of [{low}, {high}] is not finite, or min is above max")
    return (low - 1, high + 1) if low == high else (low, high)


@of_values
def histogram(
    x: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False
) -> Histogram:
    """Counts (or a density) of the elements in `bins`, a number of parts or their edges."""
    x = np.asarray(x)
    hist, edges = np.histogram(x, bins, range, bool(density), weight)
    return Histogram(hist.astype(x.dtype), edges.astype(x.dtype))


# --- integers and bits ---


def _of_two(name: str, function: Any, kinds: str, words: str) -> Callable[..., Any]:
    """The function of two operands of PyTorch's common dtype, whose kind is one of `kinds`."""

    def run(x: Any, y: Any) -> Any:
        first, second = map(np.asarray, promoted(x, y))
        if first.dtype.kind not in kinds:
            what = f"{name} is not implemented for {first.dtype}: it takes {words}"
            raise UnsupportedDtypeError(what)
        return np.asarray(function(first, second))

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"{name}, elementwise."
    return of_values(run)


gcd = _of_two("gcd", np.gcd, "iu", "integers")
lcm = _of_two("lcm", np.lcm, "iu", "integers")
bitwise_left_shift = _of_two("bitwise_left_shift", np.left_shift, "iu", "integers")
bitwise_right_shift = _of_two("bitwise_right_shift", np.right_shift, "iu", "integers")
nextafter = _of_two("nextafter", np.nextafter, "f", "floating point")


@of_values
def isreal(x: Any) -> Any:
    """Whether the imaginary part of each element is 0."""
    return np.asarray(np.isreal(x))


def matrix_rank(
    A: Any,  # noqa: N803
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Any:
    """How many singular values are larger than `tol` (or `atol`) and than rtol · the largest.

    Without either, rtol is the larger extent times the dtype's eps.
    """
    (x,) = floating(A.detach() if is_tensor_like(A) else as_operand(A))
    sizes = np.abs(linear_algebra.eigvalsh(x)) if hermitian else linear_algebra.svdvals(x)
    atol = tol if atol is None else atol
    if rtol is None:
        rtol = max(x.shape[-2:]) * float(np.finfo(x.dtype).eps) if atol is None else 0.0
    found = _rank(_plain(sizes), _plain(0.0 if atol is None else atol), _plain(rtol))
    return make(np.asarray(found)) if is_tensor_like(A) else found


def _rank(sizes: Any, atol: Any, rtol: Any) -> Any:
    largest = sizes.max(-1) if sizes.shape[-1] else np.zeros(sizes.shape[:-1])
    bound = np.maximum(atol, rtol * largest)
    return (sizes > np.expand_dims(bound, -1)).sum(-1)


def _traced_search(
    sorted_sequence: Any, x: Any, *, right: bool = False, side: str | None = None, **_: Any
) -> Any:
    return np.searchsorted(sorted_sequence, x, "right" if right or side == "right" else "left")


def _traced_bucket(x: Any, boundaries: Any, *, right: bool = False, **_: Any) -> Any:
    return np.searchsorted(boundaries, x, "right" if right else "left")


# What is done with arrays that are being traced.
_TRACED: dict[str, Callable[..., Any]] = {
    "bincount": np.bincount,
    "bitwise_left_shift": np.left_shift,
    "bitwise_right_shift": np.right_shift,
    "bucketize": _traced_bucket,
    "isin": np.isin,
    "isreal": np.isreal,
    "searchsorted": _traced_search,
}
