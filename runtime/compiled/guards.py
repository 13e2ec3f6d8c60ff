"""What a traced function read from outside its arguments, and how to tell that it changed.

Arrays are read anew at each call, so a change in place is seen; where NumPy computed something from
one while tracing, its values are compared. Everything else that a function reaches by name is
watched by identity: the cells of its closure, the globals that its code mentions, and through them
attributes, items of lists and dicts, defaults, and whatever the functions called on the way
mention. When one is bound anew, the function is traced again. NumPy, the standard library and the
code of other installed packages are taken to stay as they are.
"""

from __future__ import annotations

import functools
import gc
import operator
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...codegen.entry import (
    ABSENT,
    CellGuard,
    DictGuard,
    FunctionGuard,
    Guard,
    ListGuard,
    SizeGuard,
    ValueGuard,
)
from ...ir.record import identity_record
from ...ir.types import NUMPY_DTYPE
from ...tracer.run import Traced

_ITEMS = 64  # of a list or a dict that native code watches item by item
_OBJECTS = 10_000  # that one search looks at
_LIBRARIES = frozenset({"numpy", "scipy", "fusegrad", "llvmlite"})
# Code that mentions one of these may read any attribute.
_ANY_ATTRIBUTE = frozenset({"getattr", "vars", "__dict__", "attrgetter"})
_NOT_CALLED = frozenset({"__init__", "__new__", "__repr__", "__str__", "__del__", "__doc__"})
_PLAIN = (np.ndarray, np.generic, int, float, complex, str, bytes, type(None))
_CONTAINERS = (list, tuple, dict, set, deque)


def _same_items(x: Any, y: Any) -> bool:
    return len(x) == len(y) and all(map(operator.is_, x, y))


@identity_record
class SlowGuard:
    """`read()` is still `expected`. Native entries can't check it: such calls go through Python."""

    read: Callable[[], Any]
    expected: Any
    same: Callable[[Any, Any], bool] = _same_items


AnyGuard = Guard | SlowGuard
_items_of = object()  # in the key of a guard of a container's items


class Surroundings:
    """What a call of `function` can see, as it is before the call is traced."""

    def __init__(self, function: Any) -> None:
        self._search = search = _Search()
        names = -1
        while names < len(search.names):  # a name that is found late may be an attribute seen early
            names = len(search.names)
            search.run(function)

    @property
    def objects(self) -> list[Any]:
        """What the function can reach."""
        return list(self._search.seen.values())

    def guards(self, traced: Traced) -> tuple[AnyGuard, ...]:
        """What must stay as it was for the trace to be valid."""
        found = self._search.found.values()
        kept = [guard for guard in found if not _appended_to(guard)]
        return (*kept, *self._value_guards(traced))

    def _value_guards(self, traced: Traced) -> Iterator[AnyGuard]:
        """Guards of the arrays from which NumPy computed something while tracing.

        Compiled code reads captured arrays itself; what NumPy or Python read of them besides, the
        trace has noted, for those that it watched. From any other a constant of the graph may have
        been computed, or a branch taken, so they are guarded.
        """
        arrays = [x for x in self._search.seen.values() if isinstance(x, np.ndarray)]
        roots = {id(root_of(x)) for x in arrays}
        watched = {id(root_of(x)) for x in traced.watched}
        read = {id(root_of(x)): x for x in traced.read}
        for array in arrays:
            root = id(root_of(array))
            if root in read or root not in watched:
                yield _value_guard(array)
        for root, array in read.items():
            if root not in roots:
                yield _value_guard(array)


def root_of(x: np.ndarray) -> Any:
    """What owns the memory of an array."""
    found: Any = x
    while isinstance(found, np.ndarray) and found.base is not None:
        found = found.base
    return found


def _value_guard(array: np.ndarray) -> AnyGuard:
    flags = array.flags
    plain = type(array) is np.ndarray and flags.c_contiguous and flags.aligned
    if plain and array.dtype.isnative and array.dtype in NUMPY_DTYPE.values():
        return ValueGuard(array, array.copy())
    return SlowGuard(lambda: array, array.copy(), _same_bytes)


def _same_bytes(x: np.ndarray, y: np.ndarray) -> bool:
    return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


def holds(guard: AnyGuard) -> bool:
    """Does the guard's place still hold the same object (or an equal number or string)?"""
    if isinstance(guard, CellGuard):
        try:
            return _same(guard.cell.cell_contents, guard.expected)
        except ValueError:
            return False
    if isinstance(guard, DictGuard):
        return _same(guard.mapping.get(guard.key, ABSENT), guard.expected)
    if isinstance(guard, SizeGuard):
        return len(guard.mapping) == guard.size
    if isinstance(guard, ListGuard):
        return _same_items(guard.sequence, guard.expected)
    if isinstance(guard, FunctionGuard):
        function = guard.function
        return function.__code__ is guard.code and function.__defaults__ is guard.defaults
    if isinstance(guard, ValueGuard):
        return _same_bytes(guard.array, guard.copy)
    return guard.same(guard.read(), guard.expected)


def _appended_to(guard: AnyGuard) -> bool:
    """Is this a list that has grown while the function was traced? Then it keeps a log there."""
    if not isinstance(guard, ListGuard) or len(guard.sequence) <= len(guard.expected):
        return False
    return _same_items(guard.sequence[: len(guard.expected)], guard.expected)


def _same(x: Any, y: Any) -> bool:
    if x is y:
        return True
    if type(x) is not type(y) or not isinstance(x, int | float | str):
        return False
    return bool(x == y) and (x != 0 or repr(x) == repr(y))  # 0.0 is not -0.0


class _Search:
    """Walks what a function can reach, and collects guards; `names`: what the code mentions."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.own: set[str] = set()  # top-level packages of the functions that are compiled
        self.found: dict[tuple[int, Any], AnyGuard] = {}
        self.seen: dict[int, Any] = {}  # by address; kept, so that no other object gets it
        self.queue: deque[Any] = deque()

    def run(self, function: Any) -> None:
        self.seen.clear()
        for one in function if isinstance(function, tuple) else (function,):
            one = getattr(one, "func", one)  # of a partial
            self.own.add(str(getattr(one, "__module__", None)).partition(".")[0])
        self.queue.append(function)
        while self.queue:
            value = self.queue.popleft()
            if id(value) in self.seen or len(self.seen) > _OBJECTS:
                continue
            self.seen[id(value)] = value
            self._look_into(value)

    def _is_installed(self, value: Any) -> bool:
        """Is it code of another installed package, which is taken to stay as it is?

        Attributes that the user's code reads from a module of one are watched all the same.
        """
        if not isinstance(value, types.FunctionType | type):
            return False
        top = str(value.__module__).partition(".")[0]
        return top not in self.own and _is_installed(top)

    def _look_into(self, value: Any) -> None:
        if isinstance(value, _PLAIN) or _is_library(value) or self._is_installed(value):
            return
        if isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.MethodType):
            self.queue += (value.__func__, value.__self__)
        elif isinstance(value, property):
            self.queue += (value.fget,)
        elif isinstance(value, staticmethod | classmethod):
            self.queue += (value.__func__,)
        elif isinstance(value, functools.partial):
            self.queue += (value.func, value.args, value.keywords)
        else:
            self._object(value)

    # --- functions ---

    def _function(self, function: types.FunctionType) -> None:
        self.names.update(_names(function.__code__))
        self.queue += (function.__defaults__, function.__kwdefaults__)
        guard = FunctionGuard(function, function.__code__, function.__defaults__)
        self.found.setdefault((id(function), None), guard)
        for cell in function.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:  # a name that is bound later
                continue
            self.found.setdefault((id(cell), None), CellGuard(cell, value))
            self.queue.append(value)
        self._watch(function.__globals__, set(_names(function.__code__)))

    def _watch(self, space: dict[str, Any], names: set[str]) -> None:
        """The entries of a namespace that code mentions by name."""
        for name in sorted(names & space.keys()):
            value = space[name]
            if not (isinstance(value, types.ModuleType) and _is_library(value)):
                self.found.setdefault((id(space), name), DictGuard(space, name, value))
                self.queue.append(value)

    # --- containers and objects ---

    def _object(self, value: Any) -> None:
        if isinstance(value, _CONTAINERS):
            self._items(value)
        if isinstance(value, type):
            self._class(value)
            return
        space = getattr(value, "__dict__", None)
        if type(space) is dict:
            self.queue.append(space.get("__wrapped__"))
            self._attributes(value, space)
        if not isinstance(value, types.ModuleType):
            self._class(type(value))
            for name in _slots(type(value), self.names):
                self._slot(value, name)

    def _attributes(self, value: Any, space: dict[str, Any]) -> None:
        cls = type(value)
        if cls.__module__.partition(".")[0] in _LIBRARIES:
            return
        any_attribute = self.names & _ANY_ATTRIBUTE and not isinstance(value, types.ModuleType)
        self._watch(space, set(space) if any_attribute else self.names)
        for base in _user_classes(cls):
            for name in (base.__dict__.keys() & self.names) - space.keys():
                if not callable(base.__dict__[name]):  # a default that the instance may hide
                    self.found.setdefault((id(space), name), DictGuard(space, name, ABSENT))

    def _slot(self, value: Any, name: str) -> None:
        read = functools.partial(getattr, value, name, ABSENT)
        current = read()
        self.found.setdefault((id(value), name), SlowGuard(lambda: (read(),), (current,)))
        self.queue.append(current)

    def _class(self, cls: type) -> None:
        """Attributes of a class and its bases; methods that Python calls by itself."""
        for base in _user_classes(cls):
            space = base.__dict__
            special = {n for n in space if n[:2] == "__" == n[-2:] and callable(space[n])}
            for name in special - _NOT_CALLED:
                self.queue.append(space[name])
            mentioned = {n for n in self.names & space.keys() if not _is_slot(space[n])}
            self._watch(_dict_of(base), mentioned - {"__dict__", "__doc__"})

    def _items(self, value: Any) -> None:
        key = (id(value), _items_of)
        if isinstance(value, dict):
            self.queue += value.values()
            self._dict(value, key)
            return
        if not isinstance(value, set):
            self.queue += value
        if isinstance(value, list) and len(value) <= _ITEMS:
            self.found.setdefault(key, ListGuard(value, tuple(value)))
        elif isinstance(value, set):
            self.found.setdefault(
                key, SlowGuard(lambda: frozenset(value), frozenset(value), operator.eq)
            )
        elif not isinstance(value, tuple):
            self.found.setdefault(key, SlowGuard(lambda: tuple(value), tuple(value)))

    def _dict(self, value: dict[Any, Any], key: tuple[int, Any]) -> None:
        if len(value) > _ITEMS:

            def both() -> tuple[Any, ...]:
                return (*value, *value.values())

            self.found.setdefault(key, SlowGuard(both, both()))
            return
        self.found.setdefault(key, SizeGuard(value, len(value)))
        for name, item in value.items():
            self.found.setdefault((id(value), name), DictGuard(value, name, item))


def _flat(mapping: dict[Any, Any]) -> tuple[Any, ...]:
    return (*mapping, *mapping.values())


def _names(code: types.CodeType) -> Iterator[str]:
    """Globals and attributes that the code mentions, in nested functions and as strings as well."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
        elif isinstance(constant, str) and constant.isidentifier():
            yield constant


def _is_library(value: Any) -> bool:
    """Does an object belong to NumPy, to the standard library, or to us?"""
    if isinstance(value, types.ModuleType):
        module: Any = value.__name__
    elif isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
        module = value.__module__
    else:
        return False
    top = str(module).partition(".")[0]
    return top != "__main__" and (top in _LIBRARIES or top in sys.stdlib_module_names)


@functools.cache
def _is_installed(package: str) -> bool:
    """Does a top-level package lie where pip puts them?"""
    file = getattr(sys.modules.get(package), "__file__", None)
    parts = (file or "").replace("\\", "/").split("/")
    return "site-packages" in parts or "dist-packages" in parts


def _user_classes(cls: type) -> list[type]:
    return [base for base in cls.__mro__ if not _is_library(base)]


def _dict_of(cls: type) -> dict[str, Any]:
    """The dict behind the read-only view that is a class's `__dict__`."""
    found = [x for x in gc.get_referents(cls.__dict__) if type(x) is dict]
    return found[0] if found else {}


def _slots(cls: type, names: set[str]) -> list[str]:
    """The slots of a class that code mentions by name."""
    spaces = [base.__dict__ for base in _user_classes(cls)]
    return [
        name for space in spaces for name in sorted(names & space.keys()) if _is_slot(space[name])
    ]


def _is_slot(x: Any) -> bool:
    return isinstance(x, types.MemberDescriptorType)
