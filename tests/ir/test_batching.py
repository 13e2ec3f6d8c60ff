"""Batching: the graph for many cases gives what the graph for one gives, case by case."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusegrad.ir import (
    Graph,
    GraphBuilder,
    IRError,
    TensorType,
    batch_graph,
    interpret,
    parse,
    verify,
)
from fusegrad.ir.autodiff import value_and_vjp
from fusegrad.ir.passes.pipeline import LOWER, run_passes

from ..passes.random_programs import programs

SIZE = 3


@settings(max_examples=120)
@given(program=programs(least=1, most=15), data=st.data())
def test_case_by_case(program: Graph, data: st.DataObject) -> None:
    flags = [data.draw(st.booleans()) for _ in program.inputs]
    check(program, flags, data.draw(st.integers(0, 2**31)))


@settings(max_examples=40)
@given(program=programs(least=1, most=8), seed=st.integers(0, 2**31))
def test_an_adjoint_case_by_case(program: Graph, seed: int) -> None:
    joint = value_and_vjp(program, range(len(program.inputs)), seed=0)
    check(joint, [True] * len(program.inputs), seed)


def check(graph: Graph, flags: list[bool], seed: int) -> None:
    rng = np.random.default_rng(seed)
    arguments = [
        rng.normal(size=(SIZE, *v.shape) if flag else v.shape)
        for v, flag in zip(graph.inputs, flags, strict=True)
    ]
    many = interpret(verify(batch_graph(graph, flags, SIZE)), arguments)
    for i in range(SIZE):
        case = [x[i] if flag else x for x, flag in zip(arguments, flags, strict=True)]
        for found, expected in zip(many, interpret(graph, case), strict=True):
            assert found.shape == (SIZE, *expected.shape)
            if np.isfinite(expected).all():
                scale = 1 + np.abs(expected).max(initial=0)
                np.testing.assert_allclose(found[i], expected, rtol=1e-9, atol=1e-9 * scale)


def test_what_does_not_depend_on_the_batch_is_computed_once() -> None:
    graph = parse(
        """
        func @f(%x: f64[2], %w: f64[2]) -> (f64[2], f64[2]) {
          %0 = sin %w : f64[2]                                  // model.py:3
          %1 = mul %x, %0 : f64[2]                              // model.py:4
          return %1, %0
        }
        """
    )
    many = verify(batch_graph(graph, [True, False], 5))
    assert many.name == "f.batched"
    assert [str(t) for t in many.input_types] == ["f64[5, 2]", "f64[2]"]
    assert [str(t) for t in many.output_types] == ["f64[5, 2]", "f64[5, 2]"]
    sine = many.operations[0]
    assert (sine.name, sine.result.shape) == ("sin", (2,))
    assert str(sine.location) == "model.py:3"
    assert str(many.operations[-2].location) == "model.py:4"
    assert many.operations[-1].note == "batch axis of an output"


def test_no_case_and_a_batch_of_batches() -> None:
    b = GraphBuilder("f")
    x = b.input(TensorType("f64", (2,)), "x")
    graph = b.build([b.sum(b.mul(x, x), (0,))])
    empty = batch_graph(graph, [True], 0)
    assert interpret(empty, [np.zeros((0, 2))])[0].shape == (0,)
    twice = verify(batch_graph(batch_graph(graph, [True], 3), [True], 4, name="g"))
    assert twice.name == "g"
    xs = np.arange(24.0).reshape(4, 3, 2)
    np.testing.assert_allclose(interpret(twice, [xs])[0], (xs**2).sum(-1))


def test_a_kernel_is_not_batched() -> None:
    graph = run_passes(
        parse("func @f(%x: f64[]) -> (f64[]) {\n  %0 = sin %x : f64[]\n  return %0\n}"), LOWER
    )
    with pytest.raises(IRError, match="before fusion"):
        batch_graph(graph, [True], 2)
