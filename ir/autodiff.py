"""Reverse and forward mode: from a graph to the graph that computes its derivatives as well.

The joint graph holds the primal and its adjoint side by side, so that fusion sees both. The rules
stand with the ops; this page only walks. (Griewank & Walther, Evaluating Derivatives, 2nd ed., SIAM
2008, ch. 3.) Loops are differentiated with their region, by `ir.loops` and `ir.tape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .builder import GraphBuilder
from .graph import Graph, Operation, Value
from .op import NoDerivative

if TYPE_CHECKING:
    from .tape import Tape


def value_and_vjp(
    graph: Graph, wrt: Sequence[int], *, seed: int | None = None, name: str = ""
) -> Graph:
    """The joint graph: the outputs of `graph`, then the cotangents of the inputs `wrt`.

    With `seed` = i, output i is a scalar whose cotangent is 1 and all others have none. Without,
    one more input is added for each floating-point output: its cotangent. An input on which nothing
    depends gets zeros. Requires: graph verified, no kernels.
    """
    builder = GraphBuilder(name or f"{graph.name}.vjp")
    varied = varied_values(graph, [graph.inputs[i] for i in wrt])
    primal = Primal(graph, builder, varied)
    cotangents = Cotangents(builder)
    for output, ct in _seeds(graph, builder, primal.values, seed):
        cotangents.add(output, ct)
    primal.push_back(cotangents)
    gradients = [cotangents.total_or_zero(graph.inputs[i]) for i in wrt]
    return builder.build([*(primal.values[o] for o in graph.outputs), *gradients])


def jvp(graph: Graph, wrt: Sequence[int], *, name: str = "") -> Graph:
    """The outputs of `graph`, then their tangents, for tangents of the inputs `wrt` (added as
    inputs).

    What is no float has the tangent 0: that of an integer input is not read. Requires: graph
    verified, no kernels.
    """
    builder = GraphBuilder(name or f"{graph.name}.jvp")
    primal = _map_inputs(graph, builder)
    tangents: dict[Value, Value] = {}
    for value in [graph.inputs[i] for i in wrt]:
        tangent = builder.input(value.type, f"{value.name}_tangent")
        if value.type.is_float:
            tangents[value] = tangent
    for operation in graph:
        moves = any(x in tangents for x in operation.operands)
        if _is_loop(operation) and moves:
            from .loops import push_forward

            push_forward(builder, operation, primal, tangents)
        elif _is_part(operation) and moves:
            from .checkpoints import push_forward as push_part_forward

            push_part_forward(operation, builder, primal, tangents)
        else:
            _copy(operation, builder, primal)
            _push_forward(operation, builder, primal, tangents)
    builder.location, builder.note = None, "tangent of an output"
    outputs = [primal[o] for o in graph.outputs]
    for output in graph.outputs:
        if output not in tangents:
            tangents[output] = builder.zeros_like(primal[output])
    return builder.build(outputs + [tangents[o] for o in graph.outputs])


class Cotangents:
    """Sums of cotangents of primal values, added in the order in which they arrive."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.totals: dict[Value, Value] = {}

    def add(self, value: Value, ct: Value) -> None:
        previous = self.totals.get(value)
        self.totals[value] = ct if previous is None else self.builder.add(previous, ct)

    def take(self, value: Value) -> Value | None:
        """The cotangent of a result whose operation is reached: nothing is added to it any more."""
        return self.totals.pop(value, None)

    def total_or_zero(self, value: Value) -> Value:
        total = self.totals.get(value)
        if total is not None:
            return total
        self.builder.location, self.builder.note = None, "cotangent of an input"
        zero: Value = self.builder.constant(0, value.type)
        return zero


class Primal:
    """A graph's operations, copied into the builder of the joint graph; `values` maps old to new.

    A loop is copied with results for what its adjoint will read: its tape. What is `given` stands
    for the graph's inputs, without it they are inputs of the joint graph.
    """

    def __init__(
        self,
        graph: Graph,
        builder: GraphBuilder,
        varied: set[Value],
        given: Sequence[Value] | None = None,
    ) -> None:
        self.graph, self.builder, self.varied = graph, builder, varied
        if given is None:
            self.values = _map_inputs(graph, builder)
        else:
            self.values = dict(zip(graph.inputs, given, strict=True))
        self.tapes: dict[Operation, Tape] = {}
        for operation in graph:
            if _is_loop(operation) and any(r in varied for r in operation.results):
                self._copy_loop(operation)
            else:
                _copy(operation, builder, self.values)

    def _copy_loop(self, operation: Operation) -> None:
        from .tape import copy_with_tape

        operands = tuple(self.values[x] for x in operation.operands)
        tape = copy_with_tape(self.builder, operation, operands, self.varied)
        self.tapes[operation] = tape
        self.values.update(zip(operation.results, tape.results, strict=True))

    def push_back(self, cotangents: Cotangents) -> None:
        """Hand all cotangents down to what does not depend on anything else."""
        for operation in reversed(self.graph.operations):
            if operation in self.tapes:
                self.tapes[operation].push_back(self.builder, cotangents)
            elif _is_part(operation):
                from .checkpoints import push_back

                push_back(operation, self.builder, self.values, cotangents, self.varied)
            elif any(result in self.varied for result in operation.results):
                _push_back(operation, self.builder, self.values, cotangents, self.varied)


def _is_loop(operation: Operation) -> bool:
    return "loop" in operation.op.traits


def _is_part(operation: Operation) -> bool:
    return "part" in operation.op.traits


def _map_inputs(graph: Graph, builder: GraphBuilder) -> dict[Value, Value]:
    return {value: builder.input(value.type, value.name) for value in graph.inputs}


def _copy(operation: Operation, builder: GraphBuilder, values: dict[Value, Value]) -> None:
    results = builder.copy(operation, tuple(values[x] for x in operation.operands))
    values.update(zip(operation.results, results, strict=True))


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
        if _is_loop(operation):
            from .loops import varied_results

            varied.update(varied_results(operation, varied))
            continue
        if _is_part(operation):
            from .checkpoints import varied_results as varied_results_of_part

            varied.update(varied_results_of_part(operation, varied))
            continue
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
    cotangents: Cotangents,
    varied: set[Value],
) -> None:
    """Hand the cotangent of `operation`'s result down to its operands."""
    ct = cotangents.take(operation.result)
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
    if operation.regions or not operation.result.type.is_float:
        return  # (of a loop or a part, nothing that it reads has a tangent)
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
