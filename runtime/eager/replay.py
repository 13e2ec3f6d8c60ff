"""Running a graph again and again in NumPy: the interpreter's walk, prepared once.

A `Program` is a list of steps over numbered slots. A constant stays a scalar where all that read it
broadcast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ...ir import Graph, Operation, Value
from ...ir.op import ZERO, NoDerivative, Op
from ...ir.types import NUMPY_DTYPE

__all__ = ["Program", "needed_for", "reach", "root_of"]

Step = tuple[Callable[..., Any], tuple[int, ...], dict[str, Any], int]


class Program:
    """Computes `outputs` from the values `inputs`, by those of `operations` that they need."""

    __slots__ = ("_blank", "_outputs", "_slots", "_steps", "_thin")

    def __init__(
        self, inputs: Sequence[Value], operations: Sequence[Operation], outputs: Sequence[Value]
    ) -> None:
        self._slots: dict[Value, int] = {}
        self._thin: set[Value] = set()  # values kept as scalars in place of their full shape
        self._blank: list[Any] = []  # what the slots hold before a run: constants
        self._steps: list[Step] = []
        for value in inputs:
            self._slots[value] = self._new_slot()
        needed = needed_for(outputs, set(inputs))
        for operation in operations:
            if operation in needed:
                self._add(operation)
        self._outputs = tuple(self._full(value) for value in outputs)

    def run(self, arguments: Iterable[Any]) -> list[Any]:
        """The outputs for `arguments`, arrays (or NumPy scalars) of the inputs' types."""
        slots = self._blank.copy()
        slots[: len(arguments)] = arguments  # type: ignore[arg-type]
        for evaluate, operands, attributes, result in self._steps:
            slots[result] = evaluate(*[slots[i] for i in operands], **attributes)
        return [slots[i] for i in self._outputs]

    def _new_slot(self, content: Any = None) -> int:
        self._blank.append(content)
        return len(self._blank) - 1

    def _add(self, operation: Operation) -> None:
        op, result = operation.op, operation.result
        if op.name == "constant":
            scalar = NUMPY_DTYPE[result.dtype].type(operation.attributes["value"])
            self._slots[result] = self._new_slot(scalar)
            self._thin.add(result)
        elif not operation.operands:
            array = op.eval(**operation.attributes)
            self._slots[result] = self._new_slot(array)
        else:
            self._add_step(operation)

    def _add_step(self, operation: Operation) -> None:
        op, result = operation.op, operation.result
        if op.elementwise:
            operands = tuple(self._slots[x] for x in operation.operands)
            if all(x in self._thin for x in operation.operands):
                self._thin.add(result)
        else:
            operands = tuple(self._full(x) for x in operation.operands)
        self._slots[result] = slot = self._new_slot()
        self._steps.append((op.eval, operands, dict(operation.attributes), slot))

    def _full(self, value: Value) -> int:
        """The slot of `value` with all its elements."""
        if value not in self._thin:
            return self._slots[value]
        slot = self._new_slot()
        self._steps.append((np.broadcast_to, (self._slots[value],), {"shape": value.shape}, slot))
        return slot


def needed_for(outputs: Iterable[Value], known: set[Value]) -> set[Operation]:
    """The operations that `outputs` depend on, where the values `known` are given."""
    needed: set[Operation] = set()
    stack = [value for value in outputs if value not in known]
    while stack:
        producer = stack.pop().producer
        if producer is not None and producer not in needed:
            needed.add(producer)
            stack += [x for x in producer.operands if x not in known]
    return needed


def root_of(value: Value) -> Value:
    """The value whose memory `value` may be a view of: itself, or what structure was taken from."""
    while value.producer is not None and "view" in value.producer.op.traits:
        value = value.producer.operands[0]
    return value


def reach(graph: Graph) -> list[frozenset[int]]:
    """For each output the inputs on which it depends in a way that has a derivative."""
    found: dict[Value, frozenset[int]] = {x: frozenset((i,)) for i, x in enumerate(graph.inputs)}
    nothing: frozenset[int] = frozenset()
    for operation in graph.operations:
        sets = {
            found.get(operand, nothing)
            for i, operand in enumerate(operation.operands)
            if operand.type.is_float and _passes(operation.op, i)
        }
        union = sets.pop() if len(sets) == 1 else nothing.union(*sets)
        for result in operation.results:
            found[result] = union if result.type.is_float else nothing
    return [found.get(output, nothing) for output in graph.outputs]


def _passes(op: Op, index: int) -> bool:
    rule = op.vjp_rule(index)
    return op.name != "stop_gradient" and (rule is ZERO or not isinstance(rule, NoDerivative))
