"""Functions whose results are as large as values say, or that run a function on each element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.tracer import TraceError

from .running import run

X = np.array([1.1, -1.5, 2.0, 0.5, -0.25])
REPEATED = np.array([2.0, 1.0, 2.0, 3.0, 1.0])
PARABOLA = np.vectorize(lambda t, k: t**2 if t > 0 else k * t)
SERIES = np.polynomial.Chebyshev([1.0, -2.0, 0.5], domain=[-2, 3])


def differences(function: Callable[[Any], Any], x: Any) -> Any:
    steps = 1e-6 * np.eye(x.size)
    return np.array([(function(x + step) - function(x - step)) / 2e-6 for step in steps])


def check_everywhere(function: Callable[[Any], Any], *points: Any) -> None:
    """Compiled and eager give NumPy's value and the slope that differences show, at each point."""
    compiled = fg.value_and_grad(function)
    for x in (*points, *points):
        value, slope = compiled(x)
        np.testing.assert_allclose(value, function(x), rtol=1e-13)
        np.testing.assert_allclose(slope, differences(function, x), rtol=1e-6, atol=1e-7)
        eager_value, eager_slope = compiled.eager(x)
        np.testing.assert_allclose(eager_value, value, rtol=1e-13)
        np.testing.assert_allclose(eager_slope, slope, rtol=1e-13)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "mask": lambda x: np.sum(x[x > 0] ** 2),
    "mask twice": lambda x: np.sum(x[x > 0]) * np.sum(x[np.abs(x) < 1] ** 3),
    "nonzero": lambda x: np.prod(x[np.nonzero(x > 0)]),
    "where": lambda x: np.sum(x[np.where(x < 0)[0]] ** 3),
    "flatnonzero": lambda x: np.sum(x[np.flatnonzero(x > 1)] ** 2),
    "argwhere": lambda x: np.sum(x[np.argwhere(x > 0)[:, 0]] * 2.0),
    "count": lambda x: np.sum(x) / len(x[x > 0]),
    "compress": lambda x: np.sum(np.compress(x > 0, x) ** 2),
    "extract": lambda x: np.sum(np.extract(x < 1, x) ** 2),
    "stored mask": lambda x: np.sum(_doubled_where_positive(x) ** 2),
    "trimmed": lambda x: np.sum(np.trim_zeros(np.where(np.abs(x) > 1, x, 0.0)) ** 2),
    "vectorised": lambda x: np.sum(np.vectorize(lambda t: t**3 if t < 1 else 2 * t)(x)),
    "vectorised outside": lambda x: np.sum(PARABOLA(x, 3.0)),
    "series": lambda x: np.sum(SERIES(x)) + np.sum(np.polynomial.Polynomial([1.0, 2.0, 3.0])(x)),
    "derivative of a series": lambda x: np.sum(SERIES.deriv()(x)),
}


def _doubled_where_positive(x: Any) -> Any:
    y = x.copy()
    y[y > 0] = 2 * y[y > 0]
    return y


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_slopes(name: str) -> None:
    check_everywhere(FUNCTIONS[name], X, -X[::-1].copy(), X + 1.7)


def test_unique() -> None:
    def function(x: Any) -> Any:
        values, places, back, counts = np.unique(
            x, return_index=True, return_inverse=True, return_counts=True
        )
        return np.sum(values * counts**2) + np.sum(values[back] * x) + x[places[0]]

    compiled = fg.value_and_grad(function)
    for x in (REPEATED, X, REPEATED):
        value, slope = compiled(x)
        np.testing.assert_allclose(value, function(x))
        eager_value, eager_slope = compiled.eager(x)
        np.testing.assert_allclose(eager_value, value)
        np.testing.assert_allclose(eager_slope, slope)
    np.testing.assert_allclose(compiled(X)[1], differences(function, X), rtol=1e-6)


def test_the_second_call_with_the_same_mask_is_not_compiled_again() -> None:
    compiled = fg.compile(lambda x: x[x > 0].sum())
    compiled(X)
    before = compiled.cache_info()
    compiled(X * 2)
    assert compiled.cache_info()["variants"] == before["variants"]


def test_a_large_mask_is_refused_with_a_cure() -> None:
    compiled = fg.compile(lambda x: x[x > 0].sum())
    with pytest.raises(TraceError, match="too much") as caught:
        compiled(np.ones(10_000))
    assert "np.where" in caught.value.hint


def test_where_only_types_are_known_it_is_refused() -> None:
    for function in (np.nonzero, np.unique, np.flatnonzero, lambda x: x[x > 0]):
        with pytest.raises(TraceError, match="not known while tracing"):
            run(lambda x, function=function: function(x), X)
