"""The interpreter: a graph run op by op in NumPy. It defines what a graph means; compiled code is
held to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import IRError
from .graph import Graph, Operation, Value
from .types import NUMPY_DTYPE


def interpret(graph: Graph, arguments: Sequence[Any]) -> list[np.ndarray]:
    """The outputs of `graph` for `arguments` (array-likes, cast to the inputs' dtypes)."""
    if len(arguments) != len(graph.inputs):
        raise IRError(f"@{graph.name} takes {len(graph.inputs)} arguments, got {len(arguments)}")
    values: dict[Value, np.ndarray] = {}
    for value, argument in zip(graph.inputs, arguments, strict=True):
        array = np.asarray(argument, NUMPY_DTYPE[value.dtype])
        if array.shape != value.shape:
            raise IRError(f"%{value.name} is {value.type}, got an array of shape {array.shape}")
        values[value] = array
    with np.errstate(all="ignore"):
        run_operations(graph, values)
    return [values[output] for output in graph.outputs]


def run_operations(graph: Graph, values: dict[Value, Any]) -> None:
    """Evaluate the operations of `graph` into `values`; what is not used again is dropped."""
    dying = _last_uses(graph)
    for operation in graph:
        operands = [values[x] for x in operation.operands]
        values.update(zip(operation.results, evaluate(operation, operands), strict=True))
        for value in dying.get(operation, ()):
            del values[value]


def evaluate(operation: Operation, operands: list[Any]) -> list[np.ndarray]:
    """The results of one operation for arrays of its operands' types."""
    attributes = operation.attributes
    if operation.regions:
        attributes = {**attributes, "regions": operation.regions}
    results = operation.op.eval(*operands, **attributes)
    found = results if isinstance(results, tuple) else (results,)
    return [
        np.asarray(array, NUMPY_DTYPE[value.dtype])
        for value, array in zip(operation.results, found, strict=True)
    ]


def _last_uses(graph: Graph) -> dict[Operation, list[Value]]:
    """For each operation the values that nobody reads after it."""
    last: dict[Value, Operation] = {}
    for operation in graph:
        for value in (*operation.results, *operation.operands):
            last[value] = operation
    dying: dict[Operation, list[Value]] = {}
    kept = set(graph.outputs)
    for value, operation in last.items():
        if value not in kept:
            dying.setdefault(operation, []).append(value)
    return dying
