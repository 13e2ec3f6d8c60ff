"""The text form of a graph: printing. (`ir.parse` reads it back.)

    func @loss(%x: f64[3], %w: f64[3]) -> (f64[]) {
      %0 = mul %x, %w : f64[3]                                // model.py:7
      %1 = sum %0 {axes = [0]} : f64[]                        // model.py:8
      return %1
    }

Attributes are printed in alphabetical order: numbers, booleans, "strings", [lists], none, and small
arrays as dense("f64", [shape], [elements]). Comments hold the user's line and the note of the pass.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np

from .graph import Graph, Operation, Value
from .op import ArrayConstant
from .types import dtype_name

_COMMENT_COLUMN = 63
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")


class _Names:
    """Names of values, in printing order: inputs by their own name, results by number."""

    def __init__(self) -> None:
        self.names: dict[Value, str] = {}
        self.used: set[str] = set()
        self.count = 0

    def input(self, value: Value) -> str:
        base = value.name if _PLAIN_NAME.match(value.name) else f"a{len(self.names)}"
        name, n = base, 1
        while name in self.used:
            name, n = f"{base}.{n}", n + 1
        self.used.add(name)
        self.names[value] = f"%{name}"
        return self.names[value]

    def result(self, value: Value) -> str:
        self.names[value] = f"%{self.count}"
        self.count += 1
        return self.names[value]

    def of(self, value: Value) -> str:
        return self.names.get(value, "%<undefined>")


def print_graph(graph: Graph, *, comments: bool = True, stage: str = "") -> str:
    """The text form of `graph`; with `stage`, below a header line that counts what is in it."""
    names = _Names()
    inputs = ", ".join(f"{names.input(v)}: {v.type}" for v in graph.inputs)
    results = ", ".join(str(v.type) for v in graph.outputs)
    lines = [_header(graph, stage)] if stage else []
    lines.append(f"func @{graph.name}({inputs}) -> ({results}) {{")
    lines += _body(graph, names, "  ", comments)
    lines.append(("  return " + ", ".join(names.of(v) for v in graph.outputs)).rstrip())
    lines.append("}")
    return "\n".join(lines)


def _header(graph: Graph, stage: str) -> str:
    kernels = sum(operation.name == "kernel" for operation in graph.walk())
    return f"// stage: {stage:<40} {_count(len(graph), 'op')}, {_count(kernels, 'kernel')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _body(graph: Graph, names: _Names, indent: str, comments: bool) -> list[str]:
    lines: list[str] = []
    for operation in graph:
        lines += _operation(operation, names, indent, comments)
    return lines


def _operation(operation: Operation, names: _Names, indent: str, comments: bool) -> list[str]:
    operands = ", ".join(names.of(v) for v in operation.operands)
    results = ", ".join(names.result(v) for v in operation.results)
    head = f"{indent}{results} = {operation.name}"
    head += f" {operands}" if operands else ""
    if operation.attributes:
        inside = ", ".join(f"{k} = {attribute(v)}" for k, v in sorted(operation.attributes.items()))
        head += f" {{{inside}}}"
    types = ", ".join(str(r.type) for r in operation.results)
    comment = _comment(operation) if comments else ""
    if not operation.regions:
        return [_with_comment(f"{head} : {types}", comment)]
    lines = [_with_comment(head + " (", comment)]
    for region in operation.regions:
        lines += _region(region, names, indent, comments)
    return [*lines, f"{indent}) : {types}"]


def _region(region: Graph, names: _Names, indent: str, comments: bool) -> list[str]:
    inputs = ", ".join(f"{names.input(v)}: {v.type}" for v in region.inputs)
    lines = [f"{indent}^body({inputs}) {{"]
    lines += _body(region, names, indent + "  ", comments)
    lines.append((f"{indent}  yield " + ", ".join(names.of(v) for v in region.outputs)).rstrip())
    return [*lines, f"{indent}}}"]


def _comment(operation: Operation) -> str:
    parts = [str(operation.location)] if operation.location else []
    return ", ".join(parts + ([operation.note] if operation.note else []))


def _with_comment(line: str, comment: str) -> str:
    return f"{line:<{_COMMENT_COLUMN}} // {comment}" if comment else line


def attribute(value: Any) -> str:
    """The text form of an attribute's value."""
    if isinstance(value, ArrayConstant):
        array = value.array
        shape = attribute(array.shape)
        elements = attribute(tuple(array.ravel().tolist()))
        return f'dense("{dtype_name(array.dtype)}", {shape}, {elements})'
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(attribute(v) for v in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, np.generic):
        return attribute(value.item())
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return repr(value)
