"""scipy.special: values as SciPy's, derivatives as differences show, compiled as eager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

from .running import array, check, check_compiled, check_derivatives

special = pytest.importorskip("scipy.special")

X = array("float64", 3, 4)
POSITIVE = array("float64", 3, 4, low=0.1, high=6.0)
LARGE = array("float64", 12, low=5.0, high=40.0)
UNIT = array("float64", 3, 4, low=-0.95, high=0.95)
SHARE = array("float64", 12, low=0.02, high=0.98)
NEAR = np.array([-0.4, -1e-3, 1e-9, 0.0, 2e-5, 0.49, 0.51])
LEFT = array("float64", 12, low=-30.0, high=3.0)
DEGREES = np.array([0.0, 30.0, 45.0, 91.0, 179.0, 200.0, 271.0, -45.0, 725.0])
Y = array("float64", 3, 4, seed=5)

Case = tuple[Callable[..., Any], tuple[Any, ...]]

OF_ONE: list[tuple[str, list[Any]]] = [
    ("erf", [X]),
    ("erfc", [X]),
    ("erfcx", [X, LARGE]),
    ("erfinv", [UNIT]),
    ("erfcinv", [SHARE, SHARE + 0.9]),
    ("gamma", [POSITIVE, LARGE / 4, X - 0.05]),
    ("gammaln", [POSITIVE, LARGE]),
    ("loggamma", [POSITIVE, LARGE]),
    ("psi", [POSITIVE, LARGE]),
    ("digamma", [POSITIVE]),
    ("expit", [X]),
    ("logit", [SHARE]),
    ("log_expit", [X]),
    ("entr", [POSITIVE]),
    ("ndtr", [X]),
    ("ndtri", [SHARE]),
    ("log_ndtr", [X, LEFT]),
    *[(name, [X, LARGE / 8]) for name in ("i0", "i1", "i0e", "i1e")],
    *[(name, [X, LARGE]) for name in ("j0", "j1")],
    *[(name, [POSITIVE, LARGE]) for name in ("y0", "y1", "k0", "k1", "k0e", "k1e")],
    ("exprel", [X, NEAR]),
    ("exp2", [X]),
    ("exp10", [X]),
    ("expm1", [X]),
    ("log1p", [POSITIVE]),
    ("cbrt", [POSITIVE]),
    ("sindg", [DEGREES]),
    ("cosdg", [DEGREES]),
    ("tandg", [DEGREES]),
    ("cotdg", [DEGREES[1:]]),
    ("cosm1", [X, NEAR]),
    ("ellipk", [UNIT, -LARGE]),
    ("ellipkm1", [POSITIVE]),
    ("ellipe", [UNIT, -POSITIVE]),
]
OF_TWO: list[tuple[str, tuple[Any, Any]]] = [
    ("beta", (POSITIVE, POSITIVE.T.reshape(3, 4))),
    ("beta", (LARGE, LARGE[::-1].copy())),
    ("betaln", (POSITIVE, POSITIVE + 0.3)),
    ("betaln", (LARGE, SHARE)),
    ("betaln", (LARGE, 3 * LARGE)),
    ("xlogy", (X, POSITIVE)),
    ("xlog1py", (X, POSITIVE)),
    ("rel_entr", (POSITIVE, SHARE.reshape(3, 4))),
    ("kl_div", (POSITIVE, SHARE.reshape(3, 4))),
    ("huber", (POSITIVE, X)),
    ("pseudo_huber", (POSITIVE, X)),
    ("powm1", (POSITIVE, Y)),
    ("powm1", (1 + X / 1e6, Y)),
    ("boxcox", (POSITIVE, Y)),
    ("boxcox1p", (POSITIVE, Y)),
    ("inv_boxcox", (SHARE.reshape(3, 4), Y / 3)),
    ("inv_boxcox1p", (SHARE.reshape(3, 4), Y / 3)),
]


def _call(name: str) -> Callable[..., Any]:
    ufunc = getattr(special, name)
    return lambda *args: ufunc(*args)


CASES: list[Case] = [(_call(name), (x,)) for name, points in OF_ONE for x in points]
CASES += [(_call(name), pair) for name, pair in OF_TWO]
CASES += [(lambda x: special.boxcox(x, 0.0), (POSITIVE,))]
NAMES = [f"{name}-{i}" for name, points in OF_ONE for i, _ in enumerate(points)]
NAMES += [f"{name}-{i}" for i, (name, _) in enumerate(OF_TWO)] + ["boxcox-0"]


@pytest.mark.parametrize(("function", "args"), CASES, ids=NAMES)
def test_values(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check(function, *args)


@pytest.mark.parametrize(("function", "args"), CASES, ids=NAMES)
def test_derivatives(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check_derivatives(function, *args, tolerance=2e-5)


@pytest.mark.parametrize(("function", "args"), CASES, ids=NAMES)
def test_compiled(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check_compiled(function, *args)


def test_derivatives_at_special_points() -> None:
    def slope(name: str, x: float) -> Any:
        ufunc = getattr(special, name)
        return fg.grad(lambda x: ufunc(x))(x)

    for name, expected in (("i1", 0.5), ("j1", 0.5), ("j0", 0), ("exprel", 0.5), ("i0e", 0)):
        np.testing.assert_allclose(slope(name, 0.0), expected, rtol=1e-15)
    np.testing.assert_allclose(slope("erfcx", 1e8), -1 / (np.sqrt(np.pi) * 1e16), rtol=1e-14)


def test_the_power_of_box_and_cox_has_a_derivative_at_zero() -> None:
    slope = fg.grad(lambda p: special.boxcox(3.0, p))(0.0)
    np.testing.assert_allclose(slope, np.log(3.0) ** 2 / 2, rtol=1e-13)
    slope = fg.grad(lambda p: special.inv_boxcox(0.7, p))(0.0)
    np.testing.assert_allclose(slope, -np.exp(0.7) * 0.7**2 / 2, rtol=1e-13)


IN_PYTHON: list[Case] = [
    (lambda x: special.logsumexp(x), (X,)),
    (lambda x: special.logsumexp(x, axis=1, keepdims=True), (X,)),
    (lambda x: special.logsumexp(x, axis=(0, 1)), (X,)),
    (lambda x: special.logsumexp(x, axis=0, b=[[1.0], [2.0], [0.0]]), (X,)),
    (lambda x: special.logsumexp(x, b=np.array([1.0, -2.0, 3.0, 0.5]), return_sign=True), (X[0],)),
    (lambda x: (special.softmax(x), special.softmax(x, axis=1), special.softmax(x, 0)), (X,)),
    (lambda x: (special.log_softmax(x), special.log_softmax(x, axis=1)), (X,)),
    (lambda x: special.polygamma(1, x) + special.polygamma(3, x), (POSITIVE,)),
    (lambda x: special.multigammaln(x, 2), (np.array(3.5),)),
    (lambda x: special.sinc(x), (X,)),
]


@pytest.mark.parametrize(("function", "args"), IN_PYTHON)
def test_functions_that_scipy_writes_in_python(
    function: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    check(function, *args)
    check_derivatives(function, *args)


def test_logsumexp_of_infinities() -> None:
    check(lambda x: special.logsumexp(x), np.array([-np.inf, -np.inf]))
    check(lambda x: special.logsumexp(x), np.array([1e4, -np.inf]))
