"""The interpreter: what it takes, what it gives, what it keeps."""

from __future__ import annotations

import numpy as np
import pytest

from fusegrad.ir import Graph, GraphBuilder, IRError, TensorType, interpret, parse
from fusegrad.ir.interpret import run_operations

AFFINE = parse(
    """
    func @affine(%x: f32[2], %scale: f32[]) -> (f32[2], f32[], f32[2]) {
      %0 = broadcast %scale {shape = [2]} : f32[2]
      %1 = mul %x, %0 : f32[2]
      %2 = sum %1 {axes = [0]} : f32[]
      return %1, %2, %x
    }
    """
)


def test_outputs_in_order() -> None:
    product, total, x = interpret(AFFINE, [[1, 2], 3.0])
    np.testing.assert_array_equal(product, [3, 6])
    assert total == 9
    np.testing.assert_array_equal(x, [1, 2])
    assert {array.dtype for array in (product, total, x)} == {np.dtype(np.float32)}
    assert all(isinstance(array, np.ndarray) for array in (product, total, x))


def test_arguments_are_checked() -> None:
    with pytest.raises(IRError, match="@affine takes 2 arguments, got 1"):
        interpret(AFFINE, [[1, 2]])
    with pytest.raises(IRError, match=r"%x is f32\[2\], got an array of shape \(3,\)"):
        interpret(AFFINE, [[1, 2, 3], 1])


def test_dead_values_are_dropped() -> None:
    values = dict(
        zip(AFFINE.inputs, (np.ones(2, np.float32), np.ones((), np.float32)), strict=True)
    )
    run_operations(AFFINE, values)
    assert set(values) == set(AFFINE.outputs)


def test_an_unused_input_and_an_output_twice() -> None:
    graph = parse("func @f(%x: f64[], %y: f64[]) -> (f64[], f64[]) {\n  return %y, %y\n}")
    assert interpret(graph, [1.0, 2.0]) == [2.0, 2.0]


def test_no_warning_leaves_it() -> None:
    builder = GraphBuilder()
    x = builder.input(TensorType("f64"))
    graph: Graph = builder.build([builder.div(x, x), builder("log", x)])
    with np.errstate(all="raise"):
        quotient, log = interpret(graph, [0.0])
    assert np.isnan(quotient)
    assert log == -np.inf


def test_a_long_graph_needs_no_recursion() -> None:
    builder = GraphBuilder()
    x = first = builder.input(TensorType("f64"))
    for _ in range(20_000):
        x = builder.add(x, first)
    assert interpret(builder.build([x]), [1.0]) == [20_001]
