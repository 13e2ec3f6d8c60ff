"""What a maths function is, and how its definition is written as LLVM text."""

from __future__ import annotations

from collections.abc import Callable

from ...ir.record import record
from ..emitter import Emitter, Reg, function_symbol
from .terms import Term

# Vectors of 512 bits are passed in registers, and used, wherever the CPU has them.
TARGET_ATTRIBUTES = ('"min-legal-vector-width"="512"', '"prefer-vector-width"="512"')

# `Emitter.rescue` marks its branch with !0: the rare side is taken once in some two thousand.
BRANCH_WEIGHTS = '!0 = !{!"branch_weights", i32 1, i32 2000}'

OPERANDS = ("%x", "%y")


@record
class MathsFunction:
    """An elementary function: `formula` writes it on terms of any dtype and number of lanes.

    A `cold` function serves rare inputs only: it is never inlined, nor worth optimising.
    """

    name: str
    arity: int
    formula: Callable[..., Term]
    cold: bool = False

    def build(self, emitter: Emitter, *operands: Reg) -> Reg:
        """Write the function's instructions, and return its result."""
        return self.formula(*(Term(emitter, x) for x in operands)).reg


@record
class Definition:
    """One function's text, with what it needs from elsewhere."""

    text: str
    declarations: tuple[tuple[str, str], ...]
    calls: tuple[tuple[str, str, int], ...]


def define(function: MathsFunction, dtype: str, lanes: int, inline: bool) -> Definition:
    """The LLVM definition of `function` for one dtype and number of lanes."""
    emitter = Emitter(lanes)
    operands = [Reg(name, dtype) for name in OPERANDS[: function.arity]]
    result = function.build(emitter, *operands)
    kind = emitter.type(dtype)
    head = (
        f"define internal {kind} {function_symbol(function.name, dtype, lanes)}"
        f"({', '.join(emitter.typed(x) for x in operands)}) {_attributes(function, inline)} {{"
    )
    body = ["entry:", *emitter.lines, f"  ret {emitter.typed(result)}"]
    return Definition(
        "\n".join([head, *body, "}", ""]),
        tuple(emitter.declarations.items()),
        tuple(emitter.functions),
    )


def _attributes(function: MathsFunction, inline: bool) -> str:
    if function.cold:
        return _joined("noinline optnone cold")
    return _joined("alwaysinline" if inline else "noinline")


def _joined(placement: str) -> str:
    return " ".join([placement, "nounwind willreturn memory(none)", *TARGET_ATTRIBUTES])
