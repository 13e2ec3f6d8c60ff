"""AdamW, RMSprop and LBFGS: against formulas, on functions with known minima, against PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad import optim

START = np.array([1.0, -1.0, 0.5])


def rosenbrock(x: Any) -> Any:
    return ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def descend(make: Callable[[list[Any]], Any], steps: int) -> np.ndarray:
    x = fg.tensor(START.copy(), requires_grad=True)
    optimizer = make([x])
    for _ in range(steps):
        optimizer.zero_grad()
        rosenbrock(x).backward()
        optimizer.step()
    return x.detach().numpy()


def gradient(x: np.ndarray) -> np.ndarray:
    t = fg.tensor(x, requires_grad=True)
    rosenbrock(t).backward()
    return t.grad.numpy()


def test_adamw_decays_apart_from_the_gradient() -> None:
    x, m, v = START.copy(), np.zeros(3), np.zeros(3)
    for step in range(1, 6):
        g = gradient(x)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        x = x * (1 - 0.01 * 0.1)
        x = x - 0.01 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    found = descend(lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1), 5)
    np.testing.assert_allclose(found, x)


def test_rmsprop() -> None:
    x, v, mean, b = START.copy(), np.zeros(3), np.zeros(3), np.zeros(3)
    for _ in range(5):
        g = gradient(x)
        v, mean = 0.99 * v + 0.01 * g * g, 0.99 * mean + 0.01 * g
        b = 0.9 * b + g / (np.sqrt(v - mean * mean) + 1e-8)
        x = x - 0.001 * b
    found = descend(lambda p: optim.RMSprop(p, lr=0.001, momentum=0.9, centered=True), 5)
    np.testing.assert_allclose(found, x)


def run_lbfgs(**options: Any) -> tuple[np.ndarray, list[float]]:
    x = fg.tensor(START.copy(), requires_grad=True)
    optimizer = optim.LBFGS([x], **options)
    seen: list[float] = []

    def closure() -> Any:
        optimizer.zero_grad()
        loss = rosenbrock(x)
        loss.backward()
        seen.append(loss.item())
        return loss

    first = optimizer.step(closure)
    assert first.item() == seen[0]
    return x.detach().numpy(), seen


def test_lbfgs_finds_the_minimum() -> None:
    x, seen = run_lbfgs(max_iter=200, line_search_fn="strong_wolfe", tolerance_change=1e-14)
    np.testing.assert_allclose(x, 1, atol=1e-6)
    assert len(seen) < 120


def test_lbfgs_stops_at_its_limits() -> None:
    _, seen = run_lbfgs(max_iter=3, lr=0.1)
    assert len(seen) == 3
    _, seen = run_lbfgs(max_iter=100, max_eval=7, line_search_fn="strong_wolfe")
    assert len(seen) <= 7 + 25


def test_lbfgs_refuses() -> None:
    x = fg.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="parameter groups"):
        optim.LBFGS([{"params": [x]}, {"params": [fg.ones(1, requires_grad=True)]}])
    with pytest.raises(RuntimeError, match="strong_wolfe"):
        optim.LBFGS([x], line_search_fn="armijo")
    with pytest.raises(TypeError, match="closure"):
        optim.LBFGS([x]).step()


OPTIONS: dict[str, dict[str, Any]] = {
    "AdamW": {"lr": 0.02, "weight_decay": 0.05},
    "AdamW amsgrad": {"lr": 0.02, "amsgrad": True},
    "Adam amsgrad": {"lr": 0.02, "amsgrad": True, "weight_decay": 0.1},
    "RMSprop": {"lr": 0.005},
    "RMSprop momentum": {"lr": 0.002, "momentum": 0.8, "weight_decay": 0.1},
    "RMSprop centered": {"lr": 0.002, "centered": True},
    "Adagrad": {"lr": 0.05},
    "Adagrad decay": {"lr": 0.05, "lr_decay": 0.1, "weight_decay": 0.1, "maximize": True},
    "Adagrad start": {"initial_accumulator_value": 0.3},
    "Adadelta": {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1},
    "Adamax": {"lr": 0.02, "weight_decay": 0.1},
    "NAdam": {"lr": 0.02, "momentum_decay": 0.01},
    "RAdam": {"lr": 1e-5, "weight_decay": 0.05},
    "RAdam late": {"lr": 1e-4, "betas": (0.8, 0.9)},
    "Adafactor": {"lr": 0.05},
    "Adafactor decay": {"lr": 0.3, "weight_decay": 0.1, "beta2_decay": -0.5, "maximize": True},
    "Rprop": {"lr": 0.02, "etas": (0.4, 1.3)},
    "ASGD": {"lr": 0.001, "lambd": 0.01, "weight_decay": 0.1},
    "ASGD late": {"lr": 0.001, "t0": 2},
    "LBFGS": {"lr": 0.01, "max_iter": 4, "history_size": 3},
    "LBFGS wolfe": {"max_iter": 6, "line_search_fn": "strong_wolfe"},
}


def steps_of(library: Any, name: str, x: Any) -> list[Any]:
    optimizer = getattr(library, name.split()[0])([x], **OPTIONS[name])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = rosenbrock(x)
        loss.backward()
        return loss

    positions = []
    for _ in range(6):
        optimizer.step(closure)
        positions.append(x.detach().clone().numpy())
    return positions


@pytest.mark.parametrize("name", OPTIONS)
def test_steps_are_pytorch_s(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours = steps_of(optim, name, fg.tensor(START.copy(), requires_grad=True))
    theirs = steps_of(torch.optim, name, torch.tensor(START.copy(), requires_grad=True))
    count = 2 if "wolfe" in name else 6  # then rounding decides where the search ends
    for found, expected in zip(ours[:count], theirs, strict=False):
        assert math.isfinite(float(found.sum()))
        # PyTorch keeps the step size of ASGD in single precision.
        np.testing.assert_allclose(found, expected, rtol=1e-5 if "ASGD" in name else 1e-7)


def test_adafactor_keeps_rows_and_columns_of_a_matrix() -> None:
    torch = pytest.importorskip("torch")
    start = np.random.default_rng(0).normal(size=(2, 3, 4))
    x = fg.tensor(start, requires_grad=True)
    y = torch.tensor(start, requires_grad=True)
    pairs = [(x, optim.Adafactor([x], 0.1)), (y, torch.optim.Adafactor([y], 0.1))]
    for _ in range(5):
        for z, optimizer in pairs:
            optimizer.zero_grad()
            (z**4 - z).sum().backward()
            optimizer.step()
    np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-10)
    assert pairs[0][1].state[x]["row_var"].shape == (2, 3, 1)


def test_adafactor_by_its_formula() -> None:
    x, v = START.copy(), np.zeros(3)
    for step in range(1, 6):
        g = gradient(x)
        v += step**-0.8 * (g * g - v)
        change = g / np.sqrt(v)
        size = np.sqrt(np.mean(x * x)) * min(0.05, step**-0.5)
        x = x - size / max(1.0, np.sqrt(np.mean(change**2))) * change
    found = descend(lambda p: optim.Adafactor(p, lr=0.05), 5)
    np.testing.assert_allclose(found, x)
