"""Small axes: random programs in parts mean what they meant, and sizes are limited."""

from __future__ import annotations

import math
import time
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusegrad.ir import Graph, GraphBuilder, TensorType, interpret, verify
from fusegrad.ir.passes.pipeline import LOWER, run_passes
from fusegrad.ir.passes.unroll import MOST_OPERATIONS, unroll_small_axes

from .random_programs import assert_same_meaning, programs

ALWAYS = -math.inf  # unroll whatever can be


@settings(max_examples=60, deadline=None)
@given(graph=programs(), small=st.integers(1, 3), seed=st.integers(0, 99))
def test_random_programs_mean_the_same(graph: Graph, small: int, seed: int) -> None:
    after = verify(unroll_small_axes(graph, small, ALWAYS))
    assert_same_meaning(graph, after, seed)


@settings(max_examples=40, deadline=None)
@given(graph=programs(), small=st.integers(1, 3), seed=st.integers(0, 99))
def test_random_programs_mean_the_same_in_kernels(graph: Graph, small: int, seed: int) -> None:
    assert_same_meaning(graph, lower(graph, small), seed)


def lower(graph: Graph, small: int) -> Graph:
    """The pipeline, with another limit for small axes."""
    unroll = partial(unroll_small_axes, small=small, least=ALWAYS)
    unroll.__name__ = "unroll"  # type: ignore[attr-defined]
    passes = tuple(unroll if p is unroll_small_axes else p for p in LOWER)
    return verify(run_passes(graph, passes))


def chain(length: int) -> Graph:
    """Norms of rows, one after the other: each step is 3 columns and a sum."""
    b = GraphBuilder("chain")
    x = b.input(TensorType("f64", (40, 3)), "x")
    for _ in range(length):
        norm = b("sqrt", b.sum(b.mul(x, x), (1,)))
        x = b("sin", b.sub(x, b.expand(norm, (1,), x.shape)))
    return b.build([b.sum(x, (0, 1))])


def test_what_would_be_too_large_stays_as_it_is() -> None:
    steps = MOST_OPERATIONS // 12
    assert unroll_small_axes(chain(steps // 2)) != chain(steps // 2)
    long = chain(2 * steps)
    assert unroll_small_axes(long) is long


def test_the_pass_is_linear_in_the_graph() -> None:
    def seconds(length: int) -> float:
        graph, start = chain(length), time.process_time()
        unroll_small_axes(graph, least=math.inf)
        return time.process_time() - start

    assert min(seconds(4000) for _ in range(3)) < 20 * min(seconds(400) for _ in range(3))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("places", [(4,), (4, 2)])
def test_rows_by_index_along_any_axis(axis: int, places: tuple[int, ...]) -> None:
    b = GraphBuilder("rows")
    x = b.input(TensorType("f64", (*(2, 2, 2)[:axis], 5, *(2, 2, 2)[axis + 1 :])), "x")
    index = b.input(TensorType("i32", places), "i")
    rows = b("gather", x, index, axis=axis)
    back = b("scatter_add", index, b("sin", rows), axis=axis, size=5)
    graph = b.build([rows, back])
    rng = np.random.default_rng(axis)
    arguments = [rng.normal(size=x.shape), rng.integers(0, 5, places)]
    after = lower(graph, 3)
    assert not any(operation.name in ("gather", "scatter_add") for operation in after)
    for found, expected in zip(
        interpret(after, arguments), interpret(graph, arguments), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_an_index_out_of_range_is_still_an_error() -> None:
    b = GraphBuilder("rows")
    x, i = b.input(TensorType("f64", (5, 2)), "x"), b.input(TensorType("i64", (20,)), "i")
    graph = lower(b.build([b.sum(b("gather", x, i, axis=0), (0, 1))]), 4)
    for bad in (-1, 5):
        with pytest.raises(IndexError):
            interpret(graph, [np.ones((5, 2)), np.full(20, bad)])
