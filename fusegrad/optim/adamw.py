"""AdamW (Loshchilov & Hutter, ICLR 2019)."""

from __future__ import annotations

import numpy as np

from .adam import Adam
from .optimizer import Group, Parameters, State

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: x is multiplied by 1 - lr · weight_decay."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        x *= 1 - group["lr"] * group["weight_decay"]
        super().update(x, gradient, state, {**group, "weight_decay": 0})
