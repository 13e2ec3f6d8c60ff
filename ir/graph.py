"""Values, operations, graphs: all that the IR is made of.

    graph     ::= func @name ( %input : type, … ) -> ( type, … ) { operation … return %value, … }
    operation ::= %result, … = name %operand, … { attribute = constant, … } regions : type, …
    region    ::= graph without a name, the body of an operation

Nothing here is changed once it is built: a pass reads one graph and builds another. Operations
stand in an order in which every operand is defined before it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .location import Location
from .types import TensorType

if TYPE_CHECKING:
    from .op import Op

__all__ = ["Graph", "Location", "Operation", "Value"]


class Value:
    """A result of one operation, or an input of a graph. Identity is what counts: `==` is `is`."""

    __slots__ = ("name", "producer", "type")

    def __init__(self, type: TensorType, name: str = "", producer: Operation | None = None) -> None:
        self.type = type
        self.name = name  # a hint for printing: inputs have one
        self.producer = producer

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.shape

    @property
    def dtype(self) -> str:
        return self.type.dtype

    def __repr__(self) -> str:
        origin = self.producer.op.name if self.producer else f"input {self.name}"
        return f"<Value {self.type} of {origin}>"


class Operation:
    """One application of an `Op`: operands in, results out, attributes fixed.

    `location` is the user's line, `note` says what a pass made it for ("vjp of tanh").
    """

    __slots__ = ("attributes", "location", "note", "op", "operands", "regions", "results")

    def __init__(
        self,
        op: Op,
        operands: tuple[Value, ...],
        attributes: Mapping[str, Any],
        result_types: Iterable[TensorType],
        *,
        regions: tuple[Graph, ...] = (),
        location: Location | None = None,
        note: str = "",
    ) -> None:
        self.op = op
        self.operands = operands
        self.attributes = attributes
        self.regions = regions
        self.location = location
        self.note = note
        self.results = tuple(Value(type, "", self) for type in result_types)

    @property
    def result(self) -> Value:
        """The result of an operation that has one."""
        return self.results[0]

    @property
    def name(self) -> str:
        return self.op.name

    def __repr__(self) -> str:
        return f"<Operation {self.op.name} : {', '.join(str(r.type) for r in self.results)}>"


class Graph:
    """A function of the IR: typed inputs, operations in SSA form, outputs.

    `str(graph)` is its text form and `ir.parse` reads that back. Two graphs are equal when their
    text without comments is. `fastmath` is for the code generator, and no part of the text: its
    maths functions may be off by 4 ULP.
    """

    __slots__ = ("fastmath", "inputs", "name", "operations", "outputs")

    def __init__(
        self,
        name: str,
        inputs: Iterable[Value],
        operations: Iterable[Operation],
        outputs: Iterable[Value],
        *,
        fastmath: bool = False,
    ) -> None:
        self.name = name
        self.fastmath = fastmath
        self.inputs = tuple(inputs)
        self.operations = tuple(operations)
        self.outputs = tuple(outputs)

    @property
    def input_types(self) -> tuple[TensorType, ...]:
        return tuple(value.type for value in self.inputs)

    @property
    def output_types(self) -> tuple[TensorType, ...]:
        return tuple(value.type for value in self.outputs)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)

    def walk(self) -> Iterator[Operation]:
        """All operations, those in the regions of others included."""
        pending = [*reversed(self.operations)]
        while pending:
            operation = pending.pop()
            yield operation
            for region in reversed(operation.regions):
                pending.extend(reversed(region.operations))

    def __str__(self) -> str:
        from .text import print_graph

        return print_graph(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        from .text import print_graph

        return print_graph(self, comments=False) == print_graph(other, comments=False)

    def __hash__(self) -> int:
        from .text import print_graph

        return hash(print_graph(self, comments=False))

    def __repr__(self) -> str:
        return f"<Graph @{self.name}: {len(self.operations)} operations>"
