"""Optimisers that are neither gradient descent nor scaled by mean squares: Rprop and ASGD."""

from __future__ import annotations

from typing import Any

import numpy as np

from .optimizer import Group, Optimizer, Parameters, State, non_negative, with_decay

__all__ = ["ASGD", "Rprop"]


class Rprop(Optimizer):
    """Steps by the gradient's sign alone; longer while it stays, shorter where it turns
    (Riedmiller, Braun, 1993).
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        non_negative(lr=lr)
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(f"etas must be below and above 1, got {etas}")
        defaults: dict[str, Any] = {"lr": lr, "etas": etas, "step_sizes": step_sizes}
        super().__init__(params, {**defaults, "maximize": maximize})

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        g = -gradient if group["maximize"] else gradient
        if not state:
            state.update(step=0, prev=np.zeros_like(x), step_size=np.full_like(x, group["lr"]))
        state["step"] += 1
        turn = np.sign(g * state["prev"])
        down, up = group["etas"]
        factor = np.where(turn > 0, up, np.where(turn < 0, down, 1.0))
        state["step_size"][...] = np.clip(state["step_size"] * factor, *group["step_sizes"])
        g = np.where(turn < 0, 0, g)  # where it turned, this step is left out
        x -= np.sign(g) * state["step_size"]
        state["prev"][...] = g


class ASGD(Optimizer):
    """Averaged gradient descent (Polyak, Juditsky, 1992): `state[x]["ax"]` is the mean of x."""

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        non_negative(lr=lr, weight_decay=weight_decay)
        defaults: dict[str, Any] = {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0}
        super().__init__(params, {**defaults, "weight_decay": weight_decay, "maximize": maximize})

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        g = with_decay(x, gradient, group)
        if not state:
            state.update(step=0, eta=group["lr"], mu=1.0, ax=np.zeros_like(x))
        state["step"] += 1
        step, eta = state["step"], state["eta"]
        x *= 1 - group["lambd"] * eta
        x -= eta * g
        state["ax"] += state["mu"] * (x - state["ax"])
        state["eta"] = group["lr"] / (1 + group["lambd"] * group["lr"] * step) ** group["alpha"]
        state["mu"] = 1 / max(1.0, step - group["t0"])
