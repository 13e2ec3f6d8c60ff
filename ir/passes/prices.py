"""What it costs to do an operation again, in quarters of the time in which memory moves a byte."""

from __future__ import annotations

import math

from ..graph import Operation, Value
from .levels import GENERATORS, VIEWS
from .recompute import CHEAP

UNIT = 4  # of a byte

_SOURCES = frozenset({*GENERATORS, "dense"})
_FREE = VIEWS | _SOURCES


def is_source(value: Value) -> bool:
    """Is it a constant, which each program makes for itself?"""
    return value.producer is not None and value.producer.name in _SOURCES


def can_repeat(operation: Operation, anything: bool = False) -> bool:
    """Is it what kernels do element by element, a view or a constant? Or `anything` but a loop:
    what that leaves behind for its adjoint is as large the second time.
    """
    if operation.op.elementwise or operation.name in _FREE:
        return True
    return anything and "loop" not in operation.op.traits


def work(operation: Operation) -> int:
    """The price of doing `operation` again.

    Measured on loops over arrays in cache: an addition takes the time in which memory moves a
    quarter of a byte, an exponential that of three times what it returns. Of what is no loop over
    elements the orders of magnitude are enough.
    """
    name, result = operation.name, operation.results[0].type
    if name in _FREE:
        return 0
    if name in CHEAP:
        return result.size
    if operation.op.elementwise:
        transcendental = "transcendental" in operation.op.traits
        return 3 * UNIT * result.bytes if transcendental else 2 * UNIT * result.size
    if name == "checkpoint":
        return sum(map(work, operation.regions[0]))
    moved = sum(x.type.bytes for x in (*operation.operands, *operation.results))
    return UNIT * moved * _times(operation)


def _times(operation: Operation) -> int:
    """How often each element takes part, more or less."""
    first = operation.operands[0].type if operation.operands else operation.results[0].type
    if operation.name == "dot":
        terms = math.prod(first.shape[axis] for axis in operation.attributes["contract"][0])
        return max(1, terms // 16)
    if "reduction" in operation.op.traits:
        return 1
    return max(4, *first.shape[-1:])
