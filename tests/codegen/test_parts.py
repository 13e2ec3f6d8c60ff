"""Small axes in parts, lookups and deposits in kernels: compiled code against the interpreter."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fusegrad as fg
from fusegrad.codegen.program import Program, compile_program
from fusegrad.ir import Graph, GraphBuilder, TensorType, interpret
from fusegrad.ir.passes.pipeline import LOWER, run_passes
from fusegrad.ir.passes.unroll import unroll_small_axes
from fusegrad.ir.types import NUMPY_DTYPE

from ..passes.random_programs import programs
from .compiled import door


def compile_parts(graph: Graph, small: int) -> Program:
    """With axes of up to `small` elements in parts, wherever that can be done."""
    unroll = partial(unroll_small_axes, small=small, least=-math.inf)
    unroll.__name__ = "unroll"  # type: ignore[attr-defined]
    passes = tuple(unroll if p is unroll_small_axes else p for p in LOWER)
    return compile_program(run_passes(graph, passes))


def assert_compiled(graph: Graph, small: int, arguments: list[Any], tolerance: float) -> Program:
    program = compile_parts(graph, small)
    arrays = [
        np.ascontiguousarray(a, NUMPY_DTYPE[x.dtype]).reshape(x.shape)
        for a, x in zip(arguments, graph.inputs, strict=True)
    ]
    for f, e in zip(door(program)(arrays), interpret(graph, arrays), strict=True):
        assert (f.shape, f.dtype) == (e.shape, e.dtype)
        if np.isfinite(e).all():
            scale = tolerance * (1.0 + np.abs(e).max(initial=0.0))
            np.testing.assert_allclose(f, e, rtol=tolerance, atol=scale)
    return program


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(graph=programs(5, 15), small=st.integers(1, 3), seed=st.integers(0, 99))
def test_random_programs_in_parts(graph: Graph, small: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert_compiled(graph, small, [rng.normal(size=x.shape) for x in graph.inputs], 1e-9)


def rows_and_back(dtype: str, index: str, points: tuple[int, ...]) -> Graph:
    b = GraphBuilder("rows")
    x, i = b.input(TensorType(dtype, (7, 2)), "x"), b.input(TensorType(index, points), "i")
    rows = b("gather", x, i, axis=0)
    back = b("scatter_add", i, b.mul(rows, rows), axis=0, size=7)
    return b.build([b.sum(rows, range(len(points) + 1)), back, rows])


@pytest.mark.parametrize("points", [(3,), (8,), (9,), (17,), (100,), (5, 3), (3, 70)])
@pytest.mark.parametrize("index", ["i32", "i64"])
@pytest.mark.parametrize("dtype", ["f32", "f64", "i32", "i64"])
def test_rows_by_index(dtype: str, index: str, points: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(points))
    arguments = [rng.integers(-5, 5, (7, 2)), rng.integers(0, 7, points)]
    program = assert_compiled(rows_and_back(dtype, index, points), 2, arguments, 1e-5)
    names = {operation.name for operation in program.graph.walk()}
    assert not names & {"gather", "scatter_add", "deposit", "stack"}


@pytest.mark.parametrize("points", [5, 8, 16, 40, 83])
@pytest.mark.parametrize("width", [2, 3, 5, 7, 8, 11, 16])
@pytest.mark.parametrize("dtype", ["f32", "f64", "bool"])
def test_parts_side_by_side(dtype: str, width: int, points: int) -> None:
    b = GraphBuilder("rows")
    x = b.input(TensorType("f32" if dtype == "f32" else "f64", (points,)), "x")
    columns = [b.reshape(b.scale(x, k + 1.0), (points, 1)) for k in range(width)]
    rows = b.concatenate(columns, axis=1)
    if dtype == "bool":
        rows = b.compare("gt", rows, b.full_like(rows, 0.5))
    graph = b.build([rows])
    lower = 0 if points <= width else width  # else the points would be a small axis
    assert_compiled(graph, lower, [np.linspace(-1.0, 1.0, points)], 1e-7)


@pytest.mark.parametrize("place", [0, 7, 8, 16])
@pytest.mark.parametrize("bad", [-1, 7, 2**40, -(2**40)])
def test_every_index_is_checked(place: int, bad: int) -> None:
    program = compile_parts(rows_and_back("f64", "i64", (17,)), 2)
    index = np.zeros(17, np.int64)
    index[place] = bad
    with pytest.raises(IndexError, match="an index is out of range for an axis of 7"):
        door(program)([np.ones((7, 2)), index])


def difference(x: Any, i: Any, j: Any) -> Any:
    first = x[i]
    second = x[1:][j]
    return np.sum(first * second)


@pytest.mark.parametrize(("bad", "size", "line"), [(0, 50, 1), (1, 49, 2)])
def test_the_line_of_a_bad_index_is_named(bad: int, size: int, line: int) -> None:
    f = fg.value_and_grad(difference)
    x, good = np.ones((50, 3)), np.zeros(9000, np.int64)
    f(x, good, good)
    index = [good, good.copy()]
    index[1][8999] = size
    with pytest.raises(IndexError, match=f"an axis of {size}") as caught:
        f(x, *(index if bad else index[::-1]))
    assert f":{difference.__code__.co_firstlineno + line}" in str(caught.value)


def scaled_rows(x: Any, i: Any, j: Any) -> Any:
    top = np.max(x, axis=1, keepdims=True)
    first = x[0][i]
    e = np.exp(x - top) / np.sum(np.exp(x - top), axis=1, keepdims=True)
    second = x[1][j]
    return np.sum(np.tanh(e * first[:, None]) * second[:, None])


@pytest.mark.parametrize(("bad", "line"), [(0, 2), (1, 4)])
def test_lookups_in_loops_over_rows(bad: int, line: int) -> None:
    rng = np.random.default_rng(0)
    x, good = rng.normal(size=(2048, 256)), rng.integers(-256, 256, 2048)
    f = fg.compile(scaled_rows)
    assert f(x, good, good) == pytest.approx(scaled_rows(x, good, good), rel=1e-12)
    assert "rows" in str(f.lower(x, good, good).loops)
    wrong = good.copy()
    wrong[1999] = 256
    with pytest.raises(IndexError, match="an axis of 256") as caught:
        f(x, *((wrong, good) if bad == 0 else (good, wrong)))
    assert f":{scaled_rows.__code__.co_firstlineno + line}" in str(caught.value)


def added(x: Any, i: Any) -> Any:
    total = np.zeros(60)
    np.add.at(total, i, x)
    return total * 2.0


def test_the_line_of_a_bad_index_to_add_at() -> None:
    f, x, good = fg.compile(added), np.ones(20000), np.zeros(20000, np.int64)
    assert f(x, good)[0] == 40000.0
    with pytest.raises(IndexError, match="an axis of 60") as caught:
        f(x, good + 60)
    assert f":{added.__code__.co_firstlineno + 2}" in str(caught.value)


def permuted(x: Any, p: Any) -> Any:
    return np.sum(np.sin(x)[p] * x)


def counted(x: Any, p: Any) -> Any:
    bins = np.zeros(50)
    np.add.at(bins, p % 50, np.exp(x))
    return np.sum(bins**2)


def sprung(x: Any, p: Any) -> Any:
    ends = np.stack([p % 60, (p * 7 + 1) % 60], axis=1)
    places = np.reshape(x[:180], (60, 3))
    gap = places[ends[:, 0]] - places[ends[:, 1]]
    return np.sum((np.sqrt(np.sum(gap**2, axis=1) + 0.1) - 1.0) ** 2)


@pytest.mark.parametrize("function", [permuted, counted, sprung])
def test_as_users_write_it(function: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    x, p = rng.normal(size=5000), rng.permutation(5000)
    value, gradient = fg.value_and_grad(function)(x, p)
    assert value == pytest.approx(function(x, p), rel=1e-12)
    direction = rng.normal(size=5000)
    step = 1e-6 * direction
    slope = (function(x + step, p) - function(x - step, p)) / 2e-6
    assert gradient @ direction == pytest.approx(slope, rel=1e-5)
