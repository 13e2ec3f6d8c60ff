"""Slices of one array against each other: their gradients, held against eager mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

SIZES = [3, 4, 9, 17, 33, 64, 1037]


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def variation(x: Any) -> Any:
    return np.sum(np.abs(np.diff(x))) + 0.5 * np.sum(x * x)


def curvature(x: Any) -> Any:
    return np.mean((x[2:] - 2.0 * x[1:-1] + x[:-2]) ** 2)


def autocorrelation(x: Any) -> Any:
    return np.sum(np.tanh(x[2:]) * x[:-2] * np.arange(x.size - 2.0))


def trapezoids(x: Any) -> Any:
    return np.sum((x[1:] + x[:-1]) / (1.0 + x[1:] * x[1:]))


def ends(x: Any) -> Any:
    return np.sum(np.exp(-x[1:-1])) + x[0] * x[-1]


def recurrence(x: Any) -> Any:
    y = x[1:] * x[:-1]
    z = y[1:] - y[:-1]
    return np.sum(z * z * z) + np.sum(y)


def steps(x: Any) -> Any:
    return np.sum(x[::2]) * np.sum(x[1:] ** 2 * x[:-1])


FUNCTIONS = [
    rosenbrock,
    variation,
    curvature,
    autocorrelation,
    trapezoids,
    ends,
    recurrence,
    steps,
]


def smoothness(x: Any) -> Any:
    return np.sum((x[1:] - x[:-1]) ** 2) + np.sum((x[:, 1:] - x[:, :-1]) ** 2)


def laplacian(x: Any) -> Any:
    inner = x[1:-1, 1:-1]
    return np.sum((x[2:, 1:-1] + x[:-2, 1:-1] + x[1:-1, 2:] + x[1:-1, :-2] - 4.0 * inner) ** 2)


def diagonal(x: Any) -> Any:
    return np.sum(np.sqrt(1.0 + (x[1:, 1:] - x[:-1, :-1]) ** 2), axis=1).max()


def assert_as_in_eager_mode(function: Callable[[Any], Any], x: Any, tolerance: float) -> None:
    compiled = fg.value_and_grad(function)
    with np.errstate(all="ignore"):
        expected = compiled.eager(x)
    for found, right in zip(compiled(x), expected, strict=True):
        scale = np.max(np.abs(right), initial=1.0, where=np.isfinite(right))
        np.testing.assert_allclose(found, right, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_one_axis(function: Callable[[Any], Any], dtype: str) -> None:
    rng = np.random.default_rng(5)
    for size in SIZES:
        x = rng.normal(size=size).astype(dtype)
        assert_as_in_eager_mode(function, x, 1e-12 if dtype == "float64" else 2e-5)


@pytest.mark.parametrize("function", [rosenbrock, variation, trapezoids])
def test_no_neighbours(function: Callable[[Any], Any]) -> None:
    assert_as_in_eager_mode(function, np.ones(1), 0.0)
    assert_as_in_eager_mode(function, np.array([2.0, 3.0]), 0.0)


@pytest.mark.parametrize("function", [smoothness, laplacian, diagonal], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(3, 3), (4, 9), (9, 4), (17, 40), (33, 100)])
def test_two_axes(function: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    assert_as_in_eager_mode(function, np.random.default_rng(6).normal(size=shape), 1e-12)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e200, -0.0])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_what_is_not_finite_stays_where_it_is(function: Callable[[Any], Any], value: float) -> None:
    for place in (0, 1, 7, 18, 19):
        x = np.random.default_rng(7).normal(size=20)
        x[place] = value
        assert_as_in_eager_mode(function, x, 1e-12)


def test_one_kernel_without_temporaries() -> None:
    explanation = fg.value_and_grad(rosenbrock).explain(np.ones(1000))
    assert (explanation.kernels, explanation.temporaries) == (1, 0)
    explanation = fg.value_and_grad(variation).explain(np.ones(1000))
    assert explanation.kernels == 2  # the second adds two numbers
    assert explanation.temporaries <= 128


def test_what_is_dear_is_not_done_twice() -> None:
    stages = fg.grad(lambda x: np.sum(np.tanh(x[1:] - x[:-1])))
    assert str(stages.lower(np.ones(100)).fused).count("tanh %") == 1
