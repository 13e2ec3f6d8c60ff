"""Statistics, running sums and methods of ufuncs against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fusegrad.ir import FusegradError

from .running import array, check, check_compiled, check_derivatives, run

A = array("float64", 3, 4)
B = array("float64", 3, 4, seed=8)
C = array("float64", 2, 3, 4, seed=2)
V = array("float64", 4, seed=4)
W = array("float64", 7, seed=5)
P = array("float64", 7, seed=6, low=0.2, high=3.0)
I = array("int64", 3, 4)  # noqa: E741
J = array("int32", 3, 4)
M = array("bool", 3, 4)
EMPTY = np.zeros((0, 3))
SCALAR = np.array(1.5)
ZEROS = np.array([[1.0, 0.0, -3.0], [0.0, 2.0, 0.0], [0.5, 1.5, 2.5]])
NANS = np.array([[1.0, np.nan, -3.0], [np.nan, 2.0, 0.5]])
ALL_NAN = np.array([[np.nan, np.nan], [1.0, 2.0]])

Case = tuple[Callable[..., Any], tuple[Any, ...]]

RUNNING: list[Case] = [
    (lambda x: (np.cumprod(x), np.cumprod(x, axis=1), np.cumprod(x, 0), x.cumprod()), (A,)),
    (lambda x: (np.cumprod(x, axis=0), np.cumprod(x)), (ZEROS,)),
    (lambda x: np.prod(x, axis=0), (ZEROS,)),
    (lambda x: (np.prod(x), np.prod(x, axis=1, keepdims=True), np.prod(x, (0, 1))), (ZEROS,)),
    (lambda x: np.cumprod(x), (I,)),
    (lambda x: np.prod(x, where=x > 0, initial=2.0), (A,)),
    (lambda x: np.cumsum(x, dtype=np.float64), (I,)),
    (lambda x: (np.add.accumulate(x), np.add.accumulate(x, 1), np.add.reduce(x)), (A,)),
    (lambda x: (np.multiply.accumulate(x, axis=1), np.multiply.reduce(x, axis=None)), (A,)),
    (lambda x: (np.maximum.accumulate(x), np.minimum.accumulate(x, 1)), (A,)),
    (lambda x: (np.subtract.reduce(x), np.subtract.accumulate(x, axis=1)), (A,)),
    (lambda x: (np.divide.reduce(x, axis=1), np.divide.accumulate(x)), (A,)),
    (lambda x: (np.logaddexp.reduce(x), np.logaddexp.reduce(x, axis=(0, 1))), (A,)),
    (lambda x: np.logaddexp.accumulate(x), (V,)),
    (lambda x: np.logaddexp.reduce(x, axis=1, keepdims=True, initial=0.5), (A,)),
    (lambda x: np.logaddexp.reduce(x, where=x > 0), (A,)),
    (lambda x: np.hypot.reduce(x, axis=1), (A,)),
    (lambda x: (np.fmax.reduce(x), np.fmin.reduce(x, axis=1)), (A,)),
    (lambda x: (np.logical_and.reduce(x > 0), np.logical_or.reduce(x > 0, axis=1)), (A,)),
    (lambda x: (np.logical_xor.reduce(x > 0), np.bitwise_or.reduce(x > 0)), (A,)),
    (lambda x: (np.bitwise_and.reduce(x), np.bitwise_xor.reduce(x, axis=1)), (I,)),
    (lambda x: np.maximum.reduce(x, axis=0, initial=1.0, where=x > 0), (A,)),
    (lambda x: np.add.reduceat(x, [0, 2, 1, 3], axis=1), (A,)),
    (lambda x: np.add.reduceat(x, [0, 4, 1, 5, 2, 6]), (W,)),
    (lambda x: np.multiply.reduceat(x, np.array([0, 3, 5])), (W,)),
    (lambda x: np.maximum.reduceat(x, [0, 2, 5]), (W,)),
    (lambda x: np.add.reduceat(x, [0, 2]), (J,)),
    (lambda x, y: (np.add.outer(x, y), np.multiply.outer(x, y), np.hypot.outer(y, x)), (A, V)),
    (lambda x: (np.diff(x, 2), np.ediff1d(x), np.ediff1d(x, 99.0, [1.0, 2.0])), (W,)),
]
if hasattr(np, "cumulative_sum"):
    RUNNING += [
        (lambda x: (np.cumulative_sum(x), np.cumulative_sum(x, include_initial=True)), (V,)),
        (lambda x: np.cumulative_sum(x, axis=1, include_initial=True), (A,)),
        (lambda x: (np.cumulative_prod(x), np.cumulative_prod(x, include_initial=True)), (V,)),
        (lambda x: np.cumulative_prod(x, axis=-1, dtype=np.float64), (I,)),
    ]

MOMENTS: list[Case] = [
    (lambda x: np.max(x, axis=0, where=x > 0, initial=-1.0), (A,)),
    (lambda x: np.min(x, where=M, initial=5.0, keepdims=True), (A,)),
    (lambda x: (np.var(x, where=x > -1), np.std(x, 1, where=x > -1, keepdims=True)), (A,)),
    (lambda x: np.var(x, axis=0, where=M, ddof=0), (A,)),
    (lambda x: np.var(x, axis=0, mean=np.mean(x, axis=0, keepdims=True)), (A,)),
    (lambda x: np.std(x, axis=(0, 2), ddof=1, keepdims=True), (C,)),
    (lambda x: np.var(x, dtype=np.float64), (I,)),
    (lambda x: np.average(x, axis=1, weights=np.abs(V), returned=True), (A,)),
    (lambda x: np.average(x, returned=True), (A,)),
    (lambda x: np.average(x, axis=(0, 2), weights=np.abs(x[:, 0, :]) + 1), (C,)),
    (lambda x: np.average(x, axis=(1, 0), weights=np.abs(x[:, :, 0]).T + 1), (C,)),
    (lambda x: np.average(x, axis=0, weights=[1.0, 2.0, 3.0], keepdims=True), (A,)),
    (lambda x: (np.cov(x), np.cov(x, rowvar=False), np.cov(x, bias=True)), (A,)),
    (lambda x: (np.cov(x), np.cov(x, ddof=2)), (V,)),
    (lambda x, y: (np.cov(x, y), np.cov(x[0], y[1])), (A, B)),
    (lambda x: np.cov(x, fweights=[1, 2, 3, 1]), (A,)),
    (lambda x, w: np.cov(x, aweights=np.abs(w)), (A, V)),
    (lambda x: np.cov(x, aweights=[1.0, 2.0, 3.0, 1.0], fweights=[1, 2, 1, 1]), (A,)),
    (lambda x, y: np.corrcoef(x[0], y[0])[0, 1], (A, B)),
    (lambda x: np.corrcoef(x, rowvar=False)[0, 1], (A,)),
    (lambda x: np.corrcoef(x), (V,)),
    (lambda x: (np.nanprod(x), np.nanprod(x, axis=0)), (NANS,)),
    (
        lambda x: (np.nanvar(x, axis=1), np.nanstd(x, ddof=1), np.nanvar(x, 1, keepdims=True)),
        (NANS,),
    ),
    (lambda x: (np.nancumsum(x), np.nancumsum(x, axis=1), np.nancumprod(x, axis=0)), (NANS,)),
    (lambda x: (np.nansum(x, axis=(0, 1), keepdims=True), np.nansum(x, initial=2.0)), (NANS,)),
    (lambda x: (np.nanmean(x, axis=1, keepdims=True), np.nanmean(x)), (NANS,)),
    (lambda x: np.nanmax(x, axis=0, initial=0.0), (NANS,)),
    (lambda x: (np.nanargmax(x), np.nanargmin(x, axis=1)), (NANS,)),
    (lambda x: (np.nanmean(x, axis=0), np.nanvar(x, axis=1), np.nanmax(x, axis=1)), (ALL_NAN,)),
    (lambda x: (np.nanmean(x), np.nanstd(x), np.nanprod(x), np.nanargmax(x)), (I,)),
    (lambda x: (np.isin(x, [1, 2]), np.isin(x, [0, -1], invert=True)), (I,)),
    (lambda x: (np.array_equiv(x, x[0]), np.array_equiv(x, x), np.array_equiv(x, V[:2])), (A,)),
]

BINS: list[Case] = [
    (lambda x: np.histogram(x, 5, range=(-2, 2))[0], (A,)),
    (lambda x: np.histogram(x, [-2.0, 0.0, 0.5, 2.0]), (A,)),
    (lambda x: np.histogram(x, 4), (A,)),
    (lambda x: np.histogram(x, 4, density=True), (A,)),
    (lambda x, w: np.histogram(x, 3, weights=w), (A, B)),
    (lambda x: np.histogram(np.concatenate([x, x]), 2), (np.array([0.0, 1.0, 2.0]),)),
    (lambda x: np.histogram_bin_edges(x, 3), (A,)),
    (lambda x, y: np.histogram2d(x, y, 3), (A[0], B[0])),
    (lambda x, y: np.histogram2d(x, y, [2, [-3.0, 0.0, 3.0]], density=True)[0], (A[0], B[0])),
    (lambda x: np.histogramdd(x, 2, weights=np.abs(x[:, 0])), (A,)),
    (lambda x: (np.digitize(x, [-1.0, 0.0, 1.0]), np.digitize(x, [1.0, 0.0, -1.0])), (A,)),
    (lambda x: (np.digitize(x, [0, 2], right=True), np.digitize(x, [2, 0], right=True)), (I,)),
    (lambda w: np.bincount([0, 2, 2, 1], w, minlength=5), (V,)),
    (lambda w: np.bincount([0, 2, 2, 1]) * w[:3], (V,)),
]


ALL = [*RUNNING, *MOMENTS, *BINS]


@pytest.mark.parametrize(("function", "args"), ALL)
def test_values(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check(function, *args)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args"), [*RUNNING, *MOMENTS, *BINS])
def test_derivatives(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if any(not np.isfinite(x).all() for x in args):
        pytest.skip("differences of nans say nothing")
    check_derivatives(function, *args)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "args"), ALL)
def test_compiled(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check_compiled(function, *args)


BAD: list[Callable[[Any], Any]] = [
    lambda x: np.subtract.reduce(x, axis=(0, 1)),
    lambda x: np.maximum.reduce(x[:0]),
    lambda x: np.max(x, where=x > 0),
    lambda x: np.add.reduceat(x, [0, 7]),
    lambda x: np.digitize(x, [0.0, 2.0, 1.0]),
    lambda x: np.bincount([0, 1], x[0]),
    lambda x: np.average(x, weights=np.ones(3)),
]


@pytest.mark.parametrize("function", BAD)
def test_what_numpy_refuses_is_refused(function: Callable[[Any], Any]) -> None:
    with pytest.raises((ValueError, IndexError, TypeError)) as theirs:
        function(A)
    with pytest.raises(FusegradError) as ours:
        run(function, A)
    builtin = next(c for c in (IndexError, ValueError, TypeError) if isinstance(theirs.value, c))
    assert isinstance(ours.value, builtin)
