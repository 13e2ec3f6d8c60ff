"""Control flow that depends on values: each path seen is compiled, and the gradient is right on all
of them, in whatever order they come.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

from .branching_table import PROGRAMS, Program


def differences(function: Callable[[Any], Any], x: Any) -> Any:
    """The gradient by central differences of two widths, extrapolated."""
    point = np.array(x, float)

    def slope(place: tuple[int, ...], width: float) -> float:
        up, down = point.copy(), point.copy()
        up[place] += width
        down[place] -= width
        return float((function(up[()]) - function(down[()])) / (2 * width))

    found = np.empty(point.shape)
    for place in np.ndindex(point.shape):
        found[place] = (4 * slope(place, 1e-4) - slope(place, 2e-4)) / 3
    return found[()]


def check(compiled: Any, function: Callable[[Any], Any], x: Any) -> None:
    value, gradient = compiled(x)
    np.testing.assert_allclose(value, function(x), rtol=1e-12)
    np.testing.assert_allclose(gradient, differences(function, x), rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_gradients_on_every_path_in_any_order(program: Program) -> None:
    compiled = fg.value_and_grad(program.function)
    for x in program.points:
        check(compiled, program.function, x)
    info = compiled.cache_info()
    assert info["variants"] == info["paths"] == program.paths
    assert info["eager"] == []
    order = list(program.points) * 3
    random.Random(0).shuffle(order)
    for x in order:
        check(compiled, program.function, x)
    assert compiled.cache_info() == info  # nothing was traced again


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_values_and_eager_mode(program: Program) -> None:
    compiled, gradient = fg.compile(program.function), fg.grad(program.function)
    for x in program.points[::-1]:
        np.testing.assert_allclose(compiled(x), program.function(x), rtol=1e-12)
        np.testing.assert_allclose(gradient(x), gradient.eager(x), rtol=1e-10, atol=1e-12)


NUMBERS = ("a_number_is_read", "members")  # Tensors give Python's, which have no gradient


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_tensors(program: Program) -> None:
    compiled = fg.compile(program.function)
    for x in (*program.points, *program.points[::-1]):
        t = fg.tensor(x, dtype=fg.float64, requires_grad=True)
        result = compiled(t)
        if program.name in NUMBERS:
            assert result.grad_fn is None
            continue
        assert "CompiledFunctionBackward" in repr(result.grad_fn)
        result.backward()
        expected = differences(program.function, x)
        np.testing.assert_allclose(t.grad.numpy(), expected, rtol=2e-6, atol=2e-7)


def test_the_size_of_a_bincount_is_asked_for() -> None:
    def f(i: Any, w: Any) -> Any:
        return np.sum(np.bincount(i, w, minlength=2) ** 2) * np.bincount(i).size

    both = fg.value_and_grad(f, argnums=1)
    w = np.array([0.5, 1.0, 2.0])
    for places in ([0, 1, 1], [1, 0, 1], [4, 0, 4], [0, 0, 0], [4, 0, 4]):
        i = np.array(places)
        for call in (both, both.eager):
            value, gradient = call(i, w)
            assert value == pytest.approx(f(i, w))
            sums = np.bincount(i, w, minlength=2)
            np.testing.assert_allclose(gradient, 2 * sums[i] * (i.max() + 1))
    with pytest.raises(ValueError, match="no negative"):
        both(np.array([0, -1, 1]), w)
    with pytest.raises(TypeError, match="takes integers"):
        fg.compile(lambda x: np.bincount(x))(w)
