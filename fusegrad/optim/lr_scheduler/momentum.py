"""The momentum that goes down as the rate goes up, and back, in schedules of cycles."""

from __future__ import annotations

from typing import Any

from ..optimizer import Group, Optimizer
from .scheduler import of_each_group

__all__ = ["prepare_momentum", "set_momentum"]


def prepare_momentum(optimizer: Optimizer, base: Any, largest: Any, *, begin: bool) -> None:
    """Note the bounds of each group's momentum in it; with `begin` it starts at its largest."""
    if not {"momentum", "betas"} & optimizer.defaults.keys():
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` enabled")
    lows = of_each_group("base_momentum", optimizer, base)
    highs = of_each_group("max_momentum", optimizer, largest)
    if begin:
        for group, low, high in zip(optimizer.param_groups, lows, highs, strict=True):
            set_momentum(group, high)
            group["base_momentum"], group["max_momentum"] = low, high


def set_momentum(group: Group, value: float) -> None:
    """What the optimiser calls momentum: itself, or the first of `betas`."""
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value
