"""What the tests of stores hold traced functions against: NumPy's own values, and differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import fusegrad as fg


def differences(f: Callable[..., Any], x: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """The gradient of a scalar function by central differences."""
    found = np.zeros_like(x)
    for i in range(x.size):
        up, down = x.copy(), x.copy()
        up.flat[i] += step
        down.flat[i] -= step
        found.flat[i] = (f(up) - f(down)) / (2 * step)
    return found


def check(f: Callable[..., Any], x: np.ndarray, *, one_path: bool = True) -> None:
    """Values as NumPy's, at two inputs; gradients as differences, and as eager mode's; the argument
    is left as it was.
    """
    both = fg.value_and_grad(f)
    for point in (x, x * 0.8 + 0.1):
        kept = point.copy()
        value, gradient = both(point)
        np.testing.assert_array_equal(point, kept)
        np.testing.assert_allclose(value, f(point.copy()), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(gradient, differences(f, kept), rtol=2e-6, atol=2e-7)
        slow_value, slow_gradient = both.eager(point.copy())
        np.testing.assert_allclose(slow_value, value, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(slow_gradient, gradient, rtol=1e-10, atol=1e-12)
    assert len(both.cache_info()["compiled"]) == 1 or not one_path


def check_stores(f: Callable[..., Any], *arrays: np.ndarray) -> None:
    """A compiled function returns what NumPy's returns, and changes its arguments as that does."""
    compiled = fg.compile(f)
    for _ in range(2):
        mine, theirs = ([a.copy() for a in arrays] for _ in range(2))
        found, expected = compiled(*mine), f(*theirs)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13)
