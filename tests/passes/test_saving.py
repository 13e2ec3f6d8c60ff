"""What is kept between a program and its adjoint is a minimum cut; the gradients stay the same."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fusegrad as fg
from fusegrad.ir import Graph, GraphBuilder, TensorType, Value, parse, verify
from fusegrad.ir.autodiff import value_and_vjp
from fusegrad.ir.passes.budget import save_less
from fusegrad.ir.passes.flow import ENDLESS, minimum_cut
from fusegrad.ir.passes.pipeline import CLEAN, LOWER
from fusegrad.ir.passes.prices import can_repeat
from fusegrad.runtime.compiled.on_tensors.saved import Keeper
from fusegrad.runtime.eager.apply.plan import Adjoint
from fusegrad.runtime.eager.backward.straight import Program

from .random_programs import assert_same_meaning, programs

SEEDS = st.integers(0, 2**31)
CAPACITIES = (0, 1, 2, 3, 7, ENDLESS)


@pytest.mark.parametrize("seed", range(60))
def test_cuts_are_those_of_networkx(seed: int) -> None:
    numbers = random.Random(seed)
    count = numbers.randint(2, 14)
    pairs = [p for p in itertools.permutations(range(count), 2) if numbers.random() < 0.3]
    edges = [(a, b, 3 if (a, b) == (0, 1) else numbers.choice(CAPACITIES)) for a, b in pairs]
    network = nx.DiGraph()
    network.add_nodes_from(range(count))
    for a, b, capacity in edges:
        network.add_edge(a, b, capacity=capacity)
    expected = nx.minimum_cut_value(network, 0, 1)
    if expected >= ENDLESS:
        return
    total, side = minimum_cut(count, edges, 0, 1)
    across = [capacity for a, b, capacity in edges if a in side and b not in side]
    assert total == expected == sum(across)
    assert 0 in side
    assert 1 not in side


@settings(max_examples=60)
@given(program=programs(most=25), seed=SEEDS)
def test_gradients_do_not_depend_on_what_is_kept(program: Graph, seed: int) -> None:
    wrt = tuple(range(len(program.inputs)))
    every, cut = Adjoint(program, wrt, Program), Adjoint(program, wrt, Program, keep=Keeper(None))
    draw = np.random.default_rng(seed)
    arguments = [draw.normal(size=x.shape) for x in program.inputs]
    floats = [x for x in program.outputs if x.type.is_float]
    cts = [draw.normal(size=x.shape) for x in floats]
    for one, other in zip(*(_run(each, arguments, cts) for each in (every, cut)), strict=True):
        full = np.broadcast_to(one, np.shape(other))  # (sums of views add up in another order)
        np.testing.assert_allclose(full, other, rtol=1e-9, atol=1e-9)
    assert _can_be_made(cut.asked, set(cut.residuals))


def _run(adjoint: Adjoint, arguments: Sequence[object], cts: Sequence[object]) -> list[object]:
    found = adjoint.forward.run(arguments)
    count = len(found) - len(adjoint.residuals)
    return [*found[:count], *adjoint.backward.run([*found[count:], *cts])]


def _can_be_made(values: Sequence[Value], kept: set[Value]) -> bool:
    for value in values:
        producer = value.producer
        if value in kept:
            continue
        if producer is None or not can_repeat(producer):
            return False
        if not _can_be_made(producer.operands, kept):
            return False
    return True


@settings(max_examples=60)
@given(program=programs(most=25), part=st.sampled_from([0.0, 0.3, 0.7, 1.0]), seed=SEEDS)
def test_a_budget_changes_no_result(program: Graph, part: float, seed: int) -> None:
    joint = value_and_vjp(program, range(len(program.inputs)), seed=0)
    less, saving = save_less(joint, len(program.outputs), part)
    assert_same_meaning(joint, verify(less), seed)
    assert saving.after <= saving.before
    for run in (*CLEAN, *LOWER):
        less = verify(run(less))
    assert_same_meaning(joint, less, seed)


@settings(max_examples=40)
@given(program=programs(most=25), part=st.sampled_from([0.0, 0.3, 0.7]), seed=SEEDS)
def test_a_budget_between_two_programs_is_kept(program: Graph, part: float, seed: int) -> None:
    wrt = tuple(range(len(program.inputs)))
    keeper = Keeper(part)
    every, less = Adjoint(program, wrt, Program), Adjoint(program, wrt, Program, keep=keeper)
    draw = np.random.default_rng(seed)
    arguments = [draw.normal(size=x.shape) for x in program.inputs]
    cts = [draw.normal(size=x.shape) for x in program.outputs if x.type.is_float]
    for one, other in zip(*(_run(each, arguments, cts) for each in (every, less)), strict=True):
        full = np.broadcast_to(one, np.shape(other))
        np.testing.assert_allclose(full, other, rtol=1e-9, atol=1e-9)
    assert keeper.saving.met


CHAIN = """
func @chain(%x: f64[1000], %w: f64[1000]) -> (f64[]) {
  %0 = mul %x, %w : f64[1000]
  %1 = tanh %0 : f64[1000]
  %2 = mul %1, %1 : f64[1000]
  %3 = log1p %2 : f64[1000]
  %4 = sum %3 {axes = [0]} : f64[]
  return %4
}
"""


def test_one_array_of_a_chain_is_kept() -> None:
    adjoint = Adjoint(parse(CHAIN), (0, 1), Program, keep=Keeper(None))
    made = [x.producer.name for x in adjoint.residuals if x.producer]
    assert made == ["tanh"]
    assert len([x for x in adjoint.asked if x.producer]) == 2


LAYER = """
func @layer(%x: f64[64, 32], %w: f64[32, 16]) -> (f64[64, 16]) {
  %0 = dot %x, %w {batch = [[], []], contract = [[1], [0]]} : f64[64, 16]
  %1 = constant {dtype = "f64", shape = [64, 16], value = 0.0} : f64[64, 16]
  %2 = gt %0, %1 : bool[64, 16]
  %3 = select %2, %0, %1 : f64[64, 16]
  return %3
}
"""


def test_products_are_not_made_again_and_a_mask_is_small() -> None:
    adjoint = Adjoint(parse(LAYER), (0, 1), Program, keep=Keeper(None))
    assert [x.producer.name for x in adjoint.residuals if x.producer] == ["gt"]


def test_what_the_caller_may_change_is_not_read_again() -> None:
    """Only exp's result is read: x may change before backward, although exp could be made again."""

    @fg.compile
    def scaled(x: object) -> object:
        return np.exp(x * 2.0) * 1.0  # type: ignore[operator]

    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = scaled(x * 1.0)
    expected = 2 * np.exp([2.0, 4.0])
    z = x * 1.0
    y = scaled(z)
    z.add_(1.0)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6)


def layers(weights: Any, x: Any) -> Any:
    for w in weights:
        x = np.tanh(x @ w) * np.cos(x)
        x = x - np.mean(x, 0)  # so that the rows are not apart
    return np.mean(x**2)


def test_memory_goes_down_with_the_budget_and_the_gradients_stay() -> None:
    draw = np.random.default_rng(0)
    weights, x = [draw.normal(size=(32, 32)) for _ in range(12)], draw.normal(size=(512, 32))
    expected, bytes_needed = None, []
    for budget in (None, 0.5, 0.3):
        function = fg.grad(layers, memory_budget=budget)
        bytes_needed.append(function.explain(weights, x).temporaries)
        found = function(weights, x)
        expected = found if expected is None else expected
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-14)
    assert bytes_needed[1] < 0.6 * bytes_needed[0]
    assert bytes_needed[2] < 0.5 * bytes_needed[0]


@pytest.mark.parametrize("budget", [True, "half", 1.5, -3, -0.5])
def test_wrong_budgets(budget: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="memory_budget"):
        fg.grad(layers, memory_budget=budget)


def test_explain_says_what_is_saved() -> None:
    draw = np.random.default_rng(0)
    weights, x = [draw.normal(size=(32, 32)) for _ in range(6)], draw.normal(size=(512, 32))
    tensors = [fg.tensor(w, requires_grad=True) for w in weights]

    def said(function: Any, *args: Any) -> str:
        return "\n".join(function.explain(*args).saved)

    one_kernel = said(fg.grad(lambda x: np.sum(np.tanh(x))), x)
    assert "nothing goes through memory" in one_kernel
    plain, less = (
        said(fg.grad(layers), weights, x),
        said(fg.grad(layers, memory_budget=0.5), weights, x),
    )
    assert "arrays for the backward pass" in plain
    assert "computed again" not in plain
    assert "computed again" in less
    assert "memory budget     50% of" in less
    assert "can't be met" in said(fg.grad(layers, memory_budget=0), weights, x)
    assert said(fg.compile(layers), weights, x) == ""
    assert "arrays for the backward pass" in said(fg.compile(layers), tensors, x)
    part = fg.checkpoint(lambda x: np.exp(x) * np.sin(x) - np.mean(x))
    assert "computed again" in said(fg.grad(lambda x: np.sum(part(x) ** 2)), x)


def test_the_cut_of_a_long_program_is_found_in_linear_time() -> None:
    """Beyond a size, what is read is kept."""
    b = GraphBuilder("long")
    x = b.input(TensorType("f64", (64,)), "x")
    y = x
    for _ in range(1400):
        y = b.mul(b("sin", y), b("cos", y))
    adjoint = Adjoint(b.build([y]), (0,), Program, keep=Keeper(None))
    assert adjoint.residuals == adjoint.asked
