"""Kernels whose reads, indices and extents have edges: each element against the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from fusegrad.codegen.kernels.interior import Interior, interior
from fusegrad.codegen.kernels.loops import plan_loops
from fusegrad.ir import Graph, GraphBuilder, TensorType, Value, interpret
from fusegrad.ir.passes.pipeline import CLEAN, LOWER, run_passes

from .compiled import run_compiled

SIZES = [*range(1, 40), 63, 64, 65, 100, 127, 128, 129, 257, 1000, 1030, 70_000]
PREDICATES = ["lt", "le", "gt", "ge", "eq", "ne"]


def shifted(b: GraphBuilder, x: Value, shift: int) -> Value:
    """x[i + shift], 0 beyond the ends."""
    n = x.shape[0]
    if abs(shift) >= n:
        return b.zeros_like(x)
    part = b.slice(x, (max(shift, 0),), (n + min(shift, 0),))
    return b("pad", part, low=(max(-shift, 0),), high=(max(shift, 0),), interior=(0,))


def stencil(n: int, dtype: str, shifts: tuple[int, ...], total: bool) -> Graph:
    """Weighted neighbours, as they are and summed."""
    b = GraphBuilder("stencil")
    x = b.input(TensorType(dtype, (n,)), "x")
    result = b.mul(x, x)
    for weight, shift in enumerate(shifts, 2):
        result = b.add(result, b.scale(shifted(b, x, shift), weight))
    return b.build([result, b.sum(result, (0,))] if total else [result])


def chosen(n: int, predicate: str, limit: int, dtype: str) -> Graph:
    """One of two values by a comparison of the index; the comparison itself as well."""
    b = GraphBuilder("chosen")
    x = b.input(TensorType("f64", (n,)), "x")
    index = b("iota", dtype=dtype, shape=(n,), axis=0)
    holds = b.compare(predicate, index, b.full_like(index, limit))
    both = b("logical_and", holds, b.compare("ge", index, b.full_like(index, 2)))
    y = b.select(holds, b.mul(x, x), b.neg(x))
    return b.build([y, b.select(both, y, x), holds, b.sum(y, (0,))])


def assert_right(graph: Graph, dtype: str = "f64") -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=graph.inputs[0].shape).astype("float32" if dtype == "f32" else "float64")
    tolerance = 3e-5 if dtype == "f32" else 1e-12
    for found, expected in zip(run_compiled(graph, [x]), interpret(graph, [x]), strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("n", SIZES)
def test_neighbours(n: int, dtype: str) -> None:
    assert_right(stencil(n, dtype, (-1, 1, 3), total=True), dtype)


@pytest.mark.parametrize("shifts", [(-7, 9), (40, -1), (100,), (-300, 300)])
@pytest.mark.parametrize("n", [50, 301, 1003])
def test_far_neighbours(n: int, shifts: tuple[int, ...]) -> None:
    assert_right(stencil(n, "f64", shifts, total=False))


@pytest.mark.parametrize("dtype", ["i32", "i64"])
@pytest.mark.parametrize("predicate", PREDICATES)
@pytest.mark.parametrize("limit", [-1, 0, 1, 17, 100, 256, 257, 300])
def test_comparisons_of_the_index(limit: int, predicate: str, dtype: str) -> None:
    for n in (5, 257):
        assert_right(chosen(n, predicate, limit, dtype))


def test_both_axes_have_edges() -> None:
    for rows, columns in ((3, 5), (9, 70), (40, 129)):
        b = GraphBuilder("square")
        x = b.input(TensorType("f64", (rows, columns)), "x")
        inner = b.slice(x, (1, 1), (rows, columns))
        around = b("pad", b.mul(inner, inner), low=(0, 1), high=(1, 0), interior=(0, 0))
        assert_right(b.build([b.add(around, x), b.sum(around, (0, 1))]))


def interior_of(graph: Graph) -> Interior | None:
    lowered = run_passes(graph, (*CLEAN, *LOWER))
    (kernel,) = (operation for operation in lowered if operation.name == "kernel")
    return interior(plan_loops(kernel))


def test_the_interior_is_the_longest_stretch() -> None:
    found = interior_of(stencil(1000, "f64", (-1, 1, 3), total=False))
    assert found is not None
    assert (found.low, found.high, found.edges) == (1, 997, True)
    found = interior_of(stencil(1003, "f64", (), total=False))
    assert found is not None
    assert (found.low, found.high, found.edges) == (0, 1003, False)
    found = interior_of(chosen(1000, "gt", 20, "i32"))
    assert found is not None
    assert (found.low, found.high) == (21, 1000)
    assert [*found.known.values()] == [True, True, True]


def test_where_a_second_body_would_not_pay_there_is_none() -> None:
    assert interior_of(stencil(1000, "f64", (), total=False)) is None  # no edges
    assert interior_of(stencil(20, "f64", (1,), total=False)) is None  # short
    assert interior_of(stencil(1000, "f64", (-400, 400), total=False)) is None  # edges everywhere
    b = GraphBuilder("heavy")
    x = b.input(TensorType("f64", (1001,)), "x")
    assert interior_of(b.build([b("exp", b.add(x, shifted(b, x, 1)))])) is None
