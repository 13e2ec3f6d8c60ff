"""Long Python loops over buffers: traced as written, compiled within seconds, and right."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

from . import ENTRIES, simulation
from .check import DIRECTIONS
from .oracle import direction, inner, slope

FIRST_CALL = 5.0  # CPU seconds that it may take


def _matrix(rng: np.random.Generator, n: int) -> np.ndarray:
    A = rng.normal(size=(n, n))
    return A @ A.T / n + 2 * np.eye(n)


# name in the corpus -> arguments, keywords
CASES: dict[str, tuple[Callable[[np.random.Generator], Any], dict[str, Any]]] = {
    "jacobi_2d": (lambda rng: (rng.random((30, 30)),), {"steps": 50}),
    "cholesky_by_loops": (lambda rng: (_matrix(rng, 20),), {}),
    "tridiagonal_thomas": (
        lambda rng: (rng.random(199), 3 + rng.random(200), rng.random(199), rng.normal(size=200)),
        {},
    ),
    "lotka_volterra_euler": (
        lambda rng: (np.array([1.1, 0.4, 0.1, 0.4]), np.array([10.0, 5.0])),
        {"dt": 0.01, "n": 2000},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_long_loop_compiles_in_seconds_and_is_right(name: str) -> None:
    make, keywords = CASES[name]
    entry = ENTRIES[name]
    arguments = make(np.random.default_rng(0))
    function = fg.value_and_grad(entry.function, argnums=tuple(range(len(arguments))))

    start = time.process_time()
    value, gradients = function(*make(np.random.default_rng(0)), **keywords)
    taken = time.process_time() - start

    def plain(at: tuple[Any, ...]) -> float:
        return float(entry.function(*at, **keywords))

    assert np.isclose(value, plain(arguments), rtol=1e-9)
    for turn in range(DIRECTIONS):
        along = direction(np.random.default_rng(turn), arguments)
        estimate, error = slope(plain, arguments, along)
        ours, size = inner(gradients, along)
        assert abs(ours - estimate) <= 10 * error + 1e-9 * size
    assert taken < FIRST_CALL


def test_the_long_loops_are_of_the_corpus() -> None:
    assert set(CASES) <= {entry.name for entry in simulation.TABLE}
