"""Functions of NumPy's that call one of the user's, which reads what stands outside of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

X = np.array([0.5, 1.5])
GRID = np.linspace(0.0, 1.0, 5)
TABLE = np.arange(6.0).reshape(2, 3)


def pieces_of_a_grid(c: Any) -> Any:
    inside = [GRID < 0.4, GRID > 0.8]
    return np.sum(np.piecewise(GRID, inside, [lambda v: c[0] * v, 2.0, lambda v: c[1] * v**2]))


def pieces_of_a_ramp(c: Any) -> Any:
    x = np.linspace(0.0, 1.0, 7)
    y = np.piecewise(x, [x < 0.5, x >= 0.5], [lambda v: c[0] * v, lambda v, p=2: c[1] * v**p])
    return y @ np.piecewise(x, [x > 0.2], [1.0, 3.0])


def rows(c: Any) -> Any:
    return np.sum(np.apply_along_axis(lambda row: row @ row * c[0] + c[1], 1, TABLE) ** 2)


def columns_to_pairs(c: Any) -> Any:
    pairs = np.apply_along_axis(lambda x: np.stack([x[0] * c[0], x[1] + c[1]]), 0, TABLE)
    return np.sum(pairs * TABLE)


def over_axes(c: Any) -> Any:
    return np.sum(np.apply_over_axes(lambda a, axis: np.sum(a * c[0], axis), TABLE, [0, 1]) * c[1])


def bound_anew(c: Any) -> Any:
    weight = 1.0 * c[0]

    def total(row: Any) -> Any:
        return np.sum(row * weight)

    first = np.sum(np.apply_along_axis(total, 1, np.outer(c, c)))
    weight = c[1] * 10
    return first + np.sum(np.apply_along_axis(total, 1, np.outer(c, c)))


FUNCTIONS = [pieces_of_a_grid, pieces_of_a_ramp, rows, columns_to_pairs, over_axes, bound_anew]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_compiled_and_eager(function: Callable[[Any], Any]) -> None:
    both = fg.value_and_grad(function)
    h = 1e-6
    slope = [(function(X + e) - function(X - e)) / (2 * h) for e in np.eye(2) * h]
    for call in (both, both, both.eager):
        value, gradient = call(X)
        assert value == pytest.approx(function(X), rel=1e-13)
        np.testing.assert_allclose(gradient, slope, rtol=1e-7)


SCALE = 2.0


def _scaled(row: Any) -> Any:
    return (row * SCALE).sum()


def test_what_the_function_reads_may_change_between_calls() -> None:
    global SCALE
    ones = fg.tensor(np.ones((2, 3)))
    for scale in (2.0, 5.0):
        SCALE = scale
        assert np.apply_along_axis(_scaled, 1, ones).tolist() == [3 * scale] * 2
