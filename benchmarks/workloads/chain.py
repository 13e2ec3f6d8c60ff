"""A chain of 20 elementwise operations (signs not counted) and a sum."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..workload import Loss, Workload, generator


def loss(xp: Any) -> Loss:
    def chain(x: Any) -> Any:
        for _ in range(4):
            x = xp.sin(x) * 0.5 + x
            x = xp.exp(-xp.tanh(x))
        return xp.sum(x)

    return chain


def _workload(size: int, dtype: Any, *, large: bool = False) -> Workload:
    kind = np.dtype(dtype).name
    name = f"chain-{size:.0e}".replace("+0", "") + ("-f32" if kind == "float32" else "")
    return Workload(
        name,
        f"20 elementwise operations and a sum, n = {size:.0e}, {kind}".replace("+0", ""),
        loss,
        lambda: (generator(name).normal(size=size).astype(dtype),),
        large=large,
    )


WORKLOADS = (
    _workload(100_000, np.float64),
    _workload(100_000, np.float32),
    _workload(10_000_000, np.float64, large=True),
    _workload(10_000_000, np.float32, large=True),
)
