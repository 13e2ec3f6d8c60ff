"""Random graphs of every kind of op, as a hypothesis strategy; values stay tame, so do errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from fusegrad.ir import Graph, GraphBuilder, TensorType, Value

UNARY = ("neg", "tanh", "sin", "cos", "abs", "atan", "sign", "floor", "sqrt1", "exp1", "log1")
BINARY = ("add", "sub", "mul", "maximum", "minimum", "atan2", "div1")
PREDICATES = ("lt", "le", "gt", "ge", "eq", "ne")


@st.composite
def graphs(draw: Any, dtype: str | None = None) -> Graph:
    """A graph with one or more float inputs and a scalar output, the sum of what is left."""
    dtype = dtype or draw(st.sampled_from(["f64", "f32"]))
    b = GraphBuilder("random")
    shapes = st.lists(
        st.integers(0, 5) if draw(st.integers(0, 9)) == 0 else st.integers(1, 9), max_size=3
    )
    pool = [
        b.input(TensorType(dtype, tuple(draw(shapes))), f"x{i}")
        for i in range(draw(st.integers(1, 3)))
    ]
    for _ in range(draw(st.integers(1, 14))):
        x = draw(st.sampled_from(pool))
        step = draw(st.sampled_from(STEPS))
        result = step(draw, b, x, pool)
        if result is not None:
            pool.append(result)
    last = pool[-4:]
    total = b.constant(0, TensorType(dtype, ()))
    for x in last:
        total = b.add(total, b.sum(x, range(x.type.ndim)))
    return b.build([total, *last[-2:]])


def _unary(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value:
    name = draw(st.sampled_from(UNARY))
    if name == "sqrt1":
        return b("sqrt", b.add(b.mul(x, x), b.full_like(x, 1)))
    if name == "exp1":
        return b("exp", b("tanh", x))
    if name == "log1":
        return b("log1p", b("abs", x))
    return b(name, x)


def _binary(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value | None:
    y = draw(st.sampled_from(pool))
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return None
    x, y = b.broadcast(x, shape), b.broadcast(y, shape)
    name = draw(st.sampled_from(BINARY))
    if name == "div1":
        return b.div(x, b.add(b.mul(y, y), b.full_like(y, 1)))
    if name == "mul":
        return b.mul(b("tanh", x), y)
    return b(name, x, y)


def _select(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value:
    limit = b.full_like(x, draw(st.sampled_from([0.0, 0.5, -1.0])))
    condition = b.compare(draw(st.sampled_from(PREDICATES)), x, limit)
    return b.select(condition, b.scale(x, 2.0), b("sin", x))


def _broadcast(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value:
    lead = tuple(draw(st.lists(st.integers(1, 4), max_size=1)))
    return b.broadcast(x, (*lead, *(draw(st.integers(1, 4)) if n == 1 else n for n in x.shape)))


def _reshape(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value:
    size = x.type.size
    if size == 0:
        return b.reshape(x, (size, 3))
    first = draw(st.sampled_from([d for d in range(1, size + 1) if size % d == 0]))
    return b.reshape(
        x, draw(st.sampled_from([(first, size // first), (size,), (first, 1, size // first)]))
    )


def _transpose(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value:
    return b.transpose(x, tuple(draw(st.permutations(range(x.type.ndim)))))


def _slice(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value:
    start = tuple(draw(st.integers(0, n)) for n in x.shape)
    stop = tuple(draw(st.integers(a, n)) for a, n in zip(start, x.shape, strict=True))
    step = tuple(draw(st.integers(1, 3)) for _ in x.shape)
    return b.slice(x, start, stop, step)


def _reverse(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value | None:
    if not x.shape:
        return None
    return b("reverse", x, axes=(draw(st.integers(0, x.type.ndim - 1)),))


def _pad(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value:
    widths = [tuple(draw(st.integers(0, 2)) for _ in x.shape) for _ in range(3)]
    interior = widths[2] if draw(st.booleans()) else (0,) * x.type.ndim
    return b("pad", x, low=widths[0], high=widths[1], interior=interior)


def _concatenate(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value | None:
    if not x.shape:
        return None
    parts = [x, b("sin", x), x][: draw(st.integers(2, 3))]
    return b.concatenate(parts, draw(st.integers(0, x.type.ndim - 1)))


def _reduce(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value | None:
    axes = tuple(i for i in range(x.type.ndim) if draw(st.booleans()))
    name = draw(st.sampled_from(["sum", "sum", "reduce_max", "reduce_min", "prod"]))
    if name.startswith("reduce") and any(x.shape[a] == 0 for a in axes):
        return None
    if name == "prod":
        return b("prod", b("cos", x), axes=axes)
    return b(name, x, axes=axes)


def _normalise(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value | None:
    if not x.shape:
        return None
    axes = (draw(st.integers(0, x.type.ndim - 1)),)
    mean = b.scale(b.sum(x, axes), 1 / max(x.shape[axes[0]], 1))
    return b.sub(x, b.expand(mean, axes, x.shape))


def _cumsum(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value | None:
    if not x.shape:
        return None
    return b("cumsum", x, axis=draw(st.integers(0, x.type.ndim - 1)), reverse=draw(st.booleans()))


def _gather(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value | None:
    if not x.shape:
        return None
    axis = draw(st.integers(0, x.type.ndim - 1))
    if not x.shape[axis]:
        return None
    count = draw(st.integers(1, 4))
    index = b("iota", dtype="i64", shape=(count,), axis=0)
    index = b("remainder", b.mul(index, b.full_like(index, 3)), b.full_like(index, x.shape[axis]))
    return b("gather", x, index, axis=axis)


def _dot(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value | None:
    if not x.shape:
        return None
    axis = draw(st.integers(0, x.type.ndim - 1))
    wide = b.broadcast(
        b.reshape(b("cos", x), (*x.shape, 1)), (*x.shape, draw(st.sampled_from([1, 2, 17])))
    )
    x = b.scale(b("tanh", x), 1 / max(x.shape[axis], 1))
    batch = ((0,), (0,)) if axis and draw(st.booleans()) else ((), ())
    product = b("dot", x, wide, contract=((axis,), (axis,)), batch=batch)
    return product if product.type.size <= 4000 else None


def _argmax(draw: Any, b: GraphBuilder, x: Value, pool: list[Value]) -> Value | None:
    if not x.shape:
        return None
    axis = draw(st.integers(0, x.type.ndim - 1))
    if not x.shape[axis]:
        return None
    return b.cast(b(draw(st.sampled_from(["argmax", "argmin"])), x, axis=axis), x.dtype)


STEPS = (
    _unary,
    _unary,
    _binary,
    _binary,
    _binary,
    _select,
    _broadcast,
    _reshape,
    _transpose,
    _slice,
    _reverse,
    _pad,
    _concatenate,
    _reduce,
    _reduce,
    _normalise,
    _cumsum,
    _gather,
    _dot,
    _argmax,
)
