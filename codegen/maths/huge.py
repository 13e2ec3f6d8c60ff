"""Arguments of sin, cos and tan that are too large for subtractions, reduced as Payne and Hanek do.

x = m 2**e with an integer m. Of 2/pi only 192 bits count: those before them give whole turns, those
behind them next to nothing. Their product with m, modulo 2**192, is x 2/pi modulo 4 in fixed point:
two bits of the quadrant, and a fraction, of which the leading zeros are shifted out. (Payne and
Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter 18, 1983.) No float64 comes
closer to a multiple of pi/2 than 2**-61, so that some 70 bits are right at least.

This is integer arithmetic of single numbers, done for lane after lane: it is rare.
"""

from __future__ import annotations

import itertools

from ..control import for_loop, integer
from ..emitter import Reg
from .registry import MathsFunction
from .terms import Pair, Term, product

# 64 zeros, and 1216 bits of 2/pi behind the point
_TABLE = (
    0, -6703182060581546711, -277156292786332224, -2638381946312093631, -121206125134887583,
    -5249950069107600672, 452944820249399836, -135693905287338178, -1692731182770600828,
    -1613291254968254911, 4148332274289687028, -7168499653074671557, 2303758334597371919,
    -1211730484530615009, 7869616827067468215, 5712322887342352941, 8441921394348257659,
    4397547296490951402, 7780917995555872008, 6197850593633725355,
)  # fmt: skip
_NAME = "fg.two_over_pi"
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17)


def reduced(x: Term) -> tuple[Term, Pair]:
    """The quadrant in the low bits of an integer, and x less that many quarter turns.

    `x` is f64, and finite where the answer counts.
    """
    high, low = (_each_lane(x, name) for name in ("huge_high", "huge_low"))
    angle = product((high, low), (x.constant(_HALF_PI[0]), x.constant(_HALF_PI[1])))
    return low.bits(), angle


def _each_lane(x: Term, function: str) -> Term:
    """A function of single numbers, of one lane after the other."""
    e, one = x.emitter, x.emitter.sibling(1)
    if e.lanes == 1:
        return x.call(function)
    memory = e.emit(f"alloca {e.type('f64')}", "ptr").name
    e.write(f"store {e.typed(x.reg)}, ptr {memory}")

    def replace(lane: Reg) -> None:
        place = one.emit(f"getelementptr double, ptr {memory}, i64 {lane.name}", "ptr").name
        value = one.call(function, one.emit(f"load double, ptr {place}", "f64"))
        one.write(f"store {one.typed(value)}, ptr {place}")

    for_loop(one, integer(0), integer(e.lanes), 1, replace)
    return Term(e, e.emit(f"load {e.type('f64')}, ptr {memory}", "f64"))


def _high(x: Term) -> Term:
    """The fraction of a quarter turn, from -1/2 to 1/2, rounded towards 0."""
    return _fraction(x)[0]


def _low(x: Term) -> Term:
    """What `_high` lacks; the two lowest bits are the quadrant."""
    _, low, quadrant = _fraction(x)
    return ((low.bits() & -4) | quadrant).as_float()


def _fraction(x: Term) -> tuple[Term, Term, Term]:
    quadrant, words = _turned(x)
    minus = Term(x.emitter, x.emitter.shift_right_signed(words[0].reg, words[0].lift(63)))
    first, second, third = (word ^ minus for word in words)
    zeros = _leading_zeros(first)
    top, rest = _funnel(first, second, zeros), _funnel(second, third, zeros)
    scale = ((zeros ^ -1) + (1023 - 53 + 1)) << 52
    negative = x.bits() >> 63
    sign = (minus ^ negative) & 1
    factor = (scale | (sign << 63)).as_float()
    high = (top >> 11).to("f64") * factor
    low = (_funnel(top, rest, top.constant(53)) >> 1).to("f64") * (factor * 2.0**-63)
    return high, low, ((quadrant ^ -negative) + negative) & 3  # -q where x < 0


def _turned(x: Term) -> tuple[Term, tuple[Term, Term, Term]]:
    """|x| 2/pi as a quadrant and a signed fraction: 192 bits, most significant word first."""
    bits = x.bits()
    mantissa = (bits & ((1 << 52) - 1)) | (1 << 52)
    exponent = ((bits >> 52) & 0x7FF) - 1075
    exponent = _at_least(exponent, -60)  # lanes that are not huge come along
    place = exponent + 62
    words = _words(place >> 6, 4)
    shift = place & 63
    parts = [_funnel(a, b, shift) for a, b in itertools.pairwise(words)]
    low, middle, high = _product_of(mantissa, parts[2], parts[1], parts[0])
    quadrant = (high + (1 << 61)) >> 62
    two = high.constant(2)
    return quadrant, (_funnel(high, middle, two), _funnel(middle, low, two), low << 2)


def _product_of(m: Term, *words: Term) -> list[Term]:
    """The words of m times a number of three words, least significant first, modulo 2**192."""
    e = m.emitter
    wide, carry, result = Term(e, e.extend_unsigned(m.reg, "i128")), None, []
    for word in words:
        total = wide * Term(e, e.extend_unsigned(word.reg, "i128"))
        total = total if carry is None else total + carry
        result.append(total.to("i64"))
        carry = total >> 64
    return result


def _words(index: Term, count: int) -> list[Term]:
    """Words of the table, from an index on."""
    e = index.emitter
    size = len(_TABLE)
    values = ", ".join(f"i64 {word}" for word in _TABLE)
    e.declarations[_NAME] = f"@{_NAME} = internal constant [{size} x i64] [{values}]"
    found = []
    for k in range(count):
        place = (index + k).reg.name
        pointer = e.emit(f"getelementptr [{size} x i64], ptr @{_NAME}, i64 0, i64 {place}", "ptr")
        found.append(Term(e, e.emit(f"load i64, ptr {pointer.name}, align 8", "i64")))
    return found


def _funnel(high: Term, low: Term, shift: Term) -> Term:
    """The first word of two that are shifted left together, by less than 64."""
    e = high.emitter
    return Term(e, e.intrinsic("fshl", "i64", high.reg, low.reg, shift.reg))


def _leading_zeros(x: Term) -> Term:
    e = x.emitter
    return Term(e, e.intrinsic("ctlz", "i64", x.reg, e.const(False, "bool")))


def _at_least(x: Term, bound: int) -> Term:
    e = x.emitter
    return Term(e, e.select((x < bound).reg, x.lift(bound), x.reg))


FUNCTIONS = (
    MathsFunction("huge_high", 1, _high, cold=True),
    MathsFunction("huge_low", 1, _low, cold=True),
)
