"""Re-rolling: the graph with loops computes what the one without does, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fusegrad as fg
from fusegrad.ir import Graph, interpret, parse, verify
from fusegrad.ir.autodiff import value_and_vjp
from fusegrad.ir.passes.cse import eliminate_common_subexpressions
from fusegrad.ir.passes.dce import eliminate_dead_code
from fusegrad.ir.passes.rolling import periods, reroll, roll

STEPS = 60
Y = np.random.default_rng(7).normal(size=(STEPS + 3, 4))


@pytest.fixture(autouse=True)
def short_loops_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roll, "LEAST_OPERATIONS", 40)
    monkeypatch.setattr(roll, "LEAST_JOINED", 40)


def traced(function: Callable[..., Any], *arguments: Any) -> Graph:
    return parse(str(fg.compile(function).lower(*arguments).trace))


def merged(graph: Graph) -> Graph:
    return eliminate_dead_code(eliminate_common_subexpressions(graph))


def loops(graph: Graph) -> list[int]:
    return [op.attributes["length"] for op in graph.walk() if op.name == "scan"]


def inputs_of(graph: Graph) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.uniform(0.2, 0.9, v.shape).astype(_DTYPES[v.dtype]) for v in graph.inputs]


_DTYPES = {"f64": "f8", "f32": "f4", "i64": "i8", "i32": "i4", "bool": "?"}


def same_bits(graph: Graph, other: Graph) -> None:
    inputs = inputs_of(graph)
    for ours, theirs in zip(interpret(other, inputs), interpret(graph, inputs), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def same_gradients(graph: Graph, other: Graph) -> None:
    wrt = [i for i, v in enumerate(graph.inputs) if v.type.is_float]
    ours, theirs = value_and_vjp(other, wrt), value_and_vjp(graph, wrt)
    inputs = inputs_of(theirs)
    for x, y in zip(interpret(verify(ours), inputs), interpret(theirs, inputs), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


# --- loops as people write them ---


def euler(p):
    u, v = np.zeros(STEPS), np.zeros(STEPS)
    u[0], v[0] = 1.0, p[3]
    for k in range(STEPS - 1):
        u[k + 1] = u[k] + 0.01 * (p[0] * u[k] - p[1] * u[k] * v[k])
        v[k + 1] = v[k] + 0.01 * (p[2] * u[k] * v[k] - v[k])
    return np.mean(u) + v[-1]


def rows_of_a_buffer(p):
    path = np.zeros((STEPS, 4))
    q, r = p, np.ones(4)
    for k in range(STEPS):
        r = r - 0.1 * q / np.sqrt(np.sum(q * q))
        q = q + 0.1 * r
        path[k] = q
    return np.sum(path[-1] ** 2) + np.mean(path[:, 0])


def lists(p):
    x, found = p[0], []
    for k in range(STEPS):
        x = x - 0.1 * np.sin(x * p[1]) + k * 0.01
        found.append(x)
    return np.sum(np.array(found) * np.arange(STEPS)) + found[7] * found[-1]


def two_back(p):
    x = [p[0], p[1]]
    for _ in range(STEPS):
        x.append(0.5 * x[-1] - p[2] * x[-2] + np.tanh(x[-1]))
    return np.stack(x)[3:].sum()


def backwards(x):
    z = np.zeros(STEPS)
    z[-1] = x[-1, 0]
    for i in range(STEPS - 2, -1, -1):
        z[i] = x[i, 1] * z[i + 1] + np.exp(-(x[i, 2] ** 2))
    return np.sum(z**2)


def windows(x):
    total = 0.0
    for i in range(STEPS):
        total = total + np.sum(x[i : i + 3, 1:] * x[i + 1, 0]) ** 2
    return total


def columns(x):
    h = np.zeros(len(x))
    for j in range(STEPS):
        h = np.tanh(h + x.T[j])
    return np.sum(h * h)


def matrices(x):
    h = np.zeros(4)
    for t in range(STEPS):
        h = np.tanh(x[:4] @ h + x[t])
    return np.sum(h)


def both_ways(x):
    a = [x[0, 0]]
    for t in range(1, STEPS):
        a.append(a[-1] * 0.9 + x[t, 0] * x[t, 1])
    b = [a[-1]]
    for t in range(STEPS - 1, 0, -1):
        b.append(b[-1] * 0.8 + a[t] * x[t, 2])
    return np.sum(np.stack(b))


def nest(x):
    u = x[0]
    for t in range(STEPS):
        u = np.array([u[i] + 0.1 * (u[(i + 1) % 4] - u[i - 1]) * x[t, i] for i in range(4)])
    return np.sum(u * u)


def some_steps(x):
    h, kept = x[0, 0], []
    for t in range(STEPS):
        h = np.cos(h) + x[t, 1]
        if t % 7 == 0:
            kept.append(h)
    return np.sum(np.stack(kept))


def overwritten(x):
    """Every element is stored twice."""
    a = np.zeros(STEPS)
    for t in range(STEPS):
        a[t] = np.sin(x[t, 0] * x[t, 1])
    for t in range(STEPS):
        a[t] = a[t] * x[t, 2] + 1.0
    return np.sum(a * a)


def strided(x):
    a = np.zeros(3 * STEPS)
    s = x[0, 0]
    for t in range(STEPS):
        s = np.sin(s) * x[t, 1]
        a[3 * t + 1] = s
    return np.sum(a * np.arange(3 * STEPS))


def comparisons(x):
    best = x[0, 0]
    for t in range(STEPS):
        best = np.where(x[t, 0] * 1.1 > best, x[t, 1] + best, best * 0.99)
    return best


def looked_at(x):
    """A buffer that is read as a whole after each store."""
    a, total = np.ones(STEPS), 0.0
    for t in range(STEPS):
        a[t] = np.sin(x[t, 0])
        total = total + np.sum(a * a) * x[t, 1]
    return total


def tiles(x):
    flat, h = x.reshape(-1), np.zeros(4)
    for t in range(STEPS):
        h = np.tanh(h * 0.9 + flat[4 * t : 4 * t + 4])
    return np.sum(h)


def stencil(x):
    a = x[:20].copy()
    b = a.copy()
    for _ in range(STEPS):
        b[1:-1, 1:-1] = 0.25 * (a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1])
        a[1:-1, 1:-1] = 0.25 * (b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1])
    return np.sum(a * a)


VECTORS = [euler, rows_of_a_buffer, lists, two_back]
TABLES = [
    backwards,
    windows,
    columns,
    matrices,
    both_ways,
    nest,
    some_steps,
    overwritten,
    strided,
    comparisons,
    stencil,
    tiles,
]


def graph_of(function: Callable[..., Any]) -> Graph:
    if function in VECTORS:
        return merged(traced(function, np.array([0.5, 0.2, 0.3, 0.6])))
    x = Y.T.copy() if function is columns else Y
    return merged(traced(function, x))


@pytest.mark.parametrize("function", [*VECTORS, *TABLES], ids=lambda f: f.__name__)
def test_a_loop_is_found_and_computes_the_same(function: Callable[..., Any]) -> None:
    graph = graph_of(function)
    rolled = verify(reroll(graph))
    assert loops(rolled)
    assert min(loops(rolled)) >= STEPS - 4
    assert len(rolled) < len(graph) / 4
    same_bits(graph, rolled)
    same_gradients(graph, rolled)


def test_rows_of_an_array_from_outside_are_slices_of_it() -> None:
    def function(w: Any) -> Any:
        h = w[0]
        for t in range(STEPS):
            h = np.tanh(h + Y[t, 1:] @ w)
        return h

    graph = merged(traced(function, np.array([0.1, 0.2, 0.3])))
    assert len(graph.inputs) < 20
    rolled = verify(reroll(graph))
    assert loops(rolled)
    same_bits(graph, rolled)


def test_two_loops_after_each_other() -> None:
    assert len(loops(reroll(graph_of(both_ways)))) == 2


def test_an_array_filled_by_a_loop_is_made_from_its_stack() -> None:
    rolled = reroll(graph_of(lists))
    assert not any(len(op.operands) > 8 for op in rolled)
    assert sum(op.name == "slice" for op in rolled) < 8


def test_a_step_that_differs_divides_the_loop() -> None:
    def function(p: Any) -> Any:
        x = p[0]
        for k in range(2 * STEPS):
            x = np.sin(x) * p[1] + 0.1
            if k == STEPS:
                x = np.exp(-x)
        return x

    graph = merged(traced(function, np.array([0.3, 0.9])))
    rolled = verify(reroll(graph))
    assert sorted(loops(rolled))[-1] >= STEPS - 4
    same_bits(graph, rolled)


def test_a_buffer_that_steps_read_stays_as_it_is() -> None:
    graph = graph_of(looked_at)
    rolled = verify(reroll(graph))
    same_bits(graph, rolled)
    same_gradients(graph, rolled)


@pytest.mark.parametrize("steps", [3, 8])
def test_short_repetitions_stay(steps: int) -> None:
    def function(p: Any) -> Any:
        x = p[0]
        for _ in range(steps):
            x = np.sin(x) * p[1] + np.cos(x) * p[2] + np.tanh(x)
        return x

    graph = merged(traced(function, np.array([0.3, 0.9, 0.2])))
    assert reroll(graph) == graph


def test_a_table_that_is_read_in_no_order_is_put_together() -> None:
    order = np.random.default_rng(3).permutation(STEPS)

    def function(x: Any) -> Any:
        h = 0.0
        for t in order:
            h = np.tanh(h + x[int(t), 0]) * x[int(t), 1]
        return h

    graph = merged(traced(function, Y))
    rolled = verify(reroll(graph))
    assert loops(rolled)
    same_bits(graph, rolled)
    same_gradients(graph, rolled)


def test_the_lines_of_the_first_step_stay() -> None:
    text = str(fg.grad(euler).lower(np.array([0.5, 0.2, 0.3, 0.6])).adjoint)
    first = euler.__code__.co_firstlineno + 4
    assert "scan" in text
    assert f"test_reroll.py:{first}" in text
    assert f"test_reroll.py:{first + 1}" in text


# --- programs at random ---

UNARY = (np.sin, np.tanh, np.exp, lambda x: -x, lambda x: 0.7 * x)
BINARY = (np.add, np.subtract, np.multiply, lambda x, y: x / (1 + y * y))
STATEMENT = st.tuples(
    st.integers(0, 8), st.integers(0, 8), st.integers(0, 20), st.sampled_from(["local", "a", "b"])
)


def _run(statements: list[Any], x: Any, shape: tuple[int, ...]) -> Any:
    """A loop of which each statement takes two of what is at hand, and keeps what it makes."""
    a, b = np.zeros(shape) + 0.3, np.ones(shape) * x[0, 0]
    history = [a, b, a * b]
    out = np.zeros((STEPS, *shape))
    total = 0.0
    for t in range(STEPS):
        at_hand = [a, b, *history[-3:], x[t, 1] * np.ones(shape), x[t + 2, 2] + a, 0.1 * t + b]
        for first, second, which, where in statements:
            left, right = at_hand[first % len(at_hand)], at_hand[second % len(at_hand)]
            made = BINARY[which % 4](left, UNARY[which % 5](np.tanh(right)))
            at_hand.append(made)
            if where == "a":
                a = np.tanh(made)
            elif where == "b":
                b = 0.5 * np.tanh(made)
        history.append(np.tanh(at_hand[-1]))
        out[t] = a + history[-1]
        total = total + np.sum(b)
    return np.sum(out * out) + total + np.sum(history[5])


@settings(max_examples=8, deadline=None)
@given(st.lists(STATEMENT, min_size=1, max_size=6), st.sampled_from([(), (3,)]))
def test_random_loops(statements: list[Any], shape: tuple[int, ...]) -> None:
    graph = merged(traced(lambda x: _run(statements, x, shape), Y))
    rolled = verify(reroll(graph))
    assert loops(rolled)
    same_bits(graph, rolled)
    same_gradients(graph, rolled)


def test_periods_are_found_in_a_sequence() -> None:
    rng = np.random.default_rng(0)
    step = rng.integers(0, 50, 13)
    numbers = np.concatenate([rng.integers(50, 90, 40), *[step] * 30, rng.integers(50, 90, 40)])
    (run, *_) = periods.runs(numbers, 100)
    assert (run.start, run.period, run.steps) == (40, 13, 30)
