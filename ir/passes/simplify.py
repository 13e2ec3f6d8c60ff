"""Algebra that always pays: constants folded, identities dropped, views of views joined.

Each rule keeps every value: nan, inf and the signs of zeros included (x + 0 is not x at -0). Only a
sum may be rounded otherwise, and be -0 for a single -0. A rule looks at the operation and at the
producers of its operands, so one walk is linear; two reach what rules open up for each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..builder import GraphBuilder
from ..graph import Graph, Operation, Value
from ..types import NUMPY_DTYPE
from .rewrite import rewrite


def simplify(graph: Graph) -> Graph:
    """Fold constants and drop identities.

    Requires: no kernels. Ensures: same outputs. Why: derivative rules and
    broadcasts are written generally, and most of their special cases are trivial.
    """
    return rewrite(graph, _simplify_one)


def _simplify_one(
    builder: GraphBuilder, operation: Operation, operands: tuple[Value, ...]
) -> Sequence[Value] | None:
    if operation.op.elementwise and len(operands) > 0:
        folded = _fold(builder, operation, operands)
        if folded is not None:
            return (folded,)
    rule = _RULES.get(operation.name)
    if rule is None:
        return None
    result = rule(builder, operation, operands)
    return None if result is None else (result,)


def constant_of(value: Value) -> Any:
    """The number in every element of `value`, where it is a constant; else None."""
    producer = value.producer
    if producer is not None and producer.name == "constant":
        return producer.attributes["value"]
    return None


def _fold(builder: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    if operation.name == "stop_gradient":
        return None
    numbers = [constant_of(x) for x in operands]
    if any(n is None for n in numbers):
        return None
    arrays = [_scalar(n, x.dtype) for n, x in zip(numbers, operands, strict=True)]
    with np.errstate(all="ignore"):
        result = operation.op.eval(*arrays, **operation.attributes)
    return builder.constant(result.item(), operation.result.type)


def _scalar(number: Any, dtype: str) -> np.ndarray:
    return np.asarray(number, NUMPY_DTYPE[dtype])


def _is(value: Value, number: float) -> bool:
    constant = constant_of(value)
    return constant is not None and constant == number


def _is_zero(value: Value, sign: float) -> bool:
    """Is `value` the zero of this sign everywhere? (An integer's has both.)"""
    constant = constant_of(value)
    if constant is None or constant != 0:
        return False
    return not value.type.is_float or math.copysign(1, constant) == sign


def _made_by(value: Value, name: str) -> Operation | None:
    producer = value.producer
    return producer if producer is not None and producer.name == name else None


Rule = Callable[[GraphBuilder, Operation, tuple[Value, ...]], Value | None]


def _add(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    x, y = operands
    if _is_zero(x, -1):
        return y
    if _is_zero(y, -1):
        return x
    if negated := _made_by(y, "neg"):
        return b.sub(x, negated.operands[0])
    if negated := _made_by(x, "neg"):
        return b.sub(y, negated.operands[0])
    return _scaled(b, x, 2.0) if x is y else None


def _scaled(b: GraphBuilder, x: Value, factor: float) -> Value | None:
    """`x` times a factor that changes no digits, if x is a multiple of something already."""
    product = _made_by(x, "mul") if x.type.is_float else None
    for y, number in (product.operands, product.operands[::-1]) if product else ():
        multiple = constant_of(number)
        if multiple is None:
            continue
        with np.errstate(over="ignore"):
            finite = np.isfinite(_scalar(multiple * factor, x.dtype))
        if finite:
            return b.scale(y, multiple * factor)
    return None


def _sub(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    x, y = operands
    if _is_zero(y, 1):
        return x
    if _is_zero(x, -1):
        return b.neg(y)
    if negated := _made_by(y, "neg"):
        return b.add(x, negated.operands[0])
    return None


def _mul(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    for x, y in (operands, operands[::-1]):
        if _is(y, 1):
            return x
        if _is(y, -1):
            return b.neg(x)
    left, right = _made_by(operands[0], "neg"), _made_by(operands[1], "neg")
    if left and right:
        return b.mul(left.operands[0], right.operands[0])
    return None


def _div(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    x, y = operands
    divisor = constant_of(y)
    if divisor == 1:
        return x
    if divisor and abs(np.frexp(divisor)[0]) == 0.5:  # a power of two
        with np.errstate(over="ignore"):
            factor = NUMPY_DTYPE[x.dtype].type(1.0 / divisor)
        if np.isfinite(factor):
            return b.scale(x, factor.item())
    return None


def _neg(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    inner = _made_by(operands[0], "neg")
    if inner:
        return inner.operands[0]
    return _scaled(b, operands[0], -1.0)


def _pow(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    x, exponent = operands[0], constant_of(operands[1])
    if exponent == 1:
        return x
    if exponent == 2:
        return b.mul(x, x)
    if exponent == 3:
        return b.mul(b.mul(x, x), x)
    if exponent == -1 and x.type.is_float:
        return b.div(b.full_like(x, 1), x)
    if exponent == 0.5 and x.type.is_float:  # pow gives inf for -inf, and 0 for -0
        lowest = b.compare("eq", x, b.full_like(x, -np.inf))
        root = b.add(b("sqrt", x), b.zeros_like(x))
        return b.select(lowest, b.full_like(x, np.inf), root)
    return None


def _select(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    condition, x, y = operands
    known = constant_of(condition)
    if known is not None:
        return x if known else y
    return x if x is y else None


def _cast(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    return operands[0] if operands[0].dtype == operation.attributes["dtype"] else None


def _same_shape(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    """Views: the identity, and views of constants."""
    x, result = operands[0], operation.result
    number = constant_of(x)
    if number is not None:
        return b.constant(number, result.type)
    return None


def _reshape(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    x, shape = operands[0], operation.result.shape
    if x.shape == shape:
        return x
    if inner := _made_by(x, "reshape"):
        return b.reshape(inner.operands[0], shape)
    return _same_shape(b, operation, operands)


def _broadcast(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    x, shape = operands[0], operation.result.shape
    if x.shape == shape:
        return x
    if inner := _made_by(x, "broadcast"):
        return b.broadcast(inner.operands[0], shape)
    return _same_shape(b, operation, operands)


def _transpose(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    x, permutation = operands[0], operation.attributes["permutation"]
    if permutation == tuple(range(len(permutation))):
        return x
    if inner := _made_by(x, "transpose"):
        first = inner.attributes["permutation"]
        return b.transpose(inner.operands[0], tuple(first[i] for i in permutation))
    return _same_shape(b, operation, operands)


def _slice(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    if operands[0].shape == operation.result.shape:
        return operands[0]
    return _same_shape(b, operation, operands)


def _pad(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    return operands[0] if operands[0].shape == operation.result.shape else None


def _reduce(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    """A reduction of single elements."""
    x = operands[0]
    if all(x.shape[a] == 1 for a in operation.attributes["axes"]):
        single: Value = b.reshape(x, operation.result.shape)
        return single
    return None


def _sum(b: GraphBuilder, operation: Operation, operands: tuple[Value, ...]) -> Value | None:
    x, axes = operands[0], operation.attributes["axes"]
    if single := _reduce(b, operation, operands):
        return single
    if inner := _made_by(x, "sum"):
        kept = [i for i in range(inner.operands[0].type.ndim) if i not in inner.attributes["axes"]]
        every = {*inner.attributes["axes"], *(kept[a] for a in axes)}
        return b.sum(inner.operands[0], sorted(every))
    return None


_RULES: dict[str, Rule] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "pow": _pow,
    "select": _select,
    "cast": _cast,
    "reshape": _reshape,
    "broadcast": _broadcast,
    "transpose": _transpose,
    "reverse": _same_shape,
    "slice": _slice,
    "pad": _pad,
    "sum": _sum,
    "prod": _reduce,
    "reduce_max": _reduce,
    "reduce_min": _reduce,
}
