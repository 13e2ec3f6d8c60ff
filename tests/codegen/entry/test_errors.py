"""Error codes, exceptions, interrupts and the GIL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fusegrad.codegen.entry import (
    EntrySpec,
    ListNode,
    NoneNode,
    OutputLeaf,
    TupleNode,
    self_test,
)

from .doors import (
    CODE_CORE,
    WAITING_CORE,
    Door,
    array,
    copy_core,
    one_array,
)

pytestmark = pytest.mark.skipif(self_test() is not None, reason=str(self_test()))


def test_exceptions_of_the_fallback_propagate() -> None:
    def fallback(x: object) -> None:
        raise KeyError("from the fallback")

    door = Door(*one_array(2), fallback=fallback)
    with pytest.raises(KeyError, match="from the fallback"):
        door.native(1)
    with pytest.raises(TypeError, match="positional argument"):
        door.native(1, 2)


def test_error_codes_go_to_on_error() -> None:
    output = TupleNode((OutputLeaf(0, "f64", (3,)), OutputLeaf(1, "f64", (), True)))
    spec = EntrySpec("code", ("x",), (ListNode((array(0, "i32", 1),)),), output)
    door = Door(spec, CODE_CORE)
    x = np.array([7], np.int32)
    before = sys.getrefcount(x)
    with pytest.raises(ArithmeticError, match="code 7"):
        door.native([x])
    with pytest.raises(ArithmeticError, match="code 7"):
        door.slow([x])
    assert sys.getrefcount(x) == before


def test_a_silent_on_error_is_a_system_error() -> None:
    spec = EntrySpec("code", ("x",), (array(0, "i32", 1),), NoneNode())
    door = Door(spec, CODE_CORE, on_error=lambda code: None)
    for call in (
        lambda: door.native(np.ones(1, np.int32)),
        lambda: door.slow([np.ones(1, np.int32)]),
    ):
        with pytest.raises(SystemError):
            call()


def test_a_failed_run_leaves_nothing_behind() -> None:
    told: list[int] = []

    def on_error(code: int) -> list[int]:
        told.append(code)
        return told

    output = TupleNode((OutputLeaf(0, "f32", (3,)), OutputLeaf(1, "f32", (), True)))
    spec = EntrySpec("code", ("x",), (array(0, "i32", 1),), output)
    door = Door(spec, CODE_CORE, on_error=on_error)
    x, watched = np.array([70_000], np.int32), (np.dtype("f4"), told)
    before = [sys.getrefcount(item) for item in watched]
    for _ in range(100):
        with pytest.raises(SystemError):
            door.native(x)
    growth = [sys.getrefcount(item) - old for item, old in zip(watched, before, strict=True)]
    assert all(abs(difference) < 5 for difference in growth), growth
    fresh = [int(str(70_000))]
    assert sys.getrefcount(told[0]) == sys.getrefcount(fresh[0])


def test_results_too_large_for_memory_are_a_memory_error() -> None:
    output = TupleNode((OutputLeaf(0, "f64", (2,)), OutputLeaf(1, "f64", (1 << 50,))))
    spec = EntrySpec("large", ("x",), (ListNode((array(0, "f64", 2),)),), output)
    door = Door(spec, copy_core())
    x = np.zeros(2)
    before = sys.getrefcount(x)
    with pytest.raises(MemoryError):
        door.native([x])
    assert sys.getrefcount(x) == before


def waiting(release_gil: bool, **options: Any) -> Door:
    tree = ListNode((array(0, "i64", 1),))
    spec = EntrySpec(
        "wait", ("x",), (tree,), OutputLeaf(0, "i64", (), True), release_gil=release_gil
    )
    return Door(spec, WAITING_CORE, **options)


def _calls(door: Door, flag: Any) -> list[Callable[[], Any]]:
    return [lambda: door.native([flag]), lambda: door.slow([flag])]


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("release_gil", [False, True])
def test_an_interrupt_stops_a_long_kernel(release_gil: bool, slow: bool) -> None:
    door = waiting(release_gil)
    flag = np.zeros(1, np.int64)
    before = sys.getrefcount(flag)
    sent: list[float] = []

    def on_alarm(*_: object) -> None:
        sent.append(time.perf_counter())
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, on_alarm)
    try:
        started = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, 0.06)
        with pytest.raises(KeyboardInterrupt):
            _calls(door, flag)[slow]()
        assert 0.06 <= time.perf_counter() - started < 0.06 + 0.1
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert len(sent) == 1
    assert sys.getrefcount(flag) == before


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises, also where the tests were started in the background: there it is ignored."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("release_gil", [False, True])
def test_ctrl_c_from_outside(release_gil: bool) -> None:
    door = waiting(release_gil)
    command = ["sh", "-c", f"sleep 0.2; kill -INT {os.getpid()}"]
    started = time.perf_counter()
    with subprocess.Popen(command), pytest.raises(KeyboardInterrupt):
        door.native([np.zeros(1, np.int64)])
    assert time.perf_counter() - started < 5


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_from_another_thread() -> None:
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        waiting(release_gil=True).native([np.zeros(1, np.int64)])


def test_a_signal_whose_handler_returns_does_not_stop_the_kernel() -> None:
    door = waiting(release_gil=True)
    flag = np.zeros(1, np.int64)

    def finish(*_: object) -> None:
        flag[0] = 1

    previous = signal.signal(signal.SIGALRM, finish)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.08)
        rounds: Any = door.native([flag])
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert rounds > 65536
    assert not door.missed


@pytest.mark.parametrize("slow", [False, True])
def test_other_threads_run_while_the_gil_is_released(slow: bool) -> None:
    door = waiting(release_gil=True)
    flag = np.zeros(1, np.int64)
    timer = threading.Timer(0.15, flag.__setitem__, (0, 1))
    timer.start()
    result = _calls(door, flag)[slow]()
    assert np.ravel(result)[0] > 0


def test_what_a_list_held_survives_a_change_while_the_kernel_runs() -> None:
    door = waiting(release_gil=True)
    flag = np.zeros(1, np.int64)
    held = [flag]
    seen: list[int] = []

    def replace_it() -> None:
        held[0] = np.zeros(1, np.int64)
        seen.append(sys.getrefcount(flag))
        flag[0] = 1

    threading.Timer(0.05, replace_it).start()
    door.native(held)
    assert seen[0] == sys.getrefcount(flag) + 1
