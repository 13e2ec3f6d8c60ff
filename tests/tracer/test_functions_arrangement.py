"""Elements picked and inserted, grids, polynomials, convolutions, sampled functions: as NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fusegrad.ir import FusegradError
from fusegrad.tracer import TraceError

from .running import array, check, check_compiled, check_derivatives, run

A = array("float64", 3, 4)
C = array("float64", 2, 3, 4, seed=2)
S = array("float64", 4, 4, seed=3)
V = array("float64", 4, seed=4)
W = array("float64", 7, seed=5)
P = array("float64", 7, seed=6, low=0.2, high=3.0)
LONG = array("float64", 50, seed=7)
I = array("int64", 3, 4)  # noqa: E741
M = array("bool", 3, 4)
SCALAR = np.array(1.5)
KNOTS = np.array([-1.5, -0.5, 0.25, 1.0])
K3 = np.array([2, 0, 1, 2])

Case = tuple[Callable[..., Any], tuple[Any, ...]]

PICKED: list[Case] = [
    (lambda x: np.compress([True, False, True], x, axis=0), (A,)),
    (lambda x: (np.compress([0, 1, 0, 1, 1], x), x.compress([1, 0, 1], 0)), (A,)),
    (lambda x: np.extract(M, x), (A,)),
    (lambda x: np.choose(K3, [x, 2 * x, x**2]), (V,)),
    (lambda x: np.choose([[0], [1]], [x, -1.0]), (V,)),
    (lambda x: np.choose(K3 + 2, [x, -x], mode="wrap"), (V,)),
    (lambda x: np.choose(K3 - 1, [x, -x, 2 * x], mode="clip"), (V,)),
    (lambda x: np.choose((x > 0).astype(int), [x, x**2]), (A,)),
    (lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda x: -x, np.sqrt]), (A,)),
    (lambda x: np.piecewise(x, [x < -0.5, x > 0.5], [-1.0, lambda x: np.log(x), 3.0]), (A,)),
    (lambda x: np.piecewise(x, x > 0, [lambda x, a: a * x, 0.0], 3.0), (V,)),
    (lambda x: np.piecewise(x, x[:2] > 0, [lambda x: x, -1.0, np.sin]), (S,)),
    (lambda x: np.piecewise(x, [x > 0], [lambda x: x**2]), (SCALAR,)),
    (lambda x: np.insert(x, 1, 5.0), (A,)),
    (lambda x: np.insert(x, [0, 2], [[1.0], [2.0]], axis=0), (A,)),
    (lambda x: np.insert(x, 2, x[:, 0], axis=1), (A,)),
    (lambda x: np.insert(x, [1, 1, 3], [7.0, 8.0, x[0]]), (V,)),
    (lambda x: np.insert(x, slice(0, 3), 0.5), (V,)),
    (lambda x: np.insert(x, -1, 9, axis=1), (I,)),
    (lambda x: (np.resize(x, (5, 4)), np.resize(x, 3), np.resize(x, (2, 2, 5))), (A,)),
    (lambda x: np.dsplit(x, 2), (C,)),
    (lambda x: x[np.ix_([0, 2], [1, 3])], (A,)),
    (lambda x: [p * 1.0 for p in np.ix_(x, x[:2])], (V,)),
    (lambda x: x[np.diag_indices_from(x)], (A[:, :3],)),
    (lambda x: (x[np.tril_indices_from(x)], x[np.triu_indices_from(x, 1)]), (A,)),
    (lambda x: np.unravel_index(np.argmax(x), x.shape), (A,)),
    (lambda x: x.ravel()[np.ravel_multi_index((np.argmax(x, 0), [0, 1, 2, 3]), x.shape)], (A,)),
    (lambda x: np.apply_along_axis(lambda v: v * v.sum(), 1, x), (A,)),
    (lambda x: np.apply_along_axis(np.sum, 0, x), (A,)),
    (lambda x: np.apply_along_axis(lambda v: np.outer(v, v), 1, x), (C,)),
    (lambda x: np.apply_over_axes(np.sum, x, [0, 2]), (C,)),
]

GRIDS: list[Case] = [
    (lambda x: np.linspace(x[0], x[1], 5, retstep=True), (V,)),
    (lambda x: np.linspace(x, 2 * x, 4, axis=-1), (V,)),
    (lambda x: np.linspace(x[0], 9.0, 6, dtype=int), (V,)),
    (lambda x: np.linspace(0, x, 0), (V,)),
    (lambda x: (np.logspace(x[0], x[1], 5), np.logspace(x[0], 2, 3, base=2.0)), (V,)),
    (lambda x: (np.geomspace(x[0], x[1], 5), np.geomspace(-x[0], -8.0, 4, endpoint=False)), (P,)),
    (lambda x: np.geomspace(x, 2 * x, 3, axis=1), (P,)),
    (lambda x: np.meshgrid(x, x[:2], sparse=True), (V,)),
]

POLYNOMIALS: list[Case] = [
    (lambda p, x: np.polyval(p, x), (V, A)),
    (lambda z: np.poly(z), (V,)),
    (lambda x, y: (np.polyadd(x, y), np.polysub(y, x), np.polymul(x, y)), (V, W)),
    (lambda x, y: np.polydiv(x, y), (W, V)),
    (
        lambda x: (np.polyder(x), np.polyder(x, 3), np.polyint(x), np.polyint(x, 2, [1.0, 2.0])),
        (W,),
    ),
    (lambda x: np.polyint(x, 2, k=3.0), (V,)),
    (lambda x: (np.vander(x), np.vander(x, 3), np.vander(x, 6, increasing=True)), (V,)),
    (lambda x: np.polynomial.polynomial.polyval(x, [1.0, 2.0, 3.0]), (A,)),
    (lambda x: np.polynomial.chebyshev.chebval(x, [1.0, 2.0, 3.0, -1.0]), (A,)),
    (lambda x: np.polynomial.legendre.legval(x, [1.0, 2.0, 3.0, -1.0]), (A,)),
    (lambda x: np.polynomial.hermite.hermval(x, [1.0, 2.0, 3.0, -1.0]), (A,)),
]

SIGNALS: list[Case] = [
    *(
        (lambda x, y, m=m: (np.convolve(x, y, m), np.convolve(y, x, m)), (V, W))
        for m in ("full", "same", "valid")
    ),
    *(
        (lambda x, y, m=m: (np.correlate(x, y, m), np.correlate(y, x, m)), (V, W))
        for m in ("full", "same", "valid")
    ),
    (lambda x: (np.convolve(x, [1.0, -2.0, 1.0], "same"), np.correlate(x, x, "full")), (W,)),
    (lambda x: (np.convolve(x, x), np.correlate(x, x)), (LONG,)),
    (lambda x: np.convolve(x, [1, 2]), (np.arange(5),)),
    (lambda x: (np.unwrap(x * 4), np.unwrap(x * 4, axis=0), np.unwrap(x * 4, 2.0)), (A,)),
    (lambda x: np.unwrap(x * 9, period=5.0), (A,)),
    (lambda x: np.unwrap(x * 90, period=100), (I,)),
]

SAMPLED: list[Case] = [
    (lambda x: np.interp(x, KNOTS, [1.0, -1.0, 2.0, 0.0]), (A,)),
    (lambda x, f: np.interp(x, KNOTS, f, left=-5.0, right=7.0), (A, V)),
    (lambda k, f: np.interp([-2.0, -1.0, 0.1, 3.0], k, f), (KNOTS, V)),
    (lambda x, f: np.interp(x, KNOTS, f, period=3.0), (A, V)),
    (lambda x: np.interp(x, [0.0], [2.0]), (V,)),
    (lambda x: np.interp(0.3, [0.0, 1.0], x), (V[:2],)),
    (lambda x: (np.gradient(x), np.gradient(x, 0.5), np.gradient(x, edge_order=2)), (W,)),
    (lambda x: (np.gradient(x), np.gradient(x, axis=0), np.gradient(x, 2.0, 3.0)), (A,)),
    (lambda x: np.gradient(x, [0.0, 1.0, 3.0, 3.5], axis=1, edge_order=2), (A,)),
    (lambda x, t: np.gradient(x, np.cumsum(t)), (W, P)),
    (lambda x: np.gradient(x, 1, [0.0, 1.0, 3.0, 3.5]), (A,)),
    (lambda x: np.gradient(x), (I,)),
]

PADDED: list[Case] = [
    *(
        (lambda x, m=m: np.pad(x, ((1, 2), (0, 3)), m), (A,))
        for m in ("maximum", "minimum", "mean", "median", "linear_ramp")
    ),
    (lambda x: np.pad(x, 2, "mean", stat_length=2), (A,)),
    (lambda x: np.pad(x, (1, 2), "maximum", stat_length=((1, 2), (3, 1))), (A,)),
    (lambda x: np.pad(x, 2, "linear_ramp", end_values=((1.0, 2.0), (-1.0, 0.5))), (A,)),
    (lambda x: np.pad(x, ((1, 2), (3, 0)), constant_values=((1.0, 2.0), (3.0, 4.0))), (A,)),
    (lambda x: np.pad(x, 1, constant_values=(x[0, 0], x[1, 1])), (A,)),
    (lambda x: (np.pad(x, 2, "reflect", reflect_type="odd"), np.pad(x, 1, "symmetric")), (A,)),
    (lambda x: np.pad(x, 2, "symmetric", reflect_type="odd"), (A,)),
    (lambda x: np.pad(x, 3, "mean"), (I,)),
    (lambda x: np.pad(x, (7, 9), "wrap"), (V,)),
]

ALL = [*PADDED, *PICKED, *GRIDS, *POLYNOMIALS, *SIGNALS, *SAMPLED]


@pytest.mark.parametrize(("function", "args"), ALL)
def test_values(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check(function, *args)


@pytest.mark.parametrize(("function", "args"), ALL)
def test_derivatives(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check_derivatives(function, *args)


@pytest.mark.parametrize(("function", "args"), ALL)
def test_compiled(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check_compiled(function, *args)


def test_a_piece_does_not_see_what_belongs_to_another() -> None:
    def sum_of_roots(x: Any) -> Any:
        return np.piecewise(x, [x > 0], [lambda x: np.sqrt(x), lambda x: np.log1p(-x)]).sum()

    x = np.array([4.0, 0.0, -1.0])
    traced = run(sum_of_roots, x)
    np.testing.assert_allclose(traced, 2 + np.log(2))


BAD: list[Callable[[Any], Any]] = [
    lambda x: np.gradient(x, [1.0, 2.0], axis=0),
    lambda x: np.gradient(x[:1], axis=0),
    lambda x: np.insert(x, 9, 1.0, axis=0),
    lambda x: np.convolve(x[0], x[0][:0]),
    lambda x: np.interp(0.5, x[0], x[1][:2]),
    lambda x: np.piecewise(x, [x > 0], [1.0, 2.0, 3.0]),
    lambda x: np.geomspace(x[0, 0], 2.0, -3),
]


@pytest.mark.parametrize("function", BAD)
def test_what_numpy_refuses_is_refused(function: Callable[[Any], Any]) -> None:
    with pytest.raises((ValueError, IndexError, TypeError)) as theirs:
        function(A)
    with pytest.raises((FusegradError, IndexError)) as ours:
        run(function, A)
    builtin = next(c for c in (IndexError, ValueError, TypeError) if isinstance(theirs.value, c))
    assert isinstance(ours.value, builtin)


SIZE_FROM_VALUES: list[Callable[[Any], Any]] = [
    lambda x: np.compress(x[0] > 0, x, axis=1),
    lambda x: np.extract(x > 0, x),
    lambda x: np.bincount(np.abs(x).astype(int).ravel()),
    lambda x: np.insert(x, np.argmax(x), 1.0),
    lambda x: np.digitize(0.5, x[0]),
]


@pytest.mark.parametrize("function", SIZE_FROM_VALUES)
def test_a_size_that_depends_on_values_is_refused(function: Callable[[Any], Any]) -> None:
    with pytest.raises(TraceError, match="not known while tracing") as caught:
        run(function, A)
    assert caught.value.hint
