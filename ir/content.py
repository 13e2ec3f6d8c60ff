"""What a graph computes, as text for hashing: equal texts are equal programs, in any process.

Names, lines of source and notes are left out. Numbers are written by their bits, so that -0.0 and
0.0 differ, and so do kinds of nan.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from .graph import Graph, Operation, Value
from .op import TABLE, ArrayConstant
from .types import TensorType


class NoContentError(TypeError):
    """The graph holds something that has no content of its own: an op that is not in the table, or
    an attribute that is no plain data.
    """


def content(graph: Graph) -> str:
    """The content of `graph`. Raises NoContentError."""
    lines: list[str] = []
    _write(graph, {}, lines)
    return "\n".join(lines)


def content_of(operation: Operation) -> str:
    """The content of one operation, and of its operands the types. Raises NoContentError."""
    numbers: dict[Value, int] = {}
    for value in operation.operands:
        numbers.setdefault(value, len(numbers))
    lines = [" ".join([_type(value.type) for value in operation.operands])]
    _operation(operation, numbers, lines)
    return "\n".join(lines)


def _write(graph: Graph, numbers: dict[Value, int], lines: list[str]) -> None:
    for value in graph.inputs:
        numbers[value] = len(numbers)
    lines.append("(" + " ".join([_type(value.type) for value in graph.inputs]) + ")")
    for operation in graph.operations:
        _operation(operation, numbers, lines)
    lines.append("return " + " ".join([str(numbers[value]) for value in graph.outputs]))


def _operation(operation: Operation, numbers: dict[Value, int], lines: list[str]) -> None:
    name = operation.op.name
    if TABLE.get(name) is not operation.op:
        raise NoContentError(f"the op {name} is not the one of the table")
    operands = " ".join([str(numbers[value]) for value in operation.operands])
    found = operation.attributes
    attributes = " ".join([f"{key}={plain(found[key])}" for key in sorted(found)]) if found else ""
    types = " ".join([_type(value.type) for value in operation.results])
    lines.append(f"{name} {operands};{attributes};{types}")
    for region in operation.regions:
        _write(region, numbers, lines)
    for value in operation.results:
        numbers[value] = len(numbers)


def _type(type: TensorType) -> str:
    return f"{type.dtype}{type.shape}"


def plain(value: Any) -> str:
    """Plain data as text; different data as different texts. Raises NoContentError."""
    kind = type(value)
    if kind in (int, bool, str, type(None)):
        return repr(value)
    if kind is float:
        return struct.pack("<d", value).hex() + "f"
    if kind is tuple or kind is list:
        return f"({','.join([plain(item) for item in value])})"
    if kind is ArrayConstant:
        return plain(value.array)
    if kind is TensorType:
        return _type(value)
    if kind is np.ndarray and not value.dtype.hasobject:
        return f"<{value.dtype.str}{value.shape}{value.tobytes().hex()}>"
    if isinstance(value, np.generic) and not value.dtype.hasobject:
        return f"<{value.dtype.str}{value.tobytes().hex()}>"
    raise NoContentError(f"{value!r} is no plain data")
