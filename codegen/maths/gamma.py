"""lgamma and digamma: log |Γ(x)| and its derivative ψ(x). Numbers of formulas are DLMF's.

Large arguments take Stirling's series with the logarithm, 5.11.1 and 5.11.2, whose tails are
polynomials in 1/x**2. Moderate ones are moved by the recurrences 5.5.1 and 5.5.2 to an interval of
length 1, where lgamma is t P(t) with t the distance from its root 2, and ψ is d P(d) with d the
distance from its root x0. Arguments below 0 are rare and take the reflections 5.5.3 and 5.5.4.

f32 is computed in f64, with shorter polynomials. All of them are minimax, made for this module.
"""

from __future__ import annotations

import math

from .formats import FORMATS, LN2
from .logarithm import SHORT_LN2, split, tail
from .registry import MathsFunction
from .terms import Pair, Term, fma, normalised, polynomial, where

# lgamma(2 + t) = t * (_SLOPE + P(t)) on |t| <= 1/2, relative error 2**-59.7 and 2**-31.8
_SLOPE = 0.42278433509846713  # 1 minus Euler's constant
_AT_TWO = {
    "f64": (
        4.994628693972202e-18, 0.3224670334241132, -0.06735230105319814, 0.020580808427787683,
        -0.00738555102866788, 0.0028905103305362826, -0.001192753912007973, 0.0005096695310703282,
        -0.0002231547506810446, 9.945740492819326e-05, -4.49263508011896e-05,
        2.0508309110630356e-05, -9.438468647027728e-06, 4.3680361831820104e-06,
        -2.044848278738919e-06, 9.808891153850917e-07, -4.3057870782214405e-07,
        1.5718802731760846e-07, -1.3387008053406554e-07, 1.0232531597158263e-07,
    ),
    "f32": (
        -9.199535577764095e-11, 0.32246703468770255, -0.06735228224426429, 0.020580734417721548,
        -0.007386158666565806, 0.0028917324555616302, -0.0011859592491161115,
        0.0005015181524032022, -0.0002536185329432584, 0.0001223608740403629,
    ),
}  # fmt: skip

# lgamma(x) = (x - 1/2) (log x - 1) + LEVEL + P(1/x**2)/x on x >= 9/2; relative error 2**-62.4
# and 2**-33.4
LEVEL = 0.4189385332046727  # log(2 pi)/2 - 1/2
STIRLING = {
    "f64": (
        0.0833333333333333, -0.002777777777738768, 0.0007936507795028086, -0.0005952357295439713,
        0.0008415333876458963, -0.0019055297476586032, 0.005994857635380516, -0.02032770607683296,
        0.0454748858569637,
    ),
    "f32": (
        0.08333332648599252, -0.0027766470502614696, 0.0007464175776771876,
    ),
}  # fmt: skip

# digamma(x) = d * P(d) on 1 <= x <= 2, d = x - _ROOT; relative error 2**-54.7 and 2**-30.5
_ROOT = (1.4616321449683622, 9.549995429965697e-17)
_AT_ROOT = {
    "f64": (
        0.9676722454476212, -0.44276316898359214, 0.2584997609556396, -0.16394270544244616,
        0.10782405069219098, -0.07219956124871889, 0.048804288125402676, -0.03316112693357749,
        0.022597649340943625, -0.015424752861853795, 0.01053876824751501, -0.007204742578016947,
        0.004927127114615399, -0.003367815340134845, 0.00230172811229949, -0.0015883276875108205,
        0.0011001153499863789, -0.0007011763618203248, 0.00042460701658194287,
        -0.0003980456061628001, 0.0003973385008311233, -0.00017577245745849327,
    ),
    "f32": (
        0.967672245018657, -0.4427631796095252, 0.25849989086632663, -0.16394175106524062,
        0.10781754007923526, -0.07222255287559906, 0.04892540962089714, -0.032952349514403345,
        0.021574515784553223, -0.016071948421086658, 0.014448252332102734, -0.007624580756974454,
    ),
}  # fmt: skip

# digamma(x) = log x - 1/(2 x) - P(1/x**2)/x**2 on x >= 4, relative error 2**-61.4 and 2**-31.3
_DIGAMMA_SERIES = {
    "f64": (
        0.08333333333333234, -0.008333333332527617, 0.003968253740510245, -0.004166634566575898,
        0.007573125191501355, -0.02095640711227585, 0.07864468273699092, -0.33261284158622617,
        1.1920111779895879, -2.349656581969629,
    ),
    "f32": (
        0.08333318365209445, -0.008318377224935149, 0.0035341296520387967,
    ),
}  # fmt: skip

# For f32: log(1 + f) = f + f**2 * P(f), relative error 2**-33.1
_LOG1P = (
    -0.5000000028403964, 0.3333333197828789, -0.24999938155501664, 0.20000096891735528,
    -0.16670325868482305, 0.14285683533257154, -0.12412664793230008, 0.11021293453349057,
    -0.10870534068777626, 0.10726019974599131, -0.059929980558666496,
)  # fmt: skip

_TINY = 2.0**-54  # below, lgamma(x) = -log |x| and digamma(x) = -1/x


def lgamma(x: Term) -> Term:
    """log |Γ(x)|. Largest error above 0: 1.95 ULP in f64, 0.51 in f32.

    Below 0 in f64 it is small only absolutely near the many roots there: see `reflected`.
    """
    if x.dtype == "f32":
        wide = x.to("f64")
        usual = (x > 0.0) & (x < math.inf)
        result = lgamma_right(wide, "f32").to("f32")
        return result.rescue(~usual, lambda: wide.call("lgamma_rare").to("f32"))
    usual = (x >= FORMATS["f64"].smallest_normal) & (x < math.inf)
    return lgamma_right(x, "f64").rescue(~usual, lambda: x.call("lgamma_rare"))


def lgamma_right(x: Term, precision: str) -> Term:
    """lgamma of a positive, normal x.

    With n the integer nearest to x and t = x - n, lgamma(x) is lgamma(2 + t) plus or minus the
    logarithm of a product p, by 5.5.1. Of the two, the logarithm is larger; their sum's rounding
    error is kept.
    """
    n = x.rint()
    t = x - n
    far = x > 4.5
    above = where(n < 3.0, 1.0, x - 1.0) * where(n < 4.0, 1.0, x - 2.0)
    p = where(n < 1.0, fma(x, x, x), where(far | n.equals(1.0), x, above))
    high, low = _logarithm(p, precision)
    down = n < 2.0
    factor, factor_low = _factor_at_two(t, precision)
    product = t * factor
    near, missing = normalised(where(down, -high, high), product)
    missing = missing + fma(t, factor, -product)
    near = near + (missing + fma(t, factor_low, where(down, -low, low)))
    inverse = 1.0 / x
    rest = fma(inverse, polynomial(inverse * inverse, STIRLING[precision]), LEVEL)
    half_below, less = x - 0.5, high - 1.0
    low = low + where(far, (high - less) - 1.0, 0.0)
    stirling = fma(half_below, less, fma(half_below, low, rest))
    return where(far, stirling, near)


def _factor_at_two(t: Term, precision: str) -> Pair:
    """lgamma(2 + t)/t."""
    coefficients, slope = _AT_TWO[precision], t.constant(_SLOPE)
    if precision == "f32":
        return normalised(slope, polynomial(t, coefficients))
    steep, steep_low = normalised(t.constant(coefficients[1]), t * polynomial(t, coefficients[2:]))
    product = t * steep
    rest = fma(t, steep_low, fma(t, steep, -product)) + coefficients[0]
    factor, low = normalised(slope, product)
    return factor, low + rest


def digamma(x: Term) -> Term:
    """ψ(x), the logarithmic derivative of Γ. Largest error above 0: 1.7 ULP in f64, 0.51 in f32.

    Below 0 in f64 it is small only absolutely near the many roots there: see `reflected`.
    """
    usual = (x >= 0.0) & (x < math.inf)
    if x.dtype == "f32":
        wide = x.to("f64")
        result = _digamma_right(wide, "f32").to("f32")
        return result.rescue(~usual, lambda: wide.call("digamma_rare").to("f32"))
    return _digamma_right(x, "f64").rescue(~usual, lambda: x.call("digamma_rare"))


def _digamma_right(x: Term, precision: str) -> Term:
    high, low = digamma_right(x, precision)
    return high + low


def digamma_right(x: Term, precision: str) -> Pair:
    """digamma of x >= 0, as a sum of two.

    With n the integer part of x, ψ(x) is ψ(x - n + 1) plus 1/(x - 1) + 1/(x - 2) for n = 3,
    1/(x - 1) for n = 2, or -1/x for n = 0: by 5.5.2.
    """
    n = Term(x.emitter, x.emitter.floor(x.reg))
    far = x >= 4.0
    first, second = x - 1.0, x - 2.0
    numerator = where(far, 1.0, where(n < 3.0, n - 1.0, first + second))
    denominator = where(n < 3.0, first, first * second)
    divisor = where(far | (n < 2.0), x, denominator)
    quotient = numerator / divisor
    if precision == "f32":
        d = x - (n - 1.0) - _ROOT[0]
        near = fma(d - _ROOT[1], polynomial(d, _AT_ROOT[precision], lead=1), quotient)
        rest = d.constant(0.0)
    else:
        missing = fma(-quotient, divisor, numerator)
        missing = missing - where(n.equals(3.0), quotient * fma(first, second, -denominator), 0.0)
        near, rest = _near_root(x, n, quotient, missing / divisor)
        near, rest = where(x > _TINY, near, quotient), where(x > _TINY, rest, 0.0)
    z = quotient * quotient
    high, low = _logarithm(x, precision)
    low = fma(quotient, -0.5, low) - z * polynomial(z, _DIGAMMA_SERIES[precision])
    return where(far, high, near), where(far, low, rest)


def _near_root(x: Term, n: Term, quotient: Term, rest: Term) -> Pair:
    """quotient + rest + ψ(x - n + 1), which is d P(d); rounding errors are carried along."""
    moved = x - (n - 1.0)
    d = moved - _ROOT[0]
    d_low = (x - (moved + (n - 1.0))) - _ROOT[1]
    coefficients = _AT_ROOT["f64"]
    start = d.constant(coefficients[0])
    factor, factor_low = normalised(start, d * polynomial(d, coefficients[1:], lead=1))
    product = d * factor
    product_low = fma(d, factor, -product) + fma(d, factor_low, d_low * factor)
    total, low = normalised(quotient, product)
    return total, low + (product_low + rest)


def _logarithm(x: Term, precision: str) -> tuple[Term, Term]:
    """log x as a sum of two, for a positive, normal x; zeros for 1."""
    k, f = split(x)
    if precision == "f32":
        return fma(k, LN2["f64"][0], f), f * f * polynomial(f, _LOG1P)
    first, second = SHORT_LN2["f64"]
    whole = k * first
    total = whole + f
    error = (whole - total) + f
    return total, error + fma(k, second, tail(f))


FUNCTIONS = (
    MathsFunction("lgamma", 1, lgamma),
    MathsFunction("digamma", 1, digamma),
)
