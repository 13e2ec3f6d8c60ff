"""Universal functions of scipy.special, recognised without importing SciPy."""

from __future__ import annotations

import math
import sys

import numpy as np

from ..ir.builder import Builder, Handle
from ..ir.functions import elementwise as composed
from ..ir.functions import special as composed_special
from .elementwise import Rule


def rule_of(ufunc: np.ufunc) -> Rule | None:
    """The rule of `ufunc` where it is one of scipy.special's that are supported."""
    name = ufunc.__name__
    rule = RULES.get(name)
    module = sys.modules.get("scipy.special")
    return rule if rule is not None and getattr(module, name, None) is ufunc else None


def _op(name: str) -> Rule:
    return lambda b, *values: b(name, *values)


def _entr(b: Builder, x: Handle) -> Handle:
    """-x log x; 0 at 0, -inf below."""
    zero = b.zeros_like(x)
    value = b.neg(composed_special.xlogy(b, x, x))
    return b.select(b.compare("lt", x, zero), b.full_like(x, -math.inf), value)


def _rel_entr(b: Builder, x: Handle, y: Handle) -> Handle:
    """x log(x / y) for positive x and y; 0 at x = 0 <= y; else inf."""
    zero, one = b.zeros_like(x), b.full_like(x, 1)
    positive = b("logical_and", b.compare("gt", x, zero), b.compare("gt", y, zero))
    ratio = b.div(b.select(positive, x, one), b.select(positive, y, one))
    value = b.mul(x, b("log", ratio))
    empty = b("logical_and", b.compare("eq", x, zero), b.compare("ge", y, zero))
    rest = b.select(empty, zero, b.full_like(x, math.inf))
    nan = b("logical_or", b.compare("ne", x, x), b.compare("ne", y, y))
    return b.select(positive, value, b.select(nan, b.add(x, y), rest))


def _exp10(b: Builder, x: Handle) -> Handle:
    return b("pow", b.full_like(x, 10), x)


def _sinc_pi(name: str) -> Rule:
    """sin or cos of degrees."""
    return lambda b, x: b(name, b.scale(x, math.pi / 180.0))


def _huber(b: Builder, delta: Handle, r: Handle) -> Handle:
    """r²/2 up to delta, then a straight line; inf for a negative delta."""
    size = b("abs", r)
    square = b.scale(b.mul(r, r), 0.5)
    line = b.mul(delta, b.sub(size, b.scale(delta, 0.5)))
    value = b.select(b.compare("le", size, delta), square, line)
    return b.select(
        b.compare("lt", delta, b.zeros_like(delta)), b.full_like(delta, math.inf), value
    )


RULES: dict[str, Rule] = {
    "erf": _op("erf"),
    "erfc": _op("erfc"),
    "gammaln": _op("lgamma"),
    "psi": _op("digamma"),
    "digamma": _op("digamma"),
    "expit": composed.sigmoid,
    "log_expit": composed.log_sigmoid,
    "logit": composed_special.logit,
    "xlogy": composed_special.xlogy,
    "xlog1py": composed_special.xlog1py,
    "ndtr": composed_special.ndtr,
    "entr": _entr,
    "rel_entr": _rel_entr,
    "huber": _huber,
    "exp2": _op("exp2"),
    "exp10": _exp10,
    "cbrt": _op("cbrt"),
    "expm1": _op("expm1"),
    "log1p": _op("log1p"),
    "sindg": _sinc_pi("sin"),
    "cosdg": _sinc_pi("cos"),
}
