"""Axes of extent 1 dropped from the code of kernels."""

from __future__ import annotations

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..ops.kernel import REDUCTIONS
from .rewrite import rewrite


def drop_unit_axes(graph: Graph) -> Graph:
    """Let elementwise operations and reductions work on shapes without axes of extent 1.

    Requires: no kernels. Ensures: only views, opaque operations and outputs have such axes. Why:
    `keepdims` and the reshapes around broadcasts would part what belongs in one kernel, [64, 1]
    from [64].
    """
    if not any(1 in result.type.shape for operation in graph for result in operation.results):
        return graph
    return rewrite(graph, _squeeze_one)


def _squeeze_one(
    b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]
) -> tuple[Value, ...] | None:
    shape = operands[0].shape if operands else operation.results[0].shape
    if 1 not in shape:
        return None
    attributes = dict(operation.attributes)
    if operation.name == "iota":
        if shape[attributes["axis"]] == 1:
            return (b.constant(0, operation.result.type),)
        attributes |= {"axis": _kept(shape).index(attributes["axis"]), "shape": _squeezed(shape)}
    elif operation.name in REDUCTIONS:
        kept = _kept(shape)
        attributes["axes"] = tuple(kept.index(a) for a in attributes["axes"] if a in kept)
    elif not operation.op.elementwise:
        return None
    narrow = tuple(_without_unit_axes(b, x) for x in operands)
    return (b.reshape(b(operation.name, *narrow, **attributes), operation.result.shape),)


def _without_unit_axes(b: GraphBuilder, x: Value) -> Value:
    shape, producer = _squeezed(x.shape), x.producer
    if producer is not None and producer.name == "reshape" and producer.operands[0].shape == shape:
        return producer.operands[0]
    narrow: Value = b.reshape(x, shape)
    return narrow


def _kept(shape: tuple[int, ...]) -> list[int]:
    return [axis for axis, extent in enumerate(shape) if extent != 1]


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(extent for extent in shape if extent != 1)
