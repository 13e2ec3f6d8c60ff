"""Adam (Kingma & Ba, ICLR 2015, algorithm 1)."""

from __future__ import annotations

import math

import numpy as np

from .moments import WithMoments
from .optimizer import Group, Parameters, State

__all__ = ["Adam"]


class Adam(WithMoments):
    """Steps of lr · m / (√v + eps); m and v are the corrected means of the gradient and its square.

    `weight_decay` · x is added to the gradient first. With `amsgrad` v is the largest so far.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize, amsgrad=amsgrad)

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        g, mean, step = self.moments(x, gradient, state, group)
        beta1, beta2 = group["betas"]
        square = state["exp_avg_sq"]
        square *= beta2
        square += (1 - beta2) * (g * g)
        if group["amsgrad"]:
            largest = state.setdefault("max_exp_avg_sq", np.zeros_like(x))
            square = np.maximum(largest, square, out=largest)
        spread = np.sqrt(square) / math.sqrt(1 - beta2**step) + group["eps"]
        x -= group["lr"] / (1 - beta1**step) * (mean / spread)
