"""Sums: as accurate as NumPy's pairwise ones, and the same bits each time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fusegrad.ir import GraphBuilder, TensorType

from .compiled import compile_graph, door

LENGTHS = (1, 2, 3, 7, 16, 31, 100, 127, 128, 129, 1000, 4096, 65537, 10**6, 10**7)


def total_of(n: int, dtype: str) -> object:
    b = GraphBuilder("total")
    x = b.input(TensorType(dtype, (n,)), "x")
    return door(compile_graph(b.build([b.sum(x, (0,))])))


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("n", LENGTHS)
def test_error_is_no_worse_than_numpys(n: int, dtype: str) -> None:
    total = total_of(n, dtype)
    rng = np.random.default_rng(n)
    ours = numpys = 0.0
    for _ in range(3 if n >= 10**6 else 30):
        x = rng.random(n).astype({"f32": np.float32, "f64": np.float64}[dtype])
        exact = math.fsum(x.tolist()) if n < 10**6 else math.fsum(x.astype(np.float64))
        (found,) = total([x])  # type: ignore[operator]
        ulp = float(np.spacing(x.dtype.type(exact)))
        ours += abs(float(found) - exact) / ulp
        numpys += abs(float(np.sum(x)) - exact) / ulp
        assert abs(float(found) - exact) <= max(abs(float(np.sum(x)) - exact), 2 * ulp)
        assert total([x])[0].tobytes() == found.tobytes()  # type: ignore[operator]
    assert ours <= 1.1 * numpys + 0.5


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_infinities_and_nans_come_through(dtype: str) -> None:
    n = 5000
    total = total_of(n, dtype)
    x = np.ones(n, {"f32": np.float32, "f64": np.float64}[dtype])
    for place in (0, 1234, 4999):
        for special in (np.inf, -np.inf, np.nan):
            y = x.copy()
            y[place] = special
            np.testing.assert_equal(total([y])[0], y.dtype.type(special))  # type: ignore[operator]
    y = x.copy()
    y[[3, 3000]] = np.inf, -np.inf
    assert np.isnan(total([y])[0])  # type: ignore[operator]


def test_cancellation_does_not_lose_what_is_left() -> None:
    n = 1 << 16
    x = np.random.default_rng(0).normal(size=n)
    x = np.concatenate([x, -x, [1e-3]])
    exact = math.fsum(x.tolist())
    (found,) = total_of(len(x), "f64")([x])  # type: ignore[operator]
    assert abs(float(found) - exact) <= max(abs(float(np.sum(x)) - exact), 1e-15)
