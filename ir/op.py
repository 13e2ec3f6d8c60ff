"""The op record and the op table.

A primitive is defined once, as one `Op`, in `ir/ops/*.py`. Its fields, always in this order:

    name · arity · traits · infer · eval · vjp · jvp · batch · saves · emit · samples

Derivative rules are written with a `Builder`, which may build a graph, run NumPy at once, or record
eager nodes: one rule serves the adjoint pass, eager backward and every higher order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from .errors import DerivativeError
from .record import record
from .types import TensorType

# A rule of one operand i:  rule(builder, g, operands, result, **attributes)
#   as vjp: the cotangent of operand i, for the cotangent g of the result
#   as jvp: the tangent of the result, for the tangent g of operand i
# An op with a variable number of operands has one rule, which takes the keyword `index` as well.
Rule = Callable[..., Any]


@record
class NoDerivative:
    """Written where an operand has no derivative: says why (its tangent is zero or undefined)."""

    reason: str


ZERO: Final = NoDerivative("the derivative is zero almost everywhere")
DISCRETE: Final = NoDerivative("the operand or the result is an integer or a truth value")


def missing(what: str) -> Rule:
    """The rule of an operand with a derivative that is not written: asking for it is an error."""

    def rule(*args: Any, **attributes: Any) -> Any:
        raise DerivativeError(f"{what} is not implemented", hint="hold it constant: detach it")

    rule.missing = True  # type: ignore[attr-defined]
    return rule


Rules = tuple[Rule | NoDerivative, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One case for the generated tests: operand types, attributes, the range of the values drawn.

    `domain` is the interval of float operands (one for all, or one for each); integers are drawn
    from `integers`, both ends included. `kinks` lists points that differences keep away from.
    """

    types: tuple[TensorType, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    domain: tuple[float, float] | tuple[tuple[float, float], ...] = (-2.0, 2.0)
    integers: tuple[int, int] = (0, 3)
    kinks: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Op:
    """A primitive of the IR.

    name      the word in the text form
    arity     number of operands; None: any number
    traits    its kind: "elementwise", "source", "view", "structure", "indexing", "reduction",
              "scan", "contraction"; also "commutative", "linear", "late" …
    infer     infer(*operand_types, **attributes) -> result types; raises ShapeError or DTypeError
    eval      eval(*arrays, **attributes) -> array (or tuple of arrays): the definition, in NumPy
    vjp, jvp  a rule per operand (see `Rule`), or `NoDerivative`
    batch     batch(builder, operands, batched, **attributes) -> result with the batch axis first
    saves     what the rules read: "0", "1", … for operands, "out" for the result
    emit      emit(emitter, *registers, **attributes) -> register: an elementwise op's scalar code
    samples   cases for the generated tests
    """

    name: str
    arity: int | None
    traits: frozenset[str]
    infer: Callable[..., tuple[TensorType, ...]]
    eval: Callable[..., Any]
    vjp: Rules
    jvp: Rules
    batch: Callable[..., Any] | None
    saves: tuple[str, ...]
    emit: Callable[..., Any] | None
    samples: tuple[Sample, ...]

    @property
    def elementwise(self) -> bool:
        return "elementwise" in self.traits

    def vjp_rule(self, index: int) -> Rule | NoDerivative:
        return self.vjp[index] if self.arity is not None else self.vjp[0]

    def jvp_rule(self, index: int) -> Rule | NoDerivative:
        return self.jvp[index] if self.arity is not None else self.jvp[0]

    def __repr__(self) -> str:
        return f"<Op {self.name}>"


TABLE: dict[str, Op] = {}


def register(op: Op) -> Op:
    """Put `op` into the table. A rule that is missing is an error here, at import."""
    if op.name in TABLE:
        raise ValueError(f"op {op.name} is defined twice")
    expected = 1 if op.arity is None else op.arity
    for rules in (op.vjp, op.jvp):
        if len(rules) != expected:
            raise ValueError(f"op {op.name}: {len(rules)} rules for {expected} operands")
    if op.elementwise and op.emit is None:
        raise ValueError(f"op {op.name}: an elementwise op needs emit")
    TABLE[op.name] = op
    return op


class ArrayConstant:
    """A small read-only array as an attribute: compares and hashes by its bytes."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray) -> None:
        self.array = np.array(array, order="C")
        self.array.flags.writeable = False

    def _key(self) -> tuple[Any, ...]:
        return (self.array.shape, self.array.dtype.str, self.array.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArrayConstant) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())
