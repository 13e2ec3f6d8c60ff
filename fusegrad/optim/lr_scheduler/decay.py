"""Schedules that multiply the rate, at every epoch or at some."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ..optimizer import Optimizer
from .scheduler import LRScheduler, bare_functions, of_each_group, restore_functions, without

__all__ = [
    "ConstantLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
]

Function = Callable[[int], float]


class LambdaLR(LRScheduler):
    """The first rate times a function of the epoch, one for all groups or one for each."""

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Function | list[Function], last_epoch: int = -1
    ) -> None:
        self.lr_lambdas = of_each_group("lr_lambda", optimizer, lr_lambda)
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, not {type(function).__name__}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        pairs = zip(self.lr_lambdas, self.base_lrs, strict=True)
        return [base * function(self.last_epoch) for function, base in pairs]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "lr_lambdas": bare_functions(self.lr_lambdas)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(without(state_dict, "lr_lambdas"))
        restore_functions(self.lr_lambdas, state_dict["lr_lambdas"])


class MultiplicativeLR(LambdaLR):
    """The rate times a function of the epoch, at each epoch."""

    def get_lr(self) -> list[float]:
        if self.initial:
            return self.rates()
        pairs = zip(self.lr_lambdas, self.rates(), strict=True)
        return [rate * function(self.last_epoch) for function, rate in pairs]


class _Decay(LRScheduler):
    """The base of those that have one factor for all groups."""

    def change(self) -> float:
        """What rates are multiplied by as `last_epoch` begins."""
        raise NotImplementedError

    def total(self) -> float:
        """What the first rates are multiplied by in the epoch `last_epoch`."""
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        change = self.change()
        return [rate if change == 1 else rate * change for rate in self.rates()]

    def _get_closed_form_lr(self) -> list[float]:
        return [base * self.total() for base in self.base_lrs]


class StepLR(_Decay):
    """The rate times `gamma` every `step_size` epochs."""

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def change(self) -> float:
        begins = self.last_epoch and not self.last_epoch % self.step_size
        return self.gamma if begins else 1.0

    def total(self) -> float:
        return self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(_Decay):
    """The rate times `gamma` at each of the epochs `milestones`."""

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def change(self) -> float:
        return self.gamma ** self.milestones[self.last_epoch]

    def total(self) -> float:
        return self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch)


class ExponentialLR(_Decay):
    """The rate times `gamma` at each epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def change(self) -> float:
        return 1.0 if self.initial else self.gamma

    def total(self) -> float:
        return self.gamma**self.last_epoch


class ConstantLR(_Decay):
    """The first rate times `factor` up to the epoch `total_iters`, then the first rate."""

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def change(self) -> float:
        if self.last_epoch == 0:
            return self.factor
        return 1 / self.factor if self.last_epoch == self.total_iters else 1.0

    def total(self) -> float:
        return 1.0 if self.last_epoch >= self.total_iters else self.factor


class LinearLR(_Decay):
    """The first rate times a factor that goes from `start_factor` to `end_factor` evenly."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError("start_factor must be greater than 0 and at most 1")
        if not 0 <= end_factor <= 1:
            raise ValueError("end_factor must be between 0 and 1")
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def change(self) -> float:
        if self.last_epoch == 0:
            return self.start_factor
        if self.initial or self.last_epoch > self.total_iters:
            return 1.0
        change = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * change
        return 1 + change / before

    def total(self) -> float:
        change = self.end_factor - self.start_factor
        return (
            self.start_factor + change * min(self.total_iters, self.last_epoch) / self.total_iters
        )


class PolynomialLR(_Decay):
    """The first rate times (1 - epoch / total_iters) to a power; 0 from there on."""

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def change(self) -> float:
        epoch, count = self.last_epoch, self.total_iters
        if self.initial or epoch > count:
            return 1.0
        ratio: float = ((1 - epoch / count) / (1 - (epoch - 1) / count)) ** self.power
        return ratio

    def total(self) -> float:
        share: float = 1 - min(self.total_iters, self.last_epoch) / self.total_iters
        total: float = share**self.power
        return total
