"""Functions of SciPy's that can't be traced: the error names them, the line and a cure."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.spatial
import scipy.stats

import fusegrad as fg
from fusegrad.ir import FusegradError

X = np.array([0.5, 1.0, 2.0])


def decay(x: Any) -> Callable[[Any, Any], Any]:
    return lambda t, y: -x[0] * y


CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "scipy.integrate.quad": (
        lambda x: scipy.integrate.quad(lambda t: x[0] * t, 0, 1)[0],
        "leggauss",
    ),
    "scipy.integrate.trapezoid": (lambda x: scipy.integrate.trapezoid(x), "np.trapezoid"),
    "scipy.integrate.odeint": (
        lambda x: scipy.integrate.odeint(decay(x), 1.0, X, tfirst=True).sum(),
        "Runge-Kutta",
    ),
    "scipy.integrate.solve_ivp": (
        lambda x: scipy.integrate.solve_ivp(decay(x), (0, 1), [1.0]).y.sum(),
        "Runge-Kutta",
    ),
    "scipy.linalg.solve": (lambda x: scipy.linalg.solve(np.diag(x), x).sum(), "np.linalg.solve"),
    "scipy.linalg.cho_factor": (
        lambda x: scipy.linalg.cho_factor(np.diag(x))[0].sum(),
        "np.linalg.cholesky",
    ),
    "scipy.linalg.expm": (lambda x: scipy.linalg.expm(np.diag(x)).sum(), "fg.linalg.matrix_exp"),
    "scipy.stats": (lambda x: scipy.stats.norm.logpdf(x).sum(), "gammaln"),
    "scipy.interpolate": (
        lambda x: scipy.interpolate.CubicSpline([0.0, 1.0, 2.0], x)(0.5),
        "np.interp",
    ),
    "scipy.optimize.brentq": (
        lambda x: scipy.optimize.brentq(lambda p: p - x[0], -5, 5),
        "from outside",
    ),
    "scipy.optimize.minimize": (
        lambda x: scipy.optimize.minimize(lambda p: np.sum((p - x) ** 2), X).fun,
        "from outside",
    ),
    "scipy.fft.fft": (lambda x: abs(scipy.fft.fft(x)).sum(), "np.fft"),
    "scipy.sparse": (lambda x: (scipy.sparse.csr_array(np.eye(3)) @ x).sum(), "toarray"),
    "scipy.ndimage.gaussian_filter1d": (
        lambda x: scipy.ndimage.gaussian_filter1d(x, 1.0).sum(),
        "np.convolve",
    ),
    "scipy.signal.convolve": (lambda x: scipy.signal.convolve(x, x).sum(), "np.convolve"),
    "scipy.spatial.distance.cdist": (
        lambda x: scipy.spatial.distance.cdist(x[:, None], x[:, None]).sum(),
        "np.sqrt",
    ),
}


@pytest.mark.filterwarnings("ignore::fusegrad.tracer.asking.DetachedWarning")
@pytest.mark.parametrize("mode", ["compiled", "eager"])
@pytest.mark.parametrize("name", CALLS)
def test_the_error_names_it(name: str, mode: str) -> None:
    function, cure = CALLS[name]
    slope = fg.grad(function)
    with pytest.raises(fg.UnsupportedError) as caught:
        (slope if mode == "compiled" else slope.eager)(X)
    error = caught.value
    assert error.what.startswith(f"{name} computes with NumPy arrays of its own")
    assert cure in error.hint
    lines, first = inspect.getsourcelines(function)
    assert error.at is not None
    assert error.at.file == __file__
    assert first <= error.at.line < first + len(lines) + 2


def test_an_error_in_a_callback_is_the_users() -> None:
    def f(x: Any) -> Any:
        return scipy.optimize.brentq(lambda p: (x @ np.ones(4))[0], 0, 1)

    with pytest.raises(FusegradError, match="matmul") as caught:
        fg.grad(f)(X)
    assert "SciPy" not in str(caught.value)


def test_without_a_gradient_a_root_is_a_constant_of_the_path() -> None:
    def f(x: Any) -> Any:
        return scipy.optimize.brentq(lambda p: p - x[0], -5, 5) * x[1]

    compiled = fg.compile(f)
    with pytest.warns(UserWarning, match=r"instead of scipy\.optimize\.brentq"):
        assert compiled(X) == pytest.approx(0.5)
    assert compiled(X * 2) == pytest.approx(2.0)


def test_matrix_exponentials_as_the_hint_says() -> None:
    def f(x: Any) -> Any:
        return fg.linalg.matrix_exp(np.outer(x, x) / 9).sum()

    h = 1e-6
    expected = [(f(X + e) - f(X - e)) / (2 * h) for e in np.eye(3) * h]
    np.testing.assert_allclose(fg.grad(f)(X), expected, rtol=1e-7)
