"""Values at the edges (signed zeros, inf, nan, beyond the integers) as NumPy and SciPy do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

import fusegrad as fg

V = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 3.0, -6.0, np.inf, -np.inf, np.nan, 1e19, -1e19, -(2.0**31)]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "hypot": np.hypot,
    "fmod": np.fmod,
    "remainder": np.remainder,
    "floor_divide": np.floor_divide,
    "arctan2": np.arctan2,
    "copysign": np.copysign,
    "maximum": np.maximum,
    "fmin": np.fmin,
    "arcsinh": lambda x, y: np.arcsinh(x),
    "tanh": lambda x, y: np.tanh(x),
    "rint": lambda x, y: np.rint(x),
    "to int64": lambda x, y: x.astype(np.int64),
    "to int32": lambda x, y: x.astype(np.int32),
    "to bool": lambda x, y: x.astype(bool),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_as_in_numpy(name: str, dtype: Any) -> None:
    x, y = (a.ravel() for a in np.meshgrid(np.array(V, dtype), np.array(V, dtype)))
    expected = FUNCTIONS[name](x, y)
    compiled = fg.compile(FUNCTIONS[name])
    for found in (compiled(x, y), compiled.eager(x, y)):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-14 if dtype is np.float64 else 5e-7)
        if found.dtype.kind == "f":
            number = ~np.isnan(expected)
            np.testing.assert_array_equal(np.signbit(found[number]), np.signbit(expected[number]))


def test_slopes_at_zero() -> None:
    zero = np.array([0.0, -0.0])
    cases: list[tuple[Callable[[Any], Any], float, float]] = [
        (np.arcsinh, 1.0, 0.0),
        (lambda x: np.fmod(x, 2.0), 1.0, 0.0),
        (lambda x: np.hypot(x, 1.0), 0.0, 1.0),
    ]
    for function, first, second in cases:
        slope = fg.grad(lambda x, f=function: np.sum(f(x)))
        np.testing.assert_array_equal(slope(zero), [first, first])
        curvature = fg.grad(lambda x, g=slope: np.sum(g(x)))
        np.testing.assert_array_equal(curvature(zero), [second, second])


def test_the_sign_of_beta() -> None:
    a = np.array([-745.2, -100.5, -61.3, -60.5, 80.5, -80.25, -2.5, 0.3])
    b = np.array([1.0, 3.5, 0.25, -0.5, -70.25, -65.5, -1.3, 0.4])
    found = fg.compile(lambda a, b: special.beta(a, b))(a, b)
    np.testing.assert_allclose(found, special.beta(a, b), rtol=1e-9)
    logarithm = fg.compile(lambda a, b: special.betaln(a, b))(a, b)
    np.testing.assert_allclose(logarithm, special.betaln(a, b), rtol=1e-11)
