"""Reverse and forward mode: from a graph to the graph that computes its derivatives as well.

The joint graph holds the primal and its adjoint side by side, so that fusion sees both. The rules
stand with the ops; this page only walks. (Griewank & Walther, Evaluating Derivatives, 2nd ed., SIAM
2008, ch. 3.)
"""

from __future__ import annotations

from collections.abc import Sequence

from .builder import GraphBuilder
from .graph import Graph, Operation, Value
from .op import NoDerivative


def value_and_vjp(
    graph: Graph, wrt: Sequence[int], *, seed: int | None = None, name: str = ""
) -> Graph:
    """The joint graph: the outputs of `graph`, then the cotangents of the inputs `wrt`.

    With `seed` = i, output i is a scalar whose cotangent is 1 and all others have none. Without,
    one more input is added for each floating-point output: its cotangent. An input on which nothing
    depends gets zeros. Requires: graph verified, no regions.
    """
    builder = GraphBuilder(name or f"{graph.name}.vjp")
    primal = _copy_primal(graph, builder)
    cotangents = _Cotangents(builder)
    for output, ct in _seeds(graph, builder, primal, seed):
        cotangents.add(output, ct)
    varied = varied_values(graph, [graph.inputs[i] for i in wrt])
    for operation in reversed(graph.operations):
        if any(result in varied for result in operation.results):
            _push_back(operation, builder, primal, cotangents, varied)
    builder.location, builder.note = None, "cotangent of an input"
    gradients = [cotangents.total_or_zero(graph.inputs[i]) for i in wrt]
    return builder.build([*(primal[o] for o in graph.outputs), *gradients])


def jvp(graph: Graph, wrt: Sequence[int], *, name: str = "") -> Graph:
    """The outputs of `graph`, then their tangents, for tangents of the inputs `wrt` (added as
    inputs).

    What is no float has the tangent 0: that of an integer input is not read. Requires: graph
    verified, no regions.
    """
    builder = GraphBuilder(name or f"{graph.name}.jvp")
    primal = _map_inputs(graph, builder)
    tangents: dict[Value, Value] = {}
    for value in [graph.inputs[i] for i in wrt]:
        tangent = builder.input(value.type, f"{value.name}_tangent")
        if value.type.is_float:
            tangents[value] = tangent
    for operation in graph:
        _copy(operation, builder, primal)
        _push_forward(operation, builder, primal, tangents)
    builder.location, builder.note = None, "tangent of an output"
    outputs = [primal[o] for o in graph.outputs]
    for output in graph.outputs:
        if output not in tangents:
            tangents[output] = builder.zeros_like(primal[output])
    return builder.build(outputs + [tangents[o] for o in graph.outputs])


class _Cotangents:
    """Sums of cotangents of primal values, added in the order in which they arrive."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.totals: dict[Value, Value] = {}

    def add(self, value: Value, ct: Value) -> None:
        previous = self.totals.get(value)
        self.totals[value] = ct if previous is None else self.builder.add(previous, ct)

    def total_or_zero(self, value: Value) -> Value:
        total = self.totals.get(value)
        return self.builder.constant(0, value.type) if total is None else total


def _map_inputs(graph: Graph, builder: GraphBuilder) -> dict[Value, Value]:
    return {value: builder.input(value.type, value.name) for value in graph.inputs}


def _copy(operation: Operation, builder: GraphBuilder, values: dict[Value, Value]) -> None:
    results = builder.copy(operation, tuple(values[x] for x in operation.operands))
    values.update(zip(operation.results, results, strict=True))


def _copy_primal(graph: Graph, builder: GraphBuilder) -> dict[Value, Value]:
    values = _map_inputs(graph, builder)
    for operation in graph:
        _copy(operation, builder, values)
    return values


def _seeds(
    graph: Graph, builder: GraphBuilder, primal: dict[Value, Value], seed: int | None
) -> list[tuple[Value, Value]]:
    if seed is not None:
        builder.note = "seed"
        return [(graph.outputs[seed], builder.full_like(primal[graph.outputs[seed]], 1))]
    return [
        (output, builder.input(output.type, f"ct{i}"))
        for i, output in enumerate(graph.outputs)
        if output.type.is_float
    ]


def varied_values(graph: Graph, inputs: Sequence[Value]) -> set[Value]:
    """The values that depend differentiably on `inputs`."""
    varied = {value for value in inputs if value.type.is_float}
    for operation in graph:
        depends = any(
            x in varied and not isinstance(operation.op.vjp_rule(i), NoDerivative)
            for i, x in enumerate(operation.operands)
        )
        if depends:
            varied.update(r for r in operation.results if r.type.is_float)
    return varied


def _push_back(
    operation: Operation,
    builder: GraphBuilder,
    primal: dict[Value, Value],
    cotangents: _Cotangents,
    varied: set[Value],
) -> None:
    """Hand the cotangent of `operation`'s result down to its operands."""
    ct = cotangents.totals.pop(operation.result, None)
    if ct is None:
        return
    operands = tuple(primal[x] for x in operation.operands)
    out = primal[operation.result]
    builder.location = operation.location
    for index, operand in enumerate(operation.operands):
        rule = operation.op.vjp_rule(index)
        if operand not in varied or isinstance(rule, NoDerivative):
            continue
        builder.note = f"vjp of {operation.name}" + _wrt(operand)
        extra = {"index": index} if operation.op.arity is None else {}
        cotangents.add(operand, rule(builder, ct, operands, out, **operation.attributes, **extra))


def _wrt(operand: Value) -> str:
    return f", wrt %{operand.name}" if operand.producer is None else ""


def _push_forward(
    operation: Operation,
    builder: GraphBuilder,
    primal: dict[Value, Value],
    tangents: dict[Value, Value],
) -> None:
    """Make the tangent of `operation`'s result from those of its operands."""
    if not operation.result.type.is_float:
        return
    operands = tuple(primal[x] for x in operation.operands)
    out = primal[operation.result]
    builder.location, builder.note = operation.location, f"jvp of {operation.name}"
    if operation.op.arity is None and "linear" in operation.op.traits:
        _push_forward_linear(operation, builder, operands, tangents)
        return
    total: Value | None = None
    for index, operand in enumerate(operation.operands):
        rule = operation.op.jvp_rule(index)
        if operand not in tangents or isinstance(rule, NoDerivative):
            continue
        extra = {"index": index} if operation.op.arity is None else {}
        part = rule(builder, tangents[operand], operands, out, **operation.attributes, **extra)
        total = part if total is None else builder.add(total, part)
    if total is not None:
        tangents[operation.result] = total


def _push_forward_linear(
    operation: Operation,
    builder: GraphBuilder,
    operands: tuple[Value, ...],
    tangents: dict[Value, Value],
) -> None:
    """A linear op of any number of operands does with their tangents what it does with them: one
    operation, where one for each operand would be as large as the square of their number.
    """
    if not any(x in tangents for x in operation.operands):
        return
    parts = [
        tangents[x] if x in tangents else builder.zeros_like(value)
        for x, value in zip(operation.operands, operands, strict=True)
    ]
    tangents[operation.result] = builder(operation.name, *parts, **operation.attributes)
