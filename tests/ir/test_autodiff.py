"""Reverse and forward mode on graphs: against complex steps, each other, and differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusegrad.ir import Graph, GraphBuilder, Location, TensorType, interpret, parse, verify
from fusegrad.ir.autodiff import jvp, value_and_vjp
from fusegrad.ir.passes.pipeline import CLEAN, run_passes

from ..passes.random_programs import programs

VECTOR = TensorType("f64", (3,))

TWO = parse(
    """
    func @two(%x: f64[3], %y: f64[], %n: i64[3]) -> (f64[3], f64[], i64[3]) {
      %0 = sin %x : f64[3]                                      // model.py:3
      %1 = broadcast %y {shape = [3]} : f64[3]                  // model.py:4
      %2 = mul %0, %1 : f64[3]                                  // model.py:5
      %3 = sum %2 {axes = [0]} : f64[]                          // model.py:6
      return %2, %3, %n
    }
    """
)


def run(graph: Graph, *arguments: object) -> list[np.ndarray]:
    return interpret(verify(graph), arguments)


def inner(xs: list[np.ndarray], ys: list[np.ndarray]) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(xs, ys, strict=True)))


# --- what comes in, what goes out ---


def test_one_more_input_for_each_float_output() -> None:
    joint = verify(value_and_vjp(TWO, [0, 1]))
    assert joint.name == "two.vjp"
    assert [value.name for value in joint.inputs] == ["x", "y", "n", "ct0", "ct1"]
    assert [str(t) for t in joint.output_types] == ["f64[3]", "f64[]", "i64[3]", "f64[3]", "f64[]"]
    x, y, n = np.array([0.1, 0.2, 0.3]), 2.0, [1, 2, 3]
    ct0, ct1 = np.array([1.0, 10.0, 100.0]), 0.5
    *primal, x_ct, y_ct = run(joint, x, y, n, ct0, ct1)
    for found, expected in zip(primal, run(TWO, x, y, n), strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(x_ct, np.cos(x) * y * (ct0 + ct1))
    np.testing.assert_allclose(y_ct, np.sum(np.sin(x) * (ct0 + ct1)))


def test_with_a_seed_one_output_counts() -> None:
    joint = value_and_vjp(TWO, [0], seed=1, name="loss.grad")
    assert joint.name == "loss.grad"
    assert len(joint.inputs) == 3
    x = np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(run(joint, x, 2.0, [0, 0, 0])[-1], 2 * np.cos(x))


def test_inputs_in_any_order_and_twice() -> None:
    joint = value_and_vjp(TWO, [1, 0, 1], seed=1)
    *_, first, x_ct, again = run(joint, [0.1, 0.2, 0.3], 2.0, [0, 0, 0])
    assert first == again
    assert x_ct.shape == (3,)


def test_without_influence_there_are_zeros() -> None:
    graph = parse(
        """
        func @f(%x: f32[2], %unused: f64[3], %stopped: f64[], %n: i64[2]) -> (f64[]) {
          %0 = stop_gradient %stopped : f64[]
          %1 = mul %0, %0 : f64[]
          %2 = floor %stopped : f64[]
          %3 = add %1, %2 : f64[]
          %4 = cast %n {dtype = "f64"} : f64[2]
          %5 = sum %4 {axes = [0]} : f64[]
          %6 = add %3, %5 : f64[]
          return %6
        }
        """
    )
    joint = value_and_vjp(graph, [0, 1, 2, 3], seed=0)
    value, *cotangents = run(joint, [1, 2], [1, 2, 3], 1.5, [3, 4])
    assert value == 1.5**2 + 1 + 7
    assert [str(t) for t in joint.output_types[1:]] == ["f32[2]", "f64[3]", "f64[]", "i64[2]"]
    assert not any(ct.any() for ct in cotangents)
    _, tangent = run(jvp(graph, [0, 1, 2]), *[[1, 2], [1, 2, 3], 1.5, [3, 4]], [1, 1], [1, 1, 1], 1)
    assert tangent == 0


def test_an_integer_passes_no_derivative_on() -> None:
    """x -> int -> float: no derivative in either mode."""
    graph = parse(
        """
        func @f(%x: f64[2], %n: i64[2]) -> (f64[2], i64[2]) {
          %0 = cast %x {dtype = "i64"} : i64[2]
          %1 = add %0, %n : i64[2]
          %2 = cast %1 {dtype = "f64"} : f64[2]
          return %2, %1
        }
        """
    )
    assert not run(value_and_vjp(graph, [0]), [1.5, 2.5], [1, 1], [1, 1])[-1].any()
    tangents = run(jvp(graph, [0, 1]), [1.5, 2.5], [1, 1], [1, 1], [1, 1])[2:]
    assert [t.dtype.name for t in tangents] == ["float64", "int64"]
    assert not any(t.any() for t in tangents)


def test_an_output_that_is_an_input_or_stands_twice() -> None:
    graph = parse("func @f(%x: f64[]) -> (f64[], f64[]) {\n  return %x, %x\n}")
    assert run(value_and_vjp(graph, [0]), 5.0, 2.0, 3.0) == [5, 5, 5]
    assert run(value_and_vjp(graph, [0], seed=1), 5.0) == [5, 5, 1]
    assert run(jvp(graph, [0]), 5.0, 2.0) == [5, 5, 2, 2]


def test_a_value_that_is_used_twice_gets_the_sum() -> None:
    graph = parse(
        """
        func @f(%x: f64[]) -> (f64[]) {
          %0 = mul %x, %x : f64[]
          %1 = mul %0, %x : f64[]
          return %1
        }
        """
    )
    assert run(value_and_vjp(graph, [0], seed=0), 3.0) == [27, 27]


# --- one mode against the other ---


@settings(max_examples=80)
@given(program=programs(least=1, most=15), seed=st.integers(0, 2**31))
def test_inner_products_agree(program: Graph, seed: int) -> None:
    """<ct, J t> = <Jᵀ ct, t>, and J t against a central difference."""
    rng = np.random.default_rng(seed)
    wrt = range(len(program.inputs))
    x, t = ([rng.normal(size=v.shape) for v in program.inputs] for _ in range(2))
    ct = [rng.normal(size=v.shape) for v in program.outputs]
    count = len(program.outputs)
    tangents = run(jvp(program, wrt), *x, *t)[count:]
    cotangents = run(value_and_vjp(program, wrt), *x, *ct)[count:]
    forward, backward = inner(ct, tangents), inner(cotangents, t)
    scale = 1 + sum(np.abs(a * b).sum() for a, b in zip(ct, tangents, strict=True))
    assert forward == pytest.approx(backward, rel=1e-9, abs=1e-9 * scale)


SMOOTH = parse(
    """
    func @smooth(%x: f64[2, 3], %w: f64[3, 2]) -> (f64[]) {
      %0 = dot %x, %w {batch = [[], []], contract = [[1], [0]]} : f64[2, 2]
      %1 = tanh %0 : f64[2, 2]
      %2 = slice %1 {start = [0, 0], step = [1, 1], stop = [1, 2]} : f64[1, 2]
      %3 = broadcast %2 {shape = [2, 2]} : f64[2, 2]
      %4 = sub %1, %3 : f64[2, 2]
      %5 = exp %4 : f64[2, 2]
      %6 = cumsum %5 {axis = 0, reverse = false} : f64[2, 2]
      %7 = concatenate %6, %1 {axis = 1} : f64[2, 4]
      %8 = log1p %7 : f64[2, 4]
      %9 = prod %8 {axes = [1]} : f64[2]
      %10 = sum %9 {axes = [0]} : f64[]
      return %10
    }
    """
)


def complex_step(x: np.ndarray, w: np.ndarray, direction: list[np.ndarray]) -> float:
    """The derivative of @smooth along a direction, without differences."""
    h = 1e-30
    z, v = x + 1j * h * direction[0], w + 1j * h * direction[1]
    t = np.tanh(z @ v)
    e = np.cumsum(np.exp(t - t[:1]), axis=0)
    return float(np.sum(np.prod(np.log1p(np.concatenate([e, t], axis=1)), axis=1)).imag / h)


def test_first_order_against_the_complex_step() -> None:
    rng = np.random.default_rng(0)
    x, w, *direction = (rng.uniform(0.1, 0.5, s) for s in [(2, 3), (3, 2), (2, 3), (3, 2)])
    exact = complex_step(x, w, direction)
    gradient = run(value_and_vjp(SMOOTH, [0, 1], seed=0), x, w)[1:]
    assert inner(gradient, direction) == pytest.approx(exact, rel=1e-12)
    assert run(jvp(SMOOTH, [0, 1]), x, w, *direction)[1] == pytest.approx(exact, rel=1e-12)


def test_second_order_in_all_four_ways() -> None:
    """H·d by reverse or forward over reverse, or reverse over forward; d·H·d by forward twice."""
    rng = np.random.default_rng(1)
    x, w, *d = (rng.uniform(0.1, 0.5, s) for s in [(2, 3), (3, 2), (2, 3), (3, 2)])
    adjoint = run_passes(value_and_vjp(SMOOTH, [0, 1], seed=0), CLEAN)
    h = 1e-6
    ahead, behind = (run(adjoint, x + s * d[0], w + s * d[1])[1:] for s in (h, -h))
    expected = [(a - b) / (2 * h) for a, b in zip(ahead, behind, strict=True)]

    reverse_reverse = run(value_and_vjp(adjoint, [0, 1]), x, w, 0.0, *d)[3:]
    forward_reverse = run(jvp(adjoint, [0, 1]), x, w, *d)[4:]
    tangent = jvp(SMOOTH, [0, 1])
    reverse_forward = run(value_and_vjp(tangent, [0, 1]), x, w, *d, 0.0, 1.0)[2:]
    for found in (reverse_reverse, forward_reverse, reverse_forward):
        for f, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(f, e, rtol=1e-7)
    zeros = [np.zeros_like(a) for a in d]
    twice = run(jvp(tangent, range(4)), x, w, *d, *d, *zeros)[3]
    assert twice == pytest.approx(inner(expected, d), rel=1e-7)


def test_third_order_of_a_power() -> None:
    graph = parse(
        """
        func @f(%x: f64[]) -> (f64[]) {
          %0 = constant {dtype = "f64", shape = [], value = 5.0} : f64[]
          %1 = pow %x, %0 : f64[]
          return %1
        }
        """
    )
    x = 1.3
    for order, expected in ((1, 5 * x**4), (2, 20 * x**3), (3, 60 * x**2), (4, 120 * x)):
        joint = value_and_vjp(graph, [0], seed=0)
        graph = Graph("f", joint.inputs, joint.operations, joint.outputs[1:])
        assert run(graph, x)[0] == pytest.approx(expected, rel=1e-13), order


# --- what the reader sees ---


def test_locations_and_notes() -> None:
    joint = value_and_vjp(TWO, [0, 1], seed=1)
    primal, adjoint = joint.operations[: len(TWO)], joint.operations[len(TWO) :]
    assert [op.location for op in primal] == [op.location for op in TWO]
    assert all(op.note == "" for op in primal)
    assert (adjoint[0].name, adjoint[0].note, adjoint[0].location) == ("constant", "seed", None)
    found = {(op.name, op.note, str(op.location)) for op in adjoint[1:]}
    assert found == {
        ("broadcast", "vjp of sum", "model.py:6"),
        ("reshape", "vjp of sum", "model.py:6"),
        ("mul", "vjp of mul", "model.py:5"),
        ("sum", "vjp of broadcast, wrt %y", "model.py:4"),
        ("cos", "vjp of sin, wrt %x", "model.py:3"),
        ("mul", "vjp of sin, wrt %x", "model.py:3"),
    }


def test_locations_and_notes_of_tangents() -> None:
    graph = jvp(TWO, [0])
    assert [v.name for v in graph.inputs] == ["x", "y", "n", "x_tangent"]
    found = [(op.name, op.note, op.location) for op in graph if op.note]
    assert ("cos", "jvp of sin", Location("model.py", 3)) in found
    assert ("sum", "jvp of sum", Location("model.py", 6)) in found
    assert found[-1] == ("constant", "tangent of an output", None)  # of the integer one


def test_the_graph_is_left_as_it_was() -> None:
    text = str(TWO)
    value_and_vjp(TWO, [0, 1])
    jvp(TWO, [0, 1])
    assert str(TWO) == text


# --- size ---


def chain(length: int) -> Graph:
    b = GraphBuilder("chain")
    x = b.input(TensorType("f64"), "x")
    for _ in range(length):
        x = b.mul(b("sin", x), b("cos", x))
    return b.build([x])


def reverse(graph: Graph) -> Graph:
    return value_and_vjp(graph, [0], seed=0)


def test_size_is_linear_and_nothing_recurs() -> None:
    short, long = chain(20), chain(3_400)  # 10 200 operations
    for transform in (
        reverse,
        lambda graph: jvp(graph, [0]),
        lambda graph: reverse(reverse(graph)),
    ):
        ratio = len(transform(long)) / len(transform(short))
        assert ratio == pytest.approx(170, rel=0.05)
    assert len(reverse(long)) < 5 * len(long)


def test_a_dead_branch_costs_nothing() -> None:
    b = GraphBuilder()
    x, y = b.input(VECTOR, "x"), b.input(VECTOR, "y")
    for _ in range(50):
        y = b("sin", y)
    graph = b.build([b.sum(b.mul(x, y), (0,))])
    assert len(value_and_vjp(graph, [0], seed=0)) < len(graph) + 10
