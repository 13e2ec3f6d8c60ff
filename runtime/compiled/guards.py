"""What a traced function read from outside its arguments, and how to tell that it changed.

Arrays are read anew at each call, so a change in place is seen. Everything else that a function reaches by name is
watched by identity: the cells of its closure, the globals that its code mentions, and through them attributes, items
of lists and dicts, defaults, and whatever the functions called on the way mention. When one is bound anew, the
function is traced again. NumPy and the standard library are taken to stay as they are.
"""

from __future__ import annotations

import functools
import gc
import operator
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...codegen.entry import ABSENT, CellGuard, DictGuard, Guard, ListGuard, SizeGuard

_ITEMS = 64  # of a list or a dict that native code watches item by item
_OBJECTS = 10_000  # that one search looks at
_LIBRARIES = frozenset({"numpy", "scipy", "fusegrad", "llvmlite"})
# Code that mentions one of these may read any attribute.
_ANY_ATTRIBUTE = frozenset({"getattr", "vars", "__dict__", "attrgetter"})
_NOT_CALLED = frozenset({"__init__", "__new__", "__repr__", "__str__", "__del__", "__doc__"})
_PLAIN = (np.ndarray, np.generic, int, float, complex, str, bytes, type(None))
_CONTAINERS = (list, tuple, dict, set, deque)


@dataclass(frozen=True, slots=True, eq=False)
class SlowGuard:
    """`read()` still gives `expected`. Native entries can't check it: such calls go through Python."""

    read: Callable[[], Any]
    expected: Any


AnyGuard = Guard | SlowGuard


def find_guards(function: Callable[..., Any]) -> tuple[AnyGuard, ...]:
    """The guards of a call of `function`, for what it can see now."""
    search = _Search()
    names = -1
    while names < len(search.names):  # a name that is found late may be an attribute seen early
        names = len(search.names)
        search.run(function)
    return tuple(search.found.values())


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
    return _same_items(guard.read(), guard.expected)


def appended_to(guard: AnyGuard) -> bool:
    """Is this a list that has only grown? Then the traced function keeps a log in it."""
    if not isinstance(guard, ListGuard) or len(guard.sequence) <= len(guard.expected):
        return False
    return _same_items(guard.sequence[: len(guard.expected)], guard.expected)


def _same(x: Any, y: Any) -> bool:
    if x is y:
        return True
    if type(x) is not type(y) or not isinstance(x, int | float | str):
        return False
    return bool(x == y) and (x != 0 or repr(x) == repr(y))  # 0.0 is not -0.0


def _same_items(x: Any, y: Any) -> bool:
    if not isinstance(y, tuple):
        return x is y or (isinstance(y, frozenset) and bool(x == y))
    return len(x) == len(y) and all(map(operator.is_, x, y))


class _Search:
    """Walks what a function can reach, and collects guards. `names` are all that the code mentions."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.found: dict[tuple[int, Any], AnyGuard] = {}
        self.seen: dict[int, Any] = {}  # by address; kept, so that no other object gets it
        self.queue: deque[Any] = deque()

    def run(self, function: Any) -> None:
        self.seen.clear()
        self.queue.append(function)
        while self.queue:
            value = self.queue.popleft()
            if id(value) in self.seen or len(self.seen) > _OBJECTS:
                continue
            self.seen[id(value)] = value
            self._look_into(value)

    def _look_into(self, value: Any) -> None:
        if isinstance(value, _PLAIN) or _is_library(value):
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
        wrapped = getattr(value, "__wrapped__", None)
        if wrapped is not None:
            self.queue.append(wrapped)
        if not isinstance(value, types.ModuleType):
            self._class(type(value))
        space = getattr(value, "__dict__", None)
        if type(space) is dict:
            self._attributes(value, space)

    def _attributes(self, value: Any, space: dict[str, Any]) -> None:
        names = space.keys() if self.names & _ANY_ATTRIBUTE else self.names
        self._watch(space, set(names))
        for cls in _user_classes(type(value)):
            for name in (cls.__dict__.keys() & self.names) - space.keys():
                if not callable(cls.__dict__[name]):  # a default that the instance may hide
                    self.found.setdefault((id(space), name), DictGuard(space, name, ABSENT))
        if isinstance(value, types.ModuleType):
            return
        for name in _slots(type(value), self.names):
            self._slot(value, name)

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
        key = (id(value), "items")
        if isinstance(value, dict):
            self.queue += value.values()
            self._dict(value, key)
            return
        if not isinstance(value, set):
            self.queue += value
        if isinstance(value, list) and len(value) <= _ITEMS:
            self.found.setdefault(key, ListGuard(value, tuple(value)))
        elif isinstance(value, set):
            self.found.setdefault(key, SlowGuard(lambda: frozenset(value), frozenset(value)))
        elif not isinstance(value, tuple):
            self.found.setdefault(key, SlowGuard(lambda: tuple(value), tuple(value)))

    def _dict(self, value: dict[Any, Any], key: tuple[int, str]) -> None:
        if len(value) > _ITEMS:
            both = lambda: (*value, *value.values())  # noqa: E731
            self.found.setdefault(key, SlowGuard(both, both()))
            return
        self.found.setdefault(key, SizeGuard(value, len(value)))
        for name, item in value.items():
            self.found.setdefault((id(value), name), DictGuard(value, name, item))


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


def _user_classes(cls: type) -> list[type]:
    return [base for base in cls.__mro__ if not _is_library(base)]


def _dict_of(cls: type) -> dict[str, Any]:
    """The dict behind the read-only view that is a class's `__dict__`."""
    found = [x for x in gc.get_referents(cls.__dict__) if type(x) is dict]
    return found[0] if found else {}


def _slots(cls: type, names: set[str]) -> list[str]:
    """The slots of a class that code mentions by name."""
    spaces = [base.__dict__ for base in _user_classes(cls)]
    return [name for space in spaces for name in sorted(names & space.keys()) if _is_slot(space[name])]


def _is_slot(x: Any) -> bool:
    return isinstance(x, types.MemberDescriptorType)
