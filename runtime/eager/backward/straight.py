"""Straight-line Python: part of a graph as one function of NumPy arrays, written once, run often.

    def run(arguments):
        x, g, = arguments
        v0 = f0(x)
        v1 = f1(g, v0)
        return [v1]

Each line is one NumPy call, with nothing around it. The cheapest call is chosen that computes what
the op's `eval` computes: `np.add.reduce` for `sum`, `x.dot(y)` for products of matrices, 0-d arrays
for constants (where all that reads one broadcasts). The code of elementwise operations holds no
extents: it serves operands of every shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....ir import Operation, Value
from ....ir.types import NUMPY_DTYPE
from ..apply.blocks import Blocks
from .reach import needed_for, views_to

__all__ = ["Program", "function_of", "spread"]

Form = Callable[["_Writer", Operation, list[str]], str]
_SMALL = 4096  # elements up to which filling an array is cheaper than making a view


def spread(x: Any, shape: tuple[int, ...]) -> Any:
    """x repeated up to `shape`: a small array of its own, or a view."""
    if x.shape == shape:
        return x
    size = 1
    for extent in shape:
        size *= extent
    if size > _SMALL:
        return np.broadcast_to(x, shape)
    full = np.empty(shape, x.dtype)
    full[...] = x
    return full


class Program:
    """Computes `outputs` from the values `inputs`, by those of `operations` that they need.

    `run(arguments)` gives them as a list, for arrays (or NumPy scalars) of the inputs' types. If it
    is `elementwise`, it does so for arrays of any one shape. With `views`, outputs that are views
    of inputs are views of their arrays; else small ones may be copies.
    """

    __slots__ = ("blocks", "elementwise", "run")

    def __init__(
        self,
        inputs: Sequence[Value],
        operations: Sequence[Operation],
        outputs: Sequence[Value],
        views: bool = True,
    ) -> None:
        writer = _written(inputs, operations, outputs, views)
        results = ", ".join([writer.full(v) for v in outputs])
        self.elementwise = writer.elementwise
        self.blocks = Blocks(inputs, operations, outputs) if self.elementwise else None
        head = f"    {writer.head}= arguments\n" if inputs else ""
        self.run: Callable[[Sequence[Any]], list[Any]] = writer.function(
            "arguments", head, f"[{results}]"
        )

    def large(self, arguments: Sequence[Any]) -> list[Any]:
        """The same for large arrays, natively where that is possible."""
        found = None if self.blocks is None else self.blocks(arguments)
        return self.run(arguments) if found is None else found


def function_of(
    inputs: Sequence[Value], operations: Sequence[Operation], output: Value
) -> Callable[..., Any]:
    """The function of `inputs` that computes `output`, which may be a scalar where it is constant.

    It holds no extents. Its attribute `large` takes the same arguments: what is elementwise it
    computes natively where that is possible, and better than with NumPy.
    """
    writer = _written(inputs, operations, (output,))
    function: Callable[..., Any] = writer.function(writer.head, "", writer.of[output])
    needed = needed_for((output,), set(inputs))
    pays = sum(bool(operation.operands) for operation in needed) > 1 or any(
        "transcendental" in operation.op.traits for operation in needed
    )
    function.large = function  # type: ignore[attr-defined]
    if writer.elementwise and pays:
        function.large = _by_blocks(function, Blocks(inputs, operations, (output,)))  # type: ignore[attr-defined]
    return function


def _by_blocks(function: Callable[..., Any], blocks: Blocks) -> Callable[..., Any]:
    def large(*arguments: Any) -> Any:
        found = blocks(arguments)
        return function(*arguments) if found is None else found[0]

    return large


def _written(
    inputs: Sequence[Value],
    operations: Sequence[Operation],
    outputs: Sequence[Value],
    views: bool = False,
) -> _Writer:
    writer = _Writer(inputs, outputs if views else ())
    needed = needed_for(outputs, set(inputs))
    for operation in operations:
        if operation in needed:
            writer.add(operation)
    return writer


class _Writer:
    """Writes the lines; `names` is what the code refers to."""

    def __init__(self, inputs: Sequence[Value], views: Sequence[Value]) -> None:
        self.names: dict[str, Any] = {}
        self.bound: dict[int, str] = {}  # names by the address of what they stand for
        self.lines: list[tuple[str, str, list[str]]] = []  # result, expression, what it reads
        self.of: dict[Value, str] = {value: f"a{i}" for i, value in enumerate(inputs)}
        self.head = "".join(f"a{i}, " for i in range(len(inputs)))
        self.thin: set[Value] = set()  # values that may be a scalar in place of their full shape
        self.elementwise = True
        self.shown = {v for output in views for v in views_to(output)}

    def bind(self, value: Any, prefix: str) -> str:
        """A name for an object that the code uses."""
        name = self.bound.get(id(value))
        if name is None:
            name = self.bound[id(value)] = f"{prefix}{len(self.names)}"
            self.names[name] = value
        return name

    def add(self, operation: Operation) -> None:
        op, result = operation.op, operation.result
        if op.name == "constant":
            scalar = np.array(operation.attributes["value"], NUMPY_DTYPE[result.dtype])
            scalar.flags.writeable = False
            self.of[result] = self.bind(scalar, "c")
            self.thin.add(result)
        elif not operation.operands:
            self.elementwise = False
            self.of[result] = self.bind(op.eval(**operation.attributes), "c")
        else:
            thin = op.elementwise and all(x in self.thin for x in operation.operands)
            reads = [self.of[x] if op.elementwise else self.full(x) for x in operation.operands]
            self.of[result] = self.line(self.expression(operation, reads), reads)
            self.elementwise &= op.elementwise
            if thin:
                self.thin.add(result)

    def line(self, expression: str, reads: list[str]) -> str:
        name = f"v{len(self.lines)}"
        self.lines.append((name, expression, reads))
        return name

    def expression(self, operation: Operation, reads: list[str]) -> str:
        form = _FORMS.get(operation.name)
        return form(self, operation, reads) if form is not None else self.plain(operation, reads)

    def plain(self, operation: Operation, reads: list[str]) -> str:
        """The op's own `eval`."""
        words = [f"{k}={self.bind(v, 'k')}" for k, v in operation.attributes.items()]
        return f"{self.bind(operation.op.eval, 'f')}({', '.join([*reads, *words])})"

    def full(self, value: Value) -> str:
        """The name of `value` with all its elements."""
        if value not in self.thin:
            return self.of[value]
        self.elementwise = False
        name = self.of[value]
        shape = self.bind(value.shape, "k")
        return self.line(f"{self.bind(np.broadcast_to, 'f')}({name}, {shape})", [name])

    def function(self, parameters: str, head: str, result: str) -> Any:
        """What the lines compute; those that nothing reads are left out."""
        used, kept = set(re.findall(r"\w+", result)), []
        for name, expression, reads in reversed(self.lines):
            if name in used:
                used.update(reads)
                kept.append(f"    {name} = {expression}\n")
        body = "".join(reversed(kept))
        source = f"def run({parameters}):\n{head}{body}    return {result}\n"
        exec(compile(source, "<fusegrad eager>", "exec"), self.names)
        return self.names["run"]


# --- ops that have a cheaper form than their `eval` ---


def _sum(writer: _Writer, operation: Operation, reads: list[str]) -> str:
    x = operation.operands[0].type
    axes = operation.attributes["axes"]
    reduce = writer.bind(np.add.reduce, "f")
    if not x.is_float:
        dtype = writer.bind(NUMPY_DTYPE[x.dtype], "k")
        return f"{reduce}({reads[0]}, {axes!r}, {dtype})"
    return f"{reduce}({reads[0]}, {None if len(axes) == x.ndim and axes else axes!r})"


def _broadcast(writer: _Writer, operation: Operation, reads: list[str]) -> str:
    if operation.result in writer.shown:
        return writer.plain(operation, reads)
    return f"{writer.bind(spread, 'f')}({reads[0]}, {operation.attributes['shape']!r})"


def _reshape(writer: _Writer, operation: Operation, reads: list[str]) -> str:
    return f"{reads[0]}.reshape({operation.attributes['shape']!r})"


def _transpose(writer: _Writer, operation: Operation, reads: list[str]) -> str:
    return f"{reads[0]}.transpose({operation.attributes['permutation']!r})"


_CONTRACTIONS = {
    (2, 2, (1,), (0,)): "{}.dot({})",
    (2, 2, (1,), (1,)): "{}.dot({}.T)",
    (2, 2, (0,), (0,)): "{}.T.dot({})",
    (2, 2, (0,), (1,)): "{}.T.dot({}.T)",
    (2, 1, (1,), (0,)): "{}.dot({})",
    (2, 1, (0,), (0,)): "{}.T.dot({})",
    (1, 1, (0,), (0,)): "{}.dot({})",
    (1, 1, (), ()): "{f}.outer({}, {})",
}


def _dot(writer: _Writer, operation: Operation, reads: list[str]) -> str:
    x, y = operation.operands
    lhs, rhs = operation.attributes["contract"]
    form = _CONTRACTIONS.get((x.type.ndim, y.type.ndim, lhs, rhs))
    if form is None or operation.attributes["batch"] != ((), ()):
        return writer.plain(operation, reads)
    return form.format(*reads, f=writer.bind(np.multiply, "f"))


_FORMS: dict[str, Form] = {
    "sum": _sum,
    "broadcast": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "dot": _dot,
}
