"""The Rosenbrock function: slices of one array against each other, cheap arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..workload import Loss, Workload, generator


def loss(xp: Any) -> Loss:
    def rosenbrock(x: Any) -> Any:
        return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return rosenbrock


def numpy_by_hand() -> Loss:
    def value_and_grad(x: Any) -> Any:
        head = x[:-1]
        rise, gap = x[1:] - head * head, 1.0 - head
        gradient = np.zeros_like(x)
        gradient[1:] = 200.0 * rise
        gradient[:-1] -= 400.0 * head * rise + 2.0 * gap
        return 100.0 * np.sum(rise * rise) + np.sum(gap * gap), gradient

    return value_and_grad


def numba_by_hand() -> Loss:
    import numba

    @numba.njit(fastmath=True)
    def value_and_grad(x: Any) -> Any:
        gradient = np.zeros_like(x)
        value = 0.0
        for i in range(x.size - 1):
            rise, gap = x[i + 1] - x[i] * x[i], 1.0 - x[i]
            value += 100.0 * rise * rise + gap * gap
            gradient[i] -= 400.0 * x[i] * rise + 2.0 * gap
            gradient[i + 1] += 200.0 * rise
        return value, gradient

    return value_and_grad  # type: ignore[no-any-return]


def _workload(name: str, size: int) -> Workload:
    return Workload(
        name,
        f"Rosenbrock, n = {size}",
        loss,
        lambda: (generator(name).normal(size=size),),
        by_hand={"numba": numba_by_hand, "numpy": numpy_by_hand},
    )


WORKLOADS = (_workload("rosenbrock-1e3", 1000), _workload("rosenbrock-1e5", 100_000))
