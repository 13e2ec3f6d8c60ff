"""Paths: how they are found, guarded, counted and limited, and what they compose with."""

from __future__ import annotations

import gc
import math
import sys
import threading
import warnings
import weakref
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.ir.errors import FusegradError
from fusegrad.runtime.compiled import paths as rules
from fusegrad.runtime.compiled.paths import PathWarning
from fusegrad.tracer.asking import DetachedWarning
from fusegrad.tracer.errors import TraceError
from fusegrad.tracer.run import trace


def branch(x: Any) -> Any:
    if x > 1:
        return x**2
    return np.sin(x)


# --- the native door ---


def test_known_paths_are_native(monkeypatch: pytest.MonkeyPatch) -> None:
    f = fg.value_and_grad(branch)
    f(2.0), f(0.5)

    def refuse(*_: Any) -> Any:
        raise AssertionError("this call came to Python")

    monkeypatch.setattr(type(f), "_dispatch", refuse)
    for x in (2.0, 0.5, 0.25, 3.0):
        expected = (x**2, 2 * x) if x > 1 else (math.sin(x), math.cos(x))
        np.testing.assert_allclose(f(x), expected, rtol=1e-14)


def test_what_a_wrong_path_made_is_given_back() -> None:
    @fg.compile
    def f(x: Any) -> Any:
        if x[0] > 0:
            return {"a": x + 1, "b": x[1], "c": (x[0] > 0, [x * 2])}
        return x

    up, down = np.ones(3), -np.ones(3)
    f(up), f(down)
    f(up), f(down)
    gc.collect()
    before, counts = sys.getallocatedblocks(), (sys.getrefcount(up), sys.getrefcount(down))
    for _ in range(2000):
        f(up)
        f(down)
    assert abs(sys.getallocatedblocks() - before) < 100
    assert (sys.getrefcount(up), sys.getrefcount(down)) == counts


def test_eight_paths_and_more_are_found_again() -> None:
    @fg.grad
    def f(x: Any) -> Any:
        total = 0.0 * x
        for k in range(int(x)):
            total = total + x**k
        return total

    def slope(x: float) -> float:
        return sum(k * x ** (k - 1) for k in range(1, int(x)))

    for x in [*range(20), *range(19, -1, -1), *range(0, 20, 3)]:
        assert f(x + 0.5) == pytest.approx(slope(x + 0.5), rel=1e-12)
    assert f.cache_info()["paths"] == 20


# --- arguments and results of all kinds ---


def test_trees_dtypes_and_auxiliary_results() -> None:
    def f(parameters: dict[str, Any], n: Any, *, scale: Any = 2) -> Any:
        w = parameters["w"]
        if n > 2 and w.mean() < 10:
            return np.sum(w * scale), {"path": "w" and w[0], "n": n}
        return np.sum(w**2) * parameters["b"], {"path": w[1], "n": n}

    for dtype in (np.float32, np.float64):
        compiled = fg.value_and_grad(f, has_aux=True)
        w = np.array([1, 2, 3], dtype)
        for n in (1, 3, 1, 3):
            (value, aux), gradient = compiled({"w": w, "b": dtype(3)}, n)
            expected, expected_aux = f({"w": w, "b": dtype(3)}, n)
            assert value == expected
            assert value.dtype == dtype
            assert aux == expected_aux
            np.testing.assert_array_equal(
                gradient["w"], np.full(3, 2.0) if n > 2 else 2 * w * dtype(3)
            )
        assert compiled.cache_info()["paths"] == 2


def test_a_question_about_integers_and_truth_values() -> None:
    @fg.compile
    def f(flag: Any, n: Any, x: Any) -> Any:
        if flag:
            return [10, 20, 30][n] * x
        return (100, 200, 300)[n : n + 1][0] * x

    for flag, n in [(True, 0), (False, 1), (True, 2), (True, -1), (False, 1), (True, 0)]:
        x = np.ones(2)
        expected = [10, 20, 30][n] if flag else (100, 200, 300)[n]
        np.testing.assert_array_equal(f(flag, n, x), expected * x)
        np.testing.assert_array_equal(f(np.bool_(flag), np.int64(n), x), expected * x)


def test_large_integers() -> None:
    @fg.compile
    def f(n: Any) -> Any:
        return n + 0 if int(n) == 2**53 + 1 else n - 1

    for n in (2**53 + 1, 2**53, 2**53 + 2, 2**53 + 1, 2**60, 2**53):
        assert f(n) == (n if n == 2**53 + 1 else n - 1)


def test_nan_infinity_and_the_sign_of_zero() -> None:
    @fg.compile
    def f(x: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DetachedWarning)
            return x * 0 + (1.0 if math.copysign(1.0, x) > 0 else 2.0)

    for x in (0.0, -0.0, 1.0, -1.0, -0.0, 0.0):
        assert f(x) == (1.0 if math.copysign(1.0, x) > 0 else 2.0)

    @fg.compile
    def g(x: Any) -> Any:
        return x + (1 if x > 0 else 2 if x < 0 else 3)

    for x in (1.0, -1.0, 0.0, math.inf, -math.inf):
        assert g(x) == x + (1 if x > 0 else 2 if x < 0 else 3)
    assert math.isnan(g(math.nan))
    assert g(0.0) == 3.0

    whole = fg.compile(lambda x: x * int(x))
    assert [whole(x) for x in (2.5, -2.5, 0.5, -0.5, 2.5)] == [5.0, 5.0, 0.0, 0.0, 5.0]
    for bad, error in ((math.nan, ValueError), (math.inf, OverflowError), (math.nan, ValueError)):
        with pytest.raises(error):
            whole(bad)
    assert whole(2.5) == 5.0


def test_float32_asks_with_its_own_rounding() -> None:
    f = fg.compile(lambda x: x[0] if x[0] * x[0] > np.float32(0.01) else x[1])
    for value in (0.1, 0.099, 0.11, 0.1):
        x = np.array([value, 5], np.float32)
        assert f(x) == (x[0] if x[0] * x[0] > np.float32(0.01) else x[1])


def test_a_truth_value_of_an_array_is_ambiguous() -> None:
    with pytest.raises(ValueError, match="ambiguous") as caught:
        fg.compile(lambda x: x if x > 0 else -x)(np.ones(3))
    assert isinstance(caught.value, FusegradError)
    assert "any" in caught.value.hint
    assert fg.compile(lambda x: x if x > 0 else -x)(np.ones((1, 1))) == 1


# --- errors on a path ---


def test_errors_of_the_user_s_come_on_their_path_only() -> None:
    @fg.grad
    def f(x: Any) -> Any:
        if x <= 0:
            raise AssertionError("not positive")
        if x > 10:
            raise ArithmeticError("too large")
        return [x, x**2][int(x)]

    for _ in range(2):
        assert f(0.5) == 1.0
        assert f(1.5) == 3.0
        with pytest.raises(AssertionError, match="not positive"):
            f(-1.0)
        with pytest.raises(ArithmeticError, match="too large"):
            f(11.0)
        with pytest.raises(IndexError):
            f(2.5)
    assert f.cache_info()["paths"] == 2


def test_an_index_out_of_range_on_the_wrong_path_is_no_error() -> None:
    @fg.compile
    def f(x: Any, i: Any) -> Any:
        if i[0] < 3:
            return x[i] * 2
        return x[:2]

    x = np.arange(3.0)
    for _ in range(3):
        np.testing.assert_array_equal(f(x, np.array([2, 1])), [4.0, 2.0])
        np.testing.assert_array_equal(f(x, np.array([7, 1])), [0.0, 1.0])
    with pytest.raises(IndexError):
        f(x, np.array([1, 7]))
    np.testing.assert_array_equal(f(x, np.array([0, 1])), [0.0, 2.0])


def test_values_are_not_known_where_only_types_are() -> None:
    with pytest.raises(TraceError, match="truth value"):
        trace(branch, (np.float64(1.0),), {})


# --- roundings ---


def test_compiled_code_may_round_to_the_other_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where compiled code and NumPy answer a question differently the call ends all the same."""
    from fusegrad.tracer.paths import Values

    honest = Values.answer

    def mistaken(self: Any, value: Any) -> Any:
        answer = honest(self, value)
        return (not answer) if isinstance(answer, bool) else answer

    monkeypatch.setattr(Values, "answer", mistaken)
    f = fg.value_and_grad(branch)
    np.testing.assert_allclose(f(2.0), (4.0, 4.0))
    np.testing.assert_allclose(f(0.5), (math.sin(0.5), math.cos(0.5)))
    assert f.cache_info()["paths"] == 2


# --- limits ---


def test_too_many_paths_run_eagerly_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_PATHS", 5)

    @fg.value_and_grad
    def f(x: Any) -> Any:
        return x ** int(x)

    def expected(x: float) -> tuple[float, float]:
        return x ** int(x), int(x) * x ** (int(x) - 1)

    for x in range(1, 6):
        np.testing.assert_allclose(f(x + 0.5), expected(x + 0.5))
    with pytest.warns(PathWarning, match="runs eagerly") as caught:
        np.testing.assert_allclose(f(7.5), expected(7.5))
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for x in (8.5, 1.5, 7.5, 5.5):
            np.testing.assert_allclose(f(x), expected(x))
    assert f.cache_info()["paths"] == 5
    assert "5 paths" in f.cache_info()["eager"][0]
    assert "run eagerly" in str(f.explain(1.5))
    assert f.explain(1.5).eager
    f.clear_cache()
    assert f.cache_info()["eager"] == []


def test_floats_are_given_up_early() -> None:
    @fg.value_and_grad
    def f(x: Any, t: Any) -> Any:
        return x * round(10 * t.__float__())

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for x in np.linspace(1, 2, 15):
            value, gradient = f(2.0, float(x))
            assert value == 2 * round(10 * float(x))
            assert gradient == round(10 * float(x))
    kinds = {warning.category for warning in caught}
    assert kinds == {PathWarning, DetachedWarning}
    assert all(warning.filename == __file__ for warning in caught)
    assert f.cache_info()["paths"] <= rules.MAX_FLOAT_PATHS


@pytest.mark.filterwarnings("ignore::fusegrad.tracer.asking.DetachedWarning")
@pytest.mark.parametrize("convert", [lambda x: x.__float__(), lambda x: sum(map(float, [x]))])
def test_a_float_of_what_is_differentiated_is_refused(convert: Any) -> None:
    f = fg.grad(lambda x, t: x * convert(x) + t)
    for call in (f, f.eager):
        with pytest.raises(TraceError, match="no gradient flows") as caught:
            call(1.5, 2.0)
        assert caught.value.at is not None
    of_the_other = fg.grad(lambda x, t: x * convert(t) + t)
    assert of_the_other(1.5, 2.0) == of_the_other.eager(1.5, 2.0) == 2.0
    rounded = fg.grad(lambda x: x * convert(np.round(x)))
    assert rounded(1.7) == 2.0
    assert fg.compile(lambda x: x * convert(x))(1.5) == 2.25


def test_a_store_into_a_plain_array_is_refused() -> None:
    kept = np.zeros(3)

    def f(x: Any) -> Any:
        kept[0] = x
        return np.sum(kept)

    with pytest.raises(TraceError, match="array from outside"):
        fg.grad(f)(1.0)


# --- composition ---


def test_paths_inside_of_paths() -> None:
    inner = fg.compile(branch)

    def outer(x: Any) -> Any:
        y = inner(x) + inner(x - 1)
        if y > 3:
            y = y * inner(y / 10)
        return y

    def plain(x: float) -> float:
        y = branch(x) + branch(x - 1)
        return y * branch(y / 10) if y > 3 else y

    f = fg.value_and_grad(outer)
    for x in (0.5, 1.5, 2.5, 5.0, 0.5, 2.5, 5.0, 1.5):
        value, gradient = f(x)
        assert value == pytest.approx(plain(x), rel=1e-14)
        slope = (plain(x + 1e-6) - plain(x - 1e-6)) / 2e-6
        assert gradient == pytest.approx(slope, rel=1e-6)
    assert f.cache_info()["paths"] == 4
    assert inner(2.0) == 4.0


def test_gradients_of_gradients() -> None:
    second = fg.grad(fg.grad(branch))
    third = fg.grad(fg.grad(fg.grad(branch)))
    for x in (2.0, 0.5, 3.0, 0.25, 2.0):
        assert second(x) == pytest.approx(2.0 if x > 1 else -math.sin(x))
        assert third(x) == pytest.approx(0.0 if x > 1 else -math.cos(x))


def test_an_inner_question_about_an_outer_array() -> None:
    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            return y * 2 if x > 1 else y * 3

        return fg.grad(lambda y: inner(y) * y)(x) + x**2

    f = fg.grad(outer)
    for x in (2.0, 0.5, 3.0, 0.5, 2.0):
        assert f(x) == pytest.approx(2 * x + (4 if x > 1 else 6))


def test_an_inner_function_that_only_asks() -> None:
    limit = {"x": None}

    @fg.compile
    def inner(y: Any) -> Any:
        return y * 2 if limit["x"] > 1 else y * 3

    @fg.grad
    def outer(x: Any) -> Any:
        limit["x"] = x
        try:
            return inner(x * x)
        finally:
            limit["x"] = None

    for x in (2.0, 0.5, 3.0, 0.5, 2.0):
        assert outer(x) == pytest.approx((4 if x > 1 else 6) * x)


def test_tensors_keep_their_semantics() -> None:
    f = fg.compile(branch)
    x = fg.tensor(2.0, requires_grad=True, dtype=fg.float64)
    y = f(x)
    (g,) = fg.autograd.grad(y, [x], create_graph=True)
    (h,) = fg.autograd.grad(g, [x])
    assert (float(y), float(g), float(h)) == (4.0, 4.0, 2.0)
    x = fg.tensor(0.5, requires_grad=True, dtype=fg.float64)
    (f(x) * 2).backward()
    assert float(x.grad) == pytest.approx(2 * math.cos(0.5))
    with fg.no_grad():
        assert not f(x).requires_grad


def test_too_many_paths_of_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_PATHS", 2)
    f = fg.compile(lambda x: x ** int(x))

    def check(value: float) -> None:
        x = fg.tensor(value, requires_grad=True, dtype=fg.float64)
        f(x).backward()
        assert float(x.grad) == pytest.approx(int(value) * value ** (int(value) - 1))

    check(1.5)
    check(2.5)
    with pytest.warns(PathWarning):
        check(3.5)
    check(2.5)
    check(4.5)


def test_methods_and_the_state_that_they_read() -> None:
    class Model:
        def __init__(self) -> None:
            self.limit = 1.0

        @fg.grad
        def loss(self, x: Any) -> Any:
            return x**2 if x > self.limit else 3 * x

    model = Model()
    assert [model.loss(x) for x in (2.0, 0.5, 2.0)] == [4.0, 3.0, 4.0]
    model.limit = 5.0
    assert [model.loss(x) for x in (2.0, 0.5, 6.0)] == [3.0, 3.0, 12.0]
    model.limit = 1.0
    assert [model.loss(x) for x in (2.0, 0.5, 6.0)] == [4.0, 3.0, 12.0]


def test_questions_about_captured_arrays() -> None:
    limits = np.array([1.0, 5.0])

    @fg.grad
    def f(x: Any) -> Any:
        if (x * limits).sum() > 6:
            return x * (x * limits)[0]
        return x**2

    for _ in range(2):
        assert [f(x) for x in (2.0, 0.5, 2.0)] == [4.0, 1.0, 4.0]
        limits[:] = 3.0, 0.0
        assert [f(x) for x in (2.5, 0.5, 1.5)] == [15.0, 1.0, 3.0]
        limits[:] = 1.0, 5.0
    assert f.cache_info()["paths"] == 2


def test_arguments_are_let_go() -> None:
    f = fg.compile(lambda x: x * 2 if x[0] > 0 else x)
    x = np.ones(1000)
    reference = weakref.ref(x)
    f(x)
    del x
    gc.collect()
    assert reference() is None


def test_threads() -> None:
    f = fg.value_and_grad(branch)
    wrong: list[Any] = []

    def work(seed: int) -> None:
        for x in np.random.default_rng(seed).uniform(0, 2, 300):
            expected = (x**2, 2 * x) if x > 1 else (math.sin(x), math.cos(x))
            if not np.allclose(f(float(x)), expected):
                wrong.append(x)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert f.cache_info()["paths"] == 2


# --- for the reader ---


def test_what_users_see_of_paths() -> None:
    f = fg.value_and_grad(branch)
    f(2.0), f(0.5)
    line = branch.__code__.co_firstlineno + 1
    assert f.explain(2.0).conditions == (f"bool True at test_paths.py:{line}",)
    assert f.explain(0.5).conditions == (f"bool False at test_paths.py:{line}",)
    assert f.explain(0.5).native
    assert "one of 2" in str(f.explain(0.5))
    assert "sin" in str(f.lower(0.25).trace)
    assert "sin" not in str(f.lower(2.5).trace)
    assert f.compare(0.5).ok
    assert f.compare(2.5).ok
    assert f.cache_info()["compiled"] == ["new argument types", "its values take a new path"]


def test_a_function_without_questions_has_no_verdict() -> None:
    f = fg.compile(lambda x: x * 2)
    assert f(3.0) == 6.0
    assert f.cache_info()["paths"] == 0
    assert len(f.lower(3.0).adjoint.graph.outputs) == 1
