"""Bessel functions of orders 0 and 1. Numbers of formulas are DLMF's.

Up to 8 (of K: 2) each is a Chebyshev series, times or plus what it does at 0 (10.2.2, 10.8.1,
10.25.2, 10.31.1); beyond, a series in 1/x in Hankel's expansions (10.17, 10.40). The division of
the line is Cephes'. All are computed in float64; J and Y have a small absolute error, compared with
the size of their oscillation, the others a small relative one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..builder import Builder, Handle

# Series c₀/2 + Σ c_k T_k(t), made for this module by `tests/ops/chebyshev.py`.
# fmt: off
_I0_NEAR = (
    0.6767952744094761, -0.3046826723431984, 0.17162090152220877, -0.09490109704804764,
    0.04930528423967071, -0.02373741480589947, 0.010546460394594998, -0.004324309995050576,
    0.0016394756169413357, -0.0005763755745385824, 0.00018850288509584165, -5.754195010082104e-05,
    1.6448448070728896e-05, -4.4167383584587505e-06, 1.1173875391201037e-06,
    -2.670793853940612e-07, 6.046995022541919e-08, -1.300025009986248e-08, 2.6598237246823866e-09,
    -5.189795601635263e-10, 9.675809035373237e-11, -1.726826291441556e-11, 2.95505266312964e-12,
    -4.856446783111929e-13, 7.676185498604936e-14, -1.1685332877993451e-14, 1.715391285555133e-15,
    -2.431279846547955e-16, 3.3307945188222384e-17,
)
_I0_FAR = (
    0.8044904110141088, 0.0033691164782556943, 6.889758346916825e-05, 2.8913705208347567e-06,
    2.0489185894690638e-07, 2.266668990498178e-08, 3.3962320257083865e-09, 4.94060238822497e-10,
    1.1889147107846439e-11, -3.1499165279632416e-11, -1.3215811840447713e-11,
    -1.7941785315068062e-12, 7.180124451383666e-13, 3.8527783827421426e-13, 1.54008621752141e-14,
    -4.150569347287222e-14, -9.554846698828307e-15, 3.8116806693526224e-15,
    1.7725601330565263e-15, -3.425485619677219e-16, -2.8276239805165836e-16,
    3.461222867697461e-17, 4.46562142029676e-17,
)
_K0_FAR = (
    2.4403030820659555, -0.0314481013119645, 0.0015698838857300533, -0.00012849549581627802,
    1.39498137188765e-05, -1.8317555227191195e-06, 2.766813639445015e-07, -4.660489897687948e-08,
    8.574034017414225e-09, -1.6975345093890614e-09, 3.5773972814003283e-10,
    -7.957489244477396e-11, 1.8559491149549264e-11, -4.514597883374519e-12,
    1.1403405882073441e-12, -2.9800969231481784e-13, 8.032890775068375e-14,
    -2.2275133267462965e-14, 6.340076476276646e-15, -1.848593377920907e-15,
    5.5120559994043335e-16, -1.6782311257549006e-16, 5.2103917776435543e-17,
)
_J0_NEAR = (
    0.31545594294978024, -0.008723442352852221, 0.2651786132033368, -0.37009499387264977,
    0.15806710233209725, -0.034893769411408884, 0.004819180069467605, -0.00046062616620627504,
    3.246032882100508e-05, -1.7619469077621507e-06, 7.608163592418782e-08, -2.679253530557673e-09,
    7.848696314479465e-11, -1.9438346867370164e-12, 4.125320595634374e-14, -7.588508125447546e-16,
    1.2218515873961411e-17,
)
_P0 = (
    1.9989206986950374, -0.0005365220468132117, 3.0751847875194745e-06, -5.1705945376060975e-08,
    1.6306464635151382e-09, -7.86409137723707e-11, 5.168262387349193e-12, -4.3045788699253914e-13,
    4.3265957431549404e-14, -5.069034095935236e-15, 6.748072215733873e-16,
    -1.0011513723467786e-16,
)
_Q0 = (
    -0.031111709210674018, 6.838519942611649e-05, -7.414498411060647e-07, 1.7972457247968992e-08,
    -7.27191593686632e-10, 4.2201219046687385e-11, -3.206747420996635e-12, 3.006145125351706e-13,
    -3.336328185322427e-14, 4.255225040245461e-15, -6.09993013164005e-16, 9.662128970303257e-17,
    -1.6686065214378146e-17, 3.1082440486738143e-18,
)
_I1_NEAR = (
    0.25258718644363365, -0.17641651835783406, 0.1026436586898471, -0.05294598120809499,
    0.024726449030626516, -0.010564084894626197, 0.004156422944312888, -0.0015135724506312532,
    0.0005122859561685758, -0.00016176081582589674, 4.781565107550054e-05,
    -1.3273163656039436e-05, 3.4702513081376785e-06, -8.568720264695455e-07,
    2.0032947535521353e-07, -4.445059128796328e-08, 9.381537386495773e-09,
    -1.8872497517228294e-09, 3.625590281552117e-10, -6.663489723502027e-11,
    1.1736186298890901e-11, -1.9839743977649436e-12, 3.223793365945575e-13,
    -5.042185504727912e-14, 7.600684294735408e-15, -1.1055969477353862e-15,
    1.5536319577362005e-16, -2.111421214358166e-17,
)
_I1_FAR = (
    0.7785762350182801, -0.009761097491361469, -0.00011058893876262371, -3.882564808877691e-06,
    -2.512236237870209e-07, -2.6314688468895196e-08, -3.835380385964237e-09,
    -5.589743462196584e-10, -1.8974958123505413e-11, 3.2526035830154884e-11,
    1.4125807436613782e-11, 2.0356285441470896e-12, -7.198551776245908e-13,
    -4.0835511110921974e-13, -2.1015418427726643e-14, 4.272440016711951e-14,
    1.0420276984128802e-14, -3.8144030724370075e-15, -1.8803547755107825e-15,
    3.3082023109209285e-16, 2.96262899764595e-16, -3.209525921993424e-17, -4.6503053684893586e-17,
)
_K1_FAR = (
    2.7206261904844427, 0.10392373657681724, -0.002857816859622779, 0.00019521551847135162,
    -1.936197974166083e-05, 2.406484947837217e-06, -3.5019606030878126e-07,
    5.7410841254500495e-08, -1.0345762465678097e-08, 2.0150497551970347e-09,
    -4.1903547593419254e-10, 9.218315187605315e-11, -2.129967838427791e-11, 5.139639673482343e-12,
    -1.2891739609498229e-12, 3.348419666052243e-13, -8.976705182010146e-14,
    2.4771544242195988e-14, -7.0198370892147685e-15, 2.038703166239861e-15,
    -6.057047270643018e-16, 1.8380935752430455e-16, -5.689462849193648e-17,
)
_J1_NEAR = (
    0.16208969265131623, -0.1489751450676521, 0.1609992623572097, -0.08268049176681791,
    0.022213639654966037, -0.003646940600769276, 0.0004050337728354822, -3.255554866857259e-05,
    1.9858774049915165e-06, -9.521984756750436e-08, 3.687133759097148e-09, -1.178026622695885e-10,
    3.160154580348003e-12, -7.221755239651773e-14, 1.4232144003513942e-15,
    -2.4441972916190464e-17,
)
_P1 = (
    2.0018060817200274, 0.0008989898330859408, -3.987284300488908e-06, 6.177633960644299e-08,
    -1.8718907491063067e-09, 8.816898659582339e-11, -5.704863640395645e-12, 4.699195515230542e-13,
    -4.6842237839904895e-14, 5.452674896044717e-15, -7.221180842274018e-16,
    1.0667689114335412e-16,
)
_Q1 = (
    0.09355557413907065, -9.62772354915708e-05, 9.138615257955454e-07, -2.0959781384083424e-08,
    8.229193327650554e-10, -4.686363688176945e-11, 3.5152187949686082e-12, -3.2643156743279e-13,
    3.5967765829165294e-14, -4.5612523950772974e-15, 6.508282957783384e-16,
    -1.0269147531823243e-16, 1.767635548776479e-17, -3.2834519872981614e-18,
)
_K0_NEAR = (
    -0.5353273932339028, 0.3442898999246285, 0.0359799365153615, 0.001264615411446926,
    2.286212103119452e-05, 2.5347910790261494e-07, 1.904516377220209e-09, 1.0349695257633625e-11,
    4.2598161427910826e-14, 1.3744654358807508e-16,
)
_K1_NEAR = (
    1.5253002273389478, -0.3531559607765449, -0.12261118082265715, -0.006975723859639864,
    -0.0001730288957513052, -2.4334061415659684e-06, -2.213387630734726e-08,
    -1.4114883926335278e-10, -6.666901694199329e-13, -2.427449850519366e-15,
)
_Y0_NEAR = (
    -0.06629222640656988, -0.2744743055297453, 0.17903431407718265, 0.26156734625504663,
    -0.17730201278114358, 0.04719668959576339, -0.007287962479552079, 0.0007531135932577742,
    -5.632079141056987e-05, 3.206532537654801e-06, -1.44072332740187e-07, 5.248794787330516e-09,
    -1.5837552541812015e-10, 4.02633081830612e-12, -8.747341203310769e-14, 1.6434898714919468e-15,
    -2.6977881152566837e-17,
)
_Y1_NEAR = (
    0.005076026471483563, -0.01608717304766875, -0.09591204536083074, 0.08445197259652346,
    -0.028328123944594365, 0.005289897544167113, -0.0006414551451326356, 5.505982873338744e-05,
    -3.53808001868935e-06, 1.7707804556154404e-07, -7.11055004989928e-09, 2.344337905911516e-10,
    -6.4651518414115946e-12, 1.51429151205002e-13, -3.0511859694473254e-15, 5.34668038572867e-17,
)
# fmt: on

_EDGE = 8.0
_EDGE_OF_K = 2.0


def _plus(b: Builder, x: Handle, value: float) -> Handle:
    return b.add(x, b.full_like(x, value))


def _limited(b: Builder, x: Handle, low: float, high: float) -> Handle:
    """x brought between two bounds; a nan becomes one of them."""
    x = b.select(b.compare("lt", x, b.full_like(x, high)), x, b.full_like(x, high))
    return b.select(b.compare("gt", x, b.full_like(x, low)), x, b.full_like(x, low))


def chebyshev(b: Builder, t: Handle, coefficients: Sequence[float]) -> Handle:
    """c₀/2 + Σ c_k T_k(t) by Clenshaw's recurrence (3.11.15)."""
    twice = b.add(t, t)
    last = b.full_like(t, coefficients[-1])
    before = b.zeros_like(t)
    for coefficient in reversed(coefficients[1:-1]):
        last, before = _plus(b, b.sub(b.mul(twice, last), before), coefficient), last
    return _plus(b, b.sub(b.mul(t, last), before), coefficients[0] / 2)


def _near_and_far(b: Builder, size: Handle, edge: float) -> tuple[Handle, Handle, Handle]:
    """Is a size at most `edge`? And the size, limited to either side."""
    near = b.compare("le", size, b.full_like(size, edge))
    return near, _limited(b, size, 0.0, edge), _limited(b, size, edge, math.inf)


def _answer(b: Builder, x: Handle, value: Handle, at_infinity: float = 0.0) -> Handle:
    """The value, but what it is at infinity; of a nan a nan."""
    infinite = b.compare("eq", b("abs", x), b.full_like(x, math.inf))
    value = b.select(infinite, b.full_like(x, at_infinity), value)
    return b.select(b.compare("ne", x, x), x, value)


def _of_positive(b: Builder, x: Handle, value: Handle, at_zero: float) -> Handle:
    """The value for x > 0, a limit for 0, nan below."""
    value = _answer(b, x, value)
    value = b.select(b.compare("eq", x, b.zeros_like(x)), b.full_like(x, at_zero), value)
    return b.select(b.compare("lt", x, b.zeros_like(x)), b.full_like(x, math.nan), value)


def _odd(b: Builder, x: Handle, value: Handle) -> Handle:
    return b.select(b.compare("lt", x, b.zeros_like(x)), b.neg(value), value)


# --- I and K ---


def _scaled_i(b: Builder, x: Handle, order: int) -> Handle:
    """e^-|x| I(|x|)."""
    size = b("abs", x)
    near, low, high = _near_and_far(b, size, _EDGE)
    first = chebyshev(b, _plus(b, b.scale(low, 0.25), -1), (_I0_NEAR, _I1_NEAR)[order])
    first = b.mul(first, low) if order else first
    inverse = b.div(b.full_like(high, 16), high)
    second = chebyshev(b, _plus(b, inverse, -1), (_I0_FAR, _I1_FAR)[order])
    return b.select(near, first, b.div(second, b("sqrt", high)))


def i0e(b: Builder, x: Handle) -> Handle:
    return _answer(b, x, _scaled_i(b, x, 0))


def i1e(b: Builder, x: Handle) -> Handle:
    return _odd(b, x, _answer(b, x, _scaled_i(b, x, 1)))


def _grown(b: Builder, x: Handle, value: Handle, sign: float) -> Handle:
    """e^(±|x|) · value, in two steps, so that it does not overflow where the product does not."""
    half = b("exp", b.scale(b("abs", x), 0.5 * sign))
    return b.mul(b.mul(half, value), half)


def i0(b: Builder, x: Handle) -> Handle:
    return _answer(b, x, _grown(b, x, _scaled_i(b, x, 0), 1), math.inf)


def i1(b: Builder, x: Handle) -> Handle:
    return _odd(b, x, _answer(b, x, _grown(b, x, _scaled_i(b, x, 1), 1), math.inf))


def _k(b: Builder, x: Handle, order: int, *, scaled: bool) -> Handle:
    """K(x), or e^x K(x), for x > 0."""
    near, low, high = _near_and_far(b, x, _EDGE_OF_K)
    low = b.select(b.compare("gt", low, b.zeros_like(low)), low, b.full_like(low, 1))
    t = _plus(b, b.scale(b.mul(low, low), 0.5), -1)
    first = chebyshev(b, t, (_K0_NEAR, _K1_NEAR)[order])
    logarithm = b.mul(b("log", b.scale(low, 0.5)), (i0, i1)[order](b, low))
    first = b.add(b.div(first, low), logarithm) if order else b.sub(first, logarithm)
    inverse = b.div(b.full_like(high, 4), high)
    second = chebyshev(b, _plus(b, inverse, -1), (_K0_FAR, _K1_FAR)[order])
    second = b.div(second, b("sqrt", high))
    if scaled:
        first = b.mul(first, b("exp", low))
    else:
        second = _grown(b, high, second, -1)
    return _of_positive(b, x, b.select(near, first, second), math.inf)


def k0(b: Builder, x: Handle) -> Handle:
    return _k(b, x, 0, scaled=False)


def k1(b: Builder, x: Handle) -> Handle:
    return _k(b, x, 1, scaled=False)


def k0e(b: Builder, x: Handle) -> Handle:
    return _k(b, x, 0, scaled=True)


def k1e(b: Builder, x: Handle) -> Handle:
    return _k(b, x, 1, scaled=True)


# --- J and Y ---

_PHASES = ((_P0, _Q0), (_P1, _Q1))


def _oscillation(b: Builder, x: Handle, order: int, *, second: bool) -> Handle:
    """J, or Y, beyond 8, as a wave of the phase χ = x - (2n + 1)π/4.

    √2 cos χ and √2 sin χ are sums and differences of sin x and cos x.
    """
    inverse = b.div(b.full_like(x, 8), x)
    t = _plus(b, b.scale(b.mul(inverse, inverse), 2), -1)
    p, q = (chebyshev(b, t, series) for series in _PHASES[order])
    q = b.mul(q, inverse)
    sine, cosine = b("sin", x), b("cos", x)
    total, difference = b.add(sine, cosine), b.sub(sine, cosine)
    c, s = (difference, b.neg(total)) if order else (total, difference)
    wave = b.add(b.mul(p, s), b.mul(q, c)) if second else b.sub(b.mul(p, c), b.mul(q, s))
    return b.div(wave, b.scale(b("sqrt", x), math.sqrt(math.pi)))


def _j(b: Builder, x: Handle, order: int) -> Handle:
    """J(|x|)."""
    near, low, high = _near_and_far(b, b("abs", x), _EDGE)
    t = _plus(b, b.scale(b.mul(low, low), 1 / 32), -1)
    first = chebyshev(b, t, (_J0_NEAR, _J1_NEAR)[order])
    first = b.mul(first, low) if order else first
    far = b.select(b.compare("lt", high, b.full_like(high, math.inf)), high, b.full_like(high, 9))
    return _answer(b, x, b.select(near, first, _oscillation(b, far, order, second=False)))


def j0(b: Builder, x: Handle) -> Handle:
    return _j(b, x, 0)


def j1(b: Builder, x: Handle) -> Handle:
    zero = b.compare("eq", x, b.zeros_like(x))
    return b.select(zero, x, _odd(b, x, _j(b, x, 1)))  # -0 as well


def _y(b: Builder, x: Handle, order: int) -> Handle:
    near, low, high = _near_and_far(b, x, _EDGE)
    low = b.select(b.compare("gt", low, b.zeros_like(low)), low, b.full_like(low, 1))
    t = _plus(b, b.scale(b.mul(low, low), 1 / 32), -1)
    regular = chebyshev(b, t, (_Y0_NEAR, _Y1_NEAR)[order])
    singular = b.mul(b("log", low), _j(b, low, order))
    if order:
        regular = b.mul(regular, low)
        singular = b.sub(singular, b.div(b.full_like(low, 1), low))
    first = b.add(regular, b.scale(singular, 2 / math.pi))
    far = b.select(b.compare("lt", high, b.full_like(high, math.inf)), high, b.full_like(high, 9))
    wave = _oscillation(b, far, order, second=True)
    return _of_positive(b, x, b.select(near, first, wave), -math.inf)


def y0(b: Builder, x: Handle) -> Handle:
    return _y(b, x, 0)


def y1(b: Builder, x: Handle) -> Handle:
    return _y(b, x, 1)
