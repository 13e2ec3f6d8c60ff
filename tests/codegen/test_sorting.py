"""argsort, compiled: stable, nan last, at every length and along every axis."""

from __future__ import annotations

import numpy as np
import pytest

from fusegrad.codegen.sorting import runs
from fusegrad.ir import TABLE, GraphBuilder, TensorType

from .compiled import run_compiled

DTYPES = {"f64": np.float64, "f32": np.float32, "i64": np.int64, "i32": np.int32}
EVERY_LENGTH = [*range(70), 127, 128, 129, 1000, 4097, 70_000]


def check(x: np.ndarray, axis: int, descending: bool) -> None:
    dtype = next(k for k, v in DTYPES.items() if v == x.dtype)
    b = GraphBuilder("sort")
    order = b("argsort", b.input(TensorType(dtype, x.shape)), axis=axis, descending=descending)
    (found,) = run_compiled(b.build([order]), [x])
    expected = TABLE["argsort"].eval(x, axis=axis, descending=descending)
    np.testing.assert_array_equal(found, expected)


def numbers(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Some equal, some special."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-20, 20, shape).astype(DTYPES[dtype])
    if dtype.startswith("f"):
        x = x * DTYPES[dtype](0.3)
        special = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, -1e-40]
    else:
        special = [np.iinfo(x.dtype).min, np.iinfo(x.dtype).max, -1, 0]
    picked = rng.random(shape) < 0.2
    x[picked] = rng.choice(np.array(special, x.dtype), picked.sum())
    return np.ascontiguousarray(x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_every_length(dtype: str) -> None:
    for n in EVERY_LENGTH:
        check(numbers(dtype, (n,), n), 0, descending=bool(n % 2))


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((5, 30), 1), ((30, 5), 0), ((2, 17, 3), 1), ((2, 0, 3), 1), ((0, 3), 1), ((3, 1, 2), 1)],
)
def test_along_an_axis(shape: tuple[int, ...], axis: int, descending: bool) -> None:
    for dtype in DTYPES:
        check(numbers(dtype, shape, 1), axis, descending)


def test_many_short_rows_and_a_long_one() -> None:
    check(numbers("f64", (40_000, 9), 2), 1, descending=False)
    check(numbers("f32", (300_000,), 3), 0, descending=True)


def test_orders_that_are_hard_for_some_sorts() -> None:
    n = 5000
    up = np.arange(n, dtype=np.float64)
    for x in (
        up,
        up[::-1].copy(),
        np.zeros(n),
        np.minimum(up, up[::-1]),
        up % 2,
        np.full(n, np.nan),
    ):
        check(x, 0, descending=False)
        check(x, 0, descending=True)


def test_runs_cover_the_row() -> None:
    for n in range(1, 5000):
        length, passes = runs(n)
        assert length <= 8
        assert n <= length << passes < n + (1 << passes)
