"""CyclicLR: rates that go up and down again (Smith, arXiv:1506.01186)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..optimizer import Optimizer
from .momentum import prepare_momentum, set_momentum
from .scheduler import LRScheduler, bare_functions, of_each_group, restore_functions, without

__all__ = ["CyclicLR"]


class CyclicLR(LRScheduler):
    """From `base_lr` to `max_lr` in `step_size_up` steps, and back in `step_size_down`, again and
    again; the momentum goes the other way.

    The heights of the cycles stay ("triangular"), are halved each time ("triangular2"), or are
    scaled by gamma^step ("exp_range"), or by `scale_fn` of the cycle's number or (`scale_mode`
    "iterations") of the step's.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        begin = last_epoch == -1
        lows = of_each_group("base_lr", optimizer, base_lr)
        self.max_lrs = of_each_group("max_lr", optimizer, max_lr)
        self.total_size = float(step_size_up + (step_size_down or step_size_up))
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma, self.scale_fn = mode, gamma, scale_fn
        self.by_step = scale_mode != "cycle" if scale_fn else mode == "exp_range"
        self.cycle_momentum = cycle_momentum
        if begin:
            for group, low in zip(optimizer.param_groups, lows, strict=True):
                group["lr"] = low
        if cycle_momentum:
            prepare_momentum(optimizer, base_momentum, max_momentum, begin=begin)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lows

    def get_lr(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        rising = x <= self.step_ratio
        share = x / self.step_ratio if rising else (x - 1) / (self.step_ratio - 1)
        height = share * self._scale(self.last_epoch if self.by_step else cycle)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                low, high = group["base_momentum"], group["max_momentum"]
                set_momentum(group, high - (high - low) * height)
        pairs = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (high - low) * height for low, high in pairs]

    def _scale(self, number: int) -> float:
        """The height of a cycle, by its number, or (exp_range) by that of the step."""
        if self.scale_fn is not None:
            return self.scale_fn(number)
        if self.mode == "exp_range":
            power: float = self.gamma**number
            return power
        return 1.0 if self.mode == "triangular" else 1 / 2.0 ** (number - 1)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "scale_fn": bare_functions([self.scale_fn])}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(without(state_dict, "scale_fn"))
        if self.scale_fn is not None:
            restore_functions([self.scale_fn], state_dict["scale_fn"])
