"""``x[index] = value`` and the functions that store: each gives the array a new value.

Slices and integers store through a view. What arrays of integers and masks pick is found by
indexing the numbers of the elements with them, so that reading and storing agree on every index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir.graph import Value
from .errors import BoundsError, StoreError, UnsupportedError
from .functions.ufuncs import METHODS, call_ufunc
from .indexing import element_index, get_item
from .masked import Masked, stored
from .mutation import check_writable, fitted, numbered, shows_the_same, store, store_element
from .operands import builder, lift
from .promotion import ufunc_name
from .registry import dispatch, implements
from .trace import current_trace, is_outside, is_traced, known_values
from .values import known_mask

if TYPE_CHECKING:
    from .array import TracedArray


def set_item(x: TracedArray, index: Any, value: Any) -> None:
    """``x[index] = value``."""
    if not x.shape and not x.boxed and (x.memory is None or x.weak):
        raise TypeError("a scalar does not support item assignment")
    place = element_index(index, x)
    if place is not None and store_element(x, place, value):
        return
    check_writable(x)
    if isinstance(value, Masked):
        new = stored(x, index, value)
        if new is not None:
            store(x, new)
            return
        value = value.picked()
    parts = index if isinstance(index, tuple) else (index,)
    if all(map(_is_basic, parts)):
        _store_slice(x, get_item(x, index), value)
    elif any(map(_is_traced_mask, parts)):
        _store_masked(x, parts, value)
    else:
        _store_at(x, index, value)


def _is_basic(part: Any) -> bool:
    if part is None or part is Ellipsis or isinstance(part, slice):
        return True
    return isinstance(part, int | np.integer) and not isinstance(part, bool)


def _store_slice(x: TracedArray, target: TracedArray, value: Any) -> None:
    if shows_the_same(value, target):  # the second half of x[index] += …
        return
    if target.memory is None:  # a scalar: its place is an element that strides can't tell
        raise StoreError("this element can't be stored into", hint="copy the array first")
    store(target, fitted(value, x.value_type.dtype, target.shape))


# --- masks that are traced ---


def _is_traced_mask(part: Any) -> bool:
    return is_traced(part) and part.value_type.dtype == "bool"


def _store_masked(x: TracedArray, parts: tuple[Any, ...], value: Any) -> None:
    """One mask over the first axes: a choice between old and new for each element."""
    mask = parts[0]
    if len(parts) > 1 or mask.shape != x.shape[: mask.ndim]:
        raise UnsupportedError(
            "a traced mask beside other indices, or of another shape than the array, can't be "
            "stored through",
            hint="x = np.where(mask, value, x), with a mask of x's shape",
        )
    source = lift(value, "an assignment")
    rest = x.shape[mask.ndim :]
    if source.ndim > len(rest) and source.shape[: source.ndim - len(rest)] != (1,):
        _store_at(x, known_mask(mask, "x[mask] = values"), value)  # which value goes where?
        return
    b = builder()
    new = fitted(source, x.value_type.dtype, rest)
    spread = b.reshape(mask.value, (*mask.shape, *(1,) * len(rest)))
    condition = b.broadcast(spread, x.shape)
    store(x, b.select(condition, b.broadcast(new, x.shape), x.value))


# --- positions ---


def _store_at(x: TracedArray, index: Any, value: Any) -> None:
    places = static_places(x, index)
    if places is None:
        _store_at_traced(x, index, value)
        return
    source = lift(value, "an assignment")
    b, old = builder(), x.value
    if source.value_type.size == 1:
        mask = np.zeros(x.size, bool)
        mask[places.ravel()] = True
        condition = current_trace().constant_array(mask.reshape(x.shape)).value
        new = b.broadcast(fitted(source, x.value_type.dtype, (1,) * x.ndim), x.shape)
        store(x, b.select(condition, new, old))
        return
    new = fitted(source, x.value_type.dtype, places.shape)
    origin = np.arange(x.size)
    origin[places.ravel()] = x.size + np.arange(places.size)  # of two for one place, the last wins
    both = b.concatenate([b.reshape(old, (x.size,)), b.reshape(new, (places.size,))], 0)
    taken = b("gather", both, current_trace().constant_array(origin).value, axis=0)
    store(x, b.reshape(taken, x.shape))


def static_places(x: TracedArray, index: Any) -> np.ndarray[Any, Any] | None:
    """The numbers of the elements that `index` picks; None where they are not known yet.

    What arrays and lists from outside pick now is noted, to be compared at each call.
    """
    given = index if isinstance(index, tuple) else (index,)
    for part in given:
        if is_traced(part) or (isinstance(part, list) and any(map(is_traced, part))):
            return None
    for part in given:
        values = known_values(part)
        source = part if values is None or not is_outside(part) else values
        if isinstance(source, np.ndarray | list):
            current_trace().bake(source, np.asarray(source))
    parts = tuple(map(_known_part, given))
    try:
        found = np.arange(x.size).reshape(x.shape)[parts]
    except IndexError as error:
        raise BoundsError(str(error)) from None
    return np.asarray(found)


def _known_part(part: Any) -> Any:
    values = known_values(part)
    return part if values is None else values


def _store_at_traced(x: TracedArray, index: Any, value: Any) -> None:
    """By positions that the graph computes; the last of several for one element wins."""
    b, type = builder(), x.value_type
    places = _traced_places(x, index)
    last = b("last_of", b.reshape(places, (places.type.size,)), size=type.size)
    written = b.compare("ge", last, b.zeros_like(last))
    source = lift(value, "an assignment")
    old = b.reshape(x.value, (type.size,))
    if source.value_type.size == 1 or places.type.size == 1:
        one = fitted(source, type.dtype, (1,) * max(source.ndim, 1))
        new = b.broadcast(b.reshape(one, (1,)), (type.size,))
    else:
        values = fitted(source, type.dtype, places.shape)
        flat = b.reshape(values, (places.type.size,))
        new = b("gather", flat, b.select(written, last, b.zeros_like(last)), axis=0)
    store(x, b.reshape(b.select(written, new, old), x.shape))


def _traced_places(x: TracedArray, index: Any) -> Value:
    return get_item(current_trace().wrap(numbered(x.value_type)), index).value


# --- ufunc.at ---


def _at(ufunc: np.ufunc, x: Any, indices: Any, *operands: Any) -> None:
    """``ufunc.at(x, indices, operand)``: every position counts, also if it stands there twice."""
    name = f"{ufunc_name(ufunc)}.at"
    if not is_traced(x):
        raise StoreError(
            f"{name} would store a traced array into a NumPy array from outside",
            hint="copy it first: x = np.array(x)",
        )
    check_writable(x)
    places = static_places(x, indices)
    if ufunc in (np.add, np.subtract):
        _add_at(ufunc, x, indices, places, operands[0])
    elif places is None:
        raise UnsupportedError(
            f"{name} by traced positions is not supported",
            hint="np.add.at, or positions from outside",
        )
    else:
        _round_by_round(ufunc, x, places, operands[0])


def _add_at(ufunc: np.ufunc, x: TracedArray, indices: Any, places: Any, operand: Any) -> None:
    b, size = builder(), x.size
    where = (
        _traced_places(x, indices)
        if places is None
        else current_trace().constant_array(places).value
    )
    updates = fitted(operand, x.value_type.dtype, where.shape)
    count = where.type.size
    flat = [b.reshape(each, (count,)) for each in (where, updates)]
    total = b("scatter_add", *flat, axis=0, size=size)
    change = current_trace().wrap(b.reshape(total, x.shape))
    store(x, call_ufunc(ufunc, (x, change)).value)


def _round_by_round(ufunc: np.ufunc, x: TracedArray, places: Any, operand: Any) -> None:
    """Each round takes the next operand for each element."""
    flat = places.ravel()
    values = current_trace().wrap(
        builder().reshape(fitted(operand, x.value_type.dtype, places.shape), (flat.size,))
    )
    before: dict[int, int] = {}
    rounds: list[list[int]] = []
    for number, place in enumerate(flat.tolist()):
        turn = before.get(place, 0)
        before[place] = turn + 1
        rounds[turn:] = rounds[turn:] or [[]]
        rounds[turn].append(number)
    for members in rounds:
        index = np.unravel_index(flat[members], x.shape)
        picked = tuple(each.tolist() for each in index)
        set_item(x, picked, call_ufunc(ufunc, (get_item(x, picked), get_item(values, members))))


METHODS["at"] = _at


# --- functions that store ---


def _target(x: Any, who: str) -> TracedArray:
    if not is_traced(x):
        raise StoreError(
            f"{who} would store a traced array into a NumPy array from outside",
            hint="copy it first: x = np.array(x)",
        )
    return x


@implements(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    x = _target(dst, "np.copyto")
    new = current_trace().wrap(fitted(src, x.value_type.dtype, x.shape))
    chosen = new if where is True else dispatch(np.where, (where, new, x), {})
    set_item(x, ..., chosen)


@implements(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    x = _target(a, "np.putmask")
    source = lift(values, "np.putmask")
    if source.size != x.size:
        source = lift(dispatch(np.resize, (source, x.shape), {}))
    chosen = dispatch(np.where, (lift(mask).reshape(x.shape), source.reshape(x.shape), x), {})
    set_item(x, ..., chosen)


@implements(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    x = _target(arr, "np.place")
    source = lift(vals, "np.place").reshape(-1)
    if source.size == 1:
        set_item(x, ..., dispatch(np.where, (lift(mask).reshape(x.shape), source[0], x), {}))
        return
    places = static_places(x.reshape(-1), _known_mask(mask).ravel())
    if places is None or not places.size:
        return
    picked = [i % source.size for i in range(places.size)]
    flat = _flat_copy(x)
    set_item(flat, places.tolist(), get_item(source, picked))
    set_item(x, ..., flat.reshape(x.shape))


def _known_mask(mask: Any) -> np.ndarray[Any, Any]:
    return known_mask(mask, "np.place")


def _flat_copy(x: TracedArray) -> TracedArray:
    return current_trace().wrap(builder().reshape(x.value, (x.size,)))


@implements(np.put)
def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    x = _target(a, "np.put")
    flat, source = _flat_copy(x), lift(v, "np.put").reshape(-1)
    index = [ind] if isinstance(ind, int | np.integer) else ind
    count = lift(index).size
    if mode != "raise":
        index = _wrapped(index, x.size, mode)
    if source.size not in (1, count):
        source = get_item(source, [i % source.size for i in range(count)])
    set_item(flat, index, source)
    set_item(x, ..., flat.reshape(x.shape))


def _wrapped(index: Any, size: int, mode: str) -> Any:
    places = lift(index)
    if mode == "wrap":
        return places % size
    return dispatch(np.clip, (places, 0, size - 1), {})


@implements(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    x = _target(a, "np.fill_diagonal")
    if x.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if x.ndim > 2 and len(set(x.shape)) > 1:
        raise ValueError("All dimensions of input must be of equal length")
    template = np.zeros(x.shape, np.int64)
    np.fill_diagonal(template, 1, wrap)
    places = np.flatnonzero(template)
    source = lift(val, "np.fill_diagonal").reshape(-1)
    if source.size != 1:
        source = get_item(source, [i % source.size for i in range(places.size)])
    flat = _flat_copy(x)
    set_item(flat, places.tolist(), source)
    set_item(x, ..., flat.reshape(x.shape))


@implements(getattr(np, "put_along_axis", None))
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    x = _target(arr, "np.put_along_axis")
    if axis is None:
        flat = _flat_copy(x)
        set_item(flat, indices, values)
        set_item(x, ..., flat.reshape(x.shape))
        return
    at = axis % x.ndim
    shape = lift(indices).shape
    grid: list[Any] = []
    for i in range(x.ndim):
        counted = np.arange(shape[i]).reshape([-1 if j == i else 1 for j in range(x.ndim)])
        grid.append(indices if i == at else current_trace().constant_array(counted))
    set_item(x, tuple(grid), values)


# --- x.flat ---


class Flat:
    """``x.flat``: the elements of an array in row-major order, to be read and stored."""

    def __init__(self, x: Any) -> None:
        self.base = x

    def __len__(self) -> int:
        return int(self.base.size)

    def __getitem__(self, index: Any) -> Any:
        return self.base.ravel()[index].copy()

    def __setitem__(self, index: Any, value: Any) -> None:
        """Too few values start again from the first one."""
        places = np.arange(len(self))[index]
        if not np.ndim(places):
            self.base[tuple(int(i) for i in np.unravel_index(places, self.base.shape))] = value
            return
        source = (value if hasattr(value, "reshape") else np.asarray(value)).reshape(-1)
        if source.size != 1:
            source = source[[i % source.size for i in range(places.size)]]
        picked = np.unravel_index(places, self.base.shape)
        self.base[tuple(each.tolist() for each in picked)] = source

    def __iter__(self) -> Any:
        return iter(self.base.ravel())

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return np.asarray(self.base.ravel(), *args, **kwargs)

    def copy(self) -> Any:
        return self.base.ravel().copy()
