"""Values and derivatives of functions of a builder, by graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fusegrad.ir import Graph, GraphBuilder, interpret, tensor_type, verify
from fusegrad.ir.autodiff import value_and_vjp

Function = Callable[..., Any]


def graph_of(function: Function, *arrays: np.ndarray) -> Graph:
    """The graph of `function(b, *inputs)` for inputs as `arrays`."""
    builder = GraphBuilder("f")
    inputs = [builder.input(tensor_type(x)) for x in arrays]
    return verify(builder.build([function(builder, *inputs)]))


def value(function: Function, *arrays: Any) -> np.ndarray:
    xs = [np.asarray(x) for x in arrays]
    return interpret(graph_of(function, *xs), xs)[0]


def gradients(function: Function, *arrays: Any) -> list[np.ndarray]:
    """The cotangents of all inputs that are floats, for a cotangent of ones."""
    xs = [np.asarray(x) for x in arrays]
    graph = graph_of(function, *xs)
    wrt = [i for i, x in enumerate(xs) if x.dtype.kind == "f"]
    joint = verify(value_and_vjp(graph, wrt))
    ones = np.ones(graph.outputs[0].shape)
    return interpret(joint, [*xs, ones])[1:]


def second(function: Function, *arrays: Any, by: int = 0, then: int = 0) -> np.ndarray:
    """d²f / d(by) d(then) of an elementwise function."""
    xs = [np.asarray(x) for x in arrays]
    first = value_and_vjp(graph_of(function, *xs), [by])
    joint = verify(value_and_vjp(first, [then]))
    shape = first.outputs[0].shape
    return interpret(joint, [*xs, np.ones(shape), np.zeros(shape), np.ones(shape)])[2]
