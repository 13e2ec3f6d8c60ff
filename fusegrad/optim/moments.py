"""The base of optimisers that keep running means of the gradient and of a measure of its size."""

from __future__ import annotations

from typing import Any

import numpy as np

from .optimizer import (
    Group,
    Optimizer,
    Parameters,
    State,
    fractions,
    non_negative,
    with_decay,
)

__all__ = ["WithMoments", "moved"]


def moved(mean: np.ndarray, value: np.ndarray, rate: float) -> np.ndarray:
    """`mean` moved by `rate` of the way to `value`, in place."""
    mean += rate * (value - mean)
    return mean


class WithMoments(Optimizer):
    """`betas` say how much of each mean stays in a step; `second` is what the second is called."""

    second = "exp_avg_sq"

    def __init__(
        self,
        params: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        **more: float,
    ) -> None:
        non_negative(lr=lr, eps=eps, weight_decay=weight_decay, **more)
        fractions("betas", betas)
        defaults: dict[str, Any] = {"lr": lr, "betas": betas, "eps": eps}
        super().__init__(
            params, {**defaults, "weight_decay": weight_decay, **more, "maximize": maximize}
        )

    def moments(
        self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """The gradient, its running mean with it, and the number of this step."""
        g = with_decay(x, gradient, group)
        if not state:
            state.update(step=0, exp_avg=np.zeros_like(x))
            state[self.second] = np.zeros_like(x)
        state["step"] += 1
        return g, moved(state["exp_avg"], g, 1 - group["betas"][0]), state["step"]
