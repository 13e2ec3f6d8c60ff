"""A training loop of 10 000 steps does not grow: nothing is kept from one step to the next."""

from __future__ import annotations

import gc
import resource
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad import optim

WARM_UP, STEPS, TRACED = 1000, 10_000, 500


def mean_square(x: Any, y: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    error = np.tanh(x @ w1 + b1) @ w2 + b2 - y
    return (error * error).mean()


def training(loss: Callable[..., Any]) -> tuple[Callable[[], Any], list[fg.Tensor]]:
    """One step of Adam on a small network, and its parameters."""
    fg.manual_seed(0)
    parameters = [
        fg.randn(4, 8, requires_grad=True),
        fg.zeros(8, requires_grad=True),
        fg.randn(8, 1, requires_grad=True),
        fg.zeros(1, requires_grad=True),
    ]
    x = fg.randn(16, 4)
    y = x.sum(1, keepdim=True).sin()
    optimiser = optim.Adam(parameters, lr=1e-3)

    def step() -> Any:
        optimiser.zero_grad()
        value = loss(x, y, *parameters)
        value.backward()
        optimiser.step()
        return value

    return step, parameters


def resident() -> int:
    """The bytes of this process in memory; where the system does not say, their maximum."""
    table = Path("/proc/self/statm")
    if table.exists():
        return int(table.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def repeat(step: Callable[[], Any], count: int) -> None:
    for _ in range(count):
        step()


@pytest.mark.parametrize("how", ["eager", "compiled"])
def test_10_000_steps_do_not_grow(how: str) -> None:
    step, _ = training(fg.compile(mean_square) if how == "compiled" else mean_square)
    first = step().item()
    repeat(step, WARM_UP)
    gc.collect()
    objects, sizes = len(gc.get_objects()), [resident()]
    for _ in range(4):
        repeat(step, STEPS // 4)
        gc.collect()
        sizes.append(resident())
    assert len(gc.get_objects()) - objects < 100
    # A leak grows in each part alike; the allocator may take something in one of them.
    assert min(np.diff(sizes)) < 100 * STEPS // 4
    assert step().item() < first / 2


@pytest.mark.parametrize("how", ["eager", "compiled"])
def test_no_allocation_outlives_its_step(how: str) -> None:
    step, _ = training(fg.compile(mean_square) if how == "compiled" else mean_square)
    repeat(step, 50)
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(5):
            repeat(step, TRACED)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # A leak grows in each part alike; CPython's lists of free tuples fill up in some of them.
    assert min(np.diff(sizes)) < TRACED


def test_steps_are_freed_without_the_garbage_collector() -> None:
    step, _ = training(mean_square)
    repeat(step, 10)
    gc.collect()
    gc.disable()
    try:
        repeat(step, 100)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_eager_and_compiled_train_alike() -> None:
    ends = []
    for loss in (mean_square, fg.compile(mean_square)):
        step, parameters = training(loss)
        repeat(step, 100)
        ends.append([x.detach().numpy() for x in parameters])
    for x, y in zip(*ends, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-5)
