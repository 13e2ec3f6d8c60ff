"""Sums taken before products: what is summed out of a product need not be multiplied first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from .legalise import free_axes
from .rewrite import rewrite

_THROUGH = ("neg", "transpose")  # which a sum commutes with


def sum_before_product(graph: Graph) -> Graph:
    """Take sums over axes of a product into its factors, where the product is summed alone.

    Requires: no kernels. Ensures: same outputs up to rounding; a sum over a free axis of a `dot` is
    a sum of the factor that has this axis, one over a batch axis becomes a contraction. Why: the
    product is smaller by that axis, and so is what it writes (the gradient with respect to
    something broadcast into a product is such a sum).
    """
    if not any(operation.name == "dot" for operation in graph):
        return graph
    uses = Counter(x for operation in graph for x in operation.operands)
    uses.update(graph.outputs)

    def rule(
        b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]
    ) -> tuple[Value, ...] | None:
        if operation.name != "sum" or not _sums_a_product(operation.operands[0], uses):
            return None
        return (_summed(b, operands[0], operation.attributes["axes"]),)

    return rewrite(graph, rule)


def _sums_a_product(x: Value, uses: Mapping[Value, int]) -> bool:
    """Is x a product, or made of one by what a sum commutes with, and read once at each step?"""
    while uses[x] == 1 and x.producer is not None:
        if x.producer.name == "dot":
            return x.type.is_float and not x.producer.attributes.get("rows_first", False)
        if x.producer.name not in _THROUGH:
            return False
        x = x.producer.operands[0]
    return False


def _summed(b: GraphBuilder, x: Value, axes: tuple[int, ...]) -> Value:
    """The sum of x over `axes`, by way of its producers."""
    producer = x.producer
    assert producer is not None
    if producer.name == "neg":
        negated: Value = b.neg(_summed(b, producer.operands[0], axes))
        return negated
    if producer.name == "transpose":
        permutation = producer.attributes["permutation"]
        summed = tuple(sorted(permutation[a] for a in axes))
        inside = _summed(b, producer.operands[0], summed)
        kept = [a for a in range(len(permutation)) if a not in summed]
        order = tuple(kept.index(p) for p in permutation if p not in summed)
        transposed: Value = b.transpose(inside, order)
        return transposed
    return _product(b, producer, axes)


def _product(b: GraphBuilder, dot: Operation, axes: tuple[int, ...]) -> Value:
    """A `dot` without the `axes` of its result, over which it is summed."""
    contract, batch = dot.attributes["contract"], dot.attributes["batch"]
    stacked = len(batch[0])
    inner = [a for a in axes if a < stacked]  # batch axes that are summed
    contract = tuple((*contract[s], *(batch[s][a] for a in inner)) for s in range(2))
    batch = tuple(tuple(x for a, x in enumerate(batch[s]) if a not in inner) for s in range(2))
    start, factors = stacked, []
    for side, factor in enumerate(dot.operands):
        taken = dot.attributes["contract"][side], dot.attributes["batch"][side]
        free = free_axes(factor, *taken)
        gone = [x for a, x in enumerate(free, start) if a in axes]
        start += len(free)
        kept = [a for a in range(factor.type.ndim) if a not in gone]
        contract = _at(contract, side, tuple(kept.index(a) for a in contract[side]))
        batch = _at(batch, side, tuple(kept.index(a) for a in batch[side]))
        factors.append(b.sum(factor, gone))
    product: Value = b("dot", *factors, contract=contract, batch=batch)
    return product


def _at(
    pair: tuple[tuple[int, ...], ...], side: int, axes: tuple[int, ...]
) -> tuple[tuple[int, ...], ...]:
    return (axes, pair[1]) if side == 0 else (pair[0], axes)
