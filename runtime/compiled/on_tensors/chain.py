"""Compiled functions on Tensors whose results feed each other: one native forward, several nodes.

A gradient that comes from one result to another is seen where eager mode shows it: hooks of the
other one run, its `retain_grad` counts it, `autograd.grad` finds the way from one to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ....ir import Graph, GraphBuilder, Operation, Value
from ....ir.passes.pipeline import CLEAN, MERGE, run_passes
from ...eager.apply.composite import Composite, linked
from ...eager.apply.quiet import RESTORE, SILENCE, SILENT
from ...eager.backward.reach import linked_to, needed_for
from ...eager.core import make
from ..call import as_array
from .parts import Part, completed, made_at, parts_of

__all__ = ["Chain", "chain_of"]


class Link:
    """A part as a node. `places` are those of its operands; `kept` says for each residual which
    operand it is, None where the forward run computes it.
    """

    __slots__ = ("adjoint", "composite", "kept", "numbers", "places", "wrt")

    def __init__(
        self, part: Part, plan: Composite, wrt: Sequence[int], places: tuple[int, ...]
    ) -> None:
        self.composite = plan
        self.wrt = tuple([i for i in plan.passing if i in wrt])
        self.adjoint = plan.adjoint(self.wrt)
        self.numbers = tuple(part.numbers)
        self.places = places
        operands = {x: i for i, x in enumerate(self.adjoint.graph.inputs)}
        self.kept = [operands.get(x) for x in self.adjoint.residuals]

    def run(
        self, title: str, table: list[Any], outputs: Iterator[Any], residuals: Iterator[Any]
    ) -> list[Any]:
        """The Tensors of its outputs, of operands in `table` and of what the forward run gives."""
        plan = self.composite
        operands = [table[place] for place in self.places]
        arrays = [getattr(x, "_data", x) for x in operands]
        found = [next(outputs) for _ in plan.views]
        saved = [
            next(residuals) if i is None else as_array(arrays[i], plan.graph.inputs[i].type)
            for i in self.kept
        ]
        if not self.wrt:
            return [make(data) for data in found]
        return linked(title, plan, self.adjoint, self.wrt, operands, arrays, found, saved)


class Chain:
    """A function as several nodes. `steps` are its parts as links, and between them the numbers of
    the results that are shown; `loose` are results that need no node. The first `count` of what
    `forward` gives are outputs of the links, in order, and then loose ones; residuals follow.
    """

    __slots__ = ("count", "done", "forward", "loose", "steps")

    def __init__(
        self, forward: Any, count: int, steps: Sequence[Link | int], loose: Sequence[int]
    ) -> None:
        self.forward, self.count, self.steps, self.loose = forward, count, steps, loose
        numbers = [step.numbers if isinstance(step, Link) else (step,) for step in steps]
        self.done = frozenset(number for group in numbers for number in group)

    def nodes(self) -> list[tuple[Composite, tuple[int, ...]]]:
        """What is recorded, and with respect to which operands."""
        return [(step.composite, step.wrt) for step in self.steps if isinstance(step, Link)]

    def run(
        self,
        title: str,
        operands: Sequence[Any],
        results: list[Any],
        taken: Callable[[int, Any], Any],
    ) -> None:
        """Put its results among `results`. `taken(number, x)` is what the caller has of a result x:
        an argument that was changed; and the view that a shown one is (then x is None).
        """
        token = SILENCE(SILENT)
        try:
            values = self.forward.run([getattr(x, "_data", x) for x in operands])
        finally:
            RESTORE(token)
        outputs, residuals = iter(values[: self.count]), iter(values[self.count :])
        table = list(operands)
        for step in self.steps:
            if not isinstance(step, Link):
                results[step] = taken(step, None)
                table.append(results[step])
                continue
            found = step.run(title, table, outputs, residuals)
            for i, number in enumerate(step.numbers):
                results[number] = found[i]
                found[i] = taken(number, found[i])
            table += found
        for number in self.loose:
            results[number] = make(next(outputs))


def chain_of(
    graph: Graph,
    wrt: Sequence[int],
    computed: Sequence[int],
    shown: Iterable[int],
    plan: Callable[[Graph, int], Composite],
    native: Callable[[Graph, int], Any],
) -> Chain | None:
    """The chain for the outputs `computed` of a function; None where one node will do. `plan` makes
    a composition, one of so many that share a budget of memory; `native` a program the first
    outputs of which are arrays of their own.
    """
    steps = parts_of(graph, wrt, computed, shown)
    parts = [step for step in steps if isinstance(step, Part)]
    if not parts or parts == steps[:1]:
        return None
    linked_values = linked_to([graph.inputs[i] for i in wrt], graph)
    forward = _Forward(graph)
    made: list[Link | int] = []
    for step in steps:
        if isinstance(step, Part):
            own = _composition(step, graph, lambda own: plan(own, len(parts)))
            inner = [i for i, x in enumerate(step.inputs) if x in linked_values]
            link = Link(step, own, inner, forward.places(step.inputs))
            forward.append(step, link)
            made.append(link)
        else:
            made.append(step)
            forward.table.append(graph.outputs[step])
    numbers = {i for step in made if isinstance(step, Link) for i in step.numbers}
    loose = [i for i in computed if i not in numbers]
    forward.outputs += [forward.copy(graph.outputs[i]) for i in loose]
    return Chain(forward.program(native), len(forward.outputs), made, loose)


def _composition(part: Part, graph: Graph, plan: Callable[[Graph], Composite]) -> Composite:
    operations = [operation for operation in graph if operation in part.operations]
    outputs = [*part.values, *part.hidden]
    builder = GraphBuilder(graph.name)
    copies = {x: builder.input(x.type, x.name) for x in part.inputs}
    _copy(builder, operations, copies)
    own = plan(run_passes(builder.build([copies[x] for x in outputs]), (*MERGE, *CLEAN)))
    own.made = made_at(graph, outputs) if len(outputs) > 1 else None
    own.delivery = completed(part.inputs, operations)
    return own


def _copy(
    builder: GraphBuilder, operations: Iterable[Operation], copies: dict[Value, Value]
) -> None:
    """Append operations, of values of which there are `copies`."""
    for operation in operations:
        results = builder.copy(operation, tuple([copies[x] for x in operation.operands]))
        copies.update(zip(operation.results, results, strict=True))


class _Forward:
    """One graph of the forward runs of all parts, in the making: outputs of the parts, and apart
    from them their residuals. `table` has what stands in that of `Chain.run`.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.builder = GraphBuilder(graph.name)
        self.outputs: list[Value] = []
        self.residuals: list[Value] = []
        self.table: list[Value] = [*graph.inputs]
        self._copies = {x: self.builder.input(x.type, x.name) for x in graph.inputs}

    def places(self, values: Sequence[Value]) -> tuple[int, ...]:
        return tuple([self.table.index(x) for x in values])

    def copy(self, value: Value) -> Value:
        """A value of the function in this graph."""
        needed = needed_for([value], set(self._copies))
        if needed:
            _copy(self.builder, [op for op in self.graph if op in needed], self._copies)
        return self._copies[value]

    def append(self, part: Part, link: Link) -> None:
        """Append the forward run of a part, and what it saves."""
        joint, outputs = link.adjoint.graph, [*part.values, *part.hidden]
        copies = dict(zip(joint.inputs, map(self.copy, part.inputs), strict=False))
        results = [*joint.outputs[: len(outputs)], *link.adjoint.residuals]
        needed = needed_for(results, set(copies))
        _copy(self.builder, [op for op in link.adjoint.operations if op in needed], copies)
        found = [copies[x] for x in results]
        self._copies.update(zip(outputs, found, strict=False))
        self.table += outputs
        self.outputs += found[: len(outputs)]
        saved = zip(found[len(outputs) :], link.kept, strict=True)
        self.residuals += [x for x, place in saved if place is None]

    def program(self, native: Callable[[Graph, int], Any]) -> Any:
        graph = self.builder.build([*self.outputs, *self.residuals])
        return native(graph, len(self.outputs))
