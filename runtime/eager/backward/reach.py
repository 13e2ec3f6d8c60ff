"""What composing functions asks of a graph: what its outputs depend on."""

from __future__ import annotations

from collections.abc import Iterable

from ....ir import Graph, Operation, Value
from ....ir.op import ZERO, NoDerivative, Op

__all__ = ["linked_to", "needed_for", "passes", "reach", "root_of", "views_to"]


def needed_for(outputs: Iterable[Value], known: set[Value]) -> dict[Operation, None]:
    """The operations that `outputs` depend on, where the values `known` are given.

    The keys of a dict: as a set, but in the same order in each process.
    """
    needed: dict[Operation, None] = {}
    stack = [value for value in outputs if value not in known]
    while stack:
        producer = stack.pop().producer
        if producer is not None and producer not in needed:
            needed[producer] = None
            stack += [x for x in producer.operands if x not in known]
    return needed


def views_to(value: Value) -> list[Value]:
    """`value`, and what it may be a view of."""
    chain = [value]
    while value.producer is not None and "view" in value.producer.op.traits:
        value = value.producer.operands[0]
        chain.append(value)
    return chain


def root_of(value: Value) -> Value:
    """The value whose memory `value` may be a view of: itself, or what structure was taken from."""
    return views_to(value)[-1]


def reach(graph: Graph) -> list[frozenset[int]]:
    """For each output the inputs on which it depends in a way that has a derivative."""
    found: dict[Value, frozenset[int]] = {x: frozenset((i,)) for i, x in enumerate(graph.inputs)}
    nothing: frozenset[int] = frozenset()
    for operation in graph.operations:
        sets = {
            found.get(operand, nothing)
            for i, operand in enumerate(operation.operands)
            if operand.type.is_float and passes(operation.op, i)
        }
        union = sets.pop() if len(sets) == 1 else nothing.union(*sets)
        for result in operation.results:
            found[result] = union if result.type.is_float else nothing
    return [found.get(output, nothing) for output in graph.outputs]


def linked_to(inputs: Iterable[Value], graph: Graph) -> set[Value]:
    """The values that depend on `inputs` in a way that has a derivative, maybe one that is zero."""
    linked = {value for value in inputs if value.type.is_float}
    for operation in graph.operations:
        operands = enumerate(operation.operands)
        if any(x in linked and passes(operation.op, i) for i, x in operands):
            linked.update(result for result in operation.results if result.type.is_float)
    return linked


def passes(op: Op, index: int) -> bool:
    """Whether a gradient goes from the results of an operation to its operand `index`."""
    rule = op.vjp_rule(index)
    return op.name != "stop_gradient" and (rule is ZERO or not isinstance(rule, NoDerivative))
