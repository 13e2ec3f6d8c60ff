"""Formulas over emitted values: operators for :class:`Emitter`'s instructions, and polynomials.

The maths functions are written with :class:`Term`, so that a formula on the page reads as in its
paper. Every operator still writes exactly one instruction; a Python number beside a term becomes a
constant of the term's type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...ir.record import record
from ..emitter import BITS, INTEGER_OF, Emitter, Reg

Number = float | int
FLOAT_OF = {integer: floating for floating, integer in INTEGER_OF.items()}


class Term:
    """A register and the emitter that it lives in."""

    __slots__ = ("emitter", "reg")

    def __init__(self, emitter: Emitter, reg: Reg) -> None:
        self.emitter = emitter
        self.reg = reg

    @property
    def dtype(self) -> str:
        return self.reg.dtype

    def lift(self, other: Term | Number) -> Reg:
        """The register of a term, or a number as a constant of this term's type."""
        if isinstance(other, Term):
            return other.reg
        return self.emitter.const(other, self.dtype)

    def constant(self, value: Number) -> Term:
        return Term(self.emitter, self.emitter.const(value, self.dtype))

    def _binary(self, write: Callable[[Reg, Reg], Reg], other: Term | Number) -> Term:
        return Term(self.emitter, write(self.reg, self.lift(other)))

    def _reflected(self, write: Callable[[Reg, Reg], Reg], other: Term | Number) -> Term:
        return Term(self.emitter, write(self.lift(other), self.reg))

    def _unary(self, write: Callable[[Reg], Reg]) -> Term:
        return Term(self.emitter, write(self.reg))

    def __add__(self, other: Term | Number) -> Term:
        return self._binary(self.emitter.add, other)

    def __radd__(self, other: Number) -> Term:
        return self._reflected(self.emitter.add, other)

    def __sub__(self, other: Term | Number) -> Term:
        return self._binary(self.emitter.sub, other)

    def __rsub__(self, other: Number) -> Term:
        return self._reflected(self.emitter.sub, other)

    def __mul__(self, other: Term | Number) -> Term:
        return self._binary(self.emitter.mul, other)

    def __rmul__(self, other: Number) -> Term:
        return self._reflected(self.emitter.mul, other)

    def __truediv__(self, other: Term | Number) -> Term:
        return self._binary(self.emitter.div, other)

    def __rtruediv__(self, other: Number) -> Term:
        return self._reflected(self.emitter.div, other)

    def __neg__(self) -> Term:
        return self._unary(self.emitter.neg)

    def __abs__(self) -> Term:
        return self._unary(self.emitter.absolute)

    def __and__(self, other: Term | Number) -> Term:
        return self._binary(self.emitter.and_, other)

    def __or__(self, other: Term | Number) -> Term:
        return self._binary(self.emitter.or_, other)

    def __xor__(self, other: Term | Number) -> Term:
        return self._binary(self.emitter.xor, other)

    def __invert__(self) -> Term:
        return self._unary(self.emitter.not_)

    def __lshift__(self, count: Term | int) -> Term:
        return self._binary(self.emitter.shift_left, count)

    def __rshift__(self, count: Term | int) -> Term:
        """Logical: zeros come in."""
        return self._binary(self.emitter.shift_right, count)

    def _compare(self, predicate: str, other: Term | Number) -> Term:
        return Term(self.emitter, self.emitter.compare(predicate, self.reg, self.lift(other)))

    def __lt__(self, other: Term | Number) -> Term:
        return self._compare("lt", other)

    def __le__(self, other: Term | Number) -> Term:
        return self._compare("le", other)

    def __gt__(self, other: Term | Number) -> Term:
        return self._compare("gt", other)

    def __ge__(self, other: Term | Number) -> Term:
        return self._compare("ge", other)

    def equals(self, other: Term | Number) -> Term:
        return self._compare("eq", other)

    def differs(self, other: Term | Number) -> Term:
        return self._compare("ne", other)

    def is_nan(self) -> Term:
        return self._unary(self.emitter.is_nan)

    def rint(self) -> Term:
        """To the nearest integer, whatever the size."""
        return self._unary(self.emitter.rint)

    def sqrt(self) -> Term:
        return self._unary(self.emitter.sqrt)

    def copysign(self, sign: Term | Number) -> Term:
        return self._binary(self.emitter.copysign, sign)

    def bits(self) -> Term:
        """A float's bits, as the integer of its size."""
        return self._unary(self.emitter.bits)

    def as_float(self) -> Term:
        """The float whose bits these are."""
        return Term(self.emitter, self.emitter.bitcast(self.reg, FLOAT_OF[self.dtype]))

    def to(self, dtype: str) -> Term:
        """Numeric conversion."""
        return Term(self.emitter, self.emitter.convert(self.reg, dtype))

    def at_most(self, limit: float) -> Term:
        """min(self, limit); a nan stays (so ordered, it is one instruction)."""
        return where(self.constant(limit) < self, limit, self)

    def at_least(self, limit: float) -> Term:
        """max(self, limit); a nan stays."""
        return where(self.constant(limit) > self, limit, self)

    def rescue(self, mask: Term, slow: Callable[[], Term]) -> Term:
        """This term, but `slow()` in the lanes of `mask`: a branch that is hardly ever taken."""
        rescued = self.emitter.rescue(mask.reg, self.reg, lambda: slow().reg)
        return Term(self.emitter, rescued)

    def call(self, function: str, *others: Term) -> Term:
        """Another maths function of this term."""
        return Term(self.emitter, self.emitter.call(function, self.reg, *(o.reg for o in others)))


def fma(x: Term, y: Term | Number, z: Term | Number) -> Term:
    """x*y + z with one rounding."""
    return Term(x.emitter, x.emitter.fma(x.reg, x.lift(y), x.lift(z)))


def where(condition: Term, x: Term | Number, y: Term | Number) -> Term:
    """x in the lanes of `condition`, y in the others; at least one of them is a term."""
    like = x if isinstance(x, Term) else y
    if not isinstance(like, Term):
        raise TypeError("where() needs a term to tell the type of its two numbers")
    e = condition.emitter
    return Term(e, e.select(condition.reg, like.lift(x), like.lift(y)))


def normalised(high: Term, low: Term) -> tuple[Term, Term]:
    """high + low, where the sum rounds to its first part; Dekker's Fast2Sum."""
    total = high + low
    return total, (high - total) + low


def polynomial(x: Term, coefficients: Sequence[float], chains: int = 2, lead: int = 0) -> Term:
    """sum(c[i] * x**i), as `chains` (1, 2 or 4) interleaved Horner schemes.

    Horner's rule alone is one long chain of dependent instructions; Estrin's is shortest. Splitting
    by the residue of the exponent is between them and needs only the powers x**2 (and x**4) extra.
    The first `lead` coefficients come last, by Horner's rule, which rounds less.
    """
    terms = [x.constant(c) for c in coefficients]
    return _horner(x, [*terms[:lead], _interleaved(x, terms[lead:], chains)])


def _interleaved(x: Term, coefficients: Sequence[Term], chains: int) -> Term:
    if chains == 1 or len(coefficients) <= 2:
        return _horner(x, coefficients)
    square = x * x
    even, odd = (_interleaved(square, coefficients[k::2], chains // 2) for k in (0, 1))
    return fma(odd, x, even)


def _horner(x: Term, coefficients: Sequence[Term]) -> Term:
    value = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        value = fma(value, x, c)
    return value


# --- sums of two ---

Pair = tuple[Term, Term]


@record
class Series:
    """A polynomial's coefficients, and what the first of them lack in f64."""

    coefficients: tuple[float, ...]
    low: tuple[float, ...]


def product(x: Pair, y: Pair) -> Pair:
    """x y."""
    high = x[0] * y[0]
    return high, fma(x[0], y[1], fma(x[1], y[0], fma(x[0], y[0], -high)))


def divided(x: Pair, y: Pair) -> Pair:
    """x / y."""
    inverse = 1.0 / y[0]
    quotient = x[0] * inverse
    error = fma(-quotient, y[0], x[0]) + fma(-quotient, y[1], x[1])
    return quotient, error * inverse


def horner(x: tuple[Term, Term | None], series: Series) -> Pair:
    """A polynomial at a sum of two, the first coefficients' rounding errors carried along."""
    t, t_low = x
    carried = len(series.low)
    value = polynomial(t, series.coefficients[carried:], 4)
    error = t.constant(0.0)
    for a, low in zip(series.coefficients[carried - 1 :: -1], series.low[::-1], strict=True):
        term = value * t
        lost = fma(value, t, -term)
        if t_low is not None:
            lost = fma(value, t_low, lost)
        total = term + a
        second = total - term
        lost = lost + ((term - (total - second)) + (a - second))
        value, error = total, fma(error, t, lost + low)
    return normalised(value, error)


def bits_of(dtype: str) -> int:
    """The size of a type in bits."""
    return BITS[dtype]
