"""Small calls: what a call costs. sum(sin(x) x + exp(-x^2)) of one number and of 100."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..workload import Loss, Workload, generator


def loss(xp: Any) -> Loss:
    def small(x: Any) -> Any:
        return xp.sum(xp.sin(x) * x + xp.exp(-x * x))

    return small


def numpy_by_hand() -> Loss:
    def value_and_grad(x: Any) -> Any:
        sine, bell = np.sin(x), np.exp(-x * x)
        return np.sum(sine * x + bell), sine + x * np.cos(x) - 2.0 * x * bell

    return value_and_grad


def numba_scalar() -> Loss:
    import numba

    @numba.njit(fastmath=True)
    def value_and_grad(x: float) -> Any:
        sine, bell = math.sin(x), math.exp(-x * x)
        return sine * x + bell, sine + x * math.cos(x) - 2.0 * x * bell

    return value_and_grad  # type: ignore[no-any-return]


def numba_vector() -> Loss:
    import numba

    @numba.njit(fastmath=True)
    def value_and_grad(x: Any) -> Any:
        gradient = np.empty_like(x)
        value = 0.0
        for i in range(x.size):
            sine, bell = math.sin(x[i]), math.exp(-x[i] * x[i])
            value += sine * x[i] + bell
            gradient[i] = sine + x[i] * math.cos(x[i]) - 2.0 * x[i] * bell
        return value, gradient

    return value_and_grad  # type: ignore[no-any-return]


WORKLOADS = (
    Workload(
        "scalar",
        "sum(sin(x) x + exp(-x²)), a NumPy float64",
        loss,
        lambda: (np.float64(0.3),),
        by_hand={"numba": numba_scalar, "numpy": numpy_by_hand},
    ),
    Workload(
        "scalar-100",
        "the same, n = 100",
        loss,
        lambda: (generator("scalar-100").normal(size=100),),
        by_hand={"numba": numba_vector, "numpy": numpy_by_hand},
    ),
)
