"""Which values fusion had better make again in each kernel than store between two."""

from __future__ import annotations

from collections.abc import Mapping

from ..graph import Operation, Value
from ..record import record
from .levels import Levels, Source, is_generator, joins

LONGEST = 4  # operations that a kernel rather does again than read their result
CHEAP = frozenset(
    {"add", "sub", "mul", "neg", "abs", "maximum", "minimum", "select", "cast"}
    | {
        "lt",
        "le",
        "gt",
        "ge",
        "eq",
        "ne",
        "logical_and",
        "logical_or",
        "logical_xor",
        "logical_not",
    }
)


@record
class _Cone:
    """What makes a value from memory: operations, and the arrays of its own size that they read."""

    operations: int
    arrays: frozenset[Source]


def cheaper_again(levels: Levels, group_of: Mapping[Operation, object]) -> set[Value]:
    """The values that every kernel that needs them makes itself, from what is in memory.

    Those are made by a few cheap operations from one dense array of no more bytes (and smaller
    ones), and are only read where they could be in a register. Reading that array costs what
    reading the value would, and nobody has to write it.
    """
    found: set[Value] = set()
    cones: dict[Value, _Cone] = {}
    for operation in levels.graph:
        if operation.name not in CHEAP:
            continue
        cone = _cone_of(operation, levels, group_of, cones, found)
        if cone is None:
            continue
        result = operation.result
        cones[result] = cone
        if _reads_no_more(cone, result) and _is_only_joined(levels, result):
            found.add(result)
    return found


def _cone_of(
    operation: Operation,
    levels: Levels,
    group_of: Mapping[Operation, object],
    cones: dict[Value, _Cone],
    found: set[Value],
) -> _Cone | None:
    count, arrays = 1, set[Source]()
    for operand in dict.fromkeys(operation.operands):
        producer = operand.producer
        if is_generator(operand) and joins(operand, operation):
            continue
        beside = producer is not None and group_of.get(producer) is group_of[operation]
        if joins(operand, operation) and (operand in found or beside):
            inner = cones.get(operand)
            if inner is None:
                return None
            count += inner.operations
            arrays |= inner.arrays
        else:
            source = levels.sources[operand]
            if source.base.type.size >= operand.type.size:
                arrays.add(source)
    if count > LONGEST or len(arrays) > 1:
        return None
    return _Cone(count, frozenset(arrays))


def _reads_no_more(cone: _Cone, result: Value) -> bool:
    return all(
        source.view.is_dense and source.base.type.bytes <= result.type.bytes
        for source in cone.arrays
    )


def _is_only_joined(levels: Levels, result: Value) -> bool:
    """Is it read by operations of its own domain, and by nothing else?"""
    readers = levels.readers.get(result, ())
    return not levels.is_output(result) and all(
        direct and joins(result, user) for user, direct in readers
    )
