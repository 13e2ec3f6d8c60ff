"""Logistic regression: a tall matrix, read once forward and once backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..workload import Loss, Workload, generator


def loss(xp: Any) -> Loss:
    def negative_log_likelihood(w: Any, b: Any, x: Any, y: Any) -> Any:
        z = x @ w + b
        return xp.mean(xp.logaddexp(0.0, z) - y * z)

    return negative_log_likelihood


def loss_torch(torch: Any) -> Loss:
    def negative_log_likelihood(w: Any, b: Any, x: Any, y: Any) -> Any:
        z = x @ w + b
        return torch.mean(torch.nn.functional.softplus(z) - y * z)

    return negative_log_likelihood


def numpy_by_hand() -> Loss:
    def value_and_grad(w: Any, b: Any, x: Any, y: Any) -> Any:
        z = x @ w + b
        value = np.mean(np.logaddexp(0.0, z) - y * z)
        slope = (1.0 / (1.0 + np.exp(-z)) - y) / y.size
        return value, (slope @ x, np.sum(slope))

    return value_and_grad


def _workload(rows: int, columns: int) -> Workload:
    name = f"logistic-{rows}x{columns}"

    def inputs() -> tuple[Any, ...]:
        rng = generator(name)
        x = rng.normal(size=(rows, columns))
        y = (x @ rng.normal(size=columns) + rng.normal(size=rows) > 0).astype(np.float64)
        return 0.1 * rng.normal(size=columns), np.float64(0.1), x, y

    return Workload(
        name,
        f"logistic regression, {rows} × {columns}",
        loss,
        inputs,
        argnums=(0, 1),
        torch=loss_torch,
        by_hand={"numpy": numpy_by_hand},
    )


WORKLOADS = (_workload(1000, 20), _workload(100_000, 100))
