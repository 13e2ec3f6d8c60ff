"""OneCycleLR: one cycle of rates over the whole training (Smith & Topin, arXiv:1708.07120)."""

from __future__ import annotations

import math
from typing import Any

from ..optimizer import Optimizer
from .momentum import prepare_momentum, set_momentum
from .scheduler import LRScheduler, of_each_group

__all__ = ["OneCycleLR"]


class OneCycleLR(LRScheduler):
    """From max_lr / div_factor up to `max_lr` in the share `pct_start` of all steps, then down to
    the first rate / final_div_factor; the momentum goes the other way.

    With `three_phase` the way down to the first rate takes as long as the way up did.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: Any = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.total_steps = _count(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be 'cos' or 'linear', not {anneal_strategy!r}")
        self.anneal_strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        # where each phase ends, and the names of the rates and momenta between which it goes
        turn = float(pct_start * self.total_steps) - 1
        phases = [(turn, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
        if three_phase:
            back = float(2 * pct_start * self.total_steps) - 2
            phases += [(back, "max_lr", "initial_lr", "base_momentum", "max_momentum")]
        last = "initial_lr" if three_phase else "max_lr"
        from_ = "max_momentum" if three_phase else "base_momentum"
        self.phases = [*phases, (self.total_steps - 1, last, "min_lr", from_, "max_momentum")]
        begin = last_epoch == -1
        highs = of_each_group("max_lr", optimizer, max_lr)
        if begin:
            for group, high in zip(optimizer.param_groups, highs, strict=True):
                first = high / div_factor
                group |= {"initial_lr": first, "max_lr": high, "min_lr": first / final_div_factor}
        if cycle_momentum:
            prepare_momentum(optimizer, base_momentum, max_momentum, begin=begin)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        start: float = 0
        for phase in self.phases:
            end, *names = phase
            if step <= end or phase is self.phases[-1]:
                break
            start = end
        share = (step - start) / (end - start)
        return [self._set(group, names, share) for group in self.optimizer.param_groups]

    def _set(self, group: dict[str, Any], names: list[str], share: float) -> float:
        """Set a group's momentum; its rate."""
        first, last, high, low = (group.get(name, 0.0) for name in names)
        if self.cycle_momentum:
            set_momentum(group, self._between(high, low, share))
        return self._between(first, last, share)

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2 * (math.cos(math.pi * share) + 1)


def _count(total: int | None, epochs: int | None, steps: int | None) -> int:
    if total is None and (epochs is None or steps is None):
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    given = (
        {"epochs": epochs, "steps_per_epoch": steps} if total is None else {"total_steps": total}
    )
    for name, value in given.items():
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return math.prod(value for value in given.values() if value is not None)
