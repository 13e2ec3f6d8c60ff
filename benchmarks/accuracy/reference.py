"""The truth: MPFR for single points, `long double` for millions (see the package's docstring)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gmpy2
import numpy as np

from fusegrad.ir.record import record

from .loops import WIDE, long_double

PRECISION = 160  # bits of MPFR
Exact = Callable[..., Any]  # of mpfr numbers
Sieve = Callable[..., np.ndarray]  # of arrays of float64: long doubles


@record
class Reference:
    """How a function is known: exactly, and quickly to some 2**-60 (or not: `sieve` is None)."""

    exact: Exact
    sieve: Sieve | None
    about: str


# --- in multiple precision ---


def _erfcx(x: Any) -> Any:
    """exp(x²) erfc(x); far out by its series (DLMF 7.12.1)."""
    if x < 200:
        return _squared_exponential(x) * gmpy2.erfc(x)
    if not gmpy2.is_finite(x):
        return 1 / x
    term = total = gmpy2.mpfr(1)
    for k in range(1, 30):
        term = -term * (2 * k - 1) / (2 * x * x)
        total += term
    return total / (x * gmpy2.sqrt(gmpy2.const_pi()))


def _squared_exponential(x: Any) -> Any:
    return gmpy2.exp(x * x) if abs(x) < 1e4 else gmpy2.mpfr("inf")


def _i(order: int, *, scaled: bool = False) -> Exact:
    """I by its power series, DLMF 10.25.2; far out by 10.40.1."""

    def function(x: Any) -> Any:
        if abs(x) > 2000:
            return _i_far(order, x, scaled)
        quarter = x * x / 4
        term = total = x / 2 if order else gmpy2.mpfr(1)
        k = 0
        while abs(term) > abs(total) * gmpy2.mpfr("1e-50"):
            k += 1
            term = term * quarter / (k * (k + order))
            total += term
        return total * gmpy2.exp(-abs(x)) if scaled else total

    return function


def _i_far(order: int, x: Any, scaled: bool) -> Any:
    size = abs(x)
    if not gmpy2.is_finite(x):
        return 1 / (x if order else size) if scaled else (x if order else size)
    value = _hankel(order, size, -1) / gmpy2.sqrt(2 * gmpy2.const_pi() * size)
    value = value if scaled else value * gmpy2.exp(size)
    return -value if order and x < 0 else value


def _hankel(order: int, x: Any, sign: int) -> Any:
    """Σ (±1)ᵏ a_k / xᵏ (DLMF 10.17.1)."""
    term = total = gmpy2.mpfr(1)
    for k in range(1, 60):
        term = sign * term * (4 * order * order - (2 * k - 1) ** 2) / (8 * k * x)
        total += term
    return total


def _k(order: int, *, scaled: bool = False) -> Exact:
    """K = ∫ exp(-x cosh t) cosh(nt) dt, t > 0, by the trapezoidal rule (DLMF 10.32.9)."""

    def function(x: Any) -> Any:
        if x < 0:
            return gmpy2.nan()
        if x == 0 or not gmpy2.is_finite(x):
            return 1 / abs(x)
        if x > 50:
            value = _hankel(order, x, 1) * gmpy2.sqrt(gmpy2.const_pi() / (2 * x))
            return value if scaled else value * gmpy2.exp(-x)
        value = _k_integral(order, x)
        return value if scaled else value * gmpy2.exp(-x)

    return function


def _k_integral(order: int, x: Any) -> Any:
    """e^x K(x)."""
    step, total, t = gmpy2.mpfr(1) / 16, gmpy2.mpfr(0), gmpy2.mpfr(0)
    while True:
        cosh = gmpy2.cosh(t)
        term = gmpy2.exp(-x * (cosh - 1)) * (cosh if order else 1)
        total += term / 2 if t == 0 else term
        if term < total * gmpy2.mpfr("1e-25"):
            return total * step
        t += step


def _erfinv(x: Any) -> Any:
    """By Newton's method, on erf or, near 1, on erfc."""
    if x == 0:
        return x
    if abs(x) >= 1:
        return x / (1 - abs(x)) if abs(x) == 1 else gmpy2.nan()
    tail = 1 - abs(x)
    y = gmpy2.sqrt(-gmpy2.log(tail)) if tail < 0.1 else abs(x) * gmpy2.sqrt(gmpy2.const_pi()) / 2
    for _ in range(60):
        slope = 2 / gmpy2.sqrt(gmpy2.const_pi()) * gmpy2.exp(-y * y)
        excess = tail - gmpy2.erfc(y) if tail < 0.5 else gmpy2.erf(y) - abs(x)
        step = excess / slope
        y -= step / (1 + y * step)
        if abs(step) <= abs(y) * gmpy2.mpfr("1e-40"):
            break
    return -y if x < 0 else y


def _ndtri(p: Any) -> Any:
    """By Newton's method on the smaller tail."""
    tail = min(p, 1 - p)
    if not tail > 0:
        return gmpy2.log(p / (1 - p)) if tail == 0 else gmpy2.nan()
    root, y = gmpy2.sqrt(gmpy2.mpfr(2)), gmpy2.sqrt(-gmpy2.log(2 * tail))
    for _ in range(60):
        slope = 2 / gmpy2.sqrt(gmpy2.const_pi()) * gmpy2.exp(-y * y)
        step = (gmpy2.erfc(y) - 2 * tail) / slope
        y += step / (1 - y * step)
        if abs(step) <= abs(y) * gmpy2.mpfr("1e-40"):
            break
    return -y * root if p < 0.5 else y * root


def _ndtr(x: Any) -> Any:
    return gmpy2.erfc(-x / gmpy2.sqrt(gmpy2.mpfr(2))) / 2


def _digamma(x: Any) -> Any:
    """With the limits at ±0, as SciPy has them."""
    return -1 / x if x == 0 else gmpy2.digamma(x)


def _gamma(x: Any) -> Any:
    return 1 / x if x == 0 else gmpy2.gamma(x)


def _y(function: Exact) -> Exact:
    """-inf at -0 too."""
    return lambda x: function(abs(x) if x == 0 else x)


# --- in long double ---


def _c(name: str, arity: int = 1) -> Sieve:
    return lambda *operands: long_double(name, arity)(*operands)


def _wide(function: Callable[..., np.ndarray]) -> Sieve:
    return lambda *operands: function(*(np.asarray(x, WIDE) for x in operands))


def _known(exact: Exact, name: str, arity: int = 1) -> Reference:
    return Reference(exact, _c(name, arity), f"MPFR behind glibc's {name}")


def _formula(exact: Exact, function: Callable[..., np.ndarray], about: str) -> Reference:
    return Reference(exact, _wide(function), f"MPFR behind {about} in long double")


def _alone(exact: Exact, about: str = "MPFR") -> Reference:
    return Reference(exact, None, about)


# MPFR and the C library agree in their names
_SAME = "sqrt cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh \
asinh acosh atanh erf erfc"
_SERIES = "the power series in MPFR"
_INTEGRAL = "the integral 10.32.9 of DLMF in MPFR"

REFERENCES: dict[str, Reference] = {
    **{name: _known(getattr(gmpy2, name), f"{name}l") for name in _SAME.split()},
    "lgamma": _known(lambda x: gmpy2.lgamma(x)[0], "lgammal"),
    "gamma": _known(_gamma, "tgammal"),
    "pow": _known(lambda x, y: x**y, "powl", 2),
    "atan2": _known(gmpy2.atan2, "atan2l", 2),
    "hypot": _known(gmpy2.hypot, "hypotl", 2),
    "rsqrt": _formula(lambda x: 1 / gmpy2.sqrt(x), lambda x: 1 / np.sqrt(x), "1/√x"),
    "logistic": _formula(
        lambda x: 1 / (1 + gmpy2.exp(-x)), lambda x: 1 / (1 + np.exp(-x)), "1/(1 + e^-x)"
    ),
    "softplus": _formula(
        lambda x: gmpy2.log1p(gmpy2.exp(-abs(x))) + max(x, gmpy2.mpfr(0)),
        lambda x: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0),
        "log(1 + e^x)",
    ),
    "digamma": _alone(_digamma),
    "erfcx": _alone(_erfcx, "exp(x²) erfc(x) in MPFR"),
    "erfinv": _alone(_erfinv, "Newton's method in MPFR"),
    "ndtri": _alone(_ndtri, "Newton's method in MPFR"),
    "ndtr": _alone(_ndtr),
    "j0": _alone(gmpy2.j0),
    "j1": _alone(lambda x: gmpy2.j1(x) if gmpy2.is_finite(x) else 1 / x),
    "y0": _alone(_y(gmpy2.y0)),
    "y1": _alone(_y(gmpy2.y1)),
    "i0": _alone(_i(0), _SERIES),
    "i1": _alone(_i(1), _SERIES),
    "i0e": _alone(_i(0, scaled=True), _SERIES),
    "i1e": _alone(_i(1, scaled=True), _SERIES),
    "k0": _alone(_k(0), _INTEGRAL),
    "k1": _alone(_k(1), _INTEGRAL),
    "k0e": _alone(_k(0, scaled=True), _INTEGRAL),
    "k1e": _alone(_k(1, scaled=True), _INTEGRAL),
}


# --- functions with many roots: near those, float64 is held to the size of what surrounds them ---


def _amplitude(x: np.ndarray) -> np.ndarray:
    """How far the waves of Bessel functions go up and down, at most."""
    with np.errstate(divide="ignore"):
        return np.minimum(1, np.sqrt(2 / np.pi / np.abs(x)))


def _below_zero(of_right: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    """1, or the term that the reflection adds, where x < 0."""

    def size(x: np.ndarray) -> np.ndarray:
        right = np.abs(of_right(1 + np.abs(np.asarray(x, WIDE))))
        return np.where(x < 0, np.maximum(right, 1), 0)

    return size


FLOORS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    **dict.fromkeys(("j0", "j1", "y0", "y1"), _amplitude),
    "lgamma": _below_zero(lambda x: long_double("lgammal")(x)),
    "digamma": _below_zero(np.log),
}


def exactly(name: str, *operands: np.ndarray) -> np.ndarray:
    """MPFR's values, as long doubles: within 2**-64 of them."""
    gmpy2.get_context().precision = PRECISION
    function = REFERENCES[name].exact
    result = np.empty(operands[0].size, WIDE)
    for i, values in enumerate(zip(*(x.tolist() for x in operands), strict=True)):
        result[i] = _as_wide(function(*map(gmpy2.mpfr, values)))
    return result


def _as_wide(value: Any) -> Any:
    high = float(value)
    if not np.isfinite(high) or high == 0 or abs(high) < 1e-290:
        return _far_out(value, high)
    return WIDE(high) + WIDE(float(value - gmpy2.mpfr(high)))


def _far_out(value: Any, high: float) -> Any:
    """What a float64 can't hold: the exponent goes in by itself."""
    if gmpy2.is_nan(value) or gmpy2.is_infinite(value) or gmpy2.is_zero(value):
        return WIDE(high)
    mantissa, exponent = gmpy2.frexp(value)[::-1]
    first = float(mantissa)
    return np.ldexp(WIDE(first) + WIDE(float(mantissa - gmpy2.mpfr(first))), int(exponent))
