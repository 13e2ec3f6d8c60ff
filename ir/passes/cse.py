"""Common subexpression elimination."""

from __future__ import annotations

from typing import Any

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..op import ArrayConstant
from .rewrite import rewrite


def eliminate_common_subexpressions(graph: Graph) -> Graph:
    """Compute equal operations once.

    Requires: operations without regions are pure (all are). Ensures: no two are equal up to the
    order of operands of commutative ops. Why: rules of different operands repeat each other's
    factors.
    """
    seen: dict[Any, tuple[Value, ...]] = {}
    numbers: dict[Value, int] = {}

    def number(value: Value) -> int:
        return numbers.setdefault(value, len(numbers))

    def rule(
        builder: GraphBuilder, operation: Operation, operands: tuple[Value, ...]
    ) -> tuple[Value, ...] | None:
        if operation.regions:
            return None
        order = [number(x) for x in operands]
        if "commutative" in operation.op.traits:
            order.sort()
        key = (operation.op.name, tuple(order), attribute_key(operation))
        if key not in seen:
            seen[key] = builder.keep(operation, operands)
        return seen[key]

    return rewrite(graph, rule)


def attribute_key(operation: Operation) -> Any:
    if not operation.attributes:
        return ()
    return tuple((name, _exact(value)) for name, value in sorted(operation.attributes.items()))


def _exact(value: Any) -> Any:
    """A hashable that tells 1 from 1.0 and True, and 0.0 from -0.0."""
    if isinstance(value, (tuple, str, ArrayConstant)) or value is None:
        return value
    return repr(value)
