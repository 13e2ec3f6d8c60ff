"""Functions of scipy.special, recognised without importing SciPy."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.functions import activation, gamma, normal, scientific
from ...ir.functions import elementwise as composed
from ...ir.functions import special as composed_special
from ..operands import builder, lift, materialise, wrap
from .elementwise import Rule


def rule_of(ufunc: np.ufunc) -> Rule | None:
    """The rule of `ufunc` where it is one of scipy.special's that are supported."""
    name = ufunc.__name__
    rule = RULES.get(name)
    module = sys.modules.get("scipy.special")
    return rule if rule is not None and getattr(module, name, None) is ufunc else None


def is_special(ufunc: np.ufunc) -> bool:
    """Whether a universal function is one of scipy.special's."""
    return getattr(sys.modules.get("scipy.special"), ufunc.__name__, None) is ufunc


def function_of(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """What stands for a function of scipy.special that is written in Python, and so has no door."""
    name = getattr(function, "__name__", "")
    found = FUNCTIONS.get(name)
    module = sys.modules.get("scipy.special")
    return found if found is not None and getattr(module, name, None) is function else None


def _op(name: str) -> Rule:
    return lambda b, *values: b(name, *values)


_OPS = "erf erfc erfcx gamma i0 i1 i0e i1e j0 j1 y0 y1 k0 k1 k0e k1e exp2 cbrt expm1 log1p digamma"
RULES: dict[str, Rule] = {
    **{name: _op(name) for name in _OPS.split()},
    "gammainc": lambda b, a, x: b("gammainc", a, x, upper=False),
    "gammaincc": lambda b, a, x: b("gammainc", a, x, upper=True),
    "gammaln": _op("lgamma"),
    "loggamma": gamma.loggamma,
    "psi": _op("digamma"),
    "beta": gamma.beta,
    "betaln": gamma.betaln,
    "expit": composed.sigmoid,
    "log_expit": composed.log_sigmoid,
    "logit": composed_special.logit,
    "xlogy": composed_special.xlogy,
    "xlog1py": composed_special.xlog1py,
    "ndtr": composed_special.ndtr,
    "log_ndtr": activation.log_ndtr,
    "ndtri": normal.ndtri,
    "erfinv": normal.erfinv,
    **{
        rule.__name__: rule
        for rule in (
            scientific.entr,
            scientific.rel_entr,
            scientific.kl_div,
            scientific.huber,
            scientific.pseudo_huber,
            scientific.exprel,
            scientific.boxcox,
            scientific.boxcox1p,
            scientific.inv_boxcox,
            scientific.inv_boxcox1p,
            scientific.exp10,
            scientific.powm1,
            scientific.sindg,
            scientific.cosdg,
            scientific.tandg,
            scientific.cotdg,
            scientific.cosm1,
            scientific.radian,
            scientific.erfcinv,
            scientific.ellipk,
            scientific.ellipkm1,
            scientific.ellipe,
        )
    },
}


# --- functions that SciPy writes in Python: short programs of NumPy functions ---


def without_derivative(x: Any) -> Any:
    from .calculus import without_derivative  # which is registered beside NumPy's functions

    return without_derivative(x)


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """log Σ b e^a; the maximum is taken out before."""
    x = np.multiply(a, 1.0)
    if b is not None:
        x, b = np.broadcast_arrays(x, b)
        x = np.where(np.equal(b, 0), -np.inf, x)
    largest = np.max(x, axis=axis, keepdims=True)
    shift = without_derivative(np.where(np.isfinite(largest), largest, 0.0))
    weighted = np.exp(x - shift) if b is None else b * np.exp(x - shift)
    total = np.sum(weighted, axis=axis, keepdims=keepdims)
    shift = shift if keepdims else np.squeeze(shift, axis if axis is not None else None)
    if not return_sign:
        return np.log(total) + shift
    return np.log(np.abs(total)) + shift, np.sign(total)


def softmax(x: Any, axis: Any = None) -> Any:
    weights = np.exp(x - without_derivative(np.max(x, axis=axis, keepdims=True)))
    return weights / np.sum(weights, axis=axis, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    shifted = x - without_derivative(np.max(x, axis=axis, keepdims=True))
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of ψ, for an n that is known."""
    order, array = operator.index(n), lift(x, "scipy.special.polygamma")
    value = materialise(array, "f64" if array.value.type.dtype != "f32" else "f32", array.shape)
    return wrap(composed_special.polygamma(builder(), value, order=order))


def multigammaln(a: Any, d: Any) -> Any:
    dimension = operator.index(d)
    return wrap(composed_special.multigammaln(builder(), lift(a).value, dimension=dimension))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "logsumexp": logsumexp,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "sinc": np.sinc,
    "polygamma": polygamma,
    "multigammaln": multigammaln,
}
