"""The ops that are composed, against MPFR: their errors in units of 2⁻⁵².

J and Y are measured against the size of their oscillation: near their zeros the error is small
absolutely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fusegrad.ir import TABLE
from fusegrad.ir.builder import NumpyBuilder
from fusegrad.ir.functions import activation, gamma, special

gmpy2 = pytest.importorskip("gmpy2")

RANDOM = np.random.default_rng(7)
EVERYWHERE = np.concatenate(
    [RANDOM.uniform(1e-3, 8, 150), RANDOM.uniform(8, 60, 100), 10.0 ** RANDOM.uniform(-8, 2, 60)]
)


def _series(order: int) -> Callable[[Any], Any]:
    """I by its power series, DLMF 10.25.2."""

    def function(x: Any) -> Any:
        quarter = x * x / 4
        term = total = (x / 2) ** order
        k = 0
        while term > total * gmpy2.mpfr("1e-60"):
            k += 1
            term = term * quarter / (k * (k + order))
            total += term
        return total

    return function


def _scaled(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: gmpy2.exp(-abs(x)) * function(x)


def _k(order: int) -> Callable[[Any], Any]:
    """K = ∫ exp(-x cosh t) cosh(nt) dt over t > 0 by the trapezoidal rule (DLMF 10.32.9)."""

    def function(x: Any) -> Any:
        step, total, t = gmpy2.mpfr(1) / 64, gmpy2.mpfr(0), gmpy2.mpfr(0)
        while True:
            term = gmpy2.exp(-x * gmpy2.cosh(t)) * (gmpy2.cosh(t) if order else 1)
            total += term / 2 if t == 0 else term
            if term < total * gmpy2.mpfr("1e-40"):
                return total * step
            t += step

    return function


REFERENCES: dict[str, Callable[[Any], Any]] = {
    "i0": _series(0),
    "i1": _series(1),
    "i0e": _scaled(_series(0)),
    "i1e": _scaled(_series(1)),
    "k0": _k(0),
    "k1": _k(1),
    "k0e": lambda x: gmpy2.exp(x) * _k(0)(x),
    "k1e": lambda x: gmpy2.exp(x) * _k(1)(x),
    "j0": gmpy2.j0,
    "j1": gmpy2.j1,
    "y0": gmpy2.y0,
    "y1": gmpy2.y1,
    "gamma": gmpy2.gamma,
    "erfcx": lambda x: gmpy2.exp(x * x) * gmpy2.erfc(x),
}
BOUNDS = {"i1": 9.0, "i1e": 9.0, "j0": 7.0, "y0": 8.0, "y1": 8.0, "k0": 7.0, "k0e": 7.0}


def points(name: str) -> np.ndarray:
    if name == "gamma":
        return np.concatenate([RANDOM.uniform(-20, 0, 150), RANDOM.uniform(0, 171, 200)])
    if name == "erfcx":
        return np.concatenate([RANDOM.uniform(-26, 0, 150), RANDOM.uniform(0, 100, 200)])
    if name[0] in "ij":
        return EVERYWHERE * np.sign(RANDOM.normal(size=EVERYWHERE.size))
    return EVERYWHERE


def errors(found: np.ndarray, wanted: list[Any], scale: np.ndarray | None = None) -> np.ndarray:
    sizes = [abs(w) for w in wanted]
    if scale is not None:
        sizes = [max(s, gmpy2.mpfr(float(c))) for s, c in zip(sizes, scale, strict=True)]
    gaps = (abs(gmpy2.mpfr(float(f)) - w) for f, w in zip(found, wanted, strict=True))
    return np.array([float(g / s) for g, s in zip(gaps, sizes, strict=True)]) / 2.0**-52


@pytest.mark.parametrize("name", REFERENCES)
def test_the_error_is_a_few_units(name: str) -> None:
    gmpy2.get_context().precision = 240
    x = points(name)
    sign = np.sign(x) if name in ("i1", "i1e") else np.ones(x.size)
    given = np.abs(x) if name[0] == "i" else x
    wanted = [
        REFERENCES[name](gmpy2.mpfr(float(v))) * int(s) for v, s in zip(given, sign, strict=True)
    ]
    wave = np.minimum(1, np.sqrt(2 / np.pi / np.abs(x))) if name[0] in "jy" else None
    found = errors(TABLE[name].eval(x), wanted, wave)
    worst = int(np.argmax(found))
    assert found[worst] <= BOUNDS.get(name, 5.0), (found[worst], x[worst])


@pytest.mark.parametrize("name", REFERENCES)
def test_special_values_are_scipy_s(name: str) -> None:
    scipy = pytest.importorskip("scipy.special")
    x = np.array([0.0, -0.0, np.nan, -1.0, -2.0, 0.5, 1e-300])
    np.testing.assert_allclose(TABLE[name].eval(x), getattr(scipy, name)(x), rtol=1e-13)
    narrow = x[:-1].astype(np.float32)
    found = TABLE[name].eval(narrow)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, getattr(scipy, name)(narrow), rtol=3e-7)


def test_infinities_are_limits() -> None:
    for name in ("j0", "j1", "y0", "y1", "k0", "k1", "i0e", "i1e", "erfcx"):
        assert TABLE[name].eval(np.array([np.inf]))[0] == 0
    for name in ("i0", "i1", "gamma"):
        assert TABLE[name].eval(np.array([np.inf]))[0] == np.inf


@pytest.mark.parametrize("largest", [1, 6])
def test_the_beta_function_does_not_cancel(largest: int) -> None:
    gmpy2.get_context().precision = 240
    x, y = 10.0 ** RANDOM.uniform(-2, largest, (2, 200))

    def exact(p: float, q: float) -> Any:
        a, b = gmpy2.mpfr(float(p)), gmpy2.mpfr(float(q))
        return gmpy2.lngamma(a) + gmpy2.lngamma(b) - gmpy2.lngamma(a + b)

    wanted = [exact(p, q) for p, q in zip(x, y, strict=True)]
    found = gamma.betaln(NumpyBuilder(), x, y)
    assert errors(found, wanted, np.ones(200)).max() <= 40
    moderate = np.maximum(x, y) < 50
    wanted = [gmpy2.exp(w) for w, m in zip(wanted, moderate, strict=True) if m]
    found = gamma.beta(NumpyBuilder(), x[moderate], y[moderate])
    assert errors(found, wanted).max() <= 8


def test_the_logarithm_of_the_normal_distribution() -> None:
    gmpy2.get_context().precision = 240
    x = RANDOM.uniform(-60, 4, 100)
    root = gmpy2.sqrt(gmpy2.mpfr(2))
    wanted = [gmpy2.log(gmpy2.erfc(-gmpy2.mpfr(float(v)) / root) / 2) for v in x]
    found = activation.log_ndtr(NumpyBuilder(), x)
    assert errors(found, wanted).max() <= 20


@pytest.mark.parametrize("order", [2, 3, 6])
def test_polygamma(order: int) -> None:
    scipy = pytest.importorskip("scipy.special")
    x = np.concatenate([RANDOM.uniform(0.01, 30, 50), 10.0 ** RANDOM.uniform(1, 4, 20)])
    found = special.polygamma(NumpyBuilder(), x, order=order)
    np.testing.assert_allclose(found, scipy.polygamma(order, x), rtol=1e-13)
