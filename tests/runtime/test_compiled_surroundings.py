"""What a function reads beside its arguments may change: the next call sees it, every time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

from .surroundings import CASES, Case, case

X = np.arange(1.0, 4.0)


# --- arrays changed in place ---


def array_case(read: Callable[[np.ndarray, Any], Any], dtype: Any = float) -> None:
    def make() -> Case:
        array = np.array([0, 1, 1], dtype)
        return lambda x: read(array, x), lambda: array.__setitem__(0, 1)

    make.__name__ = f"array_in_place_{len(CASES)}"
    case(make)


array_case(lambda a, x: x * a)
array_case(lambda a, x: x * a[::-1])
array_case(lambda a, x: x * a.T)
array_case(lambda a, x: x * np.exp(a))
array_case(lambda a, x: x * a.sum())
array_case(lambda a, x: x * a + a.sum())
array_case(lambda a, x: x * float(a[0]))
array_case(lambda a, x: x * 2 if a[0] else x)
array_case(lambda a, x: x * a.astype(np.float32))
array_case(lambda a, x: np.where(a > 0, x, -x))
array_case(lambda a, x: x[a], np.int64)
array_case(lambda a, x: x[a.astype(int)])
array_case(lambda a, x: np.sum(x[a]), bool)
array_case(lambda a, x: x * a, np.float32)
array_case(lambda a, x: x * a, np.int32)


@case
def array_in_place_0d() -> Case:
    array = np.array(2.0)
    return lambda x: x * array, lambda: array.__setitem__((), 3.0)


@case
def array_in_place_not_contiguous() -> Case:
    array = np.ones((3, 2))[:, 0]
    return lambda x: x * array, lambda: array.__setitem__(0, 3.0)


@case
def array_reshaped_in_place() -> Case:
    array = np.arange(6.0).reshape(2, 3)
    return (
        lambda x: np.sum(array @ np.ones(array.shape[1])) * array[0, 1] * array.shape[0] * x,
        lambda: setattr(array, "shape", (3, 2)),
    )


@pytest.mark.parametrize("kind", ["compile", "grad"])
@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_a_change_is_seen(make: Callable[[], Case], kind: str) -> None:
    function, change = make()
    expected = function(X)
    if kind == "compile":
        compiled, reference = fg.compile(function), function
    else:

        def total(x: Any) -> Any:
            return np.sum(function(x) * x)

        compiled = fg.grad(total)

        def reference(x: Any) -> Any:
            h = 1e-4  # every case is at most a cubic of x
            steps = [h * e for e in np.eye(3)]
            slopes = [(total(X + s) - total(X - s)) / (2 * h) for s in steps]
            return np.array(slopes)

    rtol = 1e-14 if kind == "compile" else 1e-7
    before = reference(X)
    for _ in range(3):
        np.testing.assert_allclose(compiled(X), before, rtol=rtol)
    change()
    assert not np.array_equal(function(X), expected) or make.__name__ == "the_sign_of_zero"
    after = reference(X)
    for _ in range(3):
        np.testing.assert_allclose(compiled(X), after, rtol=rtol)
        if kind == "compile":
            np.testing.assert_array_equal(np.signbit(compiled(X)), np.signbit(after))


def test_what_comes_back_is_found_again() -> None:
    scale = 1.0
    f = fg.compile(lambda x: x * scale)
    for scale in (1.0, 2.0) * 10:
        np.testing.assert_array_equal(f(X), X * scale)
    assert f.cache_info()["variants"] == 2


def test_a_captured_array_that_is_trained_in_place_compiles_twice_at_most() -> None:
    w = np.ones(3)
    f = fg.value_and_grad(lambda x: np.sum((x @ np.eye(3) - w) ** 2))  # np.eye might be made of w
    for _ in range(20):
        value, gradient = f(X)
        assert value == pytest.approx(np.sum((X - w) ** 2))
        w += 0.1 * gradient
    assert f.cache_info()["variants"] <= 2
    assert f.explain(X).native


def test_arrays_bound_anew_use_the_same_code() -> None:
    w = np.ones(3)
    f = fg.value_and_grad(lambda x: np.sum((x - w) ** 2))
    f(X)
    program = f.lower(X)._variant.program
    for _ in range(20):
        value, gradient = f(X)
        assert value == pytest.approx(np.sum((X - w) ** 2))
        assert f.lower(X)._variant.program is program
        w = w + 0.1 * gradient
    w = w.astype(np.float32)
    assert f(X)[0] == pytest.approx(np.sum((X - w) ** 2))
    assert f.lower(X)._variant.program is not program


def test_a_list_that_the_function_appends_to_is_no_reason_to_trace_again() -> None:
    calls = []

    @fg.compile
    def f(x: Any) -> Any:
        calls.append(1)
        return x * 2

    for _ in range(5):
        f(X)
    assert len(calls) == 1
    assert f.explain(X).native


def test_a_counter_that_the_function_reads_is_followed() -> None:
    count = 0

    @fg.compile
    def f(x: Any) -> Any:
        nonlocal count
        count += 1
        return x * count

    for expected in (1, 2, 3):
        np.testing.assert_array_equal(f(X), X * expected)


def test_names_deleted_and_bound_again() -> None:
    space: dict[str, Any] = {"k": 2.0}
    exec("def f(x): return x * k", space)
    f = fg.compile(space["f"])
    np.testing.assert_array_equal(f(X), X * 2)
    del space["k"]
    with pytest.raises(NameError):
        f(X)
    space["k"] = 5.0
    np.testing.assert_array_equal(f(X), X * 5)


def test_many_surroundings_keep_the_number_of_variants_bounded() -> None:
    scale = 0.0
    f = fg.compile(lambda x: x * scale)
    for i in range(80):
        scale = float(i)
        np.testing.assert_array_equal(f(X), X * scale)
    assert f.cache_info()["variants"] <= 64
