"""The normal distribution backwards: quantiles, and the inverse of erf.

Wichura's rational approximations (Algorithm AS 241), and one step of Newton's method on top. The
step squares the error of the value and of its derivatives alike, so that these are right as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..builder import Builder, Handle
from .activation import absolute

Ratio = tuple[Sequence[float], Sequence[float]]

CENTRE = 0.425  # |p - ½| up to which the first ratio holds
# fmt: off
MIDDLE: Ratio = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1.0),
)
NEAR: Ratio = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
     4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
     2.05319162663775882187e0, 1.0),
)
FAR: Ratio = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
     5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)
# fmt: on


def ndtri(b: Builder, p: Handle) -> Handle:
    """The z with Φ(z) = p; ±inf at 1 and 0, nan outside of [0, 1]."""
    return b("ndtri", p)


def erfinv(b: Builder, x: Handle) -> Handle:
    """The y with erf(y) = x; ±inf at ±1, nan outside of [-1, 1]."""
    return b("erfinv", x)


def normal_quantile(b: Builder, p: Handle) -> Handle:
    """The z with Φ(z) = p, which the op `ndtri` is."""
    rest = b.sub(b.full_like(p, 1), p)
    upper = b.compare("gt", p, b.full_like(p, 0.5))
    return _quantile(b, b.sub(p, b.full_like(p, 0.5)), b.select(upper, rest, p))


def inverse_erf(b: Builder, x: Handle) -> Handle:
    """The y with erf(y) = x, which the op `erfinv` is."""
    tail = b.scale(b.sub(b.full_like(x, 1), absolute(b, x)), 0.5)
    return b.scale(_quantile(b, b.scale(x, 0.5), tail), math.sqrt(0.5))


def _quantile(b: Builder, q: Handle, tail: Handle) -> Handle:
    """The z with Φ(z) = ½ + q, given `tail` = ½ - |q| as well, which is exact near 0."""
    central = b.compare("le", b("abs", q), b.full_like(q, CENTRE))
    middle = _middle(b, b.select(central, q, b.zeros_like(q)))
    positive = b.compare("gt", tail, b.zeros_like(tail))
    outer = b("logical_and", positive, b("logical_not", central))
    far = _outer(b, b.select(outer, tail, b.full_like(tail, 0.05)))
    at_end = b.compare("eq", tail, b.zeros_like(tail))
    far = b.select(at_end, b.full_like(far, math.inf), far)
    known = b("logical_or", positive, at_end)
    far = b.select(known, far, b.full_like(far, math.nan))
    negative = b.compare("lt", q, b.zeros_like(q))
    return b.select(central, middle, b.select(negative, b.neg(far), far))


def _middle(b: Builder, q: Handle) -> Handle:
    square = b.sub(b.full_like(q, CENTRE**2), b.mul(q, q))
    z = b.mul(q, _ratio(b, square, MIDDLE))
    excess = b.sub(b.scale(b("erf", b.scale(z, math.sqrt(0.5))), 0.5), q)
    return b.sub(z, b.div(excess, _density(b, z)))


def _outer(b: Builder, tail: Handle) -> Handle:
    """The z > 0 beyond which the distribution has the mass `tail`."""
    r = b("sqrt", b.neg(b("log", tail)))
    near = b.compare("le", r, b.full_like(r, 5))
    moved = b.add(r, b.select(near, b.full_like(r, -1.6), b.full_like(r, -5)))
    z = b.select(near, _ratio(b, moved, NEAR), _ratio(b, moved, FAR))
    excess = b.sub(b.scale(b("erfc", b.scale(z, math.sqrt(0.5))), 0.5), tail)
    return b.add(z, b.div(excess, _density(b, z)))


def _density(b: Builder, z: Handle) -> Handle:
    """The normal distribution's density."""
    return b.scale(b("exp", b.scale(b.mul(z, z), -0.5)), 1 / math.sqrt(2 * math.pi))


def _ratio(b: Builder, x: Handle, ratio: Ratio) -> Handle:
    return b.div(_polynomial(b, x, ratio[0]), _polynomial(b, x, ratio[1]))


def _polynomial(b: Builder, x: Handle, coefficients: Sequence[float]) -> Handle:
    """By Horner's rule, from the highest power on."""
    total = b.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total = b.add(b.mul(total, x), b.full_like(x, coefficient))
    return total
