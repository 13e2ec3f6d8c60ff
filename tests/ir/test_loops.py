# ruff: noqa: E501 - a loop's attributes stand on one line
"""Loops in the IR: `scan`, its derivatives and its batching, against the same steps written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fusegrad.ir import Graph, IRError, TensorType, batch_graph, interpret, parse, verify
from fusegrad.ir.autodiff import jvp, value_and_vjp
from fusegrad.ir.builder import GraphBuilder
from fusegrad.ir.inline import inline
from fusegrad.ir.passes.dce import eliminate_dead_code

# A damped oscillator, driven by %f, that leaves its path behind.
OSCILLATOR = """
func @oscillator(%x: f64[], %v: f64[], %f: f64[5], %k: f64[]) -> (f64[], f64[], f64[5]) {
  %0, %1, %2 = scan %x, %v, %f, %k {carries = 2, length = 5, reverse = false, slices = 1, yields = [["f64", []]]} (
    ^body(%a: f64[], %b: f64[], %g: f64[], %c: f64[]) {
      %3 = constant {dtype = "f64", shape = [], value = 0.1} : f64[]
      %4 = mul %c, %a : f64[]
      %5 = sin %4 : f64[]
      %6 = sub %g, %5 : f64[]
      %7 = mul %3, %6 : f64[]
      %8 = add %b, %7 : f64[]
      %9 = mul %3, %8 : f64[]
      %10 = add %a, %9 : f64[]
      %11 = mul %10, %8 : f64[]
      yield %10, %8, %11
    }
  ) : f64[], f64[], f64[5]
  return %0, %1, %2
}
"""

# A recurrent network: matrices that all steps read, states that are needed again, run backwards.
NETWORK = """
func @network(%h: f64[3], %x: f64[4, 2], %w: f64[2, 3], %u: f64[3, 3]) -> (f64[3], f64[4, 3]) {
  %0, %1 = scan %h, %x, %w, %u {carries = 1, length = 4, reverse = true, slices = 1, yields = [["f64", [3]]]} (
    ^body(%s: f64[3], %y: f64[2], %a: f64[2, 3], %b: f64[3, 3]) {
      %2 = dot %y, %a {batch = [[], []], contract = [[0], [0]]} : f64[3]
      %3 = dot %s, %b {batch = [[], []], contract = [[0], [0]]} : f64[3]
      %4 = add %2, %3 : f64[3]
      %5 = tanh %4 : f64[3]
      yield %5, %4
    }
  ) : f64[3], f64[4, 3]
  return %0, %1
}
"""

# The first value of a carry matters to the first step alone; a carry and a stack are swapped input.
HANDED_ON = """
func @handed_on(%x: f64[], %y: f64[], %n: i64[]) -> (f64[], f64[], i64[], f64[3]) {
  %0, %1, %2, %3 = scan %x, %y, %n {carries = 3, length = 3, reverse = false, slices = 0, yields = [["f64", []]]} (
    ^body(%a: f64[], %b: f64[], %i: i64[]) {
      %4 = constant {dtype = "i64", shape = [], value = 1} : i64[]
      %5 = add %i, %4 : i64[]
      %6 = cast %i {dtype = "f64"} : f64[]
      %7 = mul %a, %a : f64[]
      %8 = mul %7, %6 : f64[]
      yield %b, %6, %5, %8
    }
  ) : f64[], f64[], i64[], f64[3]
  return %0, %1, %2, %3
}
"""

# A loop in a loop: sums of powers.
NESTED = """
func @nested(%x: f64[], %w: f64[3]) -> (f64[]) {
  %0 = scan %x, %w {carries = 1, length = 4, reverse = false, slices = 0, yields = []} (
    ^body(%a: f64[], %v: f64[3]) {
      %1, %2 = scan %a, %v, %a {carries = 1, length = 3, reverse = true, slices = 1, yields = [["f64", []]]} (
        ^body(%c: f64[], %e: f64[], %all: f64[]) {
          %3 = mul %c, %e : f64[]
          %4 = sin %3 : f64[]
          %5 = add %4, %all : f64[]
          yield %5, %3
        }
      ) : f64[], f64[3]
      %6 = sum %2 {axes = [0]} : f64[]
      %7 = exp %6 : f64[]
      %8 = div %1, %7 : f64[]
      yield %8
    }
  ) : f64[]
  return %0
}
"""
PROGRAMS = {"oscillator": OSCILLATOR, "network": NETWORK, "handed on": HANDED_ON, "nested": NESTED}


def unrolled(graph: Graph) -> Graph:
    """`graph` with the steps of its loops written out: what a loop means, in other operations."""
    builder = GraphBuilder(graph.name)
    values = {v: builder.input(v.type, v.name) for v in graph.inputs}
    for operation in graph:
        operands = [values[x] for x in operation.operands]
        if operation.name == "scan":
            results = _steps(
                builder, unrolled(operation.regions[0]), operands, operation.attributes
            )
        else:
            results = builder.copy(operation, tuple(operands))
        values.update(zip(operation.results, results, strict=True))
    return builder.build([values[o] for o in graph.outputs])


def _steps(builder: GraphBuilder, region: Graph, operands: list[Any], attributes: Any) -> list[Any]:
    carries, slices = attributes["carries"], attributes["slices"]
    carried, cut = operands[:carries], operands[carries : carries + slices]
    steps = range(attributes["length"])
    left: dict[int, list[Any]] = {}
    for i in reversed(steps) if attributes["reverse"] else steps:
        parts = [_part(builder, x, i) for x in cut]
        outputs = inline(region, builder, [*carried, *parts, *operands[carries + slices :]])
        carried, left[i] = outputs[:carries], outputs[carries:]
    stacks = [
        builder.concatenate([builder.reshape(left[i][j], (1, *left[i][j].shape)) for i in steps], 0)
        for j in range(len(left[0]))
    ]
    return [*carried, *stacks]


def _part(builder: GraphBuilder, x: Any, i: int) -> Any:
    low, high = (i, *[0] * (x.type.ndim - 1)), (i + 1, *x.shape[1:])
    return builder.reshape(builder.slice(x, low, high), x.shape[1:])


def arguments(graph: Graph, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [
        rng.uniform(0.3, 1.2, v.shape) if v.type.is_float else np.asarray(2) for v in graph.inputs
    ]


def same(graph: Graph, other: Graph, inputs: list[np.ndarray]) -> None:
    for ours, theirs in zip(interpret(graph, inputs), interpret(other, inputs), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def floats(graph: Graph) -> list[int]:
    return [i for i, v in enumerate(graph.inputs) if v.type.is_float]


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> Graph:
    return verify(parse(PROGRAMS[request.param]))


def test_a_loop_is_its_steps(program: Graph) -> None:
    same(program, unrolled(program), arguments(program))


def test_the_text_reads_back(program: Graph) -> None:
    assert parse(str(program)) == program
    joint = value_and_vjp(program, floats(program))
    assert parse(str(joint)) == joint


def test_reverse_mode(program: Graph) -> None:
    joint = verify(value_and_vjp(program, floats(program)))
    other = value_and_vjp(unrolled(program), floats(program))
    same(joint, other, arguments(joint))
    same(eliminate_dead_code(joint), other, arguments(joint))


def test_reverse_mode_for_some_inputs(program: Graph) -> None:
    for wrt in floats(program):
        joint = verify(value_and_vjp(program, [wrt]))
        same(joint, value_and_vjp(unrolled(program), [wrt]), arguments(joint))


def test_the_adjoint_of_the_adjoint(program: Graph) -> None:
    wrt = floats(program)
    ours, theirs = value_and_vjp(program, wrt), value_and_vjp(unrolled(program), wrt)
    every = floats(ours)
    joint = verify(value_and_vjp(ours, every))
    same(joint, value_and_vjp(theirs, every), arguments(joint))


def test_forward_mode(program: Graph) -> None:
    for wrt in (floats(program), floats(program)[:1]):
        joint = verify(jvp(program, wrt))
        same(joint, jvp(unrolled(program), wrt), arguments(joint))


def test_forward_over_reverse(program: Graph) -> None:
    wrt = floats(program)
    joint = verify(jvp(value_and_vjp(program, wrt), wrt))
    same(joint, jvp(value_and_vjp(unrolled(program), wrt), wrt), arguments(joint))


@pytest.mark.parametrize("which", ["all", "first", "last", "none"])
def test_batching(program: Graph, which: str) -> None:
    count = len(program.inputs)
    flags = {
        "all": [True] * count,
        "first": [i == 0 for i in range(count)],
        "last": [i == count - 1 for i in range(count)],
        "none": [False] * count,
    }[which]
    ours = verify(batch_graph(program, flags, 3))
    same(ours, batch_graph(unrolled(program), flags, 3), _varied(ours, flags))


def _varied(graph: Graph, flags: list[bool]) -> list[np.ndarray]:
    found = arguments(graph)
    return [
        np.broadcast_to(x, v.shape) if has else x
        for x, v, has in zip(found, graph.inputs, flags, strict=True)
    ]


def test_the_tape_holds_what_is_dear_to_make_again() -> None:
    joint = value_and_vjp(parse(OSCILLATOR), [0, 1, 2, 3])
    forward, back = (op for op in joint if op.name == "scan")
    assert [back.attributes[name] for name in ("reverse", "length")] == [True, 5]
    # x·v is left behind already; besides it the two states are, and none of what follows from them
    assert len(forward.results) - len(parse(OSCILLATOR).operations[0].results) == 2
    assert "sin" not in {op.name for op in back.regions[0]}


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"length": 0}, "0 steps"),
        ({"carries": 3, "slices": 3}, "3 carries and 3 slices of 4 operands"),
        ({"length": 4}, "has not 4 parts"),
    ],
)
def test_what_is_no_loop_is_refused(attributes: dict[str, Any], message: str) -> None:
    operation = parse(OSCILLATOR).operations[0]
    types = [TensorType(x.dtype, x.shape) for x in operation.operands]
    with pytest.raises(IRError, match=message):
        operation.op.infer(*types, **{**operation.attributes, **attributes})
