"""Which results of a function are made from which others, and what each needs beside them.

In eager mode every operation has a node, so that a gradient arrives at each result, where hooks see
it, before it goes on. A compiled function has a few large nodes instead. Here its operations are
divided among them: a result that is made from another one belongs to a later `Part`, which starts
there. Values that two parts need and whose derivatives read what was saved are handed from the
earlier part to the later one as well (`hidden`), so that no adjoint is run twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ....ir import Graph, Operation, Value
from ...eager.backward.reach import linked_to, needed_for, passes

__all__ = ["Part", "completed", "made_at", "parts_of"]

_MOST_HIDDEN = 16  # more of them cost more than computing them again


class Part:
    """What one node computes: `values` of the results `numbers`, from `inputs`; and `hidden` ones.

    The inputs are the function's own, results of parts before, and hidden values of these.
    """

    __slots__ = ("hidden", "inputs", "known", "numbers", "operations", "values")

    def __init__(self, known: dict[Value, None]) -> None:
        self.known = known
        self.numbers: list[int] = []
        self.values: list[Value] = []
        self.hidden: list[Value] = []
        self.inputs: list[Value] = []
        self.operations: dict[Operation, None] = {}


def parts_of(
    graph: Graph, wrt: Sequence[int], computed: Sequence[int], shown: Iterable[int]
) -> list[Part | int]:
    """The parts that give the outputs `computed`, as far as these depend on the inputs `wrt`, in
    the order in which eager mode makes the first result of each.

    Between them stand the numbers of those of the outputs `shown`, views that the caller takes.
    """
    division = _Division(graph, wrt)
    active = [i for i in computed if graph.outputs[i] in division.linked]
    needed = needed_for([graph.outputs[i] for i in active], set(graph.inputs))
    read = {x for operation in needed for x in operation.operands}
    views = [i for i in shown if graph.outputs[i] in division.linked]
    for number in sorted([*active, *views], key=lambda i: (division.place(graph.outputs[i]), i)):
        if number not in views:
            division.add(number)
        else:
            division.show(number, graph.outputs[number] in read)
    division.close()
    return division.steps


class _Division:
    """The work of `parts_of`. A part stays open as long as the next result can join it."""

    def __init__(self, graph: Graph, wrt: Sequence[int]) -> None:
        self.graph = graph
        self.linked = linked_to([graph.inputs[i] for i in wrt], graph)
        self.known: dict[Value, None] = dict.fromkeys(graph.inputs)
        self.steps: list[Part | int] = []
        self._places = _places(graph)
        self._owners: dict[Value, Part] = {}  # of values with a gradient, the part they are made in
        self._open: Part | None = None

    def place(self, value: Value) -> int:
        return self._places[value.producer] if value.producer is not None else -1

    def add(self, number: int) -> None:
        """A result that is computed."""
        value = self.graph.outputs[number]
        needed = needed_for([value], set(self.known))
        if self._open is None or not self._joins(self._open, value, needed):
            self.close()
            self._open = Part(dict(self.known))
            self.steps.append(self._open)
        self._open.numbers.append(number)
        self._open.values.append(value)
        self._open.operations.update(needed)
        self.known[value] = None

    def show(self, number: int, read: bool) -> None:
        """A view; where something is made from it (`read`), it is one of what the parts after it
        start from.
        """
        self.steps.append(number)
        if read:
            self.close()
            self.known[self.graph.outputs[number]] = None

    def _joins(self, part: Part, value: Value, needed: dict[Operation, None]) -> bool:
        """Not where it is made from a result of the part; nor, since then each can be sent
        backward for itself, where the two have nothing in common that backward frees.
        """
        reads = {value, *(x for operation in needed for x in operation.operands)}
        return reads.isdisjoint(part.values) and any(
            operation in part.operations and self._saves(operation) for operation in needed
        )

    def _saves(self, operation: Operation) -> bool:
        saves = bool(operation.op.saves or operation.regions)
        return saves and any(result in self.linked for result in operation.results)

    def close(self) -> None:
        part, self._open = self._open, None
        if part is None:
            return
        part.operations = self._without_hidden(part)
        made = {result for operation in part.operations for result in operation.results}
        reads = [x for operation in self._in_order(part.operations) for x in operation.operands]
        part.inputs = [x for x in dict.fromkeys((*reads, *part.values)) if x not in made]
        for value in made:
            if value in self.linked:
                self._owners.setdefault(value, part)

    def _without_hidden(self, part: Part) -> dict[Operation, None]:
        """The operations that are left to a part which others hand over some values to."""
        owners, known = self._owners, set(part.known)
        if not any(self._saves(op) and op.results[0] in owners for op in part.operations):
            return needed_for(part.values, known)
        handed = {x for x in owners if x not in known and not _is_view(x)}
        left = needed_for(part.values, known | handed)
        reads = [x for operation in left for x in operation.operands if x in handed]
        hidden = list(dict.fromkeys(reads))
        if len(hidden) > _MOST_HIDDEN:
            return needed_for(part.values, known)
        for value in hidden:
            if value not in owners[value].hidden:
                owners[value].hidden.append(value)
        return left

    def _in_order(self, operations: Iterable[Operation]) -> list[Operation]:
        return sorted(operations, key=self._places.__getitem__)


def _is_view(value: Value) -> bool:
    return value.producer is not None and "view" in value.producer.op.traits


def _places(graph: Graph) -> dict[Operation, int]:
    return {operation: place for place, operation in enumerate(graph.operations)}


def made_at(graph: Graph, values: Sequence[Value]) -> tuple[int, ...]:
    """For each value where it is made."""
    places = _places(graph)
    return tuple([-1 if v.producer is None else places[v.producer] for v in values])


def completed(inputs: Sequence[Value], operations: Sequence[Operation]) -> tuple[int, ...] | None:
    """The numbers of `inputs` in the order in which backward has all of their gradients: an
    operation that comes first is the last to give one. None where it is that of the inputs.
    """
    first: dict[Value, int] = {}
    for place, operation in enumerate(operations):
        for index, operand in enumerate(operation.operands):
            if operand.type.is_float and passes(operation.op, index):
                first.setdefault(operand, place)
    order = sorted(range(len(inputs)), key=lambda i: -first.get(inputs[i], -1))
    return None if order == list(range(len(inputs))) else tuple(order)
