"""Stochastic gradient descent."""

from __future__ import annotations

import numpy as np

from .optimizer import Group, Optimizer, Parameters, State, non_negative, with_decay

__all__ = ["SGD"]


class SGD(Optimizer):
    """x -= lr · d, where d is the gradient, or with momentum a running sum b of it.

    b = momentum · b + (1 - dampening) · gradient. With `nesterov`, d = gradient + momentum · b.
    `weight_decay` · x is added to the gradient first.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        non_negative(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        d = with_decay(x, gradient, group)
        momentum = group["momentum"]
        if momentum:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = np.array(d)
            else:
                buffer *= momentum
                buffer += (1 - group["dampening"]) * d
            d = d + momentum * buffer if group["nesterov"] else buffer
        x -= group["lr"] * d
