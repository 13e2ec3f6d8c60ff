"""A graph with one of its repetitions written as a loop."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ...builder import GraphBuilder
from ...graph import Graph, Operation, Value
from ...loops import append_scan
from ..cse import attribute_key
from .collect import concatenate_parts, store_chain
from .cutting import cut_of
from .steps import Carried, Cut, Inside, Made, Role, Steps, Whole


def write_loop(steps: Steps) -> Graph:
    """The graph of `steps`, in which a `scan` stands for them."""
    return Writer(steps).write()


class Writer:
    """Rebuilds a graph. Constants, views and stores are made where somebody reads
    them.

    `values` maps old values to new ones; a value of a step that a stack holds is in `stacked`, as
    that stack and the number of the step.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps, self.listing = steps, steps.listing
        graph = self.listing.graph
        self.builder = GraphBuilder(graph.name)
        self.builder.inputs = list(graph.inputs)
        self.values: dict[Value, Value] = {value: value for value in graph.inputs}
        self.stacked: dict[Value, tuple[Value, int]] = {}
        self.readers = Counter(x for operation in graph for x in operation.operands)
        self.readers.update(graph.outputs)

    def write(self) -> Graph:
        operations, run = self.listing.operations, self.steps.run
        for operation in operations[: run.start]:
            self._copy(operation)
        self._write_scan()
        for operation in operations[run.stop :]:
            self._copy(operation)
        return self.builder.build([self.new(x) for x in self.listing.graph.outputs])

    def _copy(self, operation: Operation) -> None:
        self.builder.location, self.builder.note = operation.location, operation.note
        if operation.name == "concatenate":
            results: tuple[Value, ...] = (concatenate_parts(self, operation),)
        else:
            operands = tuple([self.new(x) for x in operation.operands])
            results = self.builder.copy(operation, operands)
        self.values.update(zip(operation.results, results, strict=True))

    def new(self, value: Value) -> Value:
        """`value` in the new graph."""
        if value in self.values:
            return self.values[value]
        reading = self.listing.reading(value)
        at = self._root(reading.root)
        for view in reading.path:
            result = view.result
            if result not in self.values:
                self.values[result] = self.builder.copy(view, (at,))[0]
            at = self.values[result]
        return at

    def _root(self, root: Value) -> Value:
        if root not in self.values:
            assert root.producer is not None
            if root in self.stacked:
                made = self.part(*self.stacked[root])
            elif root.producer in self.listing.stores:
                made = store_chain(self, root)
            else:
                made = self.builder.copy(root.producer, ())[0]
            self.values[root] = made
        return self.values[root]

    def part(self, stack: Value, i: int) -> Value:
        """Part i of a stack."""
        low, high = (i, *[0] * (stack.type.ndim - 1)), (i + 1, *stack.shape[1:])
        part: Value = self.builder.reshape(self.builder.slice(stack, low, high), stack.shape[1:])
        return part

    # --- the loop ---

    def _write_scan(self) -> None:
        first = self.steps.template(0)
        self.builder.location, self.builder.note = first.location, ""
        body = _Body(self)
        region = body.write()
        operands = [*body.starts, *(x for x, _ in body.cut.values()), *body.whole_operands]
        results = append_scan(
            self.builder,
            region,
            operands,
            self.steps.run.steps,
            len(body.starts),
            len(body.cut),
        )
        self._keep(body, results)

    def _keep(self, body: _Body, results: tuple[Value, ...]) -> None:
        """What is used after the loop: the values of the last step, and stacks of all of them."""
        for source, number in body.ends.items():
            last = self.steps.operations(source.place)[-1]
            self.values[last.results[source.result]] = results[number]
        for stack, source in zip(results[len(body.starts) :], body.stacks, strict=True):
            for i, operation in enumerate(self.steps.operations(source.place)):
                self.stacked[operation.results[source.result]] = (stack, i)


class _Body:
    """The region of the loop, and what it is given. Carries, slices and wholes are made as the
    operands of the step ask for them.
    """

    def __init__(self, writer: Writer) -> None:
        self.writer, self.steps = writer, writer.steps
        self.builder = GraphBuilder("body")
        self.inside: dict[Inside, Value] = {}
        self.carried: dict[Carried, list[Value]] = {}  # carries, by how many steps they are back
        self.cut: dict[tuple[Value, ...], tuple[Value, Value]] = {}  # -> (the array, its part)
        self.whole: dict[Value, Value] = {}
        self.views: dict[Any, Value] = {}

    def write(self) -> Graph:
        for place, roles in enumerate(self.steps.roles):
            operation = self.steps.template(place)
            operands = tuple(
                self._operand(role, x) for role, x in zip(roles, operation.operands, strict=True)
            )
            results = self.builder.copy(operation, operands)
            self.inside.update(
                {Inside(place, number): result for number, result in enumerate(results)}
            )
        return self._close()

    def _operand(self, role: Role, template: Value) -> Value:
        if isinstance(role, Whole):
            return self._whole(role.value)
        if isinstance(role, Cut):
            if role.values not in self.cut:
                array = cut_of(self.writer, role.values)
                self.cut[role.values] = (array, _input(array, 1, f"x{len(self.cut)}"))
            return self._shaped(self.cut[role.values][1], template)
        if isinstance(role, Made):
            at = self.builder.copy(role.operation, ())[0]
        elif isinstance(role, Carried):
            if role not in self.carried:
                self.carried[role] = [
                    Value(x.type, f"c{len(self.carried)}.{i}") for i, x in enumerate(role.first)
                ]
            at = self.carried[role][-1]
        else:
            at = self.inside[role]
        return self._viewed(at, template)

    def _whole(self, value: Value) -> Value:
        if value not in self.whole:
            self.whole[value] = Value(value.type, f"w{len(self.whole)}")
        return self.whole[value]

    def _shaped(self, part: Value, template: Value) -> Value:
        """A part of a slice, which has the elements of the operand in order."""
        if part.type.size == template.type.size:
            shaped: Value = self.builder.reshape(part, template.shape)
        else:  # one number, repeated
            shaped = self.builder.broadcast(part, template.shape)
        return shaped

    def _viewed(self, at: Value, template: Value) -> Value:
        """`at` through the views through which the operand is read."""
        for view in self.writer.listing.reading(template).path:
            key = (at, view.name, view.result.type, attribute_key(view))
            if key not in self.views:
                self.views[key] = self.builder.copy(view, (at,))[0]
            at = self.views[key]
        return at

    def _close(self) -> Graph:
        """Carries, and what the loop leaves behind."""
        used = self.steps.used()
        last = self.steps.run.steps - 1
        inputs: list[Value] = []
        outputs: list[Value] = []
        self.starts: list[Value] = []
        self.ends: dict[Inside, int] = {}
        for role, values in self.carried.items():
            self.ends.setdefault(role.source, len(inputs))
            following = [self.inside[role.source], *values[:-1]]
            starts = [self.writer.new(x) for x in reversed(role.first)]
            inputs, outputs = inputs + values, outputs + following
            self.starts += starts
        self.stacks: list[Inside] = []
        for source, steps in used.items():
            if steps != {last}:
                self.stacks.append(source)
            elif source not in self.ends:
                self.ends[source] = len(inputs)
                value = self.inside[source]
                inputs.append(Value(value.type, f"end{len(inputs)}"))
                outputs.append(value)
                self.starts.append(self.writer.builder.constant(0, value.type))
        self.ends = {x: n for x, n in self.ends.items() if used.get(x) == {last}}
        self.whole_operands = [self.writer.new(x) for x in self.whole]
        self.builder.inputs = [
            *inputs,
            *(part for _, part in self.cut.values()),
            *self.whole.values(),
        ]
        return self.builder.build([*outputs, *(self.inside[source] for source in self.stacks)])


def _input(array: Value, dropped: int, name: str) -> Value:
    return Value(array.type.with_shape(array.shape[dropped:]), name)
