"""erf and erfc.

erf is x P(x**2) up to 1, and 1 - exp(Q(x)) beyond, with Q close to log erfc; erfc is
exp(-x**2) P(t)/(1 + A x), t = (x - K)/(x + K), after Shepherd and Laframboise, "Chebyshev
approximation of (1 + 2x) exp(x^2) erfc x" (Mathematics of Computation 36, 1981), with the rounding
errors of x**2 and of the quotient carried along. Polynomials: minimax, made for this module.
"""

from __future__ import annotations

from .exponential import EXP, nearest, power_of_two, remainder, scale_factors
from .formats import LN2, LOG2E
from .registry import MathsFunction
from .terms import Term, fma, normalised, polynomial, where

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

# log(erfc(x)) = P(x) on [1, _ERF_ONE], error 2**-57.1 and 2**-29.9 relative to 1/erfc(x)
_LOG_ERFC = {
    "f64": (
        -5.135114689454735e-07, -1.1283739890614097, -0.6366440671789303,
        -0.10270225583339976, 0.01898797608156048, 0.0004136304006333374,
        -0.00191904687548017, 0.0007731277006053519, -0.00013660962669401398,
        -1.9495185335168957e-05, 2.2521611729416058e-05, -8.575187551051165e-06,
        2.113912155344859e-06, -3.693993185775555e-07, 4.5910476568665825e-08,
        -3.8878692472031116e-09, 2.019099301656326e-10, -4.861761547972356e-12,
    ),
    "f32": (
        -0.0003539788303896785, -1.1270389556884766, -0.6382275223731995,
        -0.10303571820259094, 0.021804504096508026, -0.0029393977019935846,
        0.00018555209680926055,
    ),
}  # fmt: skip
_ERF_ONE = {"f64": 5.95, "f32": 4.0}  # erf rounds to 1 from here on

# (1 + A x) exp(x**2) erfc(x) = _START + P((x - K)/(x + K)), error 2**-57.5 and 2**-29.0.
# With A = 2/sqrt(pi) it starts level at 0, so that the rounding of t hardly matters.
_SLOPE = {"f64": 1.1283791670955126, "f32": 1.128379225730896}
_MIDDLE = {"f64": 3.5, "f32": 3.0}
_START = {"f64": 0.7685990958080297, "f32": 0.7849447131156921}
_SCALED_ERFC = {
    "f64": (
        -4.126368827215599e-17, -0.20505644068835152, 0.09564533477514633,
        -0.015293751984950185, -0.023779730602992582, 0.02983736510236538,
        -0.02014696261276563, 0.008926831791572614, -0.0022615411427567263,
        -4.478097231003099e-05, 0.0002713155035455399, -7.05931128831132e-05,
        -1.8321742693716636e-05, 1.2978743932789295e-05, 6.542843181859488e-07,
        -1.992298018298855e-06, 5.312759470356469e-08, 3.138879115497822e-07,
        -9.689180765214242e-09, -5.0271731009165656e-08, -2.861312676905667e-09,
        6.002987209257775e-09, 1.3535931023801225e-09,
    ),
    "f32": (
        -2.0482490370454798e-08, -0.21869201958179474, 0.08020249754190445,
        0.007723276037722826, -0.03605903312563896, 0.027899444103240967,
        -0.011564704589545727, 0.0017641915474087, 0.0008697145967744291,
        -0.0004311743541620672, -0.0001294481917284429,
    ),
}  # fmt: skip
_ERFC_ZERO = {"f64": 27.3, "f32": 10.1}  # erfc rounds to 0 from here on


def erf(x: Term) -> Term:
    """Largest error: 0.xx ULP in f64, 0.xx in f32."""
    size = abs(x).at_most(_ERF_ONE[x.dtype])
    z = size * size
    near = fma(size, polynomial(z, _ERF[x.dtype], 4, lead=3), size)
    far = 1.0 - _exp_below_zero(polynomial(size, _LOG_ERFC[x.dtype], 4))
    return where(size < 1.0, near, far).copysign(x)


def _exp_below_zero(x: Term) -> Term:
    """exp(x), moderately accurate, where the result is normal."""
    n = nearest(x, LOG2E[x.dtype][0])
    _, r, _ = remainder(x, n)
    scale = power_of_two(n)
    return fma(fma(r * r, polynomial(r, EXP[x.dtype]), r), scale, scale)


def erfc(x: Term) -> Term:
    """Largest error: 0.xx ULP in f64, 0.xx in f32."""
    size = abs(x).at_most(_ERFC_ZERO[x.dtype])
    factor, factor_low = _scaled_erfc(size)
    square = size * size
    n = nearest(square, -LOG2E[x.dtype][0])
    high, low = LN2[x.dtype]
    first = fma(n, -high, -square)
    last = fma(n, -low, -fma(size, size, -square))
    r = first + last
    fraction = first + fma(r * r, polynomial(r, EXP[x.dtype]), last)
    result = factor + fma(fraction, factor, factor_low)
    for scale in scale_factors(n):
        result = result * scale
    return where(x < 0.0, 2.0 - result, result)


def _scaled_erfc(x: Term) -> tuple[Term, Term]:
    """exp(x**2) erfc(x) as a sum of two, for x >= 0, by one division for two quotients."""
    middle, slope = _MIDDLE[x.dtype], _SLOPE[x.dtype]
    above, divisor = x + middle, fma(x, slope, 1.0)
    inverse = 1.0 / (above * divisor)
    t = (x - middle) * (inverse * divisor)
    start = x.constant(_START[x.dtype])
    high, low = normalised(start, polynomial(t, _SCALED_ERFC[x.dtype], 4, lead=2))
    inverse = inverse * above
    quotient = high * inverse
    divisor_low = fma(x, slope, 1.0 - divisor)
    error = fma(-quotient, divisor_low, fma(-quotient, divisor, high) + low)
    return quotient, error * inverse


FUNCTIONS = (
    MathsFunction("erf", 1, erf),
    MathsFunction("erfc", 1, erfc),
)
