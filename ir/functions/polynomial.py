"""Orthogonal polynomials by their recurrences (DLMF 18.9), and Hurwitz's zeta function."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..builder import Builder, Handle

# The value of degree 1 as (factor, constant); and of the step from degrees k, k - 1 to k + 1 the
# factors a x + b of the one and c of the other: p(k+1) = (a x + b) p(k) - c p(k-1).
Step = Callable[[int], tuple[float, float, float]]
_FAMILIES: dict[str, tuple[tuple[float, float], Step]] = {
    "chebyshev_t": ((1, 0), lambda k: (2, 0, 1)),
    "chebyshev_u": ((2, 0), lambda k: (2, 0, 1)),
    "chebyshev_v": ((2, -1), lambda k: (2, 0, 1)),
    "chebyshev_w": ((2, 1), lambda k: (2, 0, 1)),
    "hermite_h": ((2, 0), lambda k: (2, 0, 2 * k)),
    "hermite_he": ((1, 0), lambda k: (1, 0, k)),
    "laguerre_l": ((-1, 1), lambda k: (-1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1))),
    "legendre_p": ((1, 0), lambda k: ((2 * k + 1) / (k + 1), 0, k / (k + 1))),
}


def polynomial(
    b: Builder, x: Handle, *degrees: Handle, family: str, highest: int, shifted: bool
) -> Handle:
    """The polynomial of degree `highest`, or of the degrees that there are up to it, at x; of
    2x - 1 if `shifted`. Of a degree below 0 it is 0.
    """
    if shifted:
        x = _linear(b, x, 2, -1)
    (factor, constant), step = _FAMILIES[family]
    values = [b.full_like(x, 1), _linear(b, x, factor, constant)]
    for k in range(1, highest):
        a, c, d = step(k)
        values.append(b.sub(b.mul(_linear(b, x, a, c), values[k]), b.scale(values[k - 1], d)))
    if not degrees:
        return values[highest] if highest >= 0 else b.zeros_like(x)
    found = b.zeros_like(x)
    for k, value in enumerate(values[: highest + 1]):
        found = b.select(b.compare("eq", degrees[0], b.full_like(degrees[0], k)), value, found)
    return found


def _linear(b: Builder, x: Handle, factor: float, constant: float) -> Handle:
    scaled = b.scale(x, factor)
    return b.add(scaled, b.full_like(x, constant)) if constant else scaled


# B_2k / (2k)! for k = 1, 2, …, 10
_TAIL = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000,
         1 / 74724249600, -3617 / 10670622842880000, 43867 / 5109094217170944000,
         -174611 / 802857662698291200000)  # fmt: skip
_TERMS = 12


def zeta(b: Builder, s: Handle, q: Handle) -> Handle:
    """Σ 1 / (q + k)^s for k = 0, 1, …, by Euler and Maclaurin's sum (DLMF 25.11.7).

    inf at s = 1 and where q is 0, -1, …; nan for other q below 0, and for s below 1.
    """
    positive = b.compare("gt", q, b.zeros_like(q))
    above = b.compare("gt", s, b.full_like(s, 1))
    usable = b("logical_and", positive, above)
    start, power = b.select(usable, q, b.full_like(q, 1)), b.select(usable, s, b.full_like(s, 2))
    far = b.add(start, b.full_like(q, _TERMS))
    last = _power(b, far, power)
    total = b.mul(last, b.add(b.div(far, _linear(b, power, 1, -1)), b.full_like(q, 0.5)))
    square, rising = b.div(b.full_like(q, 1), b.mul(far, far)), b.div(power, far)
    for k, coefficient in enumerate(_TAIL):
        total = b.add(total, b.mul(last, b.scale(rising, coefficient)))
        both = b.mul(_linear(b, power, 1, 2 * k + 1), _linear(b, power, 1, 2 * k + 2))
        rising = b.mul(b.mul(rising, both), square)
    for k in reversed(range(_TERMS)):
        total = b.add(total, _power(b, b.add(start, b.full_like(q, k)), power))
    whole = b.compare("eq", q, b("floor", q))
    pole = b("logical_and", b("logical_not", positive), whole)
    pole = b("logical_or", b("logical_and", pole, above), b.compare("eq", s, b.full_like(s, 1)))
    outside = b.select(pole, b.full_like(q, math.inf), b.full_like(q, math.nan))
    return b.select(usable, total, outside)


def _power(b: Builder, base: Handle, exponent: Handle) -> Handle:
    return b("pow", base, b.neg(exponent))
