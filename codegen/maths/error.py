"""erf, erfc, erfcx, ndtr.

erf is x P(x**2) up to 1, and 1 - exp(Q(x)) beyond, with Q close to log erfc; erfc is
exp(-x**2) P(t)/(1 + A x), t = (x - K)/(x + K), after Shepherd and Laframboise, "Chebyshev
approximation of (1 + 2x) exp(x^2) erfc x" (Mathematics of Computation 36, 1981), with the rounding
errors of x**2 and of the quotient carried along. Polynomials: minimax, made for this module.
"""

from __future__ import annotations

import math

from .exponential import EXP, nearest, power_of_two, remainder, scale_factors
from .formats import LN2, LOG2E
from .power import exponential_parts
from .registry import MathsFunction
from .terms import Pair, Term, fma, normalised, polynomial, where

# erf(x) = x + x P(x**2) on |x| <= 1, relative error 2**-56.0 and 2**-29.3
_ERF = {
    "f64": (
        0.12837916709551256, -0.3761263890318346, 0.11283791670942667, -0.02686617064293286,
        0.005223977604946536, -0.0008548325882213085, 0.0001205529235887378,
        -1.4924691625426221e-05, 1.6446902462821112e-06, -1.6204718221306713e-07,
        1.370464172269086e-08, -7.768512351368076e-10,
    ),
    "f32": (
        0.12837916612625122, -0.3761262595653534, 0.1128358244895935, -0.026853643357753754,
        0.005187963135540485, -0.0008006803691387177, 7.842346531106159e-05,
    ),
}  # fmt: skip

# log(erfc(x)) = P(x - 1) on [1, _ERF_ONE], error 2**-56.9 and 2**-26.9 in erfc
_LOG_ERFC = {
    "f64": (
        -1.8496055099332482, -2.638967514234782, -0.8431072563592096, -0.04156109802815211,
        0.010033825205010392, -0.0019779013512614034, 0.0002373169054381731,
        2.62951920033421e-05, -2.7197017004310084e-05, 9.668922861540789e-06,
        -2.1296735377773244e-06, 2.0326742289122992e-07, 5.878432653777487e-08,
        -3.367076363290116e-08, 8.589713889025824e-09, -1.3310602468600692e-09,
        1.2052537835803428e-10, -4.919119717804208e-12,
    ),
    "f32": (
        -1.8496055603027344, -2.6389646530151367, -0.8431416749954224, -0.04140692204236984,
        0.009725240990519524, -0.00169665040448308, 0.00014926490257494152,
    ),
}  # fmt: skip
_ERF_ONE = {"f64": 5.95, "f32": 4.0}  # erf rounds to 1 from here on

# (1 + A x) exp(x**2) erfc(x) = _START + P((x - 3.5)/(x + 3.5)), error 2**-57.5.
# With A = 2/sqrt(pi) it starts level at 0, so that the rounding of t hardly matters.
_SLOPE = 1.1283791670955126
_START = 0.7685990958080297
ROOT_HALF = (0.7071067811865476, -4.833646656726457e-17)
_SCALED_ERFC = (
    -4.126368827215599e-17, -0.20505644068835152, 0.09564533477514633,
    -0.015293751984950185, -0.023779730602992582, 0.02983736510236538,
    -0.02014696261276563, 0.008926831791572614, -0.0022615411427567263,
    -4.478097231003099e-05, 0.0002713155035455399, -7.05931128831132e-05,
    -1.8321742693716636e-05, 1.2978743932789295e-05, 6.542843181859488e-07,
    -1.992298018298855e-06, 5.312759470356469e-08, 3.138879115497822e-07,
    -9.689180765214242e-09, -5.0271731009165656e-08, -2.861312676905667e-09,
    6.002987209257775e-09, 1.3535931023801225e-09,
)  # fmt: skip

# For f32: (1 + 2 x) exp(x**2) erfc(x) = P((x - 3)/(x + 3)), error 2**-30.4
_SCALED_ERFC_F32 = (
    1.2530080588780221, -0.1356211127573075, -0.04756237718249276, 0.1296454197724177,
    -0.11927173284907681, 0.06830582560686795, -0.023787203968525485, 0.0025306344422018887,
    0.0019497849493888757, -0.0007432523912115054, -0.00018386296660050046,
    3.51529235344754e-05,
)  # fmt: skip


# erfcx(x) = (1 + P(1/x**2)/x**2) / (x sqrt(pi)): (-1)**k (2 k - 1)!! / 2**k, k = 1, 2, ...
_ERFCX_FAR = 26.0
_ONE_OVER_ROOT_PI = 0.5641895835477563
_ERFCX_SERIES = (-0.5, 0.75, -1.875, 6.5625, -29.53125, 162.421875, -1055.7421875)

# exp(r) = 1 + r * P(r) on |r| <= ln(2)/2, relative error 2**-34
_EXP_F32 = (
    0.9999999999738043, 0.5000000079089246, 0.16666666954013185, 0.04166626725812503,
    0.00833325392718147, 0.0013946216438068572, 0.00019922110668265029,
)  # fmt: skip


def erf(x: Term) -> Term:
    """Largest error: 0.97 ULP in f64, 0.96 in f32."""
    size = abs(x).at_most(_ERF_ONE[x.dtype])
    z = size * size
    near = fma(size, polynomial(z, _ERF[x.dtype], 4, lead=3), size)
    far = 1.0 - _exp_below_zero(polynomial(size - 1.0, _LOG_ERFC[x.dtype], 4, lead=2))
    return where(size < 1.0, near, far).copysign(x)


def erf_factor(square: Term) -> Term:
    """erf(x)/x - 1 in f64, given x**2 <= 1."""
    return polynomial(square, _ERF["f64"], 4, lead=3)


def _exp_below_zero(x: Term) -> Term:
    """exp(x), moderately accurate, where the result is normal."""
    n = nearest(x, LOG2E[x.dtype][0])
    _, r, _ = remainder(x, n)
    scale = power_of_two(n)
    return fma(fma(r * r, polynomial(r, EXP[x.dtype]), r), scale, scale)


def erfc(x: Term) -> Term:
    """Largest error: 1.5 ULP in f64, 0.52 in f32."""
    if x.dtype == "f32":
        return _erfc_in_f64(x.to("f64")).to("f32")
    size = abs(x).at_most(27.3)  # where erfc rounds to 0
    square = size * size
    result = _scaled(*erfc_parts(scaled_erfc(size), (square, fma(size, size, -square))))
    return where(x < 0.0, 2.0 - result, result)


def ndtr(x: Term) -> Term:
    """The normal distribution's function, erfc(-x/√2)/2. Largest error: 1.4 ULP, 0.501 in f32.

    x/√2 is a sum of two, whose second part moves erfcx along its tangent; its square is x²/2.
    """
    if x.dtype == "f32":
        return x.to("f64").call("ndtr").to("f32")
    size = abs(x).at_most(38.7)  # where it rounds to 0
    u = size * ROOT_HALF[0]
    u_low = fma(size, ROOT_HALF[0], -u) + size * ROOT_HALF[1]
    factor, factor_low = scaled_erfc(u)
    slope = fma(u + u, factor, -_SLOPE)
    square, half = size * size, size * 0.5
    halved = square * 0.5, fma(half, size, -square * 0.5)
    high, low, n = erfc_parts((factor, fma(slope, u_low, factor_low)), halved)
    result = _scaled(high, low, n - 1.0)
    return where(x > 0.0, 1.0 - result, result)


def erfc_parts(scaled: Pair, square: Pair) -> tuple[Term, Term, Term]:
    """high, low and n with (high + low) 2**n = erfcx(x) exp(-x**2), given both factors' parts."""
    factor, factor_low = scaled
    n = nearest(square[0], -LOG2E["f64"][0])
    first = fma(n, -LN2["f64"][0], -square[0])
    last = fma(n, -LN2["f64"][1], -square[1])
    r = first + last
    tail = fma(r * r, polynomial(r, EXP["f64"]), last)
    product = first * factor
    leading, missing = normalised(factor, product)
    missing = missing + fma(first, factor, -product)
    low = fma(first, factor_low, fma(tail, factor, factor_low))
    return leading, missing + low, n


def _scaled(high: Term, low: Term, n: Term) -> Term:
    """(high + low) 2**n."""
    result = high + low
    for scale in scale_factors(n):
        result = result * scale
    return result


def erfcx(x: Term) -> Term:
    """exp(x**2) erfc(x). Largest error: 1.2 ULP in f64, 0.501 in f32.

    Below 0 it is 2 exp(x**2) - erfcx(-x); far on the right a series in 1/x**2, DLMF 7.12.1.
    """
    if x.dtype == "f32":
        return x.to("f64").call("erfcx").to("f32")
    size = abs(x)
    far = size > _ERFCX_FAR
    high, low = scaled_erfc(size.at_most(_ERFCX_FAR))
    inverse = 1.0 / size.at_least(_ERFCX_FAR)
    z = inverse * inverse
    first = _ONE_OVER_ROOT_PI / size.at_least(_ERFCX_FAR)
    series = fma(first * z, polynomial(z, _ERFCX_SERIES), first)
    right = where(far, series, high + low)
    return right.rescue(~(x >= 0.0), lambda: x.call("erfcx_rare"))


def erfcx_rare(x: Term) -> Term:
    """erfcx below 0, or of a nan."""
    size = abs(x).at_most(27.0)  # where it has overflowed
    high, low = scaled_erfc(size)
    square = size * size
    fraction, n = exponential_parts(square, fma(size, size, -square))
    left, left_low = normalised(x.constant(1.0), fraction)
    for factor in scale_factors(n + 1.0):
        left, left_low = left * factor, left_low * factor
    total = left - high
    result = total + ((((left - total) - high) + left_low) - low)
    return where(x.is_nan(), x, where(left < math.inf, result, left))


def scaled_erfc(x: Term) -> Pair:
    """exp(x**2) erfc(x) as a sum of two, for x >= 0, by one division for two quotients."""
    above, divisor = x + 3.5, fma(x, _SLOPE, 1.0)
    inverse = 1.0 / (above * divisor)
    t = (x - 3.5) * (inverse * divisor)
    start = x.constant(_START)
    high, low = normalised(start, polynomial(t, _SCALED_ERFC, 4, lead=4))
    inverse = inverse * above
    quotient = high * inverse
    divisor_low = fma(x, _SLOPE, 1.0 - divisor)
    error = fma(-quotient, divisor_low, fma(-quotient, divisor, high) + low)
    return quotient, error * inverse


def _erfc_in_f64(x: Term) -> Term:
    """erfc to the accuracy of f32, whose exponents are all normal here."""
    size = abs(x).at_most(10.5)  # where erfc rounds to 0 in f32
    above, divisor = size + 3.0, fma(size, 2.0, 1.0)
    inverse = 1.0 / (above * divisor)
    t = (size - 3.0) * (inverse * divisor)
    square = size * size
    n = nearest(square, -LOG2E["f64"][0])
    r = fma(n, -LN2["f64"][0], -square)
    exponential = fma(r * polynomial(r, _EXP_F32), (scale := power_of_two(n)), scale)
    result = exponential * polynomial(t, _SCALED_ERFC_F32) * (inverse * above)
    return where(x < 0.0, 2.0 - result, result)


FUNCTIONS = (
    MathsFunction("erf", 1, erf),
    MathsFunction("erfc", 1, erfc),
    MathsFunction("ndtr", 1, ndtr),
    MathsFunction("erfcx", 1, erfcx),
    MathsFunction("erfcx_rare", 1, erfcx_rare, cold=True),
)
