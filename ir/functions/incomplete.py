"""The incomplete gamma functions P(a, x) and Q(a, x) = 1 - P (DLMF 8.7.1, 8.9.2, 8.12).

P by its series where x <= a + 1, Q by its continued fraction elsewhere; both are loops, which
`ir.ops.incomplete` runs. What is here is straight-line code around them, for scalars and arrays.
"""

from __future__ import annotations

import math

from ..builder import Builder, Handle

LARGE = 1e6  # from here on a uniform expansion takes the place of the loops
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156,
             -3617 / 122400)  # fmt: skip
# Σ c_k η^k: the coefficients of a⁰ and a⁻¹ (Temme, SIAM J. Math. Anal. 10, 1979)
_UNIFORM = (
    (-1 / 3, 1 / 12, -2 / 135, 1 / 864, 1 / 2835, -139 / 777600),
    (-1 / 540, -1 / 288, 1 / 378, -77 / 77760),
)
# (-1)^k (ζ(k) - 1) / k for k = 2, 3, …: log Γ(1 + a) = -log(1 + a) + (1 - γ) a + Σ c_k a^k
_LOG_GAMMA = (
    0.3224670334241132, -0.06735230105319809, 0.020580808427784546, -0.0073855510286739856,
    0.0028905103307415234, -0.0011927539117032611, 0.0005096695247430425, -0.0002231547584535794,
    9.945751278180853e-05, -4.492623673813314e-05, 2.0507212775670691e-05, -9.43948827526840e-06,
    4.374866789907488e-06, -2.0392157538013662e-06,
)  # fmt: skip
_EULER = 0.5772156649015329


def steps(b: Builder, a: Handle) -> Handle:
    """How many terms of the series, or of the fraction, give all digits: some 9 √a more."""
    size = b("minimum", a, b.full_like(a, LARGE))
    return b.add(b.scale(b("sqrt", size), 9.0), b.full_like(a, 100))


def is_low(b: Builder, a: Handle, x: Handle) -> Handle:
    """Whether the series is taken."""
    return b.compare("le", x, b.add(a, b.full_like(a, 1)))


def series_step(b: Builder, a: Handle, x: Handle, total: Handle, k: Handle) -> Handle:
    """1 + x / (a + k) · total: Σ x^n / ((a + 1) … (a + n)), from the last term k on."""
    return b.add(b.full_like(x, 1), b.mul(b.div(x, b.add(a, k)), total))


def fraction_step(b: Builder, a: Handle, x: Handle, below: Handle, k: Handle) -> Handle:
    """(x + 2k - 1 - a) - k (k - a) / below, from the last k on."""
    first = b.add(b.sub(x, a), b.sub(b.scale(k, 2), b.full_like(x, 1)))
    return b.sub(first, b.div(b.mul(k, b.sub(k, a)), below))


def usable(b: Builder, a: Handle, x: Handle) -> tuple[Handle, Handle]:
    """a and x, or 1 and 1 where there is nothing to compute."""
    good = b.compare("gt", b("minimum", a, x), b.zeros_like(a))
    for value in (a, x):
        good = b("logical_and", good, b.compare("lt", value, b.full_like(value, math.inf)))
    one = b.full_like(a, 1)
    return b.select(good, a, one), b.select(good, x, one)


def incomplete_gamma(b: Builder, a: Handle, x: Handle, looped: Handle, *, upper: bool) -> Handle:
    """P(a, x), or (`upper`) Q(a, x), given what the loop gave for `usable` operands."""
    p, q = usable(b, a, x)
    one = b.full_like(p, 1)
    low = is_low(b, p, q)
    factor = power_over_gamma(b, p, q)
    found = b.mul(factor, b.select(low, looped, b.div(p, looped)))
    lower = b.select(low, found, b.sub(one, found))
    higher = b.select(low, b.sub(one, found), found)
    huge = b.compare("gt", p, b.full_like(p, LARGE))
    if upper:
        small = b.select(_is_small(b, p, q), _near_zero(b, p, q), higher)
        result = b.select(huge, _uniform(b, p, q, 1), small)
    else:
        result = b.select(huge, _uniform(b, p, q, -1), lower)
    return _at_the_edges(b, a, x, result, upper)


def _at_the_edges(b: Builder, a: Handle, x: Handle, inside: Handle, upper: bool) -> Handle:
    """Operands that are 0 or inf; below 0 and where the limits differ it is nan."""
    zero, infinite = b.zeros_like(a), b.full_like(a, math.inf)
    none, whole = (b.full_like(a, float(value != upper)) for value in (False, True))
    a_zero, x_zero = b.compare("eq", a, zero), b.compare("eq", x, zero)
    a_inf, x_inf = b.compare("eq", a, infinite), b.compare("eq", x, infinite)
    result = b.select(b("logical_or", x_zero, a_inf), none, inside)
    result = b.select(b("logical_or", a_zero, x_inf), whole, result)
    undefined = b("logical_or", b("logical_and", a_zero, x_zero), b("logical_and", a_inf, x_inf))
    below = b("logical_or", b.compare("lt", a, zero), b.compare("lt", x, zero))
    missing = b("logical_or", b.compare("ne", a, a), b.compare("ne", x, x))
    bad = b("logical_or", b("logical_or", undefined, below), missing)
    return b.select(bad, b.full_like(a, math.nan), result)


# --- x^a e^-x / Γ(a + 1) ---


def power_over_gamma(b: Builder, a: Handle, x: Handle) -> Handle:
    """x^a e^-x / Γ(a + 1) for a, x > 0: for a >= 10 by Stirling's series, without cancellation."""
    one = b.full_like(a, 1)
    large = b.compare("ge", a, b.full_like(a, 10))
    safe = b.select(large, a, b.full_like(a, 10))
    inverse = b.div(one, safe)
    square = b.mul(inverse, inverse)
    tail = _horner(b, square, _STIRLING)
    exponent = b.sub(b.mul(safe, _log1p_less(b, safe, x)), b.mul(tail, inverse))
    by_stirling = b.div(b("exp", exponent), b("sqrt", b.scale(safe, 2 * math.pi)))
    plain = b.sub(b.sub(b.mul(a, b("log", x)), x), b("lgamma", b.add(a, one)))
    return b.select(large, by_stirling, b("exp", plain))


def _log1p_less(b: Builder, a: Handle, x: Handle) -> Handle:
    """log(1 + u) - u for u = (x - a) / a, by 2 artanh r = log(1 + u) where u is small."""
    u = b.div(b.sub(x, a), a)
    r = b.div(u, b.add(u, b.full_like(u, 2)))
    square = b.mul(r, r)
    series = _horner(b, square, [2 / (2 * k + 1) for k in range(1, 16)])
    near = b.sub(b.mul(b.mul(r, square), series), b.mul(r, u))
    small = b.compare("lt", b("abs", u), b.full_like(u, 0.3))
    return b.select(small, near, b.sub(b.sub(b("log", x), b("log", a)), u))


def _horner(b: Builder, x: Handle, coefficients: tuple[float, ...] | list[float]) -> Handle:
    total = b.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = b.add(b.mul(total, x), b.full_like(x, coefficient))
    return total


# --- Q for small x and smaller a, where 1 - P has no digits left ---


def _is_small(b: Builder, a: Handle, x: Handle) -> Handle:
    """Where x <= 1.1, and a is so small that Q is."""
    half = b.compare("le", x, b.full_like(x, 0.5))
    tiny = b.select(half, x, b.full_like(x, 0.5))
    bound = b.select(half, b.div(b.full_like(x, -0.4), b("log", tiny)), b.scale(x, 1.1))
    near = b.compare("le", x, b.full_like(x, 1.1))
    return b("logical_and", near, b.compare("le", a, bound))


def _near_zero(b: Builder, a: Handle, x: Handle) -> Handle:
    """1 - x^a / Γ(1 + a) · (1 + a Σ (-x)^n / (n! (a + n)))."""
    a = b("minimum", a, b.full_like(a, 1.25))
    x = b("minimum", x, b.full_like(x, 1.2))
    total = b.zeros_like(x)
    for n in range(24, 0, -1):
        sign = (-1.0) ** n / math.factorial(n)
        total = b.add(b.mul(total, x), b.div(b.full_like(x, sign), b.add(a, b.full_like(a, n))))
    total = b.mul(total, x)
    exponent = b.sub(b.mul(a, b("log", x)), _log_gamma_1p(b, a))
    return b.neg(b.add(b("expm1", exponent), b.mul(b.mul(a, b("exp", exponent)), total)))


def _log_gamma_1p(b: Builder, a: Handle) -> Handle:
    """log Γ(1 + a), with all digits near 0."""
    near = b.compare("lt", a, b.full_like(a, 0.2))
    tiny = b.select(near, a, b.zeros_like(a))
    series = b.mul(b.mul(tiny, tiny), _horner(b, tiny, _LOG_GAMMA))
    around = b.add(b.sub(b.scale(tiny, 1 - _EULER), b("log1p", tiny)), series)
    return b.select(near, around, b("lgamma", b.add(a, b.full_like(a, 1))))


# --- large a ---


def _uniform(b: Builder, a: Handle, x: Handle, sign: float) -> Handle:
    """½ erfc(± η √(a/2)) and two terms of its correction, where ½ η² = u - log(1 + u)."""
    square = b.scale(_log1p_less(b, a, x), -2)
    distance = b("sqrt", b("maximum", square, b.zeros_like(square)))
    eta = b.select(b.compare("lt", x, a), b.neg(distance), distance)
    body = b("erfc", b.scale(b.mul(eta, b("sqrt", b.scale(a, 0.5))), sign))
    first, second = (_horner(b, eta, row) for row in _UNIFORM)
    weight = b.div(b("exp", b.scale(b.mul(a, square), -0.5)), b("sqrt", b.scale(a, 2 * math.pi)))
    near = b.compare("lt", distance, b.full_like(eta, 0.2))
    series = b.select(near, b.add(first, b.div(second, a)), b.zeros_like(eta))
    return b.add(b.scale(body, 0.5), b.scale(b.mul(weight, series), sign))
