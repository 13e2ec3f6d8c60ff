"""Schedules of learning rates: against their formulas, and step by step against PyTorch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad import optim

STEPS = 100
Maker = Callable[[Any, Any], Any]  # of the module and the optimiser


def _sequential(s: Any, o: Any) -> Any:
    parts = [s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.95), s.CosineAnnealingLR(o, 20, 0.01)]
    return s.SequentialLR(o, parts, [6, 40])


def _chained(s: Any, o: Any) -> Any:
    return s.ChainedScheduler([s.LinearLR(o, 0.2, total_iters=8), s.StepLR(o, 15, 0.7)])


MAKERS: dict[str, Maker] = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda e: 0.95**e),
    "LambdaLR each": lambda s, o: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (1 + e)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.97 if e % 2 else 1.01),
    "StepLR": lambda s, o: s.StepLR(o, 7, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [5, 30, 30, 80], 0.3),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.93),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.25, 12),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.1, 0.8, 33),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 60, 2.5),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 17, 0.02),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 9, 2, 0.001),
    "CosineAnnealingWarmRestarts equal": lambda s, o: s.CosineAnnealingWarmRestarts(o, 9),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, [0.5, 1.0], 10, 4),
    "CyclicLR triangular2": lambda s, o: s.CyclicLR(o, 0.01, 0.5, 10, mode="triangular2"),
    "CyclicLR exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.5, 8, mode="exp_range", gamma=0.99),
    "CyclicLR scale_fn": lambda s, o: s.CyclicLR(
        o, 0.01, 0.5, 8, scale_fn=lambda i: 1 / (1 + i), scale_mode="iterations"
    ),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.8, total_steps=STEPS + 1),
    "OneCycleLR linear": lambda s, o: s.OneCycleLR(
        o, [0.8, 0.4], epochs=11, steps_per_epoch=10, anneal_strategy="linear", pct_start=0.2
    ),
    "OneCycleLR three phases": lambda s, o: s.OneCycleLR(
        o, 0.8, total_steps=STEPS + 5, three_phase=True, final_div_factor=100.0
    ),
    "SequentialLR": _sequential,
    "ChainedScheduler": _chained,
}
# What the first of the groups, which starts at a rate of 0.5, has in epoch e.
FORMULAS: dict[str, Callable[[int], float]] = {
    "LambdaLR": lambda e: 0.5 * 0.95**e,
    "LambdaLR each": lambda e: 0.5 * 0.9**e,
    "MultiplicativeLR": lambda e: 0.5 * 0.97 ** ((e + 1) // 2) * 1.01 ** (e // 2),
    "StepLR": lambda e: 0.5 * 0.5 ** (e // 7),
    "MultiStepLR": lambda e: 0.5 * 0.3 ** sum(e >= m for m in (5, 30, 30, 80)),
    "ExponentialLR": lambda e: 0.5 * 0.93**e,
    "ConstantLR": lambda e: 0.125 if e < 12 else 0.5,
    "LinearLR": lambda e: 0.5 * (0.1 + 0.7 * min(e, 33) / 33),
    "PolynomialLR": lambda e: 0.5 * max(1 - e / 60, 0) ** 2.5,
    "CosineAnnealingLR": lambda e: 0.02 + 0.48 * (1 + math.cos(math.pi * e / 17)) / 2,
    "CosineAnnealingWarmRestarts": lambda e: _restarted(e),
    "CosineAnnealingWarmRestarts equal": lambda e: 0.25 * (1 + math.cos(math.pi * (e % 9) / 9)),
    "CyclicLR": lambda e: 0.01 + 0.49 * min(e % 14 / 10, (14 - e % 14) / 4),
    "CyclicLR triangular2": lambda e: 0.01 + 0.49 * _triangle(e, 10) / 2.0 ** (e // 20),
    "CyclicLR exp_range": lambda e: 0.01 + 0.49 * _triangle(e, 8) * 0.99**e,
    "CyclicLR scale_fn": lambda e: 0.01 + 0.49 * _triangle(e, 8) / (1 + e),
    "OneCycleLR": lambda e: _one_cycle(e),
    "SequentialLR": lambda e: _in_turn(e),
    "ChainedScheduler": lambda e: 0.5 * (0.2 + 0.8 * min(e, 8) / 8) * 0.7 ** (e // 15),
}


def _restarted(e: int) -> float:
    length = 9
    while e >= length:
        e, length = e - length, 2 * length
    return 0.001 + 0.499 * (1 + math.cos(math.pi * e / length)) / 2


def _triangle(e: int, half: int) -> float:
    return 1 - abs(e % (2 * half) / half - 1)


def _one_cycle(e: int) -> float:
    turn, end = 0.3 * (STEPS + 1) - 1, STEPS
    first, last = 0.8 / 25, 0.8 / 25 / 1e4
    if e <= turn:
        return 0.8 + (first - 0.8) / 2 * (1 + math.cos(math.pi * e / turn))
    return last + (0.8 - last) / 2 * (1 + math.cos(math.pi * (e - turn) / (end - turn)))


def _in_turn(e: int) -> float:
    if e < 6:
        return 0.05 if e < 4 else 0.5
    if e < 40:
        return 0.5 * 0.95 ** (e - 6)
    return 0.01 + 0.49 * (1 + math.cos(math.pi * (e - 40) / 20)) / 2


def optimizer_of(library: Any, x: Any, y: Any, kind: str = "SGD") -> Any:
    options: dict[str, Any] = {"momentum": 0.9} if kind == "SGD" else {}
    groups = [{"params": [x]}, {"params": [y], "lr": 0.25}]
    return getattr(library, kind)(groups, lr=0.5, **options)


def ours(kind: str = "SGD") -> Any:
    x, y = (fg.ones(2, requires_grad=True) for _ in range(2))
    return optimizer_of(optim, x, y, kind)


def course(optimizer: Any, schedule: Any, steps: int = STEPS) -> list[tuple[float, ...]]:
    """Rates and momenta before each step."""
    seen = []
    for _ in range(steps):
        groups = optimizer.param_groups
        momenta = [g["betas"][0] if "betas" in g else g["momentum"] for g in groups]
        seen.append((*(float(g["lr"]) for g in groups), *map(float, momenta)))
        assert list(map(float, schedule.get_last_lr())) == [g["lr"] for g in groups]
        optimizer.step()
        schedule.step()
    return seen


@pytest.mark.parametrize("name", FORMULAS)
def test_rates_follow_the_formula(name: str) -> None:
    optimizer = ours()
    found = course(optimizer, MAKERS[name](optim.lr_scheduler, optimizer))
    expected = [FORMULAS[name](e) for e in range(STEPS)]
    assert [rates[0] for rates in found] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", MAKERS)
def test_rates_and_momenta_are_pytorch_s(name: str, kind: str) -> None:
    torch = pytest.importorskip("torch")
    x, y = (torch.ones(2, requires_grad=True) for _ in range(2))
    runs = []
    for library, optimizer in (
        (optim, ours(kind)),
        (torch.optim, optimizer_of(torch.optim, x, y, kind)),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runs.append(course(optimizer, MAKERS[name](library.lr_scheduler, optimizer)))
    for found, expected in zip(*runs, strict=True):
        assert found == pytest.approx(expected, rel=1e-13, abs=1e-16)


METRICS = [1 / (1 + i) if i < 20 else 0.05 + 0.001 * (i % 3) for i in range(STEPS)]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 3, "factor": 0.5, "cooldown": 4, "min_lr": [0.01, 0.1]},
        {"patience": 2, "threshold": 0.01, "threshold_mode": "abs", "eps": 1e-2},
        {"mode": "max", "patience": 6, "factor": 0.9},
        {"mode": "max", "patience": 6, "threshold_mode": "abs"},
    ],
)
def test_plateaus_are_pytorch_s(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    x, y = (torch.ones(2, requires_grad=True) for _ in range(2))
    theirs, own = optimizer_of(torch.optim, x, y), ours()
    a = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    b = optim.lr_scheduler.ReduceLROnPlateau(own, **options)
    for metric in METRICS:
        a.step(metric)
        b.step(fg.tensor(np.float64(metric)))
        assert b.get_last_lr() == a.get_last_lr()
        assert b.num_bad_epochs == a.num_bad_epochs


def test_a_plateau_lowers_the_rate_after_the_patience() -> None:
    optimizer = ours()
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2, factor=0.5, cooldown=1)
    rates = []
    for metric in (3, 2, 2, 2, 2, 2, 2, 2, 2):
        schedule.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125]


@pytest.mark.parametrize("name", MAKERS)
def test_a_state_goes_on_where_it_was(name: str) -> None:
    optimizer, other = ours(), ours()
    schedule = MAKERS[name](optim.lr_scheduler, optimizer)
    course(optimizer, schedule, 23)
    later = MAKERS[name](optim.lr_scheduler, other)
    other.load_state_dict(optimizer.state_dict())
    later.load_state_dict(schedule.state_dict())
    other.stepped = True
    assert course(other, later, 40) == course(optimizer, schedule, 40)


def test_a_schedule_is_resumed_at_an_epoch() -> None:
    optimizer = ours()
    with pytest.raises(KeyError, match="initial_lr"):
        optim.lr_scheduler.StepLR(optimizer, 3, last_epoch=5)
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 10, last_epoch=4)
    assert schedule.last_epoch == 5


def test_a_schedule_of_the_user_s() -> None:
    class Halved(optim.lr_scheduler.LRScheduler):
        def get_lr(self) -> list[float]:
            return [base / 2**self.last_epoch for base in self.base_lrs]

    optimizer = ours()
    schedule = Halved(optimizer)
    optimizer.step()
    schedule.step()
    assert schedule.get_last_lr() == [0.25, 0.125]


def test_wrong_orders_and_options_are_told() -> None:
    schedules, optimizer = optim.lr_scheduler, ours()
    schedule = schedules.ExponentialLR(optimizer, 0.5)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        schedule.step()
    with pytest.warns(UserWarning, match="epoch parameter"):
        schedule.step(3)
    assert schedule.get_last_lr() == [0.0625, 0.03125]
    with pytest.raises(TypeError, match="is not an Optimizer"):
        schedules.StepLR(3, 3)
    with pytest.raises(ValueError, match="same length"):
        schedules.LambdaLR(optimizer, [float])
    with pytest.raises(ValueError, match="between 0 and 1"):
        schedules.ConstantLR(optimizer, 2.0)
    with pytest.raises(ValueError, match="total_steps"):
        schedules.OneCycleLR(optimizer, 0.1)
    with pytest.raises(ValueError, match="momentum"):
        schedules.CyclicLR(optim.Adagrad(optimizer.param_groups[0]["params"]), 0.1, 0.2)
    plateau = schedules.ReduceLROnPlateau(optimizer)
    with pytest.raises(ValueError, match="ReduceLROnPlateau"):
        schedules.SequentialLR(optimizer, [plateau, schedule], [3])
    with pytest.raises(ValueError, match="same optimizer"):
        schedules.ChainedScheduler([schedule, schedules.StepLR(ours(), 3)])
