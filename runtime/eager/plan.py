"""Compositions for operands of certain types, with their adjoints: what `composite.py` runs.

A composition is built as a graph, kept, and replayed; so is its adjoint, which reads what the
forward run saved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...ir import Graph, Operation, Value
from ...ir.autodiff import value_and_vjp
from .replay import Program, needed_for, reach, root_of

__all__ = ["Adjoint", "Composite"]

# Makes of (inputs, operations, outputs) what replays them: it has `run(arguments) -> outputs`.
ProgramMaker = Callable[[Sequence[Value], Sequence[Operation], Sequence[Value]], Any]


class Adjoint:
    """The adjoint of a composition for the operands `wrt`, and the forward run that saves for it.

    `forward` gives the outputs and then the `residuals`, values that `backward` reads ahead of the
    cotangents. `watched` are the operands and outputs that residuals may be views of: ("operand",
    i) and ("output", i). Where one is changed in place, the residuals no longer hold. `reads` are
    the operands from which the gradients can be computed without residuals.
    """

    __slots__ = ("backward", "forward", "graph", "reads", "watched")

    def __init__(self, graph: Graph, wrt: tuple[int, ...], program: ProgramMaker) -> None:
        self.graph = joint = value_and_vjp(graph, wrt)
        count = len(graph.outputs)
        outputs, gradients = joint.outputs[:count], joint.outputs[count:]
        operands, cts = joint.inputs[: len(graph.inputs)], joint.inputs[len(graph.inputs) :]
        primal = needed_for(outputs, set())
        known = {result for operation in primal for result in operation.results} | set(operands)
        residuals = _read_from(gradients, known)
        read = set(_read_from(gradients, set(operands)))
        self.reads = frozenset(i for i, value in enumerate(operands) if value in read)
        self.forward = program(operands, joint.operations, (*outputs, *residuals))
        self.backward = program((*residuals, *cts), joint.operations, gradients)
        places = {value: ("operand", i) for i, value in enumerate(operands)}
        places |= {root_of(value): ("output", i) for i, value in enumerate(outputs)} | places
        origins = dict.fromkeys(places.get(root_of(value)) for value in residuals)
        self.watched = [origin for origin in origins if origin is not None]


def _read_from(gradients: Sequence[Value], known: set[Value]) -> list[Value]:
    """Those of the primal values `known` that the adjoint reads, constants aside."""
    needed = needed_for(gradients, known)
    read = {x: None for operation in needed for x in operation.operands if x in known}
    read |= dict.fromkeys(x for x in gradients if x in known)
    ordered = sorted(read, key=lambda v: (v.producer is not None, v.name))
    return [x for x in ordered if x.producer is None or x.producer.operands]


class Composite:
    """A composition for operands of certain types: its graph, and what is made of that."""

    __slots__ = ("adjoints", "derivatives", "forward", "graph", "program", "reach", "views")

    def __init__(self, graph: Graph, program: ProgramMaker = Program) -> None:
        self.graph = graph
        self.program = program
        self.forward = program(graph.inputs, graph.operations, graph.outputs)
        self.adjoints: dict[tuple[int, ...], Adjoint] = {}
        self.derivatives: dict[tuple[int, ...], Composite] = {}
        roots = [root_of(output) for output in graph.outputs]
        self.views = [graph.inputs.index(r) if r in graph.inputs else None for r in roots]
        self.reach = reach(graph)

    def adjoint(self, wrt: tuple[int, ...]) -> Adjoint:
        found = self.adjoints.get(wrt)
        if found is None:
            found = self.adjoints[wrt] = Adjoint(self.graph, wrt, self.program)
        return found

    def derivative(self, wrt: tuple[int, ...]) -> Composite:
        """The composition from operands and cotangents to the operands' cotangents."""
        found = self.derivatives.get(wrt)
        if found is None:
            joint = self.adjoint(wrt).graph
            gradients = joint.outputs[len(self.graph.outputs) :]
            graph = Graph(joint.name, joint.inputs, joint.operations, gradients)
            found = self.derivatives[wrt] = Composite(_without_dead_code(graph), self.program)
        return found


def _without_dead_code(graph: Graph) -> Graph:
    needed = needed_for(graph.outputs, set(graph.inputs))
    return Graph(graph.name, graph.inputs, [o for o in graph if o in needed], graph.outputs)
