"""Sorting, searching and quantiles against NumPy itself: traced, compiled, eager; gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.tracer import UnsupportedError

from .running import check, compare, named

RANDOM = np.random.default_rng(0)
A, C, V = RANDOM.normal(size=(5, 7)), RANDOM.normal(size=(2, 3, 4)), RANDOM.normal(size=9)
F, M = A.astype(np.float32), A > 0
I = RANDOM.integers(-5, 5, (4, 6))  # noqa: E741
NANS = np.where(RANDOM.random(A.shape) < 0.2, np.nan, A)
NANS[2] = np.nan  # a row of nothing else
POINTS = np.concatenate([V, [np.nan, 9.0, -9.0]]).reshape(1, -1)
NONE = np.zeros(0)

Case = tuple[Callable[..., Any], tuple[Any, ...]]


def sorted_in_place(x: Any, axis: int = -1) -> Any:
    y = x * 2
    y.sort(axis)
    return y


def partitioned_in_place(x: Any) -> Any:
    y = x + 1
    y.partition(3)
    return y[3]


SORTS: list[Case] = [
    (np.sort, (A,)),
    (lambda x: np.sort(x, axis=0), (NANS,)),
    (lambda x: np.sort(x, axis=None), (C,)),
    (lambda x: np.sort(x, axis=1), (C,)),
    (np.sort, (I,)),
    (lambda x: np.sort(x, 0), (M,)),
    (lambda x: np.sort(x, kind="stable"), (F,)),
    (lambda x: np.sort(x, axis=1), (np.zeros((3, 0)),)),
    (lambda x: np.sort(x)[::-1], (V,)),
    (lambda x: np.argsort(x, kind="stable"), (I,)),
    (lambda x: np.argsort(x, axis=0), (A,)),
    (lambda x: (x.argsort(), x.argsort(0)), (A,)),
    (lambda x: x[np.argsort(-x)], (V,)),
    (lambda x: np.take_along_axis(x, np.argsort(x, 1), 1), (A,)),
    (sorted_in_place, (A,)),
    (lambda x: sorted_in_place(x, 0).sum(1), (A,)),
    (lambda x: np.lexsort((x[0], x[1])), (I,)),
    (lambda x: np.lexsort(x), (I,)),
    (lambda x: np.partition(x, 3)[3], (V,)),
    (lambda x: np.partition(x, [2, 4], axis=0)[[2, 4]], (A,)),
    (lambda x: np.partition(x, -2, axis=None)[-2], (A,)),
    (lambda x: x[np.argpartition(x, 2)[2]], (V,)),
    (partitioned_in_place, (V,)),
]

SEARCHES: list[Case] = [
    *(
        (partial(lambda x, v, s: np.searchsorted(np.sort(x), v, side=s), s=side), (V, POINTS))
        for side in ("left", "right")
    ),
    (lambda x: np.searchsorted(np.sort(x), 0.1), (V,)),
    (lambda x, v: np.sort(x).searchsorted(v), (V, A)),
    (lambda x, v: np.searchsorted(x, v, sorter=np.argsort(x)), (V, A)),
    (lambda x: np.searchsorted([1, 2, 3], x), (I,)),
    (np.searchsorted, (NONE, V)),
]

MEDIANS: list[Case] = [
    (np.median, (A,)),
    (np.median, (F,)),
    (np.median, (np.float64(3.0),)),
    (np.median, (np.array([np.inf, np.inf]),)),
    (lambda x: np.median(x, axis=0), (A,)),
    (lambda x: np.median(x, 1, keepdims=True), (I,)),
    (lambda x: np.median(x, axis=(0, 2)), (C,)),
    (lambda x: np.median(x, axis=(0, -1), keepdims=True), (C,)),
    (lambda x: np.median(x, axis=1), (NANS,)),
    (lambda x: np.nanmedian(x, axis=1), (NANS,)),
    (lambda x: np.nanmedian(x, axis=0, keepdims=True), (NANS,)),
    (np.nanmedian, (NANS,)),
    (np.nanmedian, (I,)),
]

METHODS = (
    *("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf"),
    *("hazen", "weibull", "linear", "median_unbiased", "normal_unbiased"),
    *("lower", "higher", "midpoint", "nearest"),
)

QUANTILES: list[Case] = [
    (lambda x: np.percentile(x, 30), (F,)),
    (lambda x: np.percentile(x, [30]), (F,)),
    (lambda x: np.quantile(x, 0.3), (F,)),
    (lambda x: np.quantile(x, np.array(0.3)), (F,)),
    (lambda x: np.quantile(x, [0, 1]), (F,)),
    (lambda x: np.quantile(x, 0.3), (I,)),
    (lambda x: np.quantile(x, [0.3, 0.4], axis=1), (NANS,)),
    (lambda x: np.percentile(x, [[25, 75], [1, 2]], axis=0), (A,)),
    (lambda x: np.nanpercentile(x, 20, axis=1), (F,)),
    (lambda x: np.subtract(*np.percentile(x, [75, 25])), (V,)),
]


def run(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    def f(*x: Any) -> Any:  # NumPy's own functions have no signature to compile for
        return function(*x)

    check(f, *arguments)
    with np.errstate(all="ignore"):
        expected = f(*arguments)
    compare(fg.compile(f)(*arguments), expected)
    compare(fg.compile(f).eager(*arguments), expected)


@pytest.mark.parametrize(
    ("function", "arguments"), [*SORTS, *SEARCHES, *MEDIANS, *QUANTILES], ids=named
)
@pytest.mark.filterwarnings("ignore:All-NaN")
def test_as_numpy(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    run(function, arguments)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore:All-NaN")
def test_quantiles(method: str) -> None:
    points = (0, 0.0, 0.25, 0.3, 0.5, 0.62, 0.75, 1.0, 1)

    def several(x: Any) -> Any:
        return [np.quantile(x, q, method=method) for q in points]

    def by_axes(x: Any) -> Any:
        tall = np.quantile(x, [0.1, 0.5, 0.9], axis=0, method=method, keepdims=True)
        return tall, np.percentile(x, (5, 50, 77), axis=(0, 1), method=method)

    def of_numbers(x: Any) -> Any:
        rows = np.nanquantile(x, [0.2, 0.7], axis=1, method=method)
        return rows, np.nanpercentile(x, 30, axis=0, method=method)

    def at(x: Any, q: Any) -> Any:
        return np.quantile(x, q, method=method)

    run(several, (V,))
    run(by_axes, (A,))
    run(of_numbers, (NANS,))
    run(at, (V, np.array([[0.1, 0.4], [0.5, 0.93]])))  # computed: at each call
    run(at, (V, np.float64(0.25)))


# --- gradients ---


def total(function: Callable[..., Any]) -> Callable[..., Any]:
    def f(*x: Any) -> Any:
        y = function(*x)
        return np.sum(np.cos(np.arange(np.size(y))).reshape(np.shape(y)) * y)

    return f


@pytest.mark.parametrize(
    "function",
    [
        np.sort,
        lambda x: np.sort(x, axis=0),
        lambda x: x[:, 0][np.argsort(x[:, 1])],
        lambda x: np.partition(x, 2, axis=1)[:, 2],
        lambda x: sorted_in_place(x, 0),
        np.median,
        lambda x: np.median(x, axis=0),
        lambda x: np.nanmedian(np.where(x > 1, np.nan, x), axis=1),
        lambda x: np.percentile(x, [10, 33, 75], axis=1),
        lambda x: np.quantile(x, 0.3, method="hazen"),
        lambda x: np.nanquantile(np.where(x > 1, np.nan, x), 0.3, axis=0),
        lambda x: np.searchsorted(np.sort(x[0]), x[1]) * x[1],
    ],
)
def test_gradients(function: Callable[..., Any]) -> None:
    f, step = total(function), 1e-6
    expected = np.zeros_like(A)
    for place in np.ndindex(A.shape):
        move = np.zeros_like(A)
        move[place] = step
        expected[place] = (f(A + move) - f(A - move)) / (2 * step)
    gradient = fg.grad(lambda x: f(x))
    np.testing.assert_allclose(gradient(A), expected, atol=1e-8)
    np.testing.assert_allclose(gradient.eager(A), expected, atol=1e-8)


def test_a_quantile_moves_with_its_share() -> None:
    gradient = fg.grad(lambda q, x: np.quantile(x, q))
    f = lambda q: np.quantile(V, q)  # noqa: E731
    assert gradient(0.33, V) == pytest.approx((f(0.33 + 1e-7) - f(0.33 - 1e-7)) / 2e-7, rel=1e-6)


def test_equal_elements_keep_their_order() -> None:
    gradient = fg.grad(lambda x: np.sort(x)[0])
    np.testing.assert_array_equal(gradient(np.ones(4)), [1, 0, 0, 0])


# --- errors ---


def test_errors() -> None:
    for function, error, text in (
        (lambda x: np.quantile(x, 1.5), ValueError, r"range \[0, 1\]"),
        (lambda x: np.percentile(x, -1), ValueError, r"range \[0, 100\]"),
        (lambda x: np.quantile(x, 0.5, method="no"), ValueError, "not a valid method"),
        (lambda x: np.partition(x, 9), ValueError, "out of bounds"),
        (lambda x: np.searchsorted(x, x, side="up"), ValueError, "side must be"),
        (lambda x: np.quantile(x, 0.5, weights=x), UnsupportedError, "weights"),
    ):
        with pytest.raises(error, match=text):
            fg.compile(function)(V)
