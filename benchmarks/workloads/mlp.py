"""A network of three layers with softmax cross-entropy, float32: matrix products."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..workload import Loss, Workload, generator

SIZES = (784, 256, 128, 10)


def loss(xp: Any) -> Loss:
    def cross_entropy(layers: Any, x: Any, labels: Any) -> Any:
        for w, b in layers[:-1]:
            x = xp.maximum(x @ w + b, 0.0)
        w, b = layers[-1]
        z = x @ w + b
        z = z - xp.max(z, axis=1, keepdims=True)
        log_p = z - xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True))
        return -xp.mean(log_p[xp.arange(len(z)), labels])

    return cross_entropy


def loss_torch(torch: Any) -> Loss:
    functional = torch.nn.functional

    def cross_entropy(layers: Any, x: Any, labels: Any) -> Any:
        for w, b in layers[:-1]:
            x = functional.relu(x @ w + b)
        w, b = layers[-1]
        return functional.cross_entropy(x @ w + b, labels)

    return cross_entropy


def numpy_by_hand() -> Loss:
    def value_and_grad(layers: Any, x: Any, labels: Any) -> Any:
        (w1, b1), (w2, b2), (w3, b3) = layers
        h1 = np.maximum(x @ w1 + b1, 0.0)
        h2 = np.maximum(h1 @ w2 + b2, 0.0)
        z = h2 @ w3 + b3
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        total = p.sum(axis=1, keepdims=True)
        rows = np.arange(len(z))
        value = -np.mean((z - np.log(total))[rows, labels])
        p /= total
        p[rows, labels] -= 1.0
        p /= np.float32(len(z))
        g2 = (p @ w3.T) * (h2 > 0)
        g1 = (g2 @ w2.T) * (h1 > 0)
        gradients = [(a.T @ g, g.sum(axis=0)) for a, g in ((x, g1), (h1, g2), (h2, p))]
        return value, tuple(gradients)

    return value_and_grad


def _workload(batch: int) -> Workload:
    name = f"mlp-{batch}"

    def inputs() -> tuple[Any, ...]:
        rng = generator(name)
        layers = tuple(
            (
                (rng.normal(size=(m, n)) * np.sqrt(2.0 / m)).astype(np.float32),
                np.zeros(n, np.float32),
            )
            for m, n in pairwise(SIZES)
        )
        return layers, rng.random((batch, 784), dtype=np.float32), rng.integers(0, 10, batch)

    return Workload(
        name,
        f"network 784-256-128-10, batch {batch}, float32",
        loss,
        inputs,
        torch=loss_torch,
        by_hand={"numpy": numpy_by_hand},
    )


WORKLOADS = (_workload(32), _workload(512))
