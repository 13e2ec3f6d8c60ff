"""Adafactor (Shazeer & Stern, ICML 2018): mean squares of a matrix's rows and columns alone."""

from __future__ import annotations

import math

import numpy as np

from .optimizer import Group, Optimizer, Parameters, State, non_negative

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Steps of a size relative to that of the parameter, along g / √(estimated mean square).

    The estimate moves to g² by step^beta2_decay each time; of matrices (the last two axes) it is
    the product of what rows and columns have. Updates whose root mean square is above `d` are made
    shorter. `eps` limits the estimate (None: the dtype's own) and the parameter's size from below.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        non_negative(lr=lr, weight_decay=weight_decay, eps=eps[1])
        if beta2_decay > 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None:
            non_negative(eps=eps[0])
        if d < 1:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        defaults = {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d}
        super().__init__(params, {**defaults, "weight_decay": weight_decay, "maximize": maximize})

    def update(self, x: np.ndarray, gradient: np.ndarray, state: State, group: Group) -> None:
        g = -gradient if group["maximize"] else gradient
        least = group["eps"][0]
        least = float(np.finfo(x.dtype).eps) if least is None else least
        step = state["step"] = state.get("step", 0) + 1
        size = max(group["eps"][1], _root_mean_square(x)) * min(group["lr"], 1 / math.sqrt(step))
        x *= 1 - group["lr"] * group["weight_decay"]
        estimate = _estimate(g, state, float(step) ** group["beta2_decay"], least)
        change = g / np.sqrt(np.maximum(estimate, least * least))
        x -= size / max(1.0, _root_mean_square(change) / group["d"]) * change


def _root_mean_square(x: np.ndarray) -> float:
    return float(np.linalg.norm(x.reshape(-1))) / math.sqrt(max(x.size, 1))


def _estimate(g: np.ndarray, state: State, rate: float, least: float) -> np.ndarray:
    """The estimated mean square of each element, once `state` has taken in g²."""
    if g.ndim < 2:
        return _moved(state, "variance", g * g, rate)
    rows = _moved(state, "row_var", np.mean(g * g, -1, keepdims=True), rate)
    columns = _moved(state, "col_var", np.mean(g * g, -2, keepdims=True), rate)
    product: np.ndarray = rows * columns
    product /= np.maximum(rows.mean(-2, keepdims=True), least)
    return product


def _moved(state: State, name: str, value: np.ndarray, rate: float) -> np.ndarray:
    """The running mean of that name, moved by `rate` of the way to `value`."""
    mean = state.setdefault(name, np.zeros_like(value))
    mean += rate * (value - mean)
    found: np.ndarray = mean
    return found
