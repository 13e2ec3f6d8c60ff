"""Order: sort, topk, median, extrema with their places; running products."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.functions import order as functions
from ..apply.axes import either, normalise
from ..apply.operands import as_numbers, as_operand, call, call_in_rows, cast, floating
from ..apply.results import ValuesIndices
from ..errors import EagerError

__all__ = [
    "argsort",
    "cummax",
    "cummin",
    "cumprod",
    "kthvalue",
    "logcumsumexp",
    "median",
    "msort",
    "nanmedian",
    "sort",
    "topk",
]


def _rows(x: Any, dim: int) -> tuple[Any, int]:
    """x with at least one axis, and `dim` as one of them."""
    x = as_operand(x)
    return (x, normalise(dim, x.ndim)) if x.ndim else (x.reshape((1,)), normalise(dim, 0))


def _pair(name: str, function: Any, x: Any, **static: Any) -> ValuesIndices:
    return ValuesIndices(*call_in_rows(name, function, x, **static))


@as_numbers
def sort(
    x: Any,
    dim: int = -1,
    descending: bool = False,
    stable: bool | None = None,
    *,
    axis: int | None = None,
) -> ValuesIndices:
    """The elements along `dim` in order, and where they stood. Equal ones keep their order."""
    x = as_operand(x)
    _, at = _rows(x, dim if axis is None else axis)
    title = "SortBackward0" if stable is None else "SortBackward1"
    static: dict[str, Any] = {"axis": at, "descending": bool(descending), "title": title}
    return _pair("sort", functions.sort, x, **static)


@as_numbers
def argsort(
    x: Any, dim: int = -1, descending: bool = False, stable: bool = True, *, axis: int | None = None
) -> Any:
    """Where the elements along `dim` stand that are first, second, … in order."""
    x = as_operand(x)
    _, at = _rows(x, dim if axis is None else axis)
    return call_in_rows("argsort", functions.argsort, x, axis=at, descending=bool(descending))


def msort(x: Any) -> Any:
    """The elements along the first axis in order."""
    return sort(x, 0).values


def topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesIndices:
    """The `k` largest (or smallest) elements along `dim`, in order, and where they stood."""
    x = as_operand(x)
    rows, at = _rows(x, dim)
    if not 0 <= k <= rows.shape[at]:
        raise EagerError(f"topk: selected index k={k} out of range for {rows.shape[at]} elements")
    static: dict[str, Any] = {"axis": at, "count": int(k), "largest": bool(largest)}
    return _pair("topk", functions.top, x, **static)


def kthvalue(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The k-th smallest element along `dim` (the first is 1), and where it stood."""
    x = as_operand(x)
    rows, at = _rows(x, dim)
    if not 1 <= k <= rows.shape[at]:
        raise EagerError(f"kthvalue: selected number k={k} out of range for dimension {dim}")
    keep = bool(keepdim) or not len(x.shape)
    static: dict[str, Any] = {"axis": at, "rank": int(k) - 1, "keep": keep}
    return _pair("kthvalue", functions.ranked, x, **static)


def median(
    x: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Any:
    """The (lower) middle element: of all, or along `dim`, then with where it stood."""
    x = as_operand(x)
    dim = either("median", dim, axis)
    if dim is None:
        return _median_of_all("median", _median_value, x)
    rows, at = _rows(x, dim)
    _not_empty("median", rows, at)
    keep = bool(keepdim or keepdims) or not len(x.shape)
    title = "MedianBackward1"
    return _pair("median", functions.median, x, title=title, axis=at, keep=keep)


def _median_of_all(name: str, function: Any, x: Any) -> Any:
    """The middle element of all; a nan where there is none."""
    flat = x.reshape((-1,))
    if not flat.shape[0]:
        _not_whole(name, x)
        return flat.sum() * float("nan")
    return call(name, function, flat)


def _median_value(b: Any, x: Any) -> Any:
    return functions.median(b, x, axis=0, keep=False)[0]


def _nanmedian_value(b: Any, x: Any) -> Any:
    return functions.nanmedian(b, x, axis=0, keep=False)[0]


def extremum_along(name: str, x: Any, dim: int, keepdim: bool) -> ValuesIndices:
    """`max` and `min` along one axis: elements, and where the first of equals stands."""
    return _extremum_along(x, name, dim, keepdim)  # type: ignore[no-any-return]


@as_numbers
def _extremum_along(x: Any, name: str, dim: int, keepdim: bool) -> ValuesIndices:
    rows, at = _rows(x, dim)
    if not rows.shape[at]:
        raise IndexError(f"{name}(): expected reduction dim {dim} to have non-zero size")
    keep = bool(keepdim) or not len(x.shape)
    return _pair(name, functions.extremum, x, axis=at, keep=keep, op=f"arg{name}")


def _not_empty(name: str, x: Any, axis: int) -> None:
    if not x.shape[axis]:
        raise IndexError(
            f"{name}(): Expected reduction dim {axis} to have non-zero size, not shape "
            f"{list(x.shape)}"
        )


def _not_whole(name: str, x: Any) -> None:
    if np.dtype(x.dtype).kind != "f":
        raise EagerError(f"{name}() of no elements, shape {list(x.shape)}, has no result")


def cumprod(x: Any, dim: int | None = None, *, dtype: Any = None, axis: int | None = None) -> Any:
    """Running products along `dim`; of elements cast to `dtype`."""
    x = as_operand(x) if dtype is None else cast(x, dtype)
    x = x if dtype is not None or np.dtype(x.dtype).kind == "f" else cast(x, np.int64)
    _, at = _rows(x, either("cumprod", dim, axis))
    return call_in_rows("cumprod", functions.cumprod, x, axis=at)


def logcumsumexp(x: Any, dim: int) -> Any:
    """log of the running sums of e^x along `dim`."""
    (x,) = floating(as_operand(x))
    _, at = _rows(x, dim)
    return call_in_rows("logcumsumexp", functions.logcumsumexp, x, axis=at)


def cummax(x: Any, dim: int) -> ValuesIndices:
    """The largest element so far along `dim`, and where the last of equals stands."""
    return _running("cummax", x, dim, largest=True)


def cummin(x: Any, dim: int) -> ValuesIndices:
    """The smallest element so far along `dim`, and where the last of equals stands."""
    return _running("cummin", x, dim, largest=False)


def _running(name: str, x: Any, dim: int, *, largest: bool) -> ValuesIndices:
    x = as_operand(x)
    _, at = _rows(x, dim)
    return _pair(name, functions.running_extremum, x, axis=at, largest=largest)


def nanmedian(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The (lower) middle one of the elements that are no nan; along `dim` with where it stood."""
    x = as_operand(x)
    if dim is None:
        return _median_of_all("nanmedian", _nanmedian_value, x)
    rows, at = _rows(x, dim)
    _not_empty("nanmedian", rows, at)
    keep = bool(keepdim) or not len(x.shape)
    title = "NanmedianBackward1"
    return _pair("nanmedian", functions.nanmedian, x, title=title, axis=at, keep=keep)
