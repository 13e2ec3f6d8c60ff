"""What a traced function read from outside its arguments, and how to tell that it changed.

Arrays are read anew at each call, so a change in place is seen. Everything else that a function reaches by name (the
cells of its closure, the globals that its code mentions, and through them the attributes of objects and the
names of the functions it calls) is watched by identity: when one is bound anew, the function is traced again.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from ...codegen.entry import CellGuard, DictGuard, Guard

_DEPTH = 4  # functions and objects deep
_ITEMS = 64  # of a dict that is watched item by item


def find_guards(function: Callable[..., Any]) -> tuple[Guard, ...]:
    """The guards of a call of `function`, for what it can see now."""
    found: dict[tuple[int, Any], Guard] = {}
    _of_callable(function, found, set(), _DEPTH)
    return tuple(found.values())


def holds(guard: Guard) -> bool:
    """Does the guard's place still hold the same object (or an equal number or string)?"""
    if isinstance(guard, CellGuard):
        try:
            current = guard.cell.cell_contents
        except ValueError:
            return False
    else:
        current = guard.mapping.get(guard.key, _MISSING)
    return current is guard.expected or _same_number(current, guard.expected)


_MISSING = object()


def _same_number(x: Any, y: Any) -> bool:
    return type(x) is type(y) and isinstance(x, int | float | str) and bool(x == y)


def _of_callable(
    function: Any, found: dict[tuple[int, Any], Guard], seen: set[int], depth: int
) -> None:
    if depth == 0 or id(function) in seen:
        return
    seen.add(id(function))
    if isinstance(function, types.MethodType):
        _of_callable(function.__func__, found, seen, depth)
        names = set(getattr(function.__func__.__code__, "co_names", ()))
        _of_object(function.__self__, names, found, seen, depth)
    elif isinstance(function, types.FunctionType):
        _of_function(function, found, seen, depth)
    elif hasattr(function, "func") and hasattr(function, "keywords"):  # functools.partial
        _of_callable(function.func, found, seen, depth)
    elif hasattr(function, "__wrapped__"):
        _of_callable(function.__wrapped__, found, seen, depth)


def _of_function(
    function: types.FunctionType, found: dict[tuple[int, Any], Guard], seen: set[int], depth: int
) -> None:
    names = set(_names(function.__code__))
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:  # a name that is bound later
            continue
        found.setdefault((id(cell), None), CellGuard(cell, value))
        _look_into(value, names, found, seen, depth)
    space = function.__globals__
    for name in sorted(names & space.keys()):
        value = space[name]
        if isinstance(value, types.ModuleType):
            continue
        found.setdefault((id(space), name), DictGuard(space, name, value))
        _look_into(value, names, found, seen, depth)


def _names(code: types.CodeType) -> Iterator[str]:
    """Globals and attributes that the code mentions, in nested functions as well."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _look_into(
    value: Any, names: set[str], found: dict[tuple[int, Any], Guard], seen: set[int], depth: int
) -> None:
    if isinstance(value, types.FunctionType | types.MethodType) or hasattr(value, "__wrapped__"):
        _of_callable(value, found, seen, depth - 1)
    else:
        _of_object(value, names, found, seen, depth - 1)


def _of_object(
    value: Any, names: set[str], found: dict[tuple[int, Any], Guard], seen: set[int], depth: int
) -> None:
    """The attributes of an object that the code mentions by name; the items of a small dict."""
    if type(value) is dict and len(value) <= _ITEMS:
        for key, item in value.items():
            found.setdefault((id(value), key), DictGuard(value, key, item))
        return
    space = getattr(value, "__dict__", None)
    if depth <= 0 or type(space) is not dict or isinstance(value, type) or id(value) in seen:
        return
    seen.add(id(value))
    for name in sorted(names & space.keys()):
        found.setdefault((id(space), name), DictGuard(space, name, space[name]))
        _look_into(space[name], names, found, seen, depth)
