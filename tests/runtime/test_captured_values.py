"""Captured arrays that compiled code reads at each call, and that Python or NumPy reads while the
function is traced: what was decided, or computed, with a value of them is decided anew.
"""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

X = np.arange(1.0, 4.0)

Case = tuple[Callable[[Any], Any], np.ndarray]
CASES: list[Callable[[np.ndarray], Callable[[Any], Any]]] = []


def case(make: Callable[[Any], Callable[[Any], Any]]) -> Callable[[Any], Callable[[Any], Any]]:
    """A function of x that uses the captured array `a` of three elements, and reads it as well."""
    CASES.append(make)
    return make


@case
def a_float(a: Any) -> Any:
    return lambda x: x * a * float(a[0])


@case
def a_branch(a: Any) -> Any:
    return lambda x: x * a if a[0] > 0 else x + a


@case
def a_power(a: Any) -> Any:
    def f(x: Any) -> Any:
        k = int(a[0])
        return x ** abs(k) * a.sum() + a

    return f


@case
def an_item(a: Any) -> Any:
    return lambda x: x * a + a.item(0)


@case
def a_list_of_numbers(a: Any) -> Any:
    return lambda x: x * a + sum(a.tolist())


@case
def any_of_them(a: Any) -> Any:
    return lambda x: x * a if np.any(a < 0) else x - a


@case
def a_method(a: Any) -> Any:
    return lambda x: x * a if a.min() < 0 else x - a


@case
def the_largest(a: Any) -> Any:
    return lambda x: x * a * max(a) - x * min(a)


@case
def one_by_one(a: Any) -> Any:
    def f(x: Any) -> Any:
        total = x * 0
        for value in a:
            if value > 0:
                total = total + x * value
        return total + a

    return f


@case
def membership(a: Any) -> Any:
    return lambda x: x * a if -5.0 in a else x


@case
def a_view(a: Any) -> Any:
    def f(x: Any) -> Any:
        part = a[:2]
        return x[:2] * part if part[0] > 0 else x[:2] - part

    return f


@case
def a_reshaped_view(a: Any) -> Any:
    def f(x: Any) -> Any:
        column = a.reshape(3, 1).T
        return x * column if column[0, 0] > 0 else x - column

    return f


@case
def a_function_of_math(a: Any) -> Any:
    return lambda x: x * a * math.exp(a[0] / 10)


@case
def positions(a: Any) -> Any:
    return lambda x: x[np.argsort(a)] * a


@case
def a_mask(a: Any) -> Any:
    return lambda x: x[a > 0] * a.shape[0] + a.max()


@case
def a_copy(a: Any) -> Any:
    return lambda x: x * a if a.copy()[0] > 0 else x


@case
def converted(a: Any) -> Any:
    return lambda x: x * a if bool((np.asarray(a) > 0).all()) else x


@case
def formatted(a: Any) -> Any:
    return lambda x: x * a * len(f"{a[0]:.1f}")


@case
def of_an_inner_function(a: Any) -> Any:
    inner = fg.compile(lambda x: x * a if a[0] > 0 else x)
    return lambda x: inner(x) + a


@case
def in_a_dict(a: Any) -> Any:
    parameters = {"a": a}
    return lambda x: x * parameters["a"] if parameters["a"][0] > 0 else x + parameters["a"]


@case
def in_a_list_of_lists(a: Any) -> Any:
    layers = [[a, 1.0], [X, 2.0]]

    def f(x: Any) -> Any:
        for weights, factor in layers:
            x = x * weights * factor if weights[0] > 0 else x - weights
        return x

    return f


@case
def in_a_named_tuple(a: Any) -> Any:
    p = namedtuple("P", "a b")(a, 2.0)
    return lambda x: x * p.a if p.a[0] > 0 else x + p.a


@case
def of_an_instance(a: Any) -> Any:
    class Model:
        def __init__(self) -> None:
            self.a = a

        def run(self, x: Any) -> Any:
            return x * self.a if self.a[0] > 0 else x + self.a

    return Model().run


@case
def of_an_instance_in_a_list(a: Any) -> Any:
    class Layer:
        def __init__(self) -> None:
            self.a = a

        def __call__(self, x: Any) -> Any:
            return x * self.a if self.a[0] > 0 else x + self.a

    layers = [Layer()]
    return lambda x: layers[0](x)


@case
def of_a_plain_object(a: Any) -> Any:
    space = SimpleNamespace(a=a)
    return lambda x: x * space.a if space.a[0] > 0 else x + space.a


@case
def of_a_dataclass(a: Any) -> Any:
    @dataclass
    class State:
        a: Any = field(default_factory=lambda: a)

    state = State()
    return lambda x: x * state.a if state.a[0] > 0 else x + state.a


@case
def of_a_class(a: Any) -> Any:
    class Settings:
        limits = a

    return lambda x: x * Settings.limits if Settings.limits[0] > 0 else x + Settings.limits


@case
def a_default(a: Any) -> Any:
    return lambda x, a=a: x * a if a[0] > 0 else x + a


@case
def of_a_slot(a: Any) -> Any:
    class Slotted:
        __slots__ = ("a",)

    slotted = Slotted()
    slotted.a = a
    return lambda x: x * slotted.a if slotted.a[0] > 0 else x + slotted.a


@pytest.mark.parametrize("kind", ["compile", "grad"])
@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_what_was_read_is_read_again(make: Callable[[Any], Any], kind: str) -> None:
    a = np.ones(3)
    function = make(a)
    if kind == "compile":
        compiled, reference = fg.compile(function), function
    else:
        compiled = fg.grad(lambda x: np.sum(function(x)))

        def reference(x: Any) -> Any:
            steps = [1e-4 * e for e in np.eye(3)]
            rises = [np.sum(function(x + s)) - np.sum(function(x - s)) for s in steps]
            return np.array(rises) / 2e-4

    for changed in ([1, 1, 1], [1, 2, 3], [-5, 2, 3], [-5, 2, 1], [2, 2, 3], [1, 1, 1]):
        a[:] = changed
        for _ in range(2):
            np.testing.assert_allclose(compiled(X), reference(X), rtol=1e-7, atol=1e-7)


def test_arrays_that_only_compiled_code_reads_need_no_new_trace() -> None:
    parameters = {"w": np.ones((3, 3)), "b": np.zeros(3)}

    class Layer:
        def __init__(self) -> None:
            self.scale = np.ones(3)

        def __call__(self, x: Any) -> Any:
            return np.tanh(x @ parameters["w"] + parameters["b"]) * self.scale

    layers = [Layer(), Layer()]

    @fg.value_and_grad
    def loss(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return np.sum(x * len(parameters["b"]) * parameters["w"].shape[0])

    for step in range(20):
        parameters["w"] += 0.01 * step
        parameters["b"] -= 0.01
        layers[1].scale *= 0.9
        x = X
        for layer in layers:
            x = layer(x)
        assert loss(X)[0] == pytest.approx(np.sum(x) * 9, rel=1e-13)
    assert loss.cache_info()["variants"] == 1


def test_what_the_function_changes_in_a_container_is_changed() -> None:
    log: list[Any] = [np.ones(3)]
    seen: dict[str, Any] = {"a": np.ones(3), "calls": 0}

    def f(x: Any) -> Any:
        seen["calls"] += 1
        seen["b"] = seen["a"] * 2
        log.append(len(log))
        log[0] = log[0] + 1
        return x * seen["a"]

    first = seen["a"]
    fg.compile(f)(X)
    assert seen["calls"] == 1
    assert seen["a"] is first
    assert type(seen["b"]) is np.ndarray
    assert list(seen) == ["a", "calls", "b"]
    assert log[1:] == [1]
    np.testing.assert_array_equal(log[0], 2 * np.ones(3))


def test_a_variable_of_an_enclosing_function_can_be_bound_anew() -> None:
    best = [1.0, 2.0]
    array = np.ones(3)

    def f(x: Any) -> Any:
        nonlocal best, array
        best = [3.0]
        array = array + 1
        return x * 2

    fg.compile(f)(X)
    assert best == [3.0]
    np.testing.assert_array_equal(np.asarray(array), np.full(3, 2.0))


def test_arrays_that_a_trace_leaves_behind_are_arrays() -> None:
    memo: dict[str, Any] = {}
    kept: list[Any] = []

    class Cache:
        def __init__(self) -> None:
            self.table: Any = None

        def __call__(self, x: Any) -> Any:
            if self.table is None:
                self.table = np.arange(3.0) + 1
            if "a" not in memo:
                memo["a"] = np.ones(3) * 2
                kept.append(memo["a"])
            return x * self.table * memo["a"]

    cache = Cache()
    f = fg.compile(cache)
    np.testing.assert_array_equal(f(X), 2 * X * X)
    assert [type(x) for x in (cache.table, memo["a"], kept[0])] == [np.ndarray] * 3
    assert kept[0] is memo["a"]
    np.testing.assert_array_equal(f(X), 2 * X * X)
    cache.table[:] = 5
    memo["a"][0] = 0
    np.testing.assert_array_equal(f(X), X * 5 * [0, 2, 2])
