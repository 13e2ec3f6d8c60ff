"""Row fusion as machine code: against the interpreter, and on real sizes against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fusegrad as fg
from fusegrad.ir import Graph
from fusegrad.ir.passes import rows as row_fusion

from .random_graphs import graphs
from .test_random_graphs import check


@pytest.mark.parametrize("cache", [1, 400, 10**6])
def test_random_graphs_with_rows(cache: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_fusion, "LEAST_SAVED", 1)
    monkeypatch.setattr(row_fusion, "CACHE", cache)

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(graph=graphs(dtype="f64"), seed=st.integers(1000, 1100))
    def run(graph: Graph, seed: int) -> None:
        check(graph, seed)

    run()


def attention_like(x, scale):  # type: ignore[no-untyped-def]
    z = x * scale - np.max(x * scale, axis=-1, keepdims=True)
    p = np.exp(z) / np.sum(np.exp(z), axis=-1, keepdims=True)
    centred = p - np.mean(p, axis=-1, keepdims=True)
    return np.sum(np.tanh(centred * 100.0) * x) / len(x)


@pytest.mark.parametrize(
    "shape", [(997, 300), (1000, 300), (64, 60, 70), (3, 200_000), (50_000, 6)]
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_real_sizes(shape: tuple[int, ...], dtype: type) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=shape).astype(dtype)
    scale = (1 + 0.1 * rng.normal(size=shape[-1])).astype(dtype)
    f = fg.value_and_grad(attention_like, argnums=(0, 1))
    assert "rows" in str(f.lower(x, scale).fused)
    value, (by_x, by_scale) = f(x, scale)
    expected, (eager_x, eager_scale) = f.eager(x, scale)
    tolerance = 1e-10 if dtype is np.float64 else 2e-3
    assert abs(value - expected) <= tolerance * abs(expected)
    for found, eager in ((by_x, eager_x), (by_scale, eager_scale)):
        assert found.dtype == eager.dtype == dtype
        np.testing.assert_allclose(found, eager, rtol=0, atol=tolerance * np.abs(eager).max())
    again = f(x, scale)
    assert again[0] == value
    np.testing.assert_array_equal(again[1][0], by_x)


def test_sums_over_many_blocks_are_as_good_as_numpys() -> None:
    rng = np.random.default_rng(2)
    x = rng.random((40_000, 50)).astype(np.float32)

    def f(x):  # type: ignore[no-untyped-def]
        p = np.exp(x - np.max(x, axis=1, keepdims=True))
        return np.sum(p / np.sum(p, axis=1, keepdims=True) + x, axis=0), np.sum(x * p)

    compiled = fg.compile(f)
    assert "rows" in str(compiled.lower(x).fused)
    columns, total = compiled(x)
    p = np.exp(x.astype(np.float64) - np.max(x, axis=1, keepdims=True))
    exact = np.sum(p / np.sum(p, axis=1, keepdims=True) + x, axis=0), np.sum(x * p)
    np.testing.assert_allclose(columns, exact[0], rtol=1e-6)
    np.testing.assert_allclose(total, exact[1], rtol=1e-6)


def test_sums_over_rows_that_are_the_last_axis() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(8001, 300))

    def f(x):  # type: ignore[no-untyped-def]
        z = np.tanh(x * x)
        return np.sum(z.T, axis=1), np.max(z, axis=1)

    compiled = fg.compile(f)
    for found, expected in zip(compiled(x), f(x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    told = compiled.explain(x)
    assert "rows       0 .. 8001" in str(told)
    assert told.temporaries < x.nbytes / 2
