"""What a graph costs and when it is freed."""

from __future__ import annotations

import gc
import tracemalloc
import warnings
import weakref
from typing import Any

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad import autograd


def test_backward_frees_what_it_saved() -> None:
    x = fg.ones(1000, requires_grad=True)
    y = x.exp()
    array = weakref.ref(y._data)
    z = (y * y).sum()
    del y
    z.backward()
    assert array() is None


class Cube(autograd.Function):
    """x³ with a derivative of its own, which reads the result."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = x**3
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        x, y = ctx.saved_tensors
        return 3 * y / x * gradient


def changed_in_place(x: fg.Tensor) -> fg.Tensor:
    y = x * 2
    y[0] = y[1] * 3
    y.mul_(x)
    y[:1].mul_(2)
    y.exp_()
    return y


@pytest.mark.parametrize(
    "function",
    [lambda x: (x.exp() * x).sigmoid(), Cube.apply, changed_in_place, lambda x: x.unbind()[0]],
)
def test_results_are_no_garbage(function: Any) -> None:
    """Counting references is enough to free a graph: there are no cycles."""
    gc.collect()
    gc.disable()
    try:
        x = fg.ones(3, requires_grad=True)
        y = function(x).sum()
        refs = [weakref.ref(x), weakref.ref(y), weakref.ref(y.grad_fn)]
        y.backward()
        del x, y
        assert [ref() for ref in refs] == [None, None, None]
    finally:
        gc.enable()


def test_nothing_warns_about_numbers() -> None:
    w = fg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = ((w - w).log() * 1e38 * 1e38 / (w - w)).sum()
        y.backward()
        with np.errstate(all="raise"):
            _ = (w * 0).log()


def chain(length: int) -> tuple[fg.Tensor, fg.Tensor]:
    x = fg.tensor(0.5, dtype=np.float64, requires_grad=True)
    y = x
    for _ in range(length):
        y = y * 1.0000001
    return x, y


def test_a_node_takes_less_than_1_kb() -> None:
    length = 20_000
    tracemalloc.start()
    try:
        x, y = chain(length)
        assert tracemalloc.get_traced_memory()[0] < 1000 * length
        y.backward()
        assert tracemalloc.get_traced_memory()[1] < 1500 * length
        assert x.grad is not None
        del y
        assert tracemalloc.get_traced_memory()[0] < 10 * length
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_million_nodes() -> None:
    x, y = chain(1_000_000)
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == pytest.approx(1.0000001**1_000_000, rel=1e-2)
    node = weakref.ref(y.grad_fn)
    del y
    assert node() is None


def test_views_of_a_tensor_that_lives_long_are_forgotten() -> None:
    x = fg.ones(3)
    for _ in range(1000):
        _ = x[0]
    assert x._views is not None
    assert len(x._views) <= 64
