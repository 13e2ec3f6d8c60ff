"""RMSprop (Hinton, lecture 6e of Neural Networks for Machine Learning, 2012)."""

from __future__ import annotations

import numpy as np

from .optimizer import Group, Optimizer, Parameters, State, non_negative, with_decay

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Steps of lr · gradient / (√v + eps), where v is a running mean of the squared gradient.

    With `centered`, v is the running variance; with `momentum`, steps run on. `weight_decay` · x is
    added to the gradient first.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        non_negative(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        g = with_decay(x, gradient, group)
        if not state:
            state.update(step=0, square_avg=np.zeros_like(x))
        state["step"] += 1
        alpha, square = group["alpha"], state["square_avg"]
        square *= alpha
        square += (1 - alpha) * (g * g)
        spread = square
        if group["centered"]:
            mean = state.setdefault("grad_avg", np.zeros_like(x))
            mean += (1 - alpha) * (g - mean)
            spread = square - mean * mean
        step = g / (np.sqrt(spread) + group["eps"])
        if group["momentum"]:
            buffer = state.setdefault("momentum_buffer", np.zeros_like(x))
            buffer *= group["momentum"]
            buffer += step
            step = buffer
        x -= group["lr"] * step
