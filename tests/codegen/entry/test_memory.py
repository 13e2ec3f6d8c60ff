"""References and memory: nothing leaks, nothing is freed too early."""

from __future__ import annotations

import gc
import os
import resource
import sys
import weakref
from typing import Any

import numpy as np
import pytest

from fusegrad.codegen.entry import (
    self_test,
)

from .doors import (
    Door,
    deep,
    one_array,
)

pytestmark = pytest.mark.skipif(self_test() is not None, reason=str(self_test()))


def test_references_are_exact() -> None:
    door = Door(*deep())
    x = {"b": [np.True_], "a": np.ones(2)}
    watched = [None, True, np.True_, np.float64, np.dtype("f8"), "a", x, x["a"], x["b"], np.ndarray]
    result: Any = door.native(x, y=2**40)
    a, s = np.ones(2), np.float64(2)
    same: Any = (a, {"a": a, "b": (np.True_, s)}, [s, None])
    del a, s
    assert [_count(result, place) for place in (0, 2)] == [_count(same, place) for place in (0, 2)]
    del result
    gc.collect()
    before = [sys.getrefcount(item) for item in watched]
    for _ in range(1000):
        door.native(x, 2**40)
    assert not door.missed
    for _ in range(1000):
        door.native(x, None)
    door.missed.clear()
    growth = [sys.getrefcount(item) - old for item, old in zip(watched, before, strict=True)]
    assert all(abs(difference) < 5 for difference in growth), growth


def _count(result: Any, place: int) -> int:
    """References to a leaf that the result holds twice."""
    item = result[place][0] if place else result[place]
    return sys.getrefcount(item)


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads /proc")
def test_a_million_calls_do_not_grow() -> None:
    door = Door(*deep(), fallback=lambda *_: None)
    x, bad = {"b": [np.True_], "a": np.ones(2)}, {"b": [np.True_], "a": np.ones(3)}
    f: Any = door.native

    def run(times: int) -> None:
        for _ in range(times):
            f(x, 2)
            f(bad, 2)

    run(20_000)
    before = _resident()
    run(500_000)
    assert _resident() - before < 1 << 20


def test_function_object() -> None:
    door = Door(*one_array(2))
    assert door.native.__name__ == "f"
    assert door.native.__doc__ == "A test."
    assert getattr(door.native, "__text_signature__", None) == "(x)"
    assert door.native.__module__ == "tests"


def test_dropping_the_function_frees_everything() -> None:
    class Fallback:
        def __call__(self, *_: object) -> None: ...

    fallback = Fallback()
    door = Door(*one_array(2), fallback=fallback)
    owner: Any = door.native.__self__
    marks = [weakref.ref(owner), weakref.ref(fallback)]
    door.native(np.zeros(2))
    function = door.native
    del door, owner, fallback
    assert all(mark() is not None for mark in marks)
    assert function(None) is None
    del function
    gc.collect()
    assert all(mark() is None for mark in marks)


def test_a_cycle_through_the_fallback_is_collected() -> None:
    class Dispatcher:
        native: Any = None

        def __call__(self, *_: object) -> None: ...

    dispatcher = Dispatcher()
    dispatcher.native = Door(*one_array(2), fallback=dispatcher).native
    mark = weakref.ref(dispatcher)
    del dispatcher
    gc.collect()
    assert mark() is None
