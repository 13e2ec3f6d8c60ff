"""Kernels, rows and products in blocks: right, and the same bits on any number of threads."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fusegrad as fg
from fusegrad.codegen.threads import pool, split
from fusegrad.codegen.threads.lower import plan_blocks
from fusegrad.ir import Graph
from fusegrad.ir.interpret import interpret
from fusegrad.ir.passes.pipeline import CLEAN, LOWER, run_passes

from .compiled import compile_graph, door
from .random_graphs import graphs
from .test_random_graphs import arguments_for, assert_agree

COUNTS = (1, 2, 3, 7)


@pytest.fixture
def everything_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks wherever there can be some, as small as they can be."""
    monkeypatch.setattr(split, "LEAST_WORK", 0)
    monkeypatch.setattr(split, "BLOCK_WORK", 1e-3)
    monkeypatch.setattr(split, "PARTIAL_WORK", 0.0)


@pytest.fixture(autouse=True)
def usual_number_afterwards() -> Iterator[None]:
    yield
    pool.set_threads(None)


def on_each_count(run: Callable[[], Sequence[np.ndarray]]) -> list[np.ndarray]:
    """The results of `run`, which must be the same bits on any number of threads."""
    found = []
    for count in COUNTS:
        pool.set_threads(count)
        found.append([np.array(x) for x in run()])
    for other in found[1:]:
        for x, y in zip(found[0], other, strict=True):
            assert x.tobytes() == y.tobytes()
    return found[0]


def blocks_of(graph: Graph) -> list[int]:
    fused = run_passes(graph, (*CLEAN, *LOWER))
    return [s.blocks for s in map(plan_blocks, fused) if s is not None]


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(graphs(dtype="f64"), st.integers(0, 99))
@pytest.mark.usefixtures("everything_cut")
def test_random_graphs(graph: Graph, seed: int) -> None:
    arguments = arguments_for(graph, seed)
    call = door(compile_graph(graph))
    found = on_each_count(lambda: call(arguments))
    expected = interpret(graph, arguments)
    scale = 1.0 + max((np.abs(e).max() for e in expected if e.size), default=0.0)
    for x, y in zip(found, expected, strict=True):
        assert_agree(x, y, scale)


SHAPES = ((1030,), (1024,), (129,), (7, 300), (300, 7), (2, 1030), (640, 64), (3, 5, 170))
REDUCTIONS = {
    "sum": np.sum,
    "max": np.max,
    "mean of squares": lambda x, axis: np.mean(x * x, axis=axis),
    "product": lambda x, axis: np.prod(np.cos(x * 0.1), axis=axis),
    "any": lambda x, axis: np.any(x > 2.5, axis=axis),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.usefixtures("everything_cut")
def test_reductions_over_all_axes(name: str, shape: tuple[int, ...]) -> None:
    reduce: Any = REDUCTIONS[name]
    x = np.random.default_rng(0).normal(size=shape)
    ranks = range(len(shape))
    chosen = [axes for n in (1, len(shape)) for axes in itertools.combinations(ranks, n)]

    def f(x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (*[reduce(x, axis=axes) for axes in chosen], x * 2.0)

    compiled = fg.compile(f)
    found = on_each_count(lambda: compiled(x))
    for got, expected in zip(found, f(x), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_random_graphs_are_cut(everything_cut: None) -> None:
    """The test above tests something."""
    cut: list[int] = []

    @settings(max_examples=40, deadline=None, database=None, derandomize=True)
    @given(graphs())
    def run(graph: Graph) -> None:
        cut.extend(blocks_of(graph))

    run()
    assert sum(n > 1 for n in cut) > 20
    assert max(cut) > 4


def normalised(x: Any, w: Any) -> Any:
    centred = x - np.mean(x, axis=1, keepdims=True)
    y = centred / np.sqrt(np.mean(centred * centred, axis=1, keepdims=True) + 1e-5)
    return np.sum(np.log(np.sum(np.exp(y * w), axis=1)))


@pytest.mark.parametrize("rows", [1024, 1027])
def test_rows(rows: int) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(rows, 256)), rng.normal(size=256)
    f = fg.value_and_grad(normalised, argnums=(0, 1))
    assert f.explain(x, w).blocks
    assert "rows" in str(f.lower(x, w).fused)

    def run() -> list[np.ndarray]:
        value, gradients = f(x, w)
        return [value, *gradients]

    found = on_each_count(run)
    assert np.isclose(found[0], normalised(x, w), rtol=1e-12)
    step = 1e-6 * rng.normal(size=w.shape)
    slope = (normalised(x, w + step) - normalised(x, w - step)) / 2
    assert np.isclose(slope, found[2] @ step, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "shape",
    [(1024, 300, 600), (300, 1500, 400), (1, 3000, 900), (9000, 1, 300), (40, 30, 20)],
    ids=str,
)
def test_products(shape: tuple[int, int, int], dtype: Any) -> None:
    m, n, k = shape
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    for product, x, y in (
        (lambda x, y: x @ y, a, b),
        (lambda x, y: x.T @ y, np.ascontiguousarray(a.T), b),
        (lambda x, y: x @ y.T, a, np.ascontiguousarray(b.T)),
    ):
        f = fg.compile(product)
        found = on_each_count(lambda f=f, x=x, y=y: [f(x, y)])  # type: ignore[misc]
        expected = a.astype(np.float64) @ b.astype(np.float64)
        np.testing.assert_allclose(found[0], expected, rtol=rtol, atol=rtol * np.sqrt(k) * 10)
        if m * n * k > 10**8:
            assert f.explain(x, y).blocks[0] > 1


def test_a_batch_of_products() -> None:
    a = np.random.default_rng(0).normal(size=(300, 40, 50))
    f = fg.compile(lambda a: a @ np.swapaxes(a, 1, 2))
    assert f.explain(a).blocks[0] > 1
    found = on_each_count(lambda: [f(a)])
    np.testing.assert_allclose(found[0], a @ np.swapaxes(a, 1, 2), rtol=1e-12, atol=1e-12)


def test_the_blas_has_its_threads_back() -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    def counts() -> set[int]:
        return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}

    a = np.ones((200, 200))
    f = fg.compile(lambda a: a @ a)
    with threadpool_limits(3, "blas"):
        before = counts()
        f(a)
        assert counts() == before
    assert split.LEAST_WORK > 0


def test_factorisations_do_not_depend_on_the_threads_of_the_blas() -> None:
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(300, 300)), rng.normal(size=(300, 70))
    f = fg.compile(lambda a, b: (np.linalg.solve(a, b), np.linalg.cholesky(a @ a.T + np.eye(300))))
    found = []
    for count in (1, 2, 5):
        with threadpool_limits(count, "blas"):
            found.append([x.tobytes() for x in f(a, b)])
    assert found[0] == found[1] == found[2]


def test_long_sums_are_as_exact_as_in_one_block() -> None:
    x = np.random.default_rng(0).normal(size=3_000_000).astype(np.float32)
    f = fg.compile(lambda x: np.sum(x * x))
    assert f.explain(x).blocks[0] > 1
    found = on_each_count(lambda: [f(x)])
    exact = float(np.sum(x.astype(np.float64) * (x * x / np.where(x == 0, 1, x))))
    assert abs(float(found[0]) / exact - 1) < 4e-7
    x[5] = np.inf
    assert f(x) == np.inf


def test_small_calls_know_nothing_of_threads() -> None:
    f = fg.value_and_grad(lambda x: np.sum(np.exp(x) * x))
    x = np.ones(2000)
    assert f.explain(x).blocks == ()
    assert "fg.parallel" not in str(f.lower(x).llvm)


def test_steps_of_a_loop() -> None:
    def f(x: Any) -> Any:
        for _ in range(40):
            x = np.tanh(np.sin(x) + 0.1 * np.sum(x) / 1e5)
        return np.sum(x)

    x = np.linspace(-1, 1, 100_001)
    compiled = fg.value_and_grad(f)
    found = on_each_count(lambda: compiled(x))
    assert compiled.explain(x).blocks
    assert np.isclose(found[0], f(x), rtol=1e-12)
    step = 1e-6 * np.cos(x)
    assert np.isclose((f(x + step) - f(x - step)) / 2, found[1] @ step, rtol=1e-6)


@pytest.mark.parametrize("n", [1030, 4099, 8192])
@pytest.mark.usefixtures("everything_cut")
def test_neighbours_across_blocks(n: int) -> None:
    def f(x: Any) -> Any:
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x = np.random.default_rng(0).normal(size=n)
    compiled = fg.value_and_grad(f)
    found = on_each_count(lambda: compiled(x))
    assert max(compiled.explain(x).blocks) > 1
    expected = np.zeros(n)
    expected[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    expected[1:] += 200 * (x[1:] - x[:-1] ** 2)
    assert np.isclose(found[0], f(x), rtol=1e-12)
    np.testing.assert_allclose(found[1], expected, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.usefixtures("everything_cut")
def test_what_is_added_by_index(dtype: Any) -> None:
    """Each block has a place of its own to add to; these are added up."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1030, 3)).astype(dtype), rng.normal(size=(13, 3)).astype(dtype)
    places = rng.integers(0, 13, 1030)

    @fg.value_and_grad(argnums=1)
    def loss(x: Any, w: Any, places: Any) -> Any:
        return np.sum(np.exp(-np.sum((x - w[places]) ** 2, axis=1)))

    assert any(blocks > 1 for blocks in loss.explain(x, w, places).blocks)
    assert "scatter into" in str(loss.lower(x, w, places).loops)
    slope = on_each_count(lambda: [loss(x, w, places)[1]])[0]
    apart = (x - w[places]).astype(np.float64)
    expected = np.zeros((13, 3))
    np.add.at(expected, places, 2 * apart * np.exp(-np.sum(apart**2, axis=1, keepdims=True)))
    np.testing.assert_allclose(slope, expected, rtol=1e-12 if dtype is np.float64 else 1e-5)
    places[700] = 13
    with pytest.raises(IndexError):
        loss(x, w, places)
