"""The verifier: every rule that a graph must keep, checked; the message stands under the guilty
line.
"""

from __future__ import annotations

from .errors import FusegradError, IRError
from .graph import Graph, Operation, Value
from .op import TABLE


def verify(graph: Graph) -> Graph:
    """Return `graph` unchanged, or raise IRError with its text and the message under the guilty
    operation.
    """
    defined: set[Value] = set(graph.inputs)
    if len(defined) != len(graph.inputs):
        raise IRError(f"@{graph.name}: an input stands twice")
    for number, operation in enumerate(graph):
        message = _problem(operation, defined)
        if message:
            raise IRError(_annotated(graph, number, message))
        defined.update(operation.results)
    for output in graph.outputs:
        if output not in defined:
            raise IRError(_annotated(graph, len(graph), f"output {output!r} is not defined here"))
    return graph


def _problem(operation: Operation, defined: set[Value]) -> str:
    for operand in operation.operands:
        if operand not in defined:
            return f"operand {operand!r} is used before it is defined"
    if any(result in defined for result in operation.results):
        return "a result is defined twice"
    if TABLE.get(operation.name) is not operation.op:
        return f"{operation.name} is not the op of that name in the table"
    arity = operation.op.arity
    if arity is not None and len(operation.operands) != arity:
        return f"{operation.name} takes {arity} operands, has {len(operation.operands)}"
    for region in operation.regions:
        verify(region)
    return _type_problem(operation)


def _type_problem(operation: Operation) -> str:
    try:
        expected = operation.op.infer(*(x.type for x in operation.operands), **operation.attributes)
    except FusegradError as error:
        return str(error)
    except TypeError as error:  # a missing or an unknown attribute
        return f"attributes of {operation.name}: {error}"
    found = tuple(result.type for result in operation.results)
    if found != tuple(expected):
        return f"result types {[str(t) for t in found]} should be {[str(t) for t in expected]}"
    return ""


def _annotated(graph: Graph, number: int, message: str) -> str:
    """The graph up to the guilty operation, with the message under it."""
    part = Graph(graph.name, graph.inputs, graph.operations[: number + 1], ())
    lines = str(part).splitlines()
    return "\n".join([*lines[:-2], f"  ^^^ {message}"])
