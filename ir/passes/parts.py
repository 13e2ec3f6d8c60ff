"""Tensors with a few small axes as arrays of parts, and what every operation makes of parts.

An axis is small up to `SMALL` elements. The parts of a value are an array of the value's rank, with
the extents of its small axes and 1 for every large one; a part is a value over the large axes
alone. f64[1000, 3] has 1 × 3 parts f64[1000]. A part that is None is a zero that a pad put there;
adding it to a number gives the number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..builder import GraphBuilder
from ..graph import Operation, Value
from ..types import TensorType
from .sharing import LEAST_PART

SMALL = 16  # elements of an axis that is unrolled
MOST_PARTS = 64  # of one value

Parts = np.ndarray[Any, Any]  # of Value | None
Shape = tuple[int, ...]


def large_axes(shape: Shape, small: int) -> Shape:
    return tuple(axis for axis, extent in enumerate(shape) if extent > small)


def large_shape(shape: Shape, small: int) -> Shape:
    """The shape of a part."""
    return tuple(extent for extent in shape if extent > small)


def small_shape(shape: Shape, small: int) -> Shape:
    """The shape of the array of parts."""
    return tuple(1 if extent > small else extent for extent in shape)


def count_parts(shape: Shape, small: int) -> int:
    return math.prod(small_shape(shape, small))


class Unrolled:
    """What rules work with: the builder, and where axes begin to be large."""

    def __init__(self, builder: GraphBuilder, small: int) -> None:
        self.b, self.small = builder, small

    def large(self, x: Value) -> Shape:
        return large_axes(x.shape, self.small)

    def part_type(self, x: Value) -> TensorType:
        return TensorType(x.dtype, large_shape(x.shape, self.small))

    def parts_like(self, x: Value, items: Iterable[Value | None]) -> Parts:
        """The array of parts of `x`, from a list."""
        shape = small_shape(x.shape, self.small)
        array: Parts = np.empty(math.prod(shape), object)
        array[:] = list(items)
        return array.reshape(shape)

    def real(self, part: Value | None, type: TensorType) -> Value:
        """A part that is a value in any case."""
        return self.b.constant(0, type) if part is None else part

    def each(self, x: Value, parts: Parts, change: Callable[[Value], Value]) -> Parts:
        """`change` of every part; the result is shaped like the parts of `x`."""
        return self.parts_like(x, [None if p is None else change(p) for p in parts.ravel()])

    def split(self, x: Value) -> Parts:
        """The parts of a value that is whole: views of it."""
        producer, type = x.producer, self.part_type(x)
        shape = small_shape(x.shape, self.small)
        if producer is not None and producer.name == "constant":
            number = producer.attributes["value"]
            return self.parts_like(x, [self.b.constant(number, type)] * math.prod(shape))
        if producer is not None and producer.name == "dense" and not type.shape:
            numbers = producer.attributes["data"].array.ravel().tolist()
            return self.parts_like(x, [self.b.constant(n, type) for n in numbers])
        large, items = self.large(x), []
        for index in np.ndindex(shape):
            stop = tuple(x.shape[a] if a in large else i + 1 for a, i in enumerate(index))
            items.append(self.b.reshape(self.b.slice(x, index, stop), type.shape))
        return self.parts_like(x, items)

    def whole(self, x: Value, parts: Parts) -> Value:
        """The value with these parts, like `x`: its small axes behind the large ones in memory, but
        where they come first and the parts are computed in their places.
        """
        type, large = self.part_type(x), self.large(x)
        items = [self.real(part, type) for part in parts.ravel()]
        first = large == tuple(range(x.type.ndim - len(large), x.type.ndim))
        if first and len(items) > 1 and type.bytes >= LEAST_PART:
            rows = [self.b.reshape(item, (1, *type.shape)) for item in items]
            return self.b.reshape(self.b("concatenate", *rows, axis=0), x.shape)
        joined = items[0] if len(items) == 1 else self.b("stack", *items)
        order = (*large, *(a for a in range(x.type.ndim) if a not in large))
        moved = self.b.reshape(joined, tuple(x.shape[a] for a in order))
        result: Value = self.b.transpose(moved, tuple(order.index(a) for a in range(len(order))))
        return result

    def tree(self, name: str, items: list[Value]) -> Value:
        """All of `items` by a binary operation, neighbours first."""
        while len(items) > 1:
            pairs = zip(items[::2], items[1::2], strict=False)
            odd = items[-1:] if len(items) % 2 else []
            items = [self.b(name, x, y) for x, y in pairs] + odd
        return items[0]

    def sum(self, items: list[Value | None]) -> Value | None:
        known = [x for x in items if x is not None]
        return self.tree("add", known) if known else None


# --- rules: the parts of the result, from those of the operands ---

Rule = Callable[[Unrolled, Operation, list[Parts]], Parts]


def elementwise(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    types = [u.part_type(x) for x in operation.operands]
    items = []
    for parts in zip(*(x.ravel() for x in operands), strict=True):
        found = _of_zeros(u, operation.name, parts)
        if found is _COMPUTED:
            registers = [u.real(p, t) for p, t in zip(parts, types, strict=True)]
            found = u.b(operation.name, *registers, **operation.attributes)
        items.append(found)
    return u.parts_like(operation.result, items)


_COMPUTED = object()  # what `_of_zeros` leaves to be computed


def _of_zeros(u: Unrolled, name: str, parts: tuple[Value | None, ...]) -> Any:
    """Sums with zeros of a pad, and their signs."""
    if name in ("neg", "cast", "add", "sub") and all(part is None for part in parts):
        return None
    if name == "add" and None in parts:
        return parts[0] if parts[1] is None else parts[1]
    if name == "sub" and None in parts:
        return parts[0] if parts[1] is None else u.b.neg(parts[1])
    return _COMPUTED


def _iota(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    axis, x = operation.attributes["axis"], operation.result
    type, large = u.part_type(x), u.large(x)
    if axis in large:
        along = u.b("iota", dtype=x.dtype, shape=type.shape, axis=large.index(axis))
        return u.parts_like(x, [along] * count_parts(x.shape, u.small))
    shape = small_shape(x.shape, u.small)
    return u.parts_like(x, [u.b.constant(index[axis], type) for index in np.ndindex(shape)])


def _broadcast(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    x, result = operation.operands[0], operation.result
    lead = result.type.ndim - x.type.ndim
    old, new = u.large(x), u.part_type(result).shape
    between = tuple(
        x.shape[a - lead] if a - lead in old else 1 for a in u.large(result)
    )  # a part with an axis for each large one of the result
    wide = u.each(x, operands[0], lambda p: u.b.broadcast(u.b.reshape(p, between), new))
    shape = small_shape(result.shape, u.small)
    return np.broadcast_to(wide.reshape((1,) * lead + wide.shape), shape)


def _reshape(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    return operands[0].reshape(small_shape(operation.result.shape, u.small))


def _transpose(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    permutation = operation.attributes["permutation"]
    large = u.large(operation.operands[0])
    inner = tuple(large.index(a) for a in permutation if a in large)
    moved = operands[0].transpose(permutation)
    return u.each(operation.result, moved, lambda p: u.b.transpose(p, inner))


def _slice(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    names = ("start", "stop", "step")
    bounds = list(zip(*(operation.attributes[name] for name in names), strict=True))
    large = u.large(operation.operands[0])
    kept = operands[0][tuple(slice(*((None,) if a in large else b)) for a, b in enumerate(bounds))]
    inner = [tuple(bounds[a][i] for a in large) for i in range(3)]
    return u.each(operation.result, kept, lambda p: u.b.slice(p, *inner))


def _reverse(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    axes, large = operation.attributes["axes"], u.large(operation.operands[0])
    inner = tuple(large.index(a) for a in axes if a in large)
    turned = np.flip(operands[0], tuple(a for a in axes if a not in large))
    if not inner:
        return turned
    return u.each(operation.result, turned, lambda p: u.b("reverse", p, axes=inner))


def _pad(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    names = ("low", "high", "interior")
    widths = [operation.attributes[name] for name in names]
    large = u.large(operation.operands[0])
    inner = {name: tuple(w[a] for a in large) for name, w in zip(names, widths, strict=True)}
    parts = operands[0]
    if any(any(width) for width in inner.values()):
        parts = u.each(operation.operands[0], parts, lambda p: u.b("pad", p, **inner))
    result = np.full(small_shape(operation.result.shape, u.small), None)
    low, _, interior = widths
    result[
        tuple(
            slice(None)
            if a in large
            else slice(low[a], low[a] + (n - 1) * (step + 1) + 1, step + 1)
            for a, (n, step) in enumerate(zip(parts.shape, interior, strict=True))
        )
    ] = parts
    return result


def _concatenate(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    return np.concatenate(operands, operation.attributes["axis"])


_COMBINE = {"sum": "add", "prod": "mul", "reduce_max": "maximum", "reduce_min": "minimum"}


def _reduce(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    x, axes, large = (
        operation.operands[0],
        operation.attributes["axes"],
        u.large(operation.operands[0]),
    )
    folded = tuple(a for a in axes if a not in large)
    inner = tuple(large.index(a) for a in axes if a in large)
    kept = [a for a in range(x.type.ndim) if a not in folded]
    columns = operands[0].transpose((*kept, *folded))
    columns = columns.reshape((-1, math.prod(x.shape[a] for a in folded)))
    items = []
    for column in columns:
        part = _fold(u, operation.name, list(column), u.part_type(x))
        if inner and part is not None:
            part = u.b(operation.name, part, axes=inner)
        items.append(part)
    return u.parts_like(operation.result, items)


def _fold(u: Unrolled, name: str, column: list[Value | None], type: TensorType) -> Value | None:
    if name == "sum":
        return u.sum(column)
    return u.tree(_COMBINE[name], [u.real(part, type) for part in column])


def _dot(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    left, right = (_as_rows(operation, side, operands[side]) for side in range(2))
    over = _contracted_large(u, operation)
    items = []
    for lhs, rhs in zip(left, right, strict=True):
        for row, column in itertools.product(lhs, rhs):
            terms = [_product(u, p, q) for p, q in zip(row, column, strict=True)]
            total = u.sum(terms)
            items.append(u.b.sum(total, (0,)) if over and total is not None else total)
    return u.parts_like(operation.result, items)


def _as_rows(operation: Operation, side: int, parts: Parts) -> Parts:
    """The parts of a factor by batch, free and inner axes."""
    batch = operation.attributes["batch"][side]
    contract = operation.attributes["contract"][side]
    free = tuple(a for a in range(parts.ndim) if a not in (*batch, *contract))
    counts = [math.prod(parts.shape[a] for a in axes) for axes in (batch, free, contract)]
    return parts.transpose((*batch, *free, *contract)).reshape(counts)


def _contracted_large(u: Unrolled, operation: Operation) -> bool:
    """Is the one large axis summed over?"""
    return any(a in u.large(operation.operands[0]) for a in operation.attributes["contract"][0])


def _product(u: Unrolled, x: Value | None, y: Value | None) -> Value | None:
    if x is None and y is None:
        return None
    other = x if y is None else y
    assert other is not None
    x, y = (u.real(p, other.type) for p in (x, y))
    shape = max(x.shape, y.shape, key=len)
    product: Value = u.b.mul(u.b.broadcast(x, shape), u.b.broadcast(y, shape))
    return product


def _cumsum(u: Unrolled, operation: Operation, operands: list[Parts]) -> Parts:
    axis, backwards = operation.attributes["axis"], operation.attributes["reverse"]
    result = np.moveaxis(operands[0].copy(), axis, 0)  # a view: what is set here is set there
    order = list(range(len(result)))
    if backwards:
        order.reverse()
    for before, here in itertools.pairwise(order):
        for index in np.ndindex(result.shape[1:]):
            result[(here, *index)] = u.sum([result[(before, *index)], result[(here, *index)]])
    return np.moveaxis(result, 0, axis)


RULES: dict[str, Rule] = {
    "iota": _iota,
    "constant": lambda u, operation, operands: u.split(operation.result),
    "broadcast": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "reverse": _reverse,
    "pad": _pad,
    "concatenate": _concatenate,
    "sum": _reduce,
    "prod": _reduce,
    "reduce_max": _reduce,
    "reduce_min": _reduce,
    "cumsum": _cumsum,
    "dot": _dot,
}
