"""The pool as Python sees it: its state, its code, how many threads, forks and the end.

Threads are started by native code when a job first wants them. They hold no GIL and no Python
state, and take no signals. Before a fork, and when the interpreter ends, they are asked to end: so
a child inherits no lock that one of them held, and no code is freed that one of them runs.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from functools import cache
from typing import Any

from ..linalg.blas import CONTROLS, find_controls
from . import native, state
from .alone import alone_text
from .cores import usual_threads

_STACK = 8 << 20  # bytes; some systems give threads too little for a BLAS
_LINE = 64

_slot = ctypes.c_void_p(None)  # where the state is; emitted code reads it
_chosen: list[int] = []  # what `set_threads` was told last
_states: list[Any] = []  # all states, so that none is freed: the newest is in use
_team: list[int] = []  # the address of its `fg.parallel`, once there is one
_lock = threading.Lock()


def threads() -> int:
    """How many threads a call may use, the caller's own included."""
    if not state.can_start_threads():
        return 1
    return min(_chosen[-1] if _chosen else usual_threads(), state.MOST_THREADS)


def set_threads(count: int | None) -> None:
    """From the next call on, use up to `count` threads; None: as many as is usual."""
    _chosen[:] = [] if count is None else [count]
    if _states:
        _write_limit(_slot.value or 0)
    if _open_serial.cache_info().currsize:  # there is code that would use them
        prepare(0)


def why_alone() -> str | None:
    """Why no call starts threads on this platform; None where they do."""
    if state.can_start_threads():
        return None
    return "threads are started on Linux and macOS of 64 bits only"


def function_of_threads(name: str) -> int:
    """The address of `fg.parallel` or of one of the `fg.alone` functions."""
    return open_pool() if name == "fg.parallel" else open_alone()[name]


def open_pool() -> int:
    """The address of `fg.parallel`. No thread is started yet."""
    prepare(0)
    return _team[-1] if _team else _open_serial()


def prepare(count: int) -> None:
    """Have the code of the team, if calls may use `count` threads; 0: as many as is usual."""
    _make_state()
    if state.can_start_threads() and (count or threads()) > 1:
        _open_team()


@cache
def _open_serial() -> int:
    from ..objects.load import load
    from ..objects.texts import object_of

    imports = ("fg.pool",) if state.can_start_threads() else ()
    library = load([object_of(native.serial_text())], imports, ("fg.parallel",), _address_of)
    _keep(library)
    return int(library["fg.parallel"])


@cache
def _open_team() -> None:
    from ..objects.load import load
    from ..objects.texts import object_of

    names = ("fg.parallel", "fg.pool.stop")
    library = load([object_of(native.pool_text())], ("fg.pool",), names, _address_of)
    _keep(library)  # threads may run it to the very end
    _register(ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(library[names[1]]))
    _team.append(library[names[0]])
    _write_team(_slot.value or 0)


@cache
def open_alone() -> dict[str, int]:
    """The addresses of `fg.alone.begin` and `fg.alone.end`, by name."""
    from ..objects.load import load
    from ..objects.texts import object_of

    _make_state()
    imports = ("fg.pool", *(f"fg.control.{name}" for name in CONTROLS))
    names = ("fg.alone.begin", "fg.alone.end")
    library = load([object_of(alone_text())], imports, names, _address_of)
    _keep(library)
    return {name: library[name] for name in names}


def _address_of(name: str) -> int:
    """Where a name in the code of threads is."""
    if name == "fg.pool":
        return slot_address()
    from ..objects.load import address_in_libraries

    return address_in_libraries(name)


def _keep(library: Any) -> None:
    """Never free a library's code."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))


def _make_state() -> None:
    with _lock:
        if not _states:
            _new_state()


def slot_address() -> int:
    """The address of `fg.pool`, for the linker."""
    return ctypes.addressof(_slot)


def running() -> int:
    """How many threads of the pool there are now, beside the callers'."""
    return _word(_slot.value, state.WORKERS).value if _states else 0


def _word(base: int | None, place: int) -> ctypes.c_int32:
    return ctypes.c_int32.from_address((base or 0) + place)


def _new_state() -> None:
    memory = ctypes.create_string_buffer(state.STATE_SIZE + _LINE)
    base = -(-ctypes.addressof(memory) // _LINE) * _LINE
    if state.can_start_threads():
        process = ctypes.CDLL(None)
        process.pthread_mutex_init(ctypes.c_void_p(base + state.MUTEX), None)
        for place in (state.WAKE, state.DONE):
            process.pthread_cond_init(ctypes.c_void_p(base + place), None)
        attributes = ctypes.c_void_p(base + state.ATTRIBUTES)
        process.pthread_attr_init(attributes)
        process.pthread_attr_setstacksize(attributes, ctypes.c_size_t(_STACK))
    _write_limit(base)
    _write_team(base)
    _states.append(memory)
    _slot.value = base


def _write_limit(base: int) -> None:
    _word(base, state.LIMIT).value = threads()


def _write_team(base: int) -> None:
    if _team:
        ctypes.c_int64.from_address(base + state.TEAM).value = _team[-1]


def _register(stop: Any) -> None:
    """End the threads before each fork, and for good before the interpreter ends."""
    atexit.register(stop, 1)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lambda: stop(0), after_in_child=_after_fork)


def _after_fork() -> None:
    """A pool without threads for the child.

    If the fork was in the midst of a job (another thread's, or by a signal handler that the job
    ran), the threads that had blocks of it are gone: that job fails. And where one was in a BLAS,
    nobody else would give this back its threads.
    """
    old = _slot.value or 0
    _new_state()
    if _word(old, state.BUSY).value:
        _word(old, state.STATUS).value = state.FORKED
        ctypes.c_int64.from_address(old + state.GATE).value = 0
    controls = find_controls() if _word(old, state.ALONE).value else None
    if controls is not None:
        give_back = ctypes.CFUNCTYPE(None, ctypes.c_int)(controls.addresses["set_num_threads"])
        give_back(_word(old, state.SAVED).value)
