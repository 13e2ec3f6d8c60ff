"""Random graphs for the passes: longer than those that are compiled, and without jumps, so that
another order of summation makes no other branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fusegrad.ir import Graph, GraphBuilder, TensorType, Value, interpret, verify

from ..codegen import random_graphs

JUMPS = {"_argmax", "_select"}
BINARY = ("add", "sub", "mul", "maximum", "minimum")
STEPS = tuple(step for step in random_graphs.STEPS if step.__name__ not in JUMPS)
SMOOTH = ("neg", "tanh", "sin", "cos", "abs", "atan")
LARGEST = 600  # elements


@st.composite
def programs(draw: Any, least: int = 5, most: int = 40) -> Graph:
    """A graph with a scalar output first, and up to four others: inputs, duplicates, anything."""
    b = GraphBuilder("random")
    extents = st.integers(0, 3) if draw(st.integers(0, 9)) == 0 else st.integers(1, 4)
    shapes = st.lists(extents, max_size=3)
    pool = [
        b.input(TensorType("f64", tuple(draw(shapes))), f"x{i}")
        for i in range(draw(st.integers(1, 4)))
    ]
    for _ in range(draw(st.integers(least, most))):
        x = draw(st.sampled_from(pool[-12:] if draw(st.booleans()) else pool))
        step = draw(st.sampled_from(STEPS))
        if step.__name__ == "_unary":
            result = b(draw(st.sampled_from(SMOOTH)), x)
        elif step.__name__ == "_binary":
            result = _binary(draw, b, x, draw(st.sampled_from(pool)))
        else:
            result = step(draw, b, x, pool)
        if result is not None and result.type.size <= LARGEST:
            pool.append(result)
    total = b.constant(0, TensorType("f64"))
    for x in pool[-6:]:
        total = b.add(total, b.sum(b("tanh", x), range(x.type.ndim)))
    others = [draw(st.sampled_from(pool)) for _ in range(draw(st.integers(0, 4)))]
    return verify(b.build([total, *others]))


def _binary(draw: Any, b: GraphBuilder, x: Value, y: Value) -> Value | None:
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return None
    name = draw(st.sampled_from(BINARY))
    result: Value = b(name, b.broadcast(b("tanh", x), shape), b.broadcast(y, shape))
    return result


def same_types(inputs: Sequence[Value], outputs: Sequence[Value]) -> dict[int, int]:
    """Outputs, by number, with an input of the same type for each of them, as far as they go."""
    free = list(range(len(inputs)))
    found = {}
    for number, output in enumerate(outputs):
        place = next((i for i in free if inputs[i].type == output.type), None)
        if place is not None:
            free.remove(place)
            found[number] = place
    return found


def assert_same_meaning(before: Graph, after: Graph, seed: int) -> None:
    """Equal results on random arguments (up to rounding; where the numbers stay finite)."""
    rng = np.random.default_rng(seed)
    arguments = [rng.normal(size=value.shape) for value in before.inputs]
    expected = interpret(before, arguments)
    for f, e in zip(interpret(after, arguments), expected, strict=True):
        assert f.shape == e.shape
        assert f.dtype == e.dtype
        if np.isfinite(e).all():
            scale = 1.0 + np.abs(e).max(initial=0.0)
            np.testing.assert_allclose(f, e, rtol=1e-9, atol=1e-9 * scale)
