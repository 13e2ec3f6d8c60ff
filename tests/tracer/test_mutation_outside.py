"""Stores that reach beyond the function, and what can't be stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.tracer.errors import StoreError

from .oracle import check_stores
from .test_mutation import A, X

# --- into the caller's arrays ---


def test_a_compiled_function_changes_its_arguments() -> None:
    def f(a: Any, b: Any) -> Any:
        a += b
        a[0] = b[1]
        b[1:] *= 2
        return a.sum()

    check_stores(f, X, X**2)


def test_a_compiled_function_stores_through_views_of_its_argument() -> None:
    def f(a: Any) -> Any:
        a.T[0] += 1
        r = a[2]
        r[:] = a[0] * 2
        return r

    check_stores(f, A)


def test_arguments_that_are_only_read_stay_native() -> None:
    def f(a: Any) -> Any:
        b = a.copy()
        b += 1
        return b

    compiled = fg.compile(f)
    compiled(X)
    assert "stores into an argument" not in str(compiled.explain(X))


def test_arguments_that_share_memory_are_refused() -> None:
    def f(a: Any, b: Any) -> Any:
        a += b
        return a

    x = X.copy()
    with pytest.raises(StoreError, match="share memory"):
        fg.compile(f)(x, x)


def test_an_inner_compiled_function_changes_traced_arrays() -> None:
    @fg.compile
    def double(a: Any) -> None:
        a *= 2

    def f(x: Any) -> Any:
        y = x.copy()
        double(y)
        return np.sum(y**2)

    np.testing.assert_allclose(fg.grad(f)(X), 8 * X)


# --- what can't be stored ---


def test_read_only_views() -> None:
    with pytest.raises(ValueError, match="read-only"):
        fg.compile(_stores_into_a_broadcast)(X)


def _stores_into_a_broadcast(x: Any) -> Any:
    y = np.broadcast_to(x, (2, 6))
    y[0] = 1
    return y


OUTSIDE = np.zeros(6)


def _stores_outside(x: Any) -> Any:
    OUTSIDE[2] = x[0]
    return x


def _adds_outside(x: Any) -> Any:
    global OUTSIDE
    OUTSIDE += x
    return x


@pytest.mark.parametrize("function", [_stores_outside, _adds_outside])
def test_arrays_from_outside(function: Callable[..., Any]) -> None:
    before = OUTSIDE.copy()
    with pytest.raises(TypeError) as caught:
        fg.compile(function)(X)
    assert "test_mutation_outside.py" in str(caught.value)
    np.testing.assert_array_equal(OUTSIDE, before)


def test_wrong_shapes() -> None:
    def f(x: Any) -> Any:
        y = x.copy()
        y[:3] = x[:2]
        return y

    with pytest.raises(ValueError, match="could not broadcast"):
        fg.compile(f)(X)
    with pytest.raises(IndexError, match="out of bounds"):
        fg.compile(_out_of_bounds)(X)


def _out_of_bounds(x: Any) -> Any:
    y = x.copy()
    y[6] = 1
    return y


def test_a_traced_mask_and_many_values() -> None:
    def f(x: Any) -> Any:
        y = x.copy()
        y[x > 0] = x[:4] * 2
        y[x < 0] += x[4:]
        return y

    np.testing.assert_array_equal(fg.compile(f)(X), f(X))


def test_an_index_out_of_range_is_found_at_run_time() -> None:
    def f(x: Any, i: Any) -> Any:
        y = x.copy()
        y[i] = 1.0
        return y

    compiled = fg.compile(f)
    expected = X.copy()
    expected[[1, 4]] = 1
    np.testing.assert_array_equal(compiled(X, np.array([1, 4])), expected)
    with pytest.raises(IndexError):
        compiled(X, np.array([1, 6]))


def test_integers_are_cut() -> None:
    def f(x: Any) -> Any:
        y = np.zeros(3, int)
        y[0] = x[0] * 10
        y[1:] = x[1:3] * 10
        return y

    np.testing.assert_array_equal(fg.compile(f)(X), f(X))


SHARED = np.arange(6.0)


def _reads_what_it_changes(a: Any) -> Any:
    a += 1
    return a + SHARED


def test_an_argument_that_is_also_captured_is_refused() -> None:
    compiled = fg.compile(_reads_what_it_changes)
    np.testing.assert_array_equal(compiled(X.copy()), X + 1 + SHARED)
    with pytest.raises(StoreError, match="share memory"):
        compiled(SHARED)


def _logs_outside(x: Any) -> Any:
    OUTSIDE[0] += 1
    return x


def test_numbers_are_not_stored_outside_either() -> None:
    with pytest.raises(StoreError, match="from outside"):
        fg.compile(_logs_outside)(X)


def test_an_argument_that_is_changed_and_handed_back_is_itself() -> None:
    def accumulate(a: Any, b: Any) -> Any:
        a += b
        return {"a": a, "copy": a.copy(), "twice": (a, a[:2]), "b": b}

    @fg.compile
    def outer(a: Any, b: Any) -> Any:
        inner = compiled(a, b)["a"]
        inner *= 2
        return a

    compiled = fg.compile(accumulate)
    for call in (compiled, compiled, compiled.eager, accumulate):
        a, b = A.copy(), np.ones(3)
        found = call(a, b)
        np.testing.assert_array_equal(a, A + 1)
        assert found["a"] is a
        assert found["twice"][0] is a
        assert found["copy"] is not a
        np.testing.assert_array_equal(found["copy"], A + 1)
        np.testing.assert_array_equal(found["twice"][1], A[:2] + 1)
        np.testing.assert_array_equal(found["b"], b)
    a = A.copy()
    assert outer(a, np.ones(3)) is a
    np.testing.assert_array_equal(a, 2 * (A + 1))


def test_keywords_in_another_order_are_handed_back_as_well() -> None:
    @fg.compile
    def changes(first: Any, second: Any, *, third: Any) -> Any:
        third[0] = first[0] + second[0]
        return first * 2, third

    third = np.zeros(3)
    doubled, same = changes(third=third, second=np.ones(3), first=np.full(3, 2.0))
    assert same is third
    np.testing.assert_array_equal(third, [3.0, 0.0, 0.0])
    np.testing.assert_array_equal(doubled, [4.0, 4.0, 4.0])
