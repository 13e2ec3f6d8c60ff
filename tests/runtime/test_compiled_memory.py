"""Calls do not grow memory; code goes with its function."""

from __future__ import annotations

import gc
import os
import resource
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

X = np.linspace(0, 1, 100)
needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads /proc")


def resident() -> int:
    """Bytes of this process that are in memory."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def repeat(times: int, call: Callable[[], Any]) -> None:
    for _ in range(times):
        call()


@needs_proc
@pytest.mark.parametrize(
    ("arguments", "times"),
    [
        ((np.float64(0.5), np.float64(2.0)), 1_000_000),
        ((0.5, 2), 200_000),
        ((X, 2.0), 200_000),
        (({"w": [X, (X, None)]}, X), 100_000),
        ((X[::2], 2.0), 5_000),  # through Python
    ],
    ids=["scalars", "numbers", "array", "tree", "strided"],
)
def test_calls_do_not_grow(arguments: tuple[Any, ...], times: int) -> None:
    @fg.value_and_grad
    def f(p: Any, y: Any) -> Any:
        x = p["w"][0] + p["w"][1][0] if isinstance(p, dict) else p
        return np.sum(np.sin(x) * y)

    def call() -> None:
        f(*arguments)

    repeat(times // 10, call)
    before = resident()
    repeat(times, call)
    assert resident() - before < 1 << 20
    tracemalloc.start()
    try:
        repeat(100, call)
        start = tracemalloc.get_traced_memory()[0]
        repeat(1000, call)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - start < 4096
    finally:
        tracemalloc.stop()


@needs_proc
def test_errors_do_not_grow() -> None:
    table, wrong = np.ones((3, 2)), np.array([5])
    f = fg.compile(lambda t, i: np.sum(t[i]))
    f(table, wrong - 5)

    def call() -> None:
        with pytest.raises(IndexError):
            f(table, wrong)
        with pytest.raises(TypeError):
            f(table)

    repeat(200, call)
    before = resident()
    repeat(3000, call)
    assert resident() - before < 1 << 20


@needs_proc
def test_a_new_function_each_time_leaves_less_than_64_kb() -> None:
    def once() -> None:
        k = 2.0

        @fg.value_and_grad
        def loss(x: Any) -> Any:
            return np.sum(np.sin(x) * k + np.exp(-x * x))

        loss(X)
        loss(X)

    repeat(20, once)
    before = resident()
    repeat(120, once)
    assert resident() - before < 120 * (64 << 10)


@needs_proc
def test_recompiling_one_function_leaves_less_than_64_kb() -> None:
    f = fg.value_and_grad(lambda x: np.sum(np.tanh(x) * np.log1p(x)))

    def once() -> None:
        f(X)
        f.clear_cache()

    repeat(20, once)
    before = resident()
    repeat(60, once)
    assert resident() - before < 60 * (64 << 10)


def watched(f: Any) -> list[weakref.ref[Any]]:
    """What a compiled function holds: variants' captured arrays, native functions' owners."""
    variants = [v for group in f._variants.values() for v in group]
    doors = [door for v in variants for door in v.entries.values() if door]
    assert doors
    return [weakref.ref(door.native.__self__) for door in doors]


def test_dropping_a_function_frees_its_code_and_what_it_captured() -> None:
    captured = X.copy()
    array = weakref.ref(captured)

    def make(captured: Any) -> Any:
        return fg.value_and_grad(lambda x: np.sum(np.sin(x) * captured))

    f = make(captured)
    del captured
    f(X)
    f(X)
    f(X[:50].repeat(2))
    owners = watched(f)
    whole = weakref.ref(f)
    gc.collect()
    assert all(owner() is not None for owner in owners)
    assert array() is not None
    del f
    gc.collect()
    assert whole() is None
    assert array() is None
    assert all(owner() is None for owner in owners)


def test_clear_cache_frees_code() -> None:
    f = fg.compile(lambda x: np.sin(x) * 2)
    for n in range(1, 12):
        f(X[:n].copy())
    owners = watched(f)
    f.clear_cache()
    gc.collect()
    assert all(owner() is None for owner in owners)
    np.testing.assert_allclose(f(X), np.sin(X) * 2, rtol=1e-15)


def test_dropping_an_instance_frees_its_compiled_methods() -> None:
    class Model:
        def __init__(self) -> None:
            self.w = X.copy()

        @fg.compile
        def f(self, x: Any) -> Any:
            return x * self.w

    model = Model()
    model.f(X)
    model.f(X)
    owners = [*watched(model.f), weakref.ref(model), weakref.ref(model.w)]
    del model
    gc.collect()
    assert all(owner() is None for owner in owners)


def test_a_function_dropped_while_it_runs() -> None:
    holder: list[Any] = []

    class Weird(float):
        pass

    def make() -> Any:
        def f(x: Any) -> Any:
            holder.clear()
            return x * 2

        return fg.compile(f)

    holder.append(make())
    np.testing.assert_array_equal(holder[0](X), X * 2)
    gc.collect()


def test_old_arrays_are_let_go_when_names_are_bound_anew() -> None:
    w = X.copy()
    f = fg.compile(lambda x: x * w)
    f(X)
    old = [weakref.ref(w)]
    for _ in range(100):
        w = w + 1
        old.append(weakref.ref(w))
        np.testing.assert_array_equal(f(X), X * w)
    gc.collect()
    assert sum(each() is not None for each in old) <= 4 + 8  # variants, native entries
    f.clear_cache()
    gc.collect()
    assert sum(each() is not None for each in old) == 1
