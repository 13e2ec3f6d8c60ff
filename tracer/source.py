"""The user's line: the innermost frame that is neither ours nor NumPy's."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType

import numpy as np

from ..ir.location import Location

_ROOMS = ("fusegrad", "ir", "tracer", "codegen", "runtime")
# File names that the import system and NumPy give to frames of their own.
_INTERNAL = ("<frozen ", "<__array_function__")

# File name -> does it hold the user's code? Answered once for each file.
_is_users: dict[str, bool] = {}
_MOST_FILES = 4096


def _our_roots() -> tuple[str, ...]:
    """The folders of our rooms, under each name that they go by (the checkout links them)."""
    package = sys.modules[__name__.rpartition(".")[0].rpartition(".")[0]]
    roots = {os.path.abspath(path) for path in package.__path__}
    for file in (os.path.abspath(__file__), os.path.realpath(__file__)):
        top = os.path.dirname(os.path.dirname(file))
        roots.update(os.path.join(top, room) for room in _ROOMS)
    roots.add(os.path.dirname(os.path.abspath(np.__file__)))
    return tuple(sorted(root + os.sep for root in roots))


_ROOTS = _our_roots()


def _classify(file: str) -> bool:
    """Whether frames of `file` are the user's; remembered."""
    if len(_is_users) > _MOST_FILES:
        _is_users.clear()
    users = not file.startswith((*_INTERNAL, *_ROOTS)) and not is_scipys(file)
    _is_users[file] = users
    return users


def is_scipys(file: str) -> bool:
    """Is it a file of SciPy's?"""
    scipy = getattr(sys.modules.get("scipy"), "__file__", None)
    return scipy is not None and file.startswith(os.path.dirname(scipy) + os.sep)


def holds_users_code(file: str) -> bool:
    """Is `file` neither ours nor NumPy's (nor SciPy's)?"""
    known = _is_users.get(file)
    return _classify(file) if known is None else known


def user_frame() -> FrameType | None:
    """The innermost frame of the user's code."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        users = _is_users.get(file)
        if users or (users is None and _classify(file)):
            return frame
        frame = frame.f_back
    return None


def locate() -> Location | None:
    """The user's line that is being run."""
    frame = user_frame()
    return Location(frame.f_code.co_filename, frame.f_lineno or 0) if frame else None


def locate_error(error: BaseException) -> Location | None:
    """The user's line from which `error` was raised: the innermost that it passed."""
    found = None
    passed = error.__traceback__
    while passed is not None:
        file = passed.tb_frame.f_code.co_filename
        if _is_users.get(file) or (file not in _is_users and _classify(file)):
            found = Location(file, passed.tb_lineno)
        passed = passed.tb_next
    return found


def location_of(function: object) -> Location | None:
    """Where `function` is defined, as far as it is written in Python."""
    seen = 0
    while seen < 100 and hasattr(function, "__wrapped__"):
        function, seen = function.__wrapped__, seen + 1
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        code = getattr(getattr(function, "__call__", None), "__code__", None)  # noqa: B004
    if not isinstance(code, CodeType):
        return None
    return Location(code.co_filename, code.co_firstlineno)


class Locator:
    """`locate` for the length of a trace: a place that is passed again is not worked out again."""

    def __init__(self) -> None:
        # Keyed by identity, as the hash of a code object is slow; it is kept so that it lives.
        self._lines: dict[tuple[int, int], Location] = {}
        self._kept: dict[int, CodeType] = {}

    def __call__(self) -> Location | None:
        frame = user_frame()
        if frame is None:
            return None
        code = frame.f_code
        key = (id(code), frame.f_lasti)
        found = self._lines.get(key)
        if found is None:
            self._kept[id(code)] = code
            found = self._lines[key] = Location(code.co_filename, frame.f_lineno or 0)
        return found
