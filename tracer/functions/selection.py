"""Elements picked, moved and surrounded: triangles, diagonals, np.take, np.pad, differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.errors import ShapeError
from ...ir.graph import Value
from ..errors import UnsupportedError
from ..indexing import Positions, any_positions, counting, gather_many
from ..operands import builder, lift, materialise, wrap, wrap_view
from ..promotion import broadcast_shapes, normalise_axis
from ..registry import UNSET, dispatch, implements

if TYPE_CHECKING:
    from ..array import TracedArray


# --- triangles and diagonals ---


def _triangle(m: Any, k: int, predicate: str, who: str) -> TracedArray:
    x = lift(m, who)
    if x.ndim == 1:
        x = dispatch(np.broadcast_to, (x, (x.shape[0], x.shape[0])), {})
    b = builder()
    rows, columns = counting(x.shape, x.ndim - 2), counting(x.shape, x.ndim - 1)
    kept = b.compare(predicate, columns, b.add(rows, b.full_like(rows, k)))
    return wrap(b.select(kept, x.value, b.zeros_like(x.value)))


@implements(np.tril)
def _tril(m: Any, k: int = 0) -> TracedArray:
    return _triangle(m, k, "le", "np.tril")


@implements(np.triu)
def _triu(m: Any, k: int = 0) -> TracedArray:
    return _triangle(m, k, "ge", "np.triu")


@implements(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> TracedArray:
    x = lift(a, "np.diagonal")
    if x.ndim < 2:
        raise ShapeError("np.diagonal: diag requires an array of at least two dimensions")
    moved: Any = dispatch(np.moveaxis, (x, (axis1, axis2), (-2, -1)), {})
    square = moved[..., max(-offset, 0) :, max(offset, 0) :]
    rows, columns = square.shape[-2:]
    count = min(rows, columns)
    flat = square[..., :count, :].reshape(*square.shape[:-2], count * columns)
    return wrap_view(flat[..., :: columns + 1][..., :count].value, x, shared=True)


@implements(np.trace)
def _trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None
) -> TracedArray:
    return _diagonal(a, offset, axis1, axis2).sum(axis=-1, dtype=dtype)  # type: ignore[no-any-return]


@implements(np.diag)
def _diag(v: Any, k: int = 0) -> TracedArray:
    x = lift(v, "np.diag")
    if x.ndim == 2:
        return _diagonal(x, k)
    if x.ndim != 1:
        raise ShapeError("np.diag: Input must be 1- or 2-d.")
    return _diagonal_matrix(x, k)


def _diagonal_matrix(x: TracedArray, k: int) -> TracedArray:
    """The flat matrix has the elements one row and one column apart: zeros are put in between."""
    count = x.shape[0]
    size = count + abs(k)
    first = k if k > 0 else -k * size
    span = count + max(count - 1, 0) * size
    b = builder()
    flat = b("pad", x.value, low=(first,), high=(size * size - first - span,), interior=(size,))
    return wrap(b.reshape(flat, (size, size)))


@implements(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> TracedArray:
    return _diagonal_matrix(lift(v, "np.diagflat").reshape(-1), k)


# --- picking ---


@implements(np.take)
def _take(a: Any, indices: Any, axis: Any = None, *, mode: str = "raise") -> TracedArray:
    x = lift(a, "np.take")
    if axis is None:
        x, axis = x.reshape(-1), 0
    at = normalise_axis(axis, x.ndim, "np.take")
    extent = x.shape[at]
    if mode not in ("raise", "wrap", "clip"):
        raise UnsupportedError(f"np.take with mode={mode!r} is not supported while tracing")
    found = (
        any_positions(indices, extent, at)
        if mode == "raise"
        else _brought_in(indices, extent, mode)
    )
    return wrap(gather_many(x.value, [at], [found]))


def _brought_in(indices: Any, extent: int, mode: str) -> Positions:
    """Positions that are out of range, brought into it."""
    index: Any = lift(indices, "np.take")
    inside = index % extent if mode == "wrap" else dispatch(np.clip, (index, 0, extent - 1), {})
    return Positions(materialise(inside, "i64", inside.shape), extent, in_range=True)


@implements(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> TracedArray:
    x = lift(arr, "np.take_along_axis")
    index = lift(indices, "np.take_along_axis")
    if axis is None:
        x, axis = x.reshape(-1), 0
    at = normalise_axis(axis, x.ndim, "np.take_along_axis")
    if index.ndim != x.ndim:
        raise ShapeError(
            "np.take_along_axis: `indices` and `arr` must have the same number of dimensions"
        )
    wanted = any_positions(indices, x.shape[at], at)
    along = [1 if i == at else n for i, n in enumerate(x.shape)]
    shape = broadcast_shapes("np.take_along_axis", [index.shape, tuple(along)])
    others = [
        Positions(counting(shape, i), x.shape[i], in_range=True) if i != at else wanted
        for i in range(x.ndim)
    ]
    return wrap(gather_many(_repeated_to(x, shape, at), list(range(x.ndim)), others))


def _repeated_to(x: TracedArray, shape: Sequence[int], axis: int) -> Value:
    """x broadcast along every axis but `axis`."""
    full = tuple(x.shape[i] if i == axis else n for i, n in enumerate(shape))
    return builder().broadcast(x.value, full)  # type: ignore[no-any-return]


# --- around the edges ---


@implements(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, *, prepend: Any = UNSET, append: Any = UNSET) -> Any:
    x: Any = lift(a, "np.diff")
    at = normalise_axis(axis, x.ndim, "np.diff")
    parts = [*_ends(prepend, x, at), x, *_ends(append, x, at)]
    x = dispatch(np.concatenate, (parts, at), {})
    before = (slice(None),) * at
    for _ in range(n):
        later, earlier = x[(*before, slice(1, None))], x[(*before, slice(None, -1))]
        x = later != earlier if x.dtype == np.bool_ else later - earlier
    return x


def _ends(end: Any, x: TracedArray, axis: int) -> list[Any]:
    if end is UNSET:
        return []
    part = lift(end, "np.diff")
    if part.ndim == 0:
        shape = tuple(1 if i == axis else n for i, n in enumerate(x.shape))
        part = dispatch(np.broadcast_to, (part, shape), {})
    return [part]


@implements(np.trapezoid, getattr(np, "trapz", None))
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    values: Any = lift(y, "np.trapezoid")
    at = normalise_axis(axis, values.ndim, "np.trapezoid")
    before = (slice(None),) * at
    step: Any = dx
    if x is not None:
        points: Any = lift(x, "np.trapezoid")
        step = _diff(points, axis=0 if points.ndim == 1 else at)
        if points.ndim == 1:
            step = step.reshape((-1,) + (1,) * (values.ndim - at - 1))
    heights = values[(*before, slice(1, None))] + values[(*before, slice(None, -1))]
    return (step * heights / 2.0).sum(axis=at)
