"""A tensor with some of its elements replaced or reduced into: what scatters beside `gathering`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....ir.functions import order, segment
from ..apply.axes import axis_of, normalise
from ..apply.dispatch import traced
from ..apply.operands import as_numbers, as_operand, call, shape_of, tensor_of
from ..errors import EagerError
from .assigning import setitem
from .gathering import _in_range, _in_shape, _positions
from .indexing import parts_of

__all__ = [
    "diagonal_scatter",
    "index_put",
    "index_reduce",
    "put",
    "scatter_reduce",
    "select_scatter",
    "slice_scatter",
]


# --- reductions by place ---


@as_numbers
def scatter_reduce(
    x: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """x with elements of `src` reduced into where `gather` with `index` would read.

    `reduce` is "sum", "prod", "mean", "amax" or "amin"; equal extrema share the gradient evenly.
    """
    x, index = as_operand(x), _positions("scatter", index)
    _check("scatter", x, src, reduce, segment.REDUCTIONS)
    shape = shape_of(x)
    static: dict[str, Any] = {"axis": normalise(dim, len(shape)), "reduce": reduce}
    static |= {"include_self": bool(include_self), "of": segment.scatter_reduce, "shape": shape}
    return _in_range("scatter_reduce", _in_shape, x, index, src, **static)


def index_reduce(
    x: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """x with the entries of `source` reduced into those along `dim` that `index` names."""
    x, index = as_operand(x), _positions("index_reduce", index)
    _check("index_reduce", x, source, reduce, segment.REDUCTIONS[1:])
    static: dict[str, Any] = {"axis": normalise(dim, len(shape_of(x))), "reduce": reduce}
    static |= {"include_self": bool(include_self), "of": segment.index_reduce}
    static["shape"] = shape_of(x)
    return _in_range("index_reduce", _in_shape, x, index, source, **static)


def _check(name: str, x: Any, src: Any, reduce: str, allowed: tuple[str, ...]) -> None:
    if reduce not in allowed:
        raise EagerError(f"{name}: reduce argument must be one of {', '.join(allowed)}: {reduce!r}")
    if np.dtype(src.dtype) != np.dtype(x.dtype):
        raise EagerError(f"{name}(): Expected self.dtype to be equal to src.dtype")


# --- by index tensors ---


def index_put(x: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Any:
    """x with `values`, which broadcast, at x[indices], or (`accumulate`) added there."""
    if traced((x, values, *indices)) is not None:
        result = as_operand(x) + 0
        if accumulate:
            np.add.at(result, tuple(indices), values)
        else:
            result[tuple(indices)] = values
        return result
    x, key = tensor_of(x), tuple(indices)
    if not accumulate:
        result = x.clone()
        setitem(result, key, values)
        return result
    places = np.arange(x.numel()).reshape(x.shape)[tuple(parts_of(key, x))]
    values = tensor_of(values)
    values = values.expand(places.shape) if values.shape != places.shape else values
    return _accumulated(x, places.reshape(-1), values)


@as_numbers
def _accumulated(x: Any, places: Any, values: Any) -> Any:
    title = "IndexPutBackward0"
    return call("index_put", _put, x, places, values, title=title, accumulate=True)


@as_numbers
def put(x: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """x with `source` at flat positions, or (`accumulate`) added there."""
    x, index = as_operand(x), _positions("put_", index)
    if np.prod(shape_of(index)) != np.prod(shape_of(source)):
        raise EagerError("put_(): Expected source and index to have the same number of elements")
    return call("put", _put, x, index, source, accumulate=bool(accumulate))


def _put(b: Any, x: Any, places: Any, values: Any, *, accumulate: bool) -> Any:
    type = b.type_of(x)
    flat, places = b.reshape(x, (type.size,)), b.reshape(places, (b.type_of(places).size,))
    places = b.select(
        b.compare("lt", places, b.zeros_like(places)),
        b.add(places, b.full_like(places, type.size)),
        places,
    )
    values = b.reshape(values, b.type_of(places).shape)
    if accumulate:
        new = order.index_add(b, flat, places, values, axis=0, alpha=1)
    else:
        new = order.index_copy(b, flat, places, values, axis=0)
    return b.reshape(new, type.shape)


# --- by slices ---


def select_scatter(x: Any, src: Any, dim: int, index: int) -> Any:
    """x with `src` in place of the entry `index` along `dim`."""
    at = axis_of(x, dim)
    extent = x.shape[at]
    if not -extent <= index < extent:
        raise IndexError(f"select(): index {index} out of range for size {extent} at dim {dim}")
    if shape_of(src) != (*x.shape[:at], *x.shape[at + 1 :]):
        raise EagerError("expected src to have a size equal to the slice of self")
    first = index % extent
    static: dict[str, Any] = {"axis": at, "start": first, "stop": first + 1, "step": 1}
    return call("select_scatter", _with_slice, x, src, **static)


def slice_scatter(
    x: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    """x with `src` in place of the slice start:end:step along `dim`."""
    at = axis_of(x, dim)
    first, last, by = slice(start, end, step).indices(x.shape[at])
    count = len(range(first, last, by))
    if shape_of(src) != (*x.shape[:at], count, *x.shape[at + 1 :]):
        raise EagerError("expected src to have a size equal to the slice of self")
    static: dict[str, Any] = {"axis": at, "start": first, "stop": max(first, last), "step": by}
    return call("slice_scatter", _with_slice, x, src, **static)


def _with_slice(b: Any, x: Any, src: Any, *, axis: int, start: int, stop: int, step: int) -> Any:
    shape = b.type_of(x).shape
    count = len(range(start, stop, step))
    if not count:
        return b("select", b.constant(True, b.type_of(x).with_dtype("bool")), x, x)
    src = b.reshape(src, (*shape[:axis], count, *shape[axis + 1 :]))
    low = tuple(start if i == axis else 0 for i in range(len(shape)))
    after = shape[axis] - start - ((count - 1) * step + 1)
    high = tuple(after if i == axis else 0 for i in range(len(shape)))
    interior = tuple(step - 1 if i == axis else 0 for i in range(len(shape)))
    spread = b("pad", src, low=low, high=high, interior=interior)
    place = b("iota", dtype="i64", shape=shape, axis=axis)
    rest = b("remainder", b.sub(place, b.full_like(place, start)), b.full_like(place, step))
    last = start + (count - 1) * step
    inside = b("logical_and", _at_least(b, place, start), _at_least(b, b.neg(place), -last))
    on = b("logical_and", inside, b.compare("eq", rest, b.zeros_like(rest)))
    return b.select(on, spread, x)


def _at_least(b: Any, x: Any, bound: int) -> Any:
    return b.compare("ge", x, b.full_like(x, bound))


def diagonal_scatter(x: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """x with `src` in place of the diagonal of the plane of two axes."""
    first, second = axis_of(x, dim1), axis_of(x, dim2)
    static: dict[str, Any] = {"first": first, "second": second, "offset": int(offset)}
    rest = [n for i, n in enumerate(x.shape) if i not in (first, second)]
    size = min(x.shape[first] + min(offset, 0), x.shape[second] - max(offset, 0))
    if shape_of(src) != (*rest, max(size, 0)):
        raise EagerError("expected src to have a size equal to the diagonal of self")
    return call("diagonal_scatter", _with_diagonal, x, src, **static)


def _with_diagonal(b: Any, x: Any, src: Any, *, first: int, second: int, offset: int) -> Any:
    shape = b.type_of(x).shape
    lead, size = len(shape) - 2, b.type_of(src).shape[-1]
    if not b.type_of(src).size:
        return b("select", b.constant(True, b.type_of(x).with_dtype("bool")), x, x)
    low = max(offset, 0)
    columns = b(
        "pad",
        src,
        low=(*[0] * lead, low),
        high=(*[0] * lead, shape[second] - low - size),
        interior=(0,) * (lead + 1),
    )
    rest = tuple(i for i in range(len(shape)) if i not in (first, second))
    order_ = (*rest, first, second)
    wide = b.expand(columns, (lead,), tuple(shape[i] for i in order_))
    spread = b.transpose(wide, tuple(order_.index(i) for i in range(len(shape))))
    row, column = (b("iota", dtype="i64", shape=shape, axis=i) for i in (first, second))
    on = b.compare("eq", b.add(row, b.full_like(row, offset)), column)
    return b.select(on, spread, x)
