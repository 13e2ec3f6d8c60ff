"""Builders: the one vocabulary in which derivative rules, functions and passes are written.

`b("tanh", x)` applies any op of the table; the structural words that rules use all the time are
methods. A `GraphBuilder` appends operations to a graph; a `NumpyBuilder` computes at once; the
eager engine has one more, which records nodes. What flows through is a `Handle`: a `Value`, an
array, or an eager tensor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .errors import FusegradError, ShapeError
from .graph import Graph, Location, Operation, Value
from .op import TABLE, Op
from .types import NUMPY_DTYPE, TensorType, dtype_name

Handle = Any


class Builder(ABC):
    """Applies ops to handles. Operands of elementwise ops have one shape and one dtype."""

    @abstractmethod
    def apply(self, op: Op, operands: tuple[Handle, ...], attributes: dict[str, Any]) -> Handle:
        """Apply `op`; the result's handle, or a tuple of them where the op has several results."""

    @abstractmethod
    def type_of(self, x: Handle) -> TensorType: ...

    @abstractmethod
    def constant(self, value: float | int | bool, type: TensorType) -> Handle:
        """`value` in every element of a tensor of `type` (a builder that computes may give a
        scalar).
        """

    def __call__(self, name: str, *operands: Handle, **attributes: Any) -> Handle:
        return self.apply(TABLE[name], operands, attributes)

    # --- arithmetic ---

    def add(self, x: Handle, y: Handle) -> Handle:
        return self("add", x, y)

    def sub(self, x: Handle, y: Handle) -> Handle:
        return self("sub", x, y)

    def mul(self, x: Handle, y: Handle) -> Handle:
        return self("mul", x, y)

    def div(self, x: Handle, y: Handle) -> Handle:
        return self("div", x, y)

    def neg(self, x: Handle) -> Handle:
        return self("neg", x)

    def scale(self, x: Handle, factor: float) -> Handle:
        """x · factor, with a constant factor of x's dtype."""
        return self("mul", x, self.full_like(x, factor))

    def compare(self, predicate: str, x: Handle, y: Handle) -> Handle:
        """Elementwise truth value; `predicate` is lt, le, gt, ge, eq or ne."""
        return self(predicate, x, y)

    def select(self, condition: Handle, x: Handle, y: Handle) -> Handle:
        """x where `condition`, else y."""
        return self("select", condition, x, y)

    def cast(self, x: Handle, dtype: str) -> Handle:
        return x if self.type_of(x).dtype == dtype else self("cast", x, dtype=dtype)

    # --- constants ---

    def full_like(self, x: Handle, value: float | int | bool) -> Handle:
        return self.constant(value, self.type_of(x))

    def zeros_like(self, x: Handle) -> Handle:
        return self.full_like(x, 0)

    # --- structure ---

    def reshape(self, x: Handle, shape: tuple[int, ...]) -> Handle:
        return x if self.type_of(x).shape == shape else self("reshape", x, shape=shape)

    def broadcast(self, x: Handle, shape: tuple[int, ...]) -> Handle:
        """NumPy's broadcasting of x to `shape`: trailing axes aligned, extents of 1 repeated."""
        return x if self.type_of(x).shape == shape else self("broadcast", x, shape=shape)

    def transpose(self, x: Handle, permutation: tuple[int, ...]) -> Handle:
        if permutation == tuple(range(len(permutation))):
            return x
        return self("transpose", x, permutation=permutation)

    def slice(
        self,
        x: Handle,
        start: tuple[int, ...],
        stop: tuple[int, ...],
        step: tuple[int, ...] | None = None,
    ) -> Handle:
        """x[start:stop:step] along every axis; 0 <= start <= stop <= extent and step >= 1."""
        shape = self.type_of(x).shape
        step = step or (1,) * len(shape)
        if stop == shape and not any(start) and all(s == 1 for s in step):
            return x
        return self("slice", x, start=start, stop=stop, step=step)

    def concatenate(self, parts: Sequence[Handle], axis: int) -> Handle:
        return parts[0] if len(parts) == 1 else self("concatenate", *parts, axis=axis)

    # --- reductions ---

    def sum(self, x: Handle, axes: Sequence[int]) -> Handle:
        """Sum over `axes`, which disappear."""
        return self("sum", x, axes=tuple(sorted(axes))) if axes else x

    def expand(self, x: Handle, axes: Sequence[int], shape: tuple[int, ...]) -> Handle:
        """The reverse of a reduction's shape: put `axes` back and repeat x along them up to
        `shape`.
        """
        kept = tuple(1 if i in axes else extent for i, extent in enumerate(shape))
        return self.broadcast(self.reshape(x, kept), shape)

    def sum_to(self, x: Handle, shape: tuple[int, ...]) -> Handle:
        """Sum x down to `shape`, from which it was broadcast."""
        have = self.type_of(x).shape
        if have == shape:
            return x
        lead = len(have) - len(shape)
        axes = [i for i in range(len(have)) if i < lead or (shape[i - lead] == 1 and have[i] != 1)]
        return self.reshape(self.sum(x, axes), shape)


class GraphBuilder(Builder):
    """Builds a `Graph`, operation by operation; types are inferred and checked at each."""

    def __init__(self, name: str = "main") -> None:
        self.name = name
        self.inputs: list[Value] = []
        self.operations: list[Operation] = []
        self.location: Location | None = None  # given to each operation
        self.note = ""
        self.locate: Callable[[], Location | None] | None = None  # asked instead, while tracing

    def input(self, type: TensorType, name: str = "") -> Value:
        value = Value(type, name or f"a{len(self.inputs)}")
        self.inputs.append(value)
        return value

    def apply(self, op: Op, operands: tuple[Handle, ...], attributes: dict[str, Any]) -> Handle:
        operation = self.append(op, operands, attributes)
        return operation.results[0] if len(operation.results) == 1 else operation.results

    def append(
        self,
        op: Op,
        operands: tuple[Value, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...] = (),
    ) -> Operation:
        location = self.locate() if self.locate else self.location
        try:
            types = op.infer(*(x.type for x in operands), **attributes)
        except FusegradError as error:
            error.at = error.at or location
            raise
        operation = Operation(
            op, operands, attributes, types, regions=regions, location=location, note=self.note
        )
        self.operations.append(operation)
        return operation

    def copy(self, operation: Operation, operands: tuple[Value, ...]) -> tuple[Value, ...]:
        """Append `operation` again with other operands of the same types; gives its results."""
        new = Operation(
            operation.op,
            operands,
            operation.attributes,
            (r.type for r in operation.results),
            regions=operation.regions,
            location=operation.location,
            note=operation.note,
        )
        self.operations.append(new)
        return new.results

    def keep(self, operation: Operation, operands: tuple[Value, ...]) -> tuple[Value, ...]:
        """Append `operation` with these operands: itself, if they are its own."""
        if operands != operation.operands:
            return self.copy(operation, operands)
        self.operations.append(operation)
        return operation.results

    def type_of(self, x: Value) -> TensorType:
        return x.type

    def constant(self, value: float | int | bool, type: TensorType) -> Value:
        return self(
            "constant", value=_python_scalar(value, type.dtype), dtype=type.dtype, shape=type.shape
        )

    def build(self, outputs: Sequence[Value]) -> Graph:
        return Graph(self.name, self.inputs, self.operations, outputs)


class NumpyBuilder(Builder):
    """Computes each op at once, on NumPy arrays. A constant is a NumPy scalar, which broadcasts."""

    def apply(self, op: Op, operands: tuple[Handle, ...], attributes: dict[str, Any]) -> Handle:
        return op.eval(*operands, **attributes)

    def type_of(self, x: Handle) -> TensorType:
        name = dtype_name(x.dtype)
        if name is None:
            raise ShapeError(f"no IR type for dtype {x.dtype}")
        return TensorType(name, x.shape)

    def constant(self, value: float | int | bool, type: TensorType) -> Handle:
        return NUMPY_DTYPE[type.dtype].type(value)

    def full_like(self, x: Handle, value: float | int | bool) -> Handle:
        return x.dtype.type(value)


def _python_scalar(value: Any, dtype: str) -> float | int | bool:
    """`value` rounded to `dtype`, as the Python number that the text form prints."""
    with np.errstate(over="ignore"):
        return NUMPY_DTYPE[dtype].type(value).item()
