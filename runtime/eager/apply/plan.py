"""Compositions for operands of certain types, with their adjoints: what `composite.py` runs.

A composition is built as a graph, kept, and replayed; so is its adjoint, which reads what the
forward run saved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ....ir import Graph, GraphBuilder, Value
from ....ir.autodiff import value_and_vjp
from ..backward.reach import needed_for, reach, root_of
from ..backward.straight import Program

__all__ = ["Adjoint", "Composite"]

# Makes of (inputs, operations, outputs) what replays them: it has `run(arguments) -> outputs`.
ProgramMaker = Callable[..., Any]
# Makes of (joint graph, operations of the primal, values that the adjoint reads, number of outputs,
# cotangents) the joint graph to be cut in two, and the values to keep.
Keeper = Callable[..., tuple[Graph, list[Value]]]


class Adjoint:
    """The adjoint of a composition for the operands `wrt`, and the forward run that saves for it.

    `forward` gives the outputs and then the `residuals`, values that `backward` reads ahead of the
    cotangents. `watched` are the operands and outputs that residuals may be views of: ("operand",
    i) and ("output", i). Where one is changed in place, the residuals no longer hold. `reads` are
    the operands from which the gradients can be computed without residuals. `results` has for each
    output that is among the residuals its place there; `operations` has what makes these. A `lean`
    adjoint computes again what is cheap to compute, and saves less; `keep` decides otherwise what
    to save.
    """

    __slots__ = (
        "asked",
        "backward",
        "forward",
        "graph",
        "operations",
        "reads",
        "residuals",
        "results",
        "watched",
    )

    def __init__(
        self,
        graph: Graph,
        wrt: tuple[int, ...],
        program: ProgramMaker,
        lean: bool = False,
        keep: Keeper | None = None,
    ) -> None:
        count = len(graph.outputs)
        self.graph = joint = _cleaned(value_and_vjp(graph, wrt), count)
        outputs, gradients = joint.outputs[:count], joint.outputs[count:]
        operands, cts = joint.inputs[: len(graph.inputs)], joint.inputs[len(graph.inputs) :]
        primal = needed_for(outputs, set())
        known = {result for operation in primal for result in operation.results} | set(operands)
        self.asked = residuals = _read_from(gradients, known)
        if lean:
            residuals = _without_cheap_ones(residuals)
        read = set(_read_from(gradients, set(operands)))
        if keep is not None:
            joint, residuals = keep(joint, primal, residuals, count, cts)
            gradients = joint.outputs[count:]
        self.operations, self.residuals = joint.operations, residuals
        own = {x: i for i, x in enumerate(residuals) if x.producer is not None}
        self.results = {i: own[x] for i, x in enumerate(outputs) if x in own}
        self.reads = frozenset(i for i, value in enumerate(operands) if value in read)
        self.forward = program(operands, joint.operations, (*outputs, *residuals))
        self.backward = program((*residuals, *cts), joint.operations, gradients, views=False)
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


def _without_cheap_ones(residuals: list[Value]) -> list[Value]:
    """Those residuals from which the others can be made by a few cheap elementwise operations."""
    kept = list(residuals)
    for value in reversed(residuals):
        others = set(kept) - {value}
        if _is_cheap(value, others, _MOST_OPERATIONS):
            kept.remove(value)
    return kept


_MOST_OPERATIONS = 4


def _is_cheap(value: Value, given: set[Value], depth: int) -> bool:
    """Whether `value` is made of `given` ones and constants by a chain of so many operations."""
    producer = value.producer
    if value in given or (producer is not None and producer.name == "constant"):
        return True
    if producer is None or not depth or not producer.op.elementwise:
        return False
    if "transcendental" in producer.op.traits:
        return False
    return all(_is_cheap(x, given, depth - 1) for x in producer.operands)


def _cleaned(joint: Graph, count: int) -> Graph:
    """A joint graph without what is trivial in it, unless one of its first `count` outputs, which
    was an array of its own, would then be (a view of) an input.
    """
    from ....ir.passes.pipeline import CLEAN, run_passes

    clean = run_passes(joint, CLEAN)
    for before, after in zip(joint.outputs[:count], clean.outputs[:count], strict=True):
        if root_of(after) in clean.inputs and root_of(before) not in joint.inputs:
            return joint
    return clean


class Composite:
    """A composition for operands of certain types: its graph, and what is made of that.

    `reach` has for each output the operands on which it depends with a derivative, `passing` all of
    these in order; `views` the operand in whose memory an output may be, or None. It is `simple` if
    there is one output, of floating point, which is no view. Of several steps in one, `made` has
    the step at which eager mode makes each output, and `delivery` the operands in the order in
    which backward is done with them.
    """

    __slots__ = (
        "adjoints",
        "delivery",
        "derivatives",
        "forward",
        "graph",
        "keep",
        "made",
        "passing",
        "program",
        "reach",
        "simple",
        "views",
    )

    def __init__(
        self, graph: Graph, program: ProgramMaker = Program, keep: Keeper | None = None
    ) -> None:
        self.graph = graph
        self.program = program
        self.keep = keep
        self.forward = program(graph.inputs, graph.operations, graph.outputs)
        self.adjoints: dict[tuple[int, ...], Adjoint] = {}
        self.derivatives: dict[tuple[tuple[int, ...], bool], Composite] = {}
        roots = [root_of(output) for output in graph.outputs]
        self.views = [graph.inputs.index(r) if r in graph.inputs else None for r in roots]
        self.reach = reach(graph)
        self.passing = tuple(sorted(frozenset[int]().union(*self.reach)))
        self.simple = self.views == [None] and graph.outputs[0].type.is_float
        self.made: tuple[int, ...] | None = None
        self.delivery: tuple[int, ...] | None = None

    def adjoint(self, wrt: tuple[int, ...]) -> Adjoint:
        found = self.adjoints.get(wrt)
        if found is None:
            found = self.adjoints[wrt] = Adjoint(self.graph, wrt, self.program, keep=self.keep)
        return found

    def derivative(self, wrt: tuple[int, ...], cut: bool = False) -> Composite:
        """The composition from operands and cotangents to the operands' cotangents.

        With `cut` it takes, behind these, the `results` of the adjoint, and does not compute them.
        """
        found = self.derivatives.get((wrt, cut))
        if found is None:
            adjoint = self.adjoint(wrt)
            joint, count = adjoint.graph, len(self.graph.outputs)
            own = [joint.outputs[i] for i in adjoint.results] if cut else []
            graph = _between(joint, own, joint.outputs[count:])
            found = self.derivatives[wrt, cut] = Composite(graph, self.program, self.keep)
        return found


def _between(graph: Graph, known: Sequence[Value], outputs: Sequence[Value]) -> Graph:
    """The graph from the inputs of another one, and values `known` in it, to `outputs`."""
    builder = GraphBuilder(graph.name)
    given = (*graph.inputs, *known)
    copies = {x: builder.input(x.type, x.name) for x in given}
    needed = needed_for(outputs, set(given))
    for operation in graph:
        if operation in needed:
            results = builder.copy(operation, tuple([copies[x] for x in operation.operands]))
            copies.update(zip(operation.results, results, strict=True))
    return builder.build([copies[x] for x in outputs])
