"""Schedules that follow a cosine (Loshchilov & Hutter, SGDR, ICLR 2017)."""

from __future__ import annotations

import math
from typing import Any

from ..optimizer import Optimizer
from .scheduler import LRScheduler

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


def _between(low: float, high: float, phase: float) -> float:
    """From `high` at phase 0 to `low` at phase 1."""
    return low + (high - low) * (1 + math.cos(math.pi * phase)) / 2


class CosineAnnealingLR(LRScheduler):
    """From the first rate to `eta_min` in T_max epochs, then back again, and so on."""

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: int,  # noqa: N803
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.initial:
            return self.rates()
        if self._step_count == 1 and self.last_epoch > 0:
            return self._get_closed_form_lr()
        epoch, count = self.last_epoch, self.T_max
        if (epoch - 1 - count) % (2 * count) == 0:  # it was at its lowest
            up = (1 - math.cos(math.pi / count)) / 2
            pairs = zip(self.rates(), self.base_lrs, strict=True)
            return [rate + (base - self.eta_min) * up for rate, base in pairs]
        here, before = (1 + math.cos(math.pi * e / count) for e in (epoch, epoch - 1))
        return [here / before * (rate - self.eta_min) + self.eta_min for rate in self.rates()]

    def _get_closed_form_lr(self) -> list[float]:
        phase = self.last_epoch / self.T_max
        return [_between(self.eta_min, base, phase) for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """From the first rate to `eta_min` in T_0 epochs, then again in `T_mult` times as many …"""

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: Any,  # noqa: N803
        T_mult: Any = 1,  # noqa: N803
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, int | float):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min}")
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.T_i: float = T_0
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [_between(self.eta_min, base, self.T_cur / self.T_i) for base in self.base_lrs]

    def step(self, epoch: Any = None) -> None:
        """Go on to the next epoch, or to `epoch`, which need not be whole."""
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = epoch or 0
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            self._find(epoch)
        self.last_epoch = math.floor(epoch)
        self.set_rates(self.get_lr())

    def move_to(self, epoch: int | None) -> None:
        self.step(epoch)

    def _find(self, epoch: float) -> None:
        """The length of the period that `epoch` is in, and how far it has come."""
        if epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            more = self.T_mult - 1
            number = int(math.log(epoch / self.T_0 * more + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**number - 1) / more
            self.T_i = self.T_0 * self.T_mult**number
