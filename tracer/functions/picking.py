"""Elements chosen, inserted and repeated, by positions or conditions that are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ir.errors import ShapeError
from ..errors import BoundsError, CastError, UnsupportedError
from ..indexing import fixed_positions, gather_many
from ..operands import builder, lift, materialise, wrap
from ..promotion import normalise_axis, static_shape
from ..registry import call, implements
from ..values import known_integers, known_mask


def _taken(x: Any, positions: np.ndarray[Any, Any], axis: int) -> Any:
    found = fixed_positions(positions, x.shape[axis])
    return wrap(gather_many(x.value, [axis], [found]))


# --- by conditions ---


@implements(np.nonzero)
def _nonzero(a: Any) -> tuple[Any, ...]:
    """Where a traced array is not zero is asked for: the positions hold on this path."""
    x: Any = lift(a, "np.nonzero")
    if not x.ndim:
        raise CastError("Calling nonzero on 0d arrays is not allowed.")
    return np.nonzero(known_mask(x, "np.nonzero"))


@implements(np.flatnonzero)
def _flatnonzero(a: Any) -> Any:
    return _nonzero(lift(a, "np.flatnonzero").reshape(-1))[0]


@implements(np.argwhere)
def _argwhere(a: Any) -> Any:
    return np.argwhere(known_mask(lift(a, "np.argwhere"), "np.argwhere"))


@implements(np.trim_zeros)
def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    x: Any = lift(filt, "np.trim_zeros")
    if x.ndim != 1:
        raise UnsupportedError("np.trim_zeros of several axes is not supported while tracing")
    places = np.nonzero(known_mask(x, "np.trim_zeros"))[0]
    if not places.size:
        return x[:0]
    sides = trim.lower()
    first = places[0] if "f" in sides else 0
    return x[int(first) : int(places[-1]) + 1 if "b" in sides else None]


@implements(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """The sorted elements, of which those that differ from the one before are asked for."""
    x: Any = lift(ar, "np.unique")
    if axis is not None:
        raise UnsupportedError("np.unique with axis= is not supported while tracing")
    flat = x.reshape(-1)
    order = call(np.argsort, flat, kind="stable")
    ascending = flat[order]
    differs = ascending[1:] != ascending[:-1]
    if equal_nan and x.value.type.is_float:  # nans stand last
        differs = differs & (ascending[:-1] == ascending[:-1])
    first = np.concatenate([np.ones(min(flat.shape[0], 1), bool), known_mask(differs, "np.unique")])
    starts = np.nonzero(first)[0]
    found = [_taken(ascending, starts, 0)]
    if return_index:
        found.append(order[starts])
    if return_inverse:
        ranks = np.cumsum(first) - 1
        back = call(np.argsort, order, kind="stable")
        found.append(lift(ranks)[back].reshape(x.shape))
    if return_counts:
        found.append(np.diff(np.append(starts, flat.shape[0])))
    return found[0] if len(found) == 1 else tuple(found)


@implements(np.compress)
def _compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    x: Any = lift(a, "np.compress")
    if axis is None:
        x, axis = x.reshape(-1), 0
    at = normalise_axis(axis, x.ndim, "np.compress")
    kept = np.nonzero(known_mask(condition, "np.compress"))[0]
    if kept.size and kept.max() >= x.shape[at]:
        raise BoundsError(f"index {kept.max()} is out of bounds for size {x.shape[at]}")
    return _taken(x, kept, at)


@implements(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    mask = known_mask(condition, "np.extract").ravel()
    return _taken(lift(arr, "np.extract").reshape(-1), np.nonzero(mask)[0], 0)


@implements(np.choose)
def _choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """With mode="raise" a number that is out of range raises IndexError when the function runs."""
    index: Any = lift(a, "np.choose")
    options = list(choices)
    count = len(options)
    if mode == "wrap":
        index = index % count
    elif mode == "clip":
        index = call(np.clip, index, 0, count - 1)
    elif mode != "raise":
        raise CastError(f"np.choose: mode={mode!r} is none of 'raise', 'wrap' and 'clip'")
    arrays = call(np.broadcast_arrays, index, *options)
    stacked = call(np.stack, arrays[1:])
    if mode == "raise":  # counted from the back, a position is out of range here
        index = call(np.where, index < 0, count, index)
    place = call(np.broadcast_to, index, stacked.shape[1:])
    return call(np.take_along_axis, stacked, place[None], 0)[0]


@implements(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """Each function gets x where its condition holds, and elsewhere an element for which it does.

    So it sees nothing that NumPy would not show to it, and no nan of another piece gets into the
    derivative.
    """
    points: Any = lift(x, "np.piecewise")
    conditions = _conditions(condlist, points)
    pieces = list(funclist)
    if len(pieces) == len(conditions) + 1:
        conditions.append(~_any_of(conditions))
    if len(pieces) != len(conditions):
        raise CastError(
            f"with {len(conditions)} condition(s), either {len(conditions)} or "
            f"{len(conditions) + 1} functions are expected"
        )
    result: Any = call(np.zeros_like, points)
    for condition, piece in zip(conditions, pieces, strict=True):
        value = piece
        if callable(piece):
            value = piece(_shown(points, condition), *args, **kw)
        value = lift(value, "np.piecewise").astype(points.dtype)
        result = call(np.where, condition, value, result)
    return result


def _conditions(condlist: Any, x: Any) -> list[Any]:
    many = np.ndim(condlist) > 0 if not isinstance(condlist, list | tuple) else True
    many = many and (isinstance(condlist[0], list) or np.ndim(condlist[0]) > 0 or x.ndim == 0)
    given = list(condlist) if many else [condlist]
    return [_mask(lift(c), x) for c in given]


def _mask(condition: Any, x: Any) -> Any:
    """A condition that has fewer axes than x goes with the first ones, as an index does."""
    have = condition.shape
    if have and have != x.shape[: len(have)]:
        raise BoundsError(
            f"np.piecewise: a condition of shape {list(have)} does not index an array of shape "
            f"{list(x.shape)}"
        )
    wide = condition.reshape(have + (1,) * (x.ndim - len(have)))
    return wrap(materialise(wide, "bool", x.shape))


def _any_of(conditions: list[Any]) -> Any:
    total = conditions[0]
    for condition in conditions[1:]:
        total = total | condition
    return total


def _shown(x: Any, condition: Any) -> Any:
    """x where the condition holds, and elsewhere its first element of that kind, as a constant."""
    if not x.ndim:
        return x
    first = call(np.argmax, condition.reshape(-1))
    example = x.reshape(-1)[first]
    if x.value.type.is_float:
        example = wrap(builder()("stop_gradient", example.value))
    return call(np.where, condition, x, example)


# --- inserted and repeated ---


@implements(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    x: Any = lift(arr, "np.insert")
    if axis is None:
        x, axis = x.reshape(-1), 0
    at = normalise_axis(axis, x.ndim, "np.insert")
    extent = x.shape[at]
    single = isinstance(obj, int | np.integer)
    if isinstance(obj, slice):
        obj = list(range(extent))[obj]
    places: Any = int(obj) if single else known_integers(obj, "np.insert")
    new: Any = lift(values, "np.insert").astype(x.dtype)
    if single:
        new = new.reshape((1,) * (x.ndim - new.ndim) + new.shape)
        new = call(np.moveaxis, new, 0, at)
    count = new.shape[at] if single else len(places)
    wanted = (*x.shape[:at], count, *x.shape[at + 1 :])
    new = call(np.broadcast_to, new, wanted)
    added = extent + np.arange(count)
    source = np.insert(np.arange(extent), places, added)
    return _taken(call(np.concatenate, [x, new], at), source, at)


@implements(np.resize)
def _resize(a: Any, new_shape: Any) -> Any:
    x: Any = lift(a, "np.resize").reshape(-1)
    shape = static_shape(new_shape)
    if any(n < 0 for n in shape):
        raise CastError("all elements of `new_shape` must be non-negative")
    if not x.size:
        return call(np.zeros_like, x, shape=shape)
    return _taken(x, np.arange(math.prod(shape)) % x.size, 0).reshape(shape)


@implements(np.dsplit)
def _dsplit(ary: Any, indices_or_sections: Any) -> Any:
    x = lift(ary, "np.dsplit")
    if x.ndim < 3:
        raise ShapeError("dsplit only works on arrays of 3 or more dimensions")
    return call(np.split, x, indices_or_sections, 2)


# --- positions ---


@implements(np.ix_)
def _ix(*args: Any) -> tuple[Any, ...]:
    count = len(args)
    found = []
    for i, each in enumerate(args):
        x: Any = lift(each, "np.ix_")
        if x.ndim != 1:
            raise ShapeError("Cross index must be 1 dimensional")
        if x.value.type.dtype == "bool":
            x = lift(np.nonzero(known_mask(each, "np.ix_"))[0])
        found.append(x.reshape((1,) * i + (-1,) + (1,) * (count - i - 1)))
    return tuple(found)


@implements(np.unravel_index)
def _unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Any, ...]:
    rest: Any = lift(indices, "np.unravel_index")
    extents = static_shape(shape)
    places = []
    for extent in reversed(extents) if order == "C" else extents:
        places.append(rest % extent)
        rest = rest // extent
    return tuple(reversed(places) if order == "C" else places)


@implements(np.ravel_multi_index)
def _ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    if mode != "raise":
        raise UnsupportedError(
            f"np.ravel_multi_index with mode={mode!r} is not supported while tracing",
            hint="np.clip or % on the indices before",
        )
    extents = static_shape(dims)
    parts = list(zip(multi_index, extents, strict=True))
    total: Any = 0
    for place, extent in parts if order == "C" else reversed(parts):
        total = total * extent + lift(place, "np.ravel_multi_index")
    return total


@implements(np.diag_indices_from)
def _diag_indices_from(arr: Any) -> Any:
    x = lift(arr, "np.diag_indices_from")
    if x.ndim < 2:
        raise ShapeError("input array must be at least 2-d")
    if len(set(x.shape)) != 1:
        raise ShapeError("All dimensions of input must be of equal length")
    return np.diag_indices(x.shape[0], x.ndim)


@implements(np.tril_indices_from)
def _tril_indices_from(arr: Any, k: int = 0) -> Any:
    shape = lift(arr, "np.tril_indices_from").shape
    if len(shape) != 2:
        raise ShapeError("input array must be 2-d")
    return np.tril_indices(shape[-2], k=k, m=shape[-1])


@implements(np.triu_indices_from)
def _triu_indices_from(arr: Any, k: int = 0) -> Any:
    shape = lift(arr, "np.triu_indices_from").shape
    if len(shape) != 2:
        raise ShapeError("input array must be 2-d")
    return np.triu_indices(shape[-2], k=k, m=shape[-1])
