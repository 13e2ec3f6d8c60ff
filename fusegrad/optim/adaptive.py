"""Optimisers that scale each element's step by what its gradients were: Adagrad, Adadelta, Adamax,
NAdam, RAdam.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .moments import WithMoments, moved
from .optimizer import Group, Optimizer, Parameters, State, non_negative, with_decay

__all__ = ["Adadelta", "Adagrad", "Adamax", "NAdam", "RAdam"]


class Adagrad(Optimizer):
    """Steps of lr · g / (√(sum of all g²) + eps) (Duchi, Hazan, Singer, JMLR 2011)."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        start = initial_accumulator_value
        non_negative(lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps)
        non_negative(initial_accumulator_value=start)
        defaults: dict[str, Any] = {"lr": lr, "lr_decay": lr_decay, "eps": eps}
        defaults |= {"weight_decay": weight_decay, "initial_accumulator_value": start}
        super().__init__(params, {**defaults, "maximize": maximize})

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        g = with_decay(x, gradient, group)
        if not state:
            state.update(step=0, sum=np.full_like(x, group["initial_accumulator_value"]))
        state["step"] += 1
        state["sum"] += g * g
        rate = group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        x -= rate * (g / (np.sqrt(state["sum"]) + group["eps"]))


class Adadelta(Optimizer):
    """Steps as large as the running mean of earlier steps (Zeiler, arXiv:1212.5701)."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        non_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        if not 0 <= rho <= 1:
            raise ValueError(f"rho must be between 0 and 1, got {rho}")
        defaults: dict[str, Any] = {"lr": lr, "rho": rho, "eps": eps}
        super().__init__(params, {**defaults, "weight_decay": weight_decay, "maximize": maximize})

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        g, eps, rate = with_decay(x, gradient, group), group["eps"], 1 - group["rho"]
        if not state:
            state.update(step=0, square_avg=np.zeros_like(x), acc_delta=np.zeros_like(x))
        state["step"] += 1
        square = moved(state["square_avg"], g * g, rate)
        delta = np.sqrt(state["acc_delta"] + eps) / np.sqrt(square + eps) * g
        moved(state["acc_delta"], delta * delta, rate)
        x -= group["lr"] * delta


class Adamax(WithMoments):
    """Adam with the largest gradient in place of a mean square (Kingma, Ba, ICLR 2015)."""

    second = "exp_inf"

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        g, mean, step = self.moments(x, gradient, state, group)
        beta1, beta2 = group["betas"]
        largest = state["exp_inf"]
        np.maximum(largest * beta2, np.abs(g) + group["eps"], out=largest)
        x -= group["lr"] / (1 - beta1**step) * (mean / largest)


class NAdam(WithMoments):
    """Adam with Nesterov's momentum (Dozat, 2016)."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        *,
        maximize: bool = False,
    ) -> None:
        more = {"momentum_decay": momentum_decay}
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize, **more)

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        g, mean, step = self.moments(x, gradient, state, group)
        beta1, beta2 = group["betas"]
        decay = group["momentum_decay"]
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (t * decay)) for t in (step, step + 1))
        product = state["mu_product"] = state.get("mu_product", 1.0) * mu
        square = moved(state["exp_avg_sq"], g * g, 1 - beta2)
        spread = np.sqrt(square / (1 - beta2**step)) + group["eps"]
        ahead = mu_next / (1 - product * mu_next) * mean
        x -= group["lr"] * ((1 - mu) / (1 - product) * g + ahead) / spread


class RAdam(WithMoments):
    """Adam that scales only once enough gradients were seen (Liu et al., ICLR 2020)."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize)

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        g, mean, step = self.moments(x, gradient, state, group)
        beta1, beta2 = group["betas"]
        square = moved(state["exp_avg_sq"], g * g, 1 - beta2)
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2**step / (1 - beta2**step)
        rate = group["lr"] / (1 - beta1**step)
        if length <= 5:  # the variance of the mean square is not finite yet
            x -= rate * mean
            return
        above = (length - 4) * (length - 2) * longest
        below = (longest - 4) * (longest - 2) * length
        spread = (np.sqrt(square) + group["eps"]) / math.sqrt(1 - beta2**step)
        x -= rate * math.sqrt(above / below) * (mean / spread)
