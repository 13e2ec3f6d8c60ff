"""What can be compiled: callables of all kinds, and compiled functions inside of others."""

from __future__ import annotations

import functools
import threading
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import fusegrad as fg

X = np.array([0.5, -1.0, 2.0])


# --- what can be compiled ---


def test_partial_lambda_callable_object_and_builtin() -> None:
    class Scale:
        def __init__(self, by: float) -> None:
            self.by = by

        def __call__(self, x: Any) -> Any:
            return np.sum(x * self.by)

        @staticmethod
        def twice(x: Any) -> Any:
            return np.sum(x) * 2

        @classmethod
        def thrice(cls, x: Any) -> Any:
            return np.sum(x) * 3

    partial = functools.partial(lambda a, b, c: np.sum(a * b) * c, X, c=2.0)
    np.testing.assert_array_equal(fg.grad(partial)(X + 1), 2 * X)
    np.testing.assert_array_equal(fg.grad(Scale(3.0))(X), [3.0] * 3)
    np.testing.assert_array_equal(fg.grad(Scale.twice)(X), [2.0] * 3)
    np.testing.assert_array_equal(fg.grad(Scale.thrice)(X), [3.0] * 3)
    np.testing.assert_array_equal(fg.compile(np.sum)(X), np.sum(X))
    np.testing.assert_allclose(fg.compile(np.sin)(X), np.sin(X), rtol=1e-15)
    for wrong in (3, "f", None.__class__.__name__):
        with pytest.raises(TypeError, match="takes a function"):
            fg.grad(wrong)


class Model:
    offset = 1.0

    def __init__(self, w: Any) -> None:
        self.w = w

    @fg.value_and_grad
    def loss(self, x: Any) -> Any:
        return np.sum((self.w * x + self.offset) ** 2)

    @fg.compile
    def predict(self, x: Any, *, scale: float = 1.0) -> Any:
        return self.w * x * scale


def test_methods() -> None:
    first, second = Model(2.0), Model(np.array([1.0, 2.0, 3.0]))
    for model in (first, second, first):
        for _ in range(3):
            value, gradient = model.loss(X)
            assert value == pytest.approx(np.sum((model.w * X + 1.0) ** 2))
            np.testing.assert_allclose(gradient, 2 * (model.w * X + 1.0) * model.w)
            np.testing.assert_array_equal(model.predict(X, scale=2.0), model.w * X * 2.0)
    assert first.loss is first.loss
    first.w = 5.0
    np.testing.assert_array_equal(first.predict(X), 5.0 * X)


def test_a_copy_of_an_instance_has_compiled_methods_of_its_own() -> None:
    import copy
    import pickle

    model = Model(2.0)
    model.predict(X)
    for made in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        made.w = 7.0
        np.testing.assert_array_equal(made.predict(X), 7.0 * X)
    np.testing.assert_array_equal(model.predict(X), 2.0 * X)


def test_methods_of_a_class_with_slots() -> None:
    class Small:
        __slots__ = ("w",)

        @fg.compile
        def f(self, x: Any) -> Any:
            return x * self.w

    small = Small()
    for w in (2.0, 3.0):
        small.w = w
        np.testing.assert_array_equal(small.f(X), X * w)


# --- compiled functions in compiled functions ---


def test_grad_of_grad_of_grad() -> None:
    f = fg.grad(fg.grad(fg.grad(lambda x: x**5)))
    for x in (2.0, np.float64(-1.5), 2.0):
        assert f(x) == pytest.approx(60 * x**2, rel=1e-12)


def test_grad_inside_compile_and_compile_inside_grad() -> None:
    inner = fg.compile(lambda x: np.sum(np.sin(x) ** 2))
    slope = fg.grad(inner)

    @fg.compile
    def step(x: Any) -> Any:
        return x - 0.1 * slope(x)

    @fg.value_and_grad
    def outer(x: Any) -> Any:
        return np.sum(slope(x) ** 2) + inner(x)

    for _ in range(3):
        np.testing.assert_allclose(step(X), X - 0.1 * np.sin(2 * X), rtol=1e-13)
        value, gradient = outer(X)
    assert value == pytest.approx(np.sum(np.sin(2 * X) ** 2 + np.sin(X) ** 2))
    np.testing.assert_allclose(gradient, 2 * np.sin(4 * X) + np.sin(2 * X), rtol=1e-12)


def test_grad_inside_compile_sees_variables_of_the_outer_function() -> None:
    @fg.compile
    def f(x: Any, y: Any) -> Any:
        return fg.grad(lambda z: np.sum(z**2 * y))(x) * y

    for _ in range(3):
        np.testing.assert_allclose(f(X, X + 1), 2 * X * (X + 1) ** 2, rtol=1e-14)


def test_perturbations_of_nested_gradients_are_kept_apart() -> None:
    f = fg.grad(lambda x: x * fg.grad(lambda y: x + y)(2.0))
    assert f(3.0) == 1.0
    g = fg.grad(lambda x: x * fg.grad(lambda y: x * y)(2.0))
    assert g(3.0) == 6.0


def test_a_compiled_function_that_calls_itself() -> None:
    @fg.compile
    def power(x: Any, levels: Any) -> Any:
        return x if not levels else x * power(x, levels[1:])

    np.testing.assert_allclose(power(X, ()), X)
    np.testing.assert_allclose(fg.grad(lambda x: np.sum(power(x, (None,) * 2)))(X), 3 * X**2)


# --- from several threads, and from SciPy ---


def test_threads() -> None:
    @fg.value_and_grad
    def f(x: Any) -> Any:
        return np.sum(np.sin(x) * x)

    wrong: list[Any] = []
    start = threading.Barrier(8)

    def work(seed: int) -> None:
        start.wait()
        for length in list(range(1, 12)) * 20:
            x = np.full(length, float(seed))
            value, gradient = f(x)
            right = np.isclose(value, length * np.sin(seed) * seed)
            if not right or not np.allclose(gradient, np.cos(seed) * seed + np.sin(seed)):
                wrong.append((seed, length))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert f.cache_info()["variants"] == 11


def test_scipy_minimize() -> None:
    @fg.value_and_grad
    def rosenbrock(x: Any) -> Any:
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    result = minimize(rosenbrock, np.zeros(6), jac=True, method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(result.x, np.ones(6), rtol=1e-5)


def test_gradients_of_arguments_that_are_not_used_are_zero() -> None:
    gradient = fg.grad(lambda p: np.sum(p["a"] ** 2))({"a": X, "b": np.ones((2, 2), np.float32)})
    np.testing.assert_array_equal(gradient["b"], np.zeros((2, 2)))
    assert gradient["b"].dtype == np.float32
    constant = fg.value_and_grad(lambda x: 3.0)
    value, gradient = constant(X)
    assert value == 3.0
    np.testing.assert_array_equal(gradient, np.zeros(3))
