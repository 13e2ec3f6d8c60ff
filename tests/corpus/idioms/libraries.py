"""Rarer functions of NumPy and the math module, and libraries that take numbers only."""

from __future__ import annotations

import math

import numpy as np

from .table import idiom


@idiom
def powneg(x):
    return pow(x[0], 2) + pow(x[1], -1) + 2 ** x[2] + x[0] ** x[1]


@idiom
def meshg(x):
    X, Y = np.meshgrid(x, x[:2])
    return np.sum(X * Y**2)


@idiom
def ix(x):
    A = np.outer(x, x)
    return np.sum(A[np.ix_([0, 2], [1, 2])] ** 2)


@idiom
def ndenum(x):
    return sum(v**2 * i[0] for i, v in np.ndenumerate(x))


@idiom
def ndindex(x):
    return sum(x[i] ** 2 for i in np.ndindex(x.shape))


@idiom
def flatit(x):
    return sum(v**2 for v in x.flat)


@idiom
def applyax(x):
    return np.sum(np.apply_along_axis(lambda v: v * v.sum(), 0, np.outer(x, x)))


@idiom
def vec(x):
    return np.sum(np.vectorize(lambda v: v**2 if v > 1 else v)(x))


@idiom
def piecew(x):
    return np.sum(np.piecewise(x, [x < 1, x >= 1], [lambda v: v**2, lambda v: 3 * v]))


@idiom
def selectn(x):
    return np.sum(np.select([x < 1, x < 2], [x**2, 3 * x], default=0.0))


@idiom
def choosen(x):
    return np.sum(np.choose((x > 1).astype(int), [x**2, 3 * x]))


@idiom
def asfarr(x):
    return np.asanyarray(x, dtype=np.float64)[0] ** 2 + np.atleast_2d(x)[0, 1] + np.require(x)[2]


@idiom
def x_real(x):
    return np.sum(x.real * x.conj() + x.imag)


@idiom
def seterr(x):
    with np.errstate(all="ignore"):
        return np.sum(np.log(x))


def module_helper(v):
    out = np.empty(3)
    out[:] = v
    return out


@idiom
def helper_call(x):
    return np.sum(module_helper(x) ** 2)


@idiom
def assert_(x):
    assert np.all(np.isfinite(x)), "bad"
    assert x[0] > 0
    return x[0] ** 2


@idiom
def raise_(x):
    if x[0] > 100:
        raise ValueError("big")
    return x[0] ** 2


@idiom
def polyfit(x):
    return np.polyfit([0.0, 1.0, 2.0], x, 1)[0]


@idiom
def lstsq(x):
    return np.linalg.lstsq(np.vander([0.0, 1.0, 2.0, 3.0], 2), np.append(x, 1.0), rcond=None)[0][0]


@idiom
def trapz(x):
    return np.trapezoid(x**2, dx=0.1)


@idiom
def linspace_t(x):
    return np.sum(np.linspace(0.0, x[0], 5) ** 2)


@idiom
def arange_t(x):
    return np.sum(np.arange(3) * x[0] + np.arange(0.0, 3.0) * x[1])


@idiom
def arange_dyn(x):
    return np.sum(np.arange(0, x[2], 0.5)) * x[0]


@idiom
def full_t(x):
    return np.sum(np.full((2, 2), x[0]) ** 2) + np.sum(np.full_like(x, x[1]) * x)


@idiom
def eye_t(x):
    return np.sum(np.eye(3) * x) + np.trace(np.diag(x) @ np.identity(3))


@idiom
def tri(x):
    return np.sum(np.tri(3) * x) + np.sum(np.triu(np.outer(x, x)))


@idiom
def cumulative(x):
    return np.sum(np.cumsum(x) ** 2 + np.cumprod(x) + np.maximum.accumulate(x) + np.add.reduce(x))


@idiom
def quotient_and_remainder(x):
    q, r = divmod(x[2], x[0])
    return q * x[1] + r * x[0] + x[2] // 0.4 * x[1] + x[2] % 0.4


@idiom
def math_module(x):
    total = math.log(x[0]) + math.log(x[1], 2) + math.log2(x[2]) + math.atan2(x[0], x[1])
    total += math.erf(x[0]) + math.gamma(x[1]) + math.lgamma(x[2]) + math.degrees(x[0])
    return total + math.prod(x) + math.hypot(*x) + math.expm1(x[0]) + math.cbrt(x[1])


@idiom
def math_sum(x):
    return math.fsum(v**2 for v in x) + math.pow(x[0], 2.5) * math.tanh(x[1])


@idiom
def quadrature_by_scipy(x):
    from scipy.integrate import quad

    return quad(lambda t: np.exp(-x[0] * t), 0, 1)[0] + x[1]


@idiom
def root_by_scipy(x):
    from scipy.optimize import brentq

    return brentq(lambda t: t**2 - x[0], 0, 2) + x[1]


@idiom
def spline_by_scipy(x):
    from scipy.interpolate import CubicSpline

    return CubicSpline([0.0, 1.0, 2.0], x)(0.5) + x[1]


@idiom
def distribution_by_scipy(x):
    from scipy.stats import norm

    return norm.cdf(x[0]) + norm.logpdf(x[1], 0.0, x[2])


@idiom
def solve_by_scipy(x):
    from scipy import linalg

    return np.sum(linalg.solve(np.diag(x), x)) + linalg.norm(x)


@idiom
def from_iterator(x):
    return np.sum(np.fromiter((v * v for v in x), dtype=float)) + x[1] ** 2


@idiom
def complex_number(x):
    return abs(complex(x[0], x[1])) ** 2 + x[1] ** 2


@idiom
def text_and_back(x):
    return float(f"{x[0]:.17g}") ** 2 + x[1] ** 2


@idiom
def set_of_values(x):
    return sum(set(x))


@idiom
def list_of_values(x):
    return sum(v**2 for v in x.tolist()) + x[0].item() * x[1]


@idiom
def normal_draw(x):
    return np.random.default_rng(1).normal(x[0], 1.0) + x[1] ** 2


@idiom
def user_function_as_ufunc(x):
    return np.sum(np.frompyfunc(lambda v: v**2, 1, 1)(x))


@idiom
def masked_array(x):
    return np.ma.masked_array(x, mask=[1, 0, 0]).sum() + x[0] ** 2


@idiom
def polynomial_classes(x):
    return np.poly1d(x)(2.0) + np.polynomial.polynomial.polyval(2.0, x) * x[0]
