"""Adam (Kingma & Ba, ICLR 2015, algorithm 1)."""

from __future__ import annotations

import math

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

__all__ = ["Adam"]


class Adam(Optimizer):
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
        non_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        fractions("betas", betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        beta1, beta2 = group["betas"]
        g = with_decay(x, gradient, group)
        if not state:
            state.update(step=0, exp_avg=np.zeros_like(x), exp_avg_sq=np.zeros_like(x))
        state["step"] += 1
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean += (1 - beta1) * (g - mean)
        square *= beta2
        square += (1 - beta2) * (g * g)
        step_size = group["lr"] / (1 - beta1 ** state["step"])
        if group["amsgrad"]:
            largest = state.setdefault("max_exp_avg_sq", np.zeros_like(x))
            square = np.maximum(largest, square, out=largest)
        spread = np.sqrt(square) / math.sqrt(1 - beta2 ** state["step"]) + group["eps"]
        x -= step_size * (mean / spread)
