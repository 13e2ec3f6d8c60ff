"""Loops as native code, against the interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.ir import Graph, interpret, parse
from fusegrad.ir.autodiff import jvp, value_and_vjp

from ..ir.test_loops import PROGRAMS, arguments, floats
from .compiled import run_compiled


def agree(graph: Graph) -> None:
    inputs = arguments(graph)
    for ours, theirs in zip(run_compiled(graph, inputs), interpret(graph, inputs), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> Graph:
    return parse(PROGRAMS[request.param])


def test_a_loop(program: Graph) -> None:
    agree(program)


def test_its_derivatives(program: Graph) -> None:
    wrt = floats(program)
    joint = value_and_vjp(program, wrt)
    agree(joint)
    agree(jvp(program, wrt))
    agree(value_and_vjp(joint, floats(joint)))


def looped(function: Any) -> Any:
    """The compiled function, which must contain a loop."""
    compiled = fg.compile(function)

    def call(*arguments: Any) -> Any:
        assert "scan" in str(compiled.lower(*arguments).fused)
        return compiled(*arguments)

    return call


def test_an_index_out_of_range_in_a_step_names_its_line() -> None:
    def f(x: Any, places: Any) -> Any:
        total = 0.0
        for t in range(500):
            total = total * 0.9 + np.sum(x[places[t]])
        return total

    call, x = looped(f), np.linspace(0, 1, 7)
    places = np.arange(1000).reshape(500, 2) % 7
    assert np.isclose(call(x, places), f(x, places), rtol=1e-12)
    places[321, 1] = 7
    with pytest.raises(IndexError, match="out of range for an axis of 7") as caught:
        call(x, places)
    assert f"test_scan.py:{f.__code__.co_firstlineno + 3}" in str(caught.value)


def test_a_factorisation_that_fails_in_a_step_names_its_line() -> None:
    def f(a: Any, shifts: Any) -> Any:
        total = 0.0
        for t in range(120):
            low = np.linalg.cholesky(a + shifts[t] * np.eye(6))
            total = 0.5 * total + np.sum(low * low) + low[2, 1]
        return total

    call, shifts = looped(f), np.linspace(1, 2, 120)
    a = np.ones((6, 6))
    assert np.isclose(call(a, shifts), f(a, shifts), rtol=1e-10)
    shifts[77] = -9.0
    with pytest.raises(np.linalg.LinAlgError) as caught:
        call(a, shifts)
    assert f"test_scan.py:{f.__code__.co_firstlineno + 3}" in str(caught.value)


def test_arrays_that_a_step_carries_are_updated() -> None:
    def f(x: Any) -> Any:
        a = np.zeros((9, 9))
        a[0] = x
        for _ in range(60):
            a[1:-1, 1:-1] = 0.25 * (a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:])
            a[-1] = np.tanh(a[-2])
        return np.sum(a * a)

    x = np.linspace(0, 1, 9)
    assert np.isclose(looped(f)(x), f(x), rtol=1e-12)
    value, gradient = fg.value_and_grad(f)(x)
    slope = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
    assert np.isclose(value, f(x), rtol=1e-12)
    assert np.isclose(gradient.sum(), slope, rtol=1e-7)
