"""Arrays whose values are known while tracing: what `np.zeros(n)` is in a traced function.

A `KnownArray` behaves as the ndarray that it holds, for as long as only numbers are stored into it:
it can be an index, a condition, the bound of a loop. When something traced is stored into it, or
into a view of it, it becomes a traced array there and then, with all its views. Where it meets a
traced array it takes part with its values of the moment, as a constant.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ...ir.types import dtype_name
from ..array import TracedArray
from ..assignment import Flat
from ..contents import Contents
from ..errors import StoreError
from ..functions.ufuncs import dispatch_ufunc
from ..registry import dispatch, named_out
from ..source import locate
from ..trace import current_trace, is_tracing
from .constants import constant_of, note_values, same_bits

Array = np.ndarray[Any, Any]


class KnownArray(TracedArray):
    """An ndarray that can become a traced array; its methods are those of ndarrays, see below."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        targets = (*kwargs.get("out", ()), *(inputs[:1] if method == "at" else ()))
        if not any_traced((inputs, kwargs)):
            for target in targets:
                check_inside(target)
            return call_plain(getattr(ufunc, method), inputs, kwargs)
        for target in targets:
            become_traced(target)
        return dispatch_ufunc(ufunc, method, given(inputs), given(kwargs))

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return call_function(function, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        return np.asarray(plain(self), *args, **kwargs)

    def __fusegrad_apply__(self, function: Any, operands: Any, static: dict[str, Any]) -> Any:
        return lifted(self).__fusegrad_apply__(function, operands, static)

    def __getattr__(self, name: str) -> Any:
        return getattr(plain(self), name)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return repr(plain(self))

    def __format__(self, spec: str) -> str:
        return format(plain(self), spec)

    @property
    def flat(self) -> Flat:
        return Flat(self)

    @flat.setter
    def flat(self, values: Any) -> None:
        Flat(self)[:] = values

    def __reduce__(self) -> Any:
        return plain(self).__reduce__()


# --- from and to known arrays ---


def contents(x: KnownArray) -> Contents:
    found: Any = x.memory
    return found  # type: ignore[no-any-return]


def is_known(x: Any) -> bool:
    """Is `x` an array of known values (that has not become a traced one)?"""
    return type(x) is KnownArray


def known(array: Any, *, derived: bool = False) -> Any:
    """`array` as a known array, where there can be a traced one of its dtype."""
    if type(array) is not np.ndarray or dtype_name(array.dtype) is None:
        return array
    return _made(Contents(array, derived))


def from_outside(array: Array) -> Any:
    """A captured array as the traced function sees it."""
    if type(array) is not np.ndarray or dtype_name(array.dtype) is None:
        return array
    current_trace().watched.append(array)
    return _made(Contents(array, outside=True))


def _made(inside: Contents) -> KnownArray:
    made = object.__new__(KnownArray)
    made.tracer = current_trace()
    made.weak = False
    made.boxed = inside.array.ndim == 0
    memory: Any = inside
    made.memory = memory
    return made


def _each(of: Callable[[KnownArray], Any], x: Any) -> Any:
    """`of` each known array in `x`, also in tuples, lists and dicts; the rest as it is."""
    cls = type(x)
    if cls is KnownArray:
        return of(x)
    if cls is tuple or cls is list:
        return cls([_each(of, each) for each in x])
    if cls is dict:
        return {name: _each(of, each) for name, each in x.items()}
    return x


def plain(x: Any) -> Any:
    """`x` with the arrays of all known ones in it, to be read."""
    return _each(_to_be_read, x)


def _to_be_read(x: KnownArray) -> Array:
    inside = contents(x)
    if inside.outside and is_tracing():
        current_trace().read.append(inside.array)
    return inside.array


def _unread(x: Any) -> Any:
    """`plain`, where it is not said yet that the values count."""
    return _each(lambda known: contents(known).array, x)


def given(x: Any) -> Any:
    """What known arrays are for the implementations of NumPy's functions, which know traced arrays
    and ndarrays: floats a constant of the graph, integers an ndarray of their own.
    """
    return _each(_operand, x)


def _operand(x: KnownArray) -> Any:
    inside = contents(x)
    if inside.outside:
        return inside.array
    return lifted(x) if inside.array.dtype.kind == "f" else snapshot(x)


def any_traced(x: Any) -> bool:
    """Is there anything in `x` that NumPy can't compute with at once?"""
    cls = type(x)
    if cls is tuple or cls is list:
        return any(map(any_traced, x))
    if cls is dict:
        return any(map(any_traced, x.values()))
    if cls in _PLAIN or cls is KnownArray:
        return False
    if cls is slice:
        return False
    return hasattr(cls, "__array_ufunc__") and not isinstance(x, np.ndarray | np.generic)


_PLAIN = frozenset({int, float, bool, str, complex, np.ndarray, np.float64, type(None)})


# --- plain calls ---


def call_function(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> Any:
    """A function of NumPy's, of known arrays and perhaps traced ones."""
    if not any_traced((args, kwargs)) and function not in CALLING_BACK:
        for target in (kwargs.get("out"), *(args[:1] if function in WRITERS else ())):
            check_inside(target)
        return call_plain(function, args, kwargs)
    args, kwargs = named_out(function, args, kwargs)
    become_traced(kwargs.get("out"))
    if function in WRITERS:
        become_traced(args[0])
    return dispatch(function, given(args), given(kwargs))


# Functions that call one of the user's, which may compute with traced arrays that it finds outside.
CALLING_BACK = frozenset({np.piecewise, np.apply_along_axis, np.apply_over_axes})

# Functions that store into their first argument.
WRITERS = frozenset({np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis})


def call_plain(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """NumPy's own result, its arrays as known arrays."""
    result = function(*_unread(args), **_unread(kwargs))
    if not is_tracing():
        return result
    found = list(_arrays_in((args, kwargs)))
    _note_reads(function, found, result)
    if type(result) is tuple or type(result) is list:
        made = [_result(each, found, function, args, kwargs, i) for i, each in enumerate(result)]
        return tuple(made) if type(result) is tuple else made
    return _result(result, found, function, args, kwargs, None)


# What tells of an array without reading it.
_LOOKS = frozenset(
    {"shape", "ndim", "size", "dtype", "nbytes", "itemsize", "strides", "flags", "__len__"}
    | {"zeros_like", "ones_like", "empty_like", "full_like", "result_type"}
    | {"shares_memory", "may_share_memory", "iscomplexobj", "isrealobj"}
)


def _note_reads(function: Any, found: list[Any], result: Any) -> None:
    """Note which arrays from outside `function` has read, of those that it was given."""
    for x in found:
        if is_known(x) and contents(x).outside and function.__name__ not in _LOOKS:
            array = contents(x).array
            results = result if isinstance(result, tuple | list) else (result,)
            if not all(type(y) is np.ndarray and np.may_share_memory(y, array) for y in results):
                current_trace().read.append(array)


def _arrays_in(x: Any) -> Iterable[Any]:
    if isinstance(x, np.ndarray) or type(x) is KnownArray:
        yield x
    elif type(x) is tuple or type(x) is list:
        for each in x:
            yield from _arrays_in(each)
    elif type(x) is dict:
        yield from _arrays_in(list(x.values()))


def _result(
    result: Any, found: list[Any], function: Any, args: Any, kwargs: Any, place: int | None
) -> Any:
    if type(result) is not np.ndarray:
        return result
    for parent in found:
        array = _unread(parent)
        if result is array:
            return parent
        if not np.may_share_memory(result, array):
            continue
        if parent is array:  # a view of an array from outside
            return result
        if contents(parent).outside:
            return _made(Contents(result, outside=True))

        def again(traced: Any, parent: Any = parent) -> Any:
            def put(x: Any) -> Any:
                if type(x) is tuple or type(x) is list:
                    return type(x)([put(each) for each in x])
                return traced if x is parent else x

            made = function(*put(args), **{name: put(x) for name, x in kwargs.items()})
            return made if place is None else made[place]

        return _view(parent, result, again)
    derived = any(not is_known(x) or contents(x).derived for x in found)
    return known(result, derived=derived)


def _view(parent: KnownArray, array: Array, again: Callable[[Any], Any]) -> KnownArray:
    above = contents(parent)
    made = _made(Contents(array, above.derived, parent, again))
    made.boxed = True
    contents(_root(parent)).views.append(weakref.ref(made))
    return made


# --- from known to traced ---


def lifted(x: KnownArray) -> TracedArray:
    """The values that `x` has now, as a constant of the current trace."""
    inside, trace = contents(x), current_trace()
    if inside.outside:
        return trace.lift(inside.array)
    last = inside.lifted
    if last is not None and last[1].tracer is trace and same_bits(last[0], inside.array):
        return last[1]
    array = np.array(inside.array, order="C")
    made = constant_of(trace, array, inside.derived)
    inside.lifted = (array, made)
    return made


def snapshot(x: KnownArray) -> Array:
    """A copy of the values that `x` has now; of an array from outside that array itself, which
    compiled code reads at each call.
    """
    inside = contents(x)
    if inside.outside:
        return inside.array
    array = np.array(plain(x), order="C")
    note_values(current_trace(), array, inside.derived)
    return array


def _root(x: KnownArray) -> KnownArray:
    """The array that owns the memory of `x`."""
    while (higher := contents(x).parent) is not None:
        x = higher
    return x


def check_inside(x: Any) -> None:
    """Raise where a store would change an array from outside: compiled code would not do it again,
    and NumPy can't store a traced value.
    """
    if type(x) is KnownArray and contents(_root(x)).outside:
        raise StoreError(
            "the function stores into an array from outside",
            at=locate(),
            hint="make that array inside of the function, or copy it there first: a = a.copy()",
        )


def become_traced(x: Any) -> None:
    """Let a known array, and all that share its memory, be traced arrays from now on."""
    if type(x) is not KnownArray:
        return
    check_inside(x)
    root = _root(x)
    views = [(view, contents(view)) for ref in contents(root).views if (view := ref()) is not None]
    start = lifted(root)
    _turn(root, current_trace().wrap(start.value))
    for view, inside in views:
        if inside.again is not None:
            _turn(view, inside.again(inside.parent))


def _turn(x: KnownArray, into: TracedArray) -> None:
    x.__class__ = TracedArray  # type: ignore[assignment]
    x._value, x.tracer, x.memory = into._value, into.tracer, into.memory
    x.steps, x.layout, x.seen = into.steps, into.layout, into.seen


# --- methods ---


def _method(name: str, *, writes: bool) -> Callable[..., Any]:
    def run(array: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(array, name)(*args, **kwargs)

    run.__name__ = name

    def method(self: KnownArray, *args: Any, **kwargs: Any) -> Any:
        if writes:
            check_inside(self)
        if not any_traced((args, kwargs)):
            return call_plain(run, (self, *args), kwargs)
        if not writes:
            return getattr(lifted(self), name)(*args, **kwargs)
        become_traced(self)
        return getattr(self, name)(*args, **kwargs)

    method.__name__ = name
    return method


def _property(name: str) -> property:
    def run(array: Any) -> Any:
        return getattr(array, name)

    run.__name__ = name
    return property(lambda self: call_plain(run, (self,), {}))


_ARITHMETIC = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
_WRITING = ("fill", "sort", "partition", "put", "itemset", "resize", "setfield")


def _take_over() -> None:
    """Give KnownArray every member of ndarray's."""
    own = set(vars(KnownArray))
    in_place = {f"__i{name}__" for name in _ARITHMETIC.split()} | {"__setitem__", "__delitem__"}
    skipped = own | {"__class__", "__dict__", "__new__", "__init__", "__init_subclass__"}
    skipped |= {"__getattribute__", "__setattr__", "__delattr__", "__dir__", "__doc__"}
    skipped |= {"__subclasshook__", "__array_finalize__", "__array_wrap__", "__buffer__"}
    skipped |= {"__array_interface__", "__array_struct__", "__array_priority__", "__slots__"}
    skipped |= {"__setstate__", "__reduce_ex__", "__sizeof__", "__class_getitem__", "__getstate__"}
    for name in set(dir(np.ndarray)) - skipped:
        member = getattr(np.ndarray, name)
        if callable(member):
            setattr(KnownArray, name, _method(name, writes=name in in_place or name in _WRITING))
        else:
            setattr(KnownArray, name, _property(name))


_take_over()
