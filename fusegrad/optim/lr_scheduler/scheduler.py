"""What schedules have in common: the epoch they are in, and the rates they started from."""

from __future__ import annotations

import types
import warnings
from typing import Any

from ..optimizer import Optimizer

__all__ = ["LRScheduler", "bare_functions", "of_each_group", "restore_functions", "without"]


class LRScheduler:
    """The base of schedules: a subclass says in `get_lr` what the rate of each group is to be.

    It finds `last_epoch`, the epoch that begins, and `base_lrs`, the rates at the start. Most
    schedules change the rate that a group has, so that several of them can work on one optimiser.
    `last_epoch` other than -1 resumes at that epoch.
    """

    initial = False  # while it is constructed, when rates stay as they are

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}], which it is to be "
                    "for a schedule that is resumed: load the optimizer's state first"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.begin()

    def begin(self) -> None:
        """Set the rates of the first epoch."""
        self._step_count = 0
        self.initial = True
        try:
            self.step()
        finally:
            del self.initial

    def get_lr(self) -> list[float]:
        """The rate of each group in the epoch `last_epoch`."""
        raise NotImplementedError

    def rates(self) -> list[float]:
        """The rate that each group has."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """The rates that were set last."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next epoch, or (which PyTorch deprecates) to `epoch`."""
        if self._step_count == 1:
            _warn_where_early(self.optimizer)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(
                "The epoch parameter in `scheduler.step()` is deprecated: call `scheduler.step()`",
                UserWarning,
                stacklevel=2,
            )
        self.move_to(epoch)

    def move_to(self, epoch: int | None) -> None:
        """Set the rates of the next epoch, or of `epoch`, by a formula where there is one."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self.set_rates(self.get_lr() if closed is None else closed())

    def set_rates(self, rates: list[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = self.rates()

    def state_dict(self) -> dict[str, Any]:
        """All that it holds but the optimiser, whose state has the rates."""
        return without(vars(self), "optimizer")

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` of a schedule with the same options gave."""
        vars(self).update(state_dict)


def checked_optimizer(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def _warn_where_early(optimizer: Optimizer) -> None:
    """Warn where no step was taken with the first rates. (A user's own `step` takes no note.)"""
    ours = type(optimizer).step.__module__.startswith(__name__.rpartition(".lr_scheduler")[0])
    if ours and not optimizer.stepped:
        warnings.warn(
            "Detected call of `lr_scheduler.step()` before `optimizer.step()`: call them in the "
            "opposite order, or the first rate of the schedule is never used",
            UserWarning,
            stacklevel=3,
        )


def of_each_group(name: str, optimizer: Optimizer, given: Any) -> list[Any]:
    """An option for each group: one for all, or a list of them."""
    count = len(optimizer.param_groups)
    if not isinstance(given, list | tuple):
        return [given] * count
    if len(given) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups: it has {len(given)} "
            f"values, param_groups has {count}"
        )
    return list(given)


def without(state: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name not in names}


# --- functions of the user's: a state holds what objects among them remember, and no code ---


def bare_functions(functions: list[Any]) -> list[dict[str, Any] | None]:
    """The fields of each that is an object; None for plain functions."""
    plain = types.FunctionType
    return [None if isinstance(f, plain) else dict(getattr(f, "__dict__", {})) for f in functions]


def restore_functions(functions: list[Any], fields: list[dict[str, Any] | None]) -> None:
    for function, saved in zip(functions, fields, strict=True):
        if saved is not None:
            vars(function).update(saved)
