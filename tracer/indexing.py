"""Indexing as NumPy's: slices and new axes become views, integer arrays one gather.

An index is read from left to right into one item for each axis of the array (or for each new axis):
a slice, an integer, or an array of integers. Integers beside arrays count as arrays, as in NumPy.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir.errors import ShapeError
from ..ir.graph import Value
from ..ir.record import record
from .errors import BoundsError, UnsupportedError
from .masked import is_augmented, pick
from .mutation import read_element
from .operands import builder, lift, wrap, wrap_view
from .promotion import Shape, broadcast_shapes
from .trace import can_lift, current_trace, is_outside, is_traced, known_values

if TYPE_CHECKING:
    from .array import TracedArray


@record
class Positions:
    """Positions along one axis: an integer, or an array of integers in the graph.

    `in_range` says that they are known to be at least 0 and below the extent.
    """

    value: Value
    extent: int
    in_range: bool


# One entry for each axis of the result of the basic part: what it comes from.
_Item = Any  # slice | None | int | TracedArray | np.ndarray


def get_item(x: Any, index: Any) -> TracedArray:
    """``x[index]``."""
    array = lift(x)
    if _covers(index, array) and is_augmented():
        return pick(array, lift(index), lambda: _picked(array, index))  # type: ignore[return-value]
    return _picked(array, index)


def _covers(index: Any, x: TracedArray) -> bool:
    """Is `index` a traced mask with an element for each of `x`?"""
    if not is_traced(index) or index.value_type.dtype != "bool":
        return False
    return bool(index.shape) and index.shape == x.shape


def _picked(array: TracedArray, index: Any) -> TracedArray:
    parts = _read(index, array)
    items = _expand(array, parts)
    if any(isinstance(item, Positions) for item in items):
        return _advanced(array, items)
    if len(parts) == array.ndim and all(isinstance(item, int) for item in items):
        element = read_element(array, tuple(items))
        if element is not None:
            return wrap(element)
        return wrap(_basic(array, items).value)  # a scalar: it shares no memory
    found = _basic(array, items)
    found.boxed = not found.shape
    return found


# --- reading an index ---


def _read(index: Any, x: TracedArray) -> list[Any]:
    """The items of an index: slices, None, Ellipsis, ints, and arrays, traced or NumPy's."""
    parts = index if isinstance(index, tuple) else (index,)
    return [_read_one(part, x) for part in parts]


def element_index(index: Any, x: TracedArray) -> Shape | None:
    """The place of the one element that `index` picks by integers; None where it is no such."""
    parts = index if isinstance(index, tuple) else (index,)
    if len(parts) != x.ndim or not all(isinstance(part, int | np.integer) for part in parts):
        return None
    if any(isinstance(part, bool) for part in parts):
        return None
    return tuple(
        check_index(int(part), extent, axis)
        for axis, (part, extent) in enumerate(zip(parts, x.shape, strict=True))
    )


def _read_one(part: Any, x: TracedArray) -> Any:
    if part is None or part is Ellipsis:
        return part
    if isinstance(part, slice):
        return part
    if isinstance(part, bool | np.bool_):
        raise UnsupportedError(
            "indexing by a single truth value is not supported while tracing",
            hint="np.where(condition, x, y)",
        )
    if isinstance(part, int | np.integer):
        return int(part)
    known = known_values(part)
    if known is not None:
        return _read_array(known) if is_outside(part) else _read_known(known)
    if is_traced(part) or isinstance(part, np.ndarray | list | tuple) or can_lift(part):
        return _read_array(part)
    if hasattr(part, "__index__"):
        return operator.index(part)
    if isinstance(part, Sequence) and not isinstance(part, str | bytes):
        return _read_array(list(part))
    raise _no_index(part)


def _read_known(array: np.ndarray[Any, Any]) -> Any:
    """Positions, or a mask, that were made while tracing."""
    if array.dtype.kind not in "iub":
        raise _no_index(array)
    if not array.ndim and array.dtype.kind in "iu":
        return int(array)
    return _Fixed(array) if array.dtype.kind in "iu" else array


def _no_index(part: Any) -> BoundsError:
    name = part.dtype if hasattr(part, "dtype") else type(part).__name__
    return BoundsError(
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or "
        f"boolean arrays are valid indices, got {name}",
    )


def _read_array(part: Any) -> Any:
    """A traced integer array, or a NumPy array of integers or truth values."""
    if isinstance(part, list | tuple):
        part = _read_list(part)
        if isinstance(part, _Fixed):
            return part
    if isinstance(part, np.ndarray):
        if part.dtype.kind not in "iub":
            raise _no_index(part)
        return part
    array = lift(part)
    dtype = array.value.type.dtype
    if dtype == "bool":
        from .values import known_mask

        return known_mask(array, "indexing by a mask")
    if dtype not in ("i32", "i64"):
        raise _no_index(array)
    return array


def _read_list(part: list[Any] | tuple[Any, ...]) -> Any:
    if any(is_traced(each) for each in part):
        return lift(part)
    array = np.asarray(part)
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(np.int64)  # an empty list
    current_trace().bake(part, array)
    return _Fixed(array) if array.dtype.kind in "iu" else array


@record
class _Fixed:
    """An integer array whose values are known and will not change."""

    array: np.ndarray[Any, Any]


def _axes_taken(item: Any) -> int:
    """How many axes of the array an item of an index uses."""
    if item is None or item is Ellipsis:
        return 0
    if isinstance(item, np.ndarray) and item.dtype.kind == "b":
        return item.ndim
    return 1


def _expand(x: TracedArray, parts: list[Any]) -> list[_Item]:
    """The items with the ellipsis written out, masks as integers, integers checked."""
    if sum(part is Ellipsis for part in parts) > 1:
        raise BoundsError("an index can only have a single ellipsis ('...')")
    taken = sum(map(_axes_taken, parts))
    if taken > x.ndim:
        raise BoundsError(
            f"too many indices for array: array is {x.ndim}-dimensional, but {taken} were indexed",
        )
    rest = [slice(None)] * (x.ndim - taken)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    written = [*parts[:at], *rest, *parts[at + 1 :]]
    arrays = any(_is_array(part) for part in written)
    items: list[_Item] = []
    axis = 0
    for part in written:
        items += _resolve(part, x, axis, arrays=arrays)
        axis += _axes_taken(part)
    return items


def _is_array(part: Any) -> bool:
    return isinstance(part, np.ndarray | _Fixed) or is_traced(part)


def _resolve(part: Any, x: TracedArray, axis: int, *, arrays: bool) -> list[_Item]:
    """An item along `axis`: its positions if it is an array (or an int beside arrays)."""
    if part is None or isinstance(part, slice):
        return [part]
    if isinstance(part, np.ndarray) and part.dtype.kind == "b":
        return _resolve_mask(part, x, axis)
    extent = x.shape[axis]
    if isinstance(part, int):
        number = check_index(part, extent, axis)
        return [fixed_positions(np.asarray(number), extent)] if arrays else [number]
    return [_positions_of(part, extent, axis)]


def any_positions(index: Any, extent: int, axis: int) -> Positions:
    """Positions along one axis: an int, a list or an array of integers, traced or not."""
    part = _Fixed(np.asarray(index)) if isinstance(index, int | np.integer) else _read_array(index)
    if isinstance(part, np.ndarray) and part.dtype.kind == "b":
        raise _no_index(part)
    return _positions_of(part, extent, axis)


def _resolve_mask(mask: np.ndarray[Any, Any], x: TracedArray, axis: int) -> list[_Item]:
    """A mask from outside picks what it picks now; that is noted, to be compared at each call."""
    wanted = x.shape[axis : axis + mask.ndim]
    if mask.shape != wanted:
        bad = next(i for i, (m, n) in enumerate(zip(mask.shape, wanted, strict=True)) if m != n)
        raise BoundsError(
            f"boolean index did not match indexed array along axis {axis + bad}; size of axis is "
            f"{wanted[bad]} but size of corresponding boolean axis is {mask.shape[bad]}",
        )
    current_trace().bake(mask, mask)
    return [fixed_positions(i, n) for i, n in zip(np.nonzero(mask), wanted, strict=True)]


def check_index(index: int, extent: int, axis: int) -> int:
    if not -extent <= index < extent:
        raise BoundsError(f"index {index} is out of bounds for axis {axis} with size {extent}")
    return index % extent


def _check_all(index: np.ndarray[Any, Any], extent: int, axis: int) -> None:
    for bad in index[(index < -extent) | (index >= extent)].ravel()[:1]:
        check_index(int(bad), extent, axis)


def fixed_positions(index: np.ndarray[Any, Any], extent: int) -> Positions:
    """Positions that are known now and will not change, all of them in range."""
    array = np.ascontiguousarray(index, np.int64).reshape(index.shape)
    return Positions(current_trace().constant_array(array).value, extent, in_range=True)


def _positions_of(index: Any, extent: int, axis: int) -> Positions:
    """Positions given by an array; one that may change is read, and checked, at each call."""
    if isinstance(index, _Fixed):
        _check_all(index.array, extent, axis)
        return fixed_positions(np.where(index.array < 0, index.array + extent, index.array), extent)
    if isinstance(index, np.ndarray):
        _check_all(index, extent, axis)
        if index.dtype not in (np.dtype(np.int64), np.dtype(np.int32)):
            current_trace().bake(index, index)
            return _positions_of(_Fixed(index.astype(np.int64)), extent, axis)
    array = lift(index)
    return Positions(builder().cast(array.value, "i64"), extent, in_range=False)


# --- slices, integers and new axes ---


def _basic(x: TracedArray, items: list[_Item]) -> TracedArray:
    value = _sliced(x.value, [item for item in items if item is not None])
    shape = _result_shape(value.type.shape, items)
    return wrap_view(builder().reshape(value, shape), x)


def _sliced(value: Value, items: Sequence[_Item]) -> Value:
    """Every axis cut by its item; an integer leaves an extent of 1, positions the whole axis."""
    b = builder()
    bounds = [_bounds(item, n) for item, n in zip(items, value.type.shape, strict=True)]
    backwards = tuple(axis for axis, (*_, reverse) in enumerate(bounds) if reverse)
    start, stop, step = (tuple(each[i] for each in bounds) for i in range(3))
    cut = b.slice(value, start, stop, step)
    return b("reverse", cut, axes=backwards) if backwards else cut  # type: ignore[no-any-return]


def _bounds(item: _Item, extent: int) -> tuple[int, int, int, bool]:
    """start, stop, step >= 1, and whether the elements are then to be reversed."""
    if isinstance(item, int):
        return item, item + 1, 1, False
    if isinstance(item, Positions):
        return 0, extent, 1, False
    start, stop, step = item.indices(extent)
    count = len(range(start, stop, step))
    if count == 0:
        return 0, 0, 1, False
    last = start + (count - 1) * step
    if step < 0:
        return last, start + 1, -step, count > 1
    return start, last + 1, step, False


def _result_shape(shape: Shape, items: list[_Item]) -> Shape:
    """The extents of a cut array without the axes of integers, and with the new axes."""
    extents = iter(shape)
    result = []
    for item in items:
        if item is None:
            result.append(1)
            continue
        extent = next(extents)
        if not isinstance(item, int):
            result.append(extent)
    return tuple(result)


# --- arrays of integers ---


def _advanced(x: TracedArray, items: list[_Item]) -> TracedArray:
    value = _sliced(x.value, [item for item in items if item is not None])
    value = builder().reshape(value, _result_shape(value.type.shape, items))
    where = [i for i, item in enumerate(items) if isinstance(item, Positions)]
    return wrap(gather_many(value, where, [items[i] for i in where]))


def gather_many(value: Value, axes: list[int], index: Sequence[Positions]) -> Value:
    """The elements at positions along several axes; their shape stands in the place of the axes.

    Where other axes stand between them, it comes first, as in NumPy.
    """
    b = builder()
    first = axes[0]
    if axes != list(range(first, first + len(axes))):
        rest = [axis for axis in range(value.type.ndim) if axis not in axes]
        value, first = b.transpose(value, (*axes, *rest)), 0
    shape = value.type.shape
    behind = shape[first + len(axes) :]
    merged = int(np.prod(shape[first : first + len(axes)], dtype=np.int64))
    flat = b.reshape(value, (*shape[:first], merged, *behind))
    return b("gather", flat, _linear(index), axis=first)  # type: ignore[no-any-return]


def _linear(index: Sequence[Positions]) -> Value:
    """One position for each element among all the axes; out of range if any of them is."""
    b = builder()
    shapes = [each.value.type.shape for each in index]
    try:
        shape = broadcast_shapes("the index arrays", shapes)
    except ShapeError as error:
        raise BoundsError(error.what) from None
    total = None
    valid = None
    for each in index:
        place = b.broadcast(from_the_front(each), shape)
        if len(index) > 1 and not each.in_range:
            inside = _inside(place, each.extent)
            valid = inside if valid is None else b("logical_and", valid, inside)
        scaled = place if total is None else b.add(b.scale(total, each.extent), place)
        total = scaled
    if valid is None:
        return total  # type: ignore[return-value]
    return b.select(valid, total, b.full_like(total, -1))  # type: ignore[no-any-return]


def from_the_front(index: Positions) -> Value:
    """The positions with those that count from the back made positive."""
    if index.in_range:
        return index.value
    b = builder()
    negative = b.compare("lt", index.value, b.zeros_like(index.value))
    moved = b.add(index.value, b.full_like(index.value, index.extent))
    return b.select(negative, moved, index.value)  # type: ignore[no-any-return]


def _inside(place: Value, extent: int) -> Value:
    b = builder()
    low = b.compare("ge", place, b.zeros_like(place))
    high = b.compare("lt", place, b.full_like(place, extent))
    return b("logical_and", low, high)  # type: ignore[no-any-return]


def counting(shape: Shape, axis: int) -> Value:
    """The position of each element of a tensor of `shape` along `axis`."""
    return builder()("iota", dtype="i64", shape=shape, axis=axis)  # type: ignore[no-any-return]
