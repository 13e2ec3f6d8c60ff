"""Checkpoints: parts of a graph that are one operation, and what becomes of them in derivatives and
batches. (`ir.outline` makes them, `ir.passes.written_out` writes them out again.)

The adjoint of a checkpoint computes its region anew, from operands that are kept, once the
cotangents of its results are there. (Griewank & Walther, Evaluating Derivatives, 2nd ed., SIAM
2008, ch. 12.)
"""

from __future__ import annotations

from collections.abc import Sequence

from .autodiff import Cotangents, Primal, jvp, varied_values
from .batching import batch_graph
from .builder import GraphBuilder
from .graph import Graph, Operation, Value
from .op import TABLE

_NEAR = 32  # operations that are looked at to see whether a cotangent is a constant


def append_checkpoint(
    builder: GraphBuilder, region: Graph, operands: Sequence[Value]
) -> tuple[Value, ...]:
    """Append a checkpoint with this region; its results."""
    yields = tuple((x.dtype, x.shape) for x in region.outputs)
    attributes = {"yields": yields}
    return builder.append(TABLE["checkpoint"], tuple(operands), attributes, (region,)).results


# --- derivatives ---


def varied_results(operation: Operation, varied: set[Value]) -> set[Value]:
    """The results that depend differentiably on operands in `varied`."""
    inside = _varied_inside(operation, varied)
    pairs = zip(operation.results, operation.regions[0].outputs, strict=True)
    return {result for result, output in pairs if output in inside}


def _varied_inside(operation: Operation, varied: set[Value]) -> set[Value]:
    pairs = zip(operation.regions[0].inputs, operation.operands, strict=True)
    return varied_values(operation.regions[0], [inner for inner, x in pairs if x in varied])


def push_back(
    operation: Operation,
    builder: GraphBuilder,
    primal: dict[Value, Value],
    cotangents: Cotangents,
    varied: set[Value],
) -> None:
    """Compute the region again, and hand the cotangents of the results to the operands."""
    region = operation.regions[0]
    taken = [cotangents.take(result) for result in operation.results]
    pairs = list(zip(operation.results, region.outputs, taken, strict=True))
    after = [primal[r] if _is_constant(ct) else ct for r, _, ct in pairs if ct is not None]
    if not after:
        return
    builder.location, builder.note = operation.location, "checkpoint, computed again"
    operands = [builder("later", primal[x], *after) for x in operation.operands]
    inner = Primal(region, builder, _varied_inside(operation, varied), operands)
    inside = Cotangents(builder)
    for _, output, ct in pairs:
        if ct is not None:
            inside.add(output, ct)
    inner.push_back(inside)
    for x, own in zip(operation.operands, region.inputs, strict=True):
        total = inside.take(own)
        if total is not None and x in varied:
            cotangents.add(x, total)


def _is_constant(value: Value) -> bool:
    """Is it made of constants alone? (One that takes many operations is not found out.)"""
    pending, seen = [value], 0
    while pending:
        producer = pending.pop().producer
        seen += 1
        if producer is None or seen > _NEAR:
            return False
        pending += producer.operands
    return True


def push_forward(
    operation: Operation,
    builder: GraphBuilder,
    primal: dict[Value, Value],
    tangents: dict[Value, Value],
) -> None:
    """Append the checkpoint with its tangents beside it."""
    region = operation.regions[0]
    moved = [i for i, x in enumerate(operation.operands) if x in tangents]
    inside = _varied_inside(operation, set(tangents))
    joint = jvp(region, moved)
    operands = [primal[x] for x in operation.operands]
    operands += [tangents[operation.operands[i]] for i in moved]
    builder.location, builder.note = operation.location, "jvp of checkpoint"
    results = append_checkpoint(builder, joint, operands)
    count = len(region.outputs)
    primal.update(zip(operation.results, results[:count], strict=True))
    for result, output, tangent in zip(
        operation.results, region.outputs, results[count:], strict=True
    ):
        if output in inside:
            tangents[result] = tangent


# --- batching ---


def batch_checkpoint(
    builder: GraphBuilder,
    operation: Operation,
    operands: tuple[Value, ...],
    flags: tuple[bool, ...],
    size: int,
) -> tuple[Value, ...]:
    """Append the checkpoint for `size` cases; all results have the batch axis first."""
    region = batch_graph(operation.regions[0], flags, size)
    return append_checkpoint(builder, region, operands)
