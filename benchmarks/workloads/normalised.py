"""Layer norm, GELU, softmax cross-entropy, float32: reductions along rows, forward and backward."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..workload import Loss, Workload, generator

ROWS, COLUMNS = 4096, 512


def loss(xp: Any) -> Loss:
    def cross_entropy(x: Any, scale: Any, shift: Any, labels: Any) -> Any:
        centred = x - xp.mean(x, axis=1, keepdims=True)
        variance = xp.mean(centred * centred, axis=1, keepdims=True)
        h = centred / xp.sqrt(variance + 1e-5) * scale + shift
        h = 0.5 * h * (1.0 + xp.tanh(math.sqrt(2.0 / math.pi) * (h + 0.044715 * h * h * h)))
        z = h - xp.max(h, axis=1, keepdims=True)
        log_p = z - xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True))
        return -xp.mean(log_p[xp.arange(len(z)), labels])

    return cross_entropy


def loss_torch(torch: Any) -> Loss:
    functional = torch.nn.functional

    def cross_entropy(x: Any, scale: Any, shift: Any, labels: Any) -> Any:
        h = functional.layer_norm(x, (x.shape[1],), scale, shift)
        return functional.cross_entropy(functional.gelu(h, approximate="tanh"), labels)

    return cross_entropy


def inputs() -> tuple[Any, ...]:
    rng = generator("normalised")
    x = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    scale = (1.0 + 0.1 * rng.normal(size=COLUMNS)).astype(np.float32)
    shift = (0.1 * rng.normal(size=COLUMNS)).astype(np.float32)
    return x, scale, shift, rng.integers(0, COLUMNS, ROWS)


WORKLOADS = (
    Workload(
        "layer-norm",
        f"layer norm → GELU → softmax cross-entropy, {ROWS} × {COLUMNS}, float32",
        loss,
        inputs,
        argnums=(0, 1, 2),
        torch=loss_torch,
    ),
)
