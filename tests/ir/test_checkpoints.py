"""Checkpoints in the IR: outlined, differentiated, batched and written out, they mean the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusegrad.ir import Graph, IRError, batch_graph, interpret, parse, verify
from fusegrad.ir.autodiff import jvp, value_and_vjp
from fusegrad.ir.outline import Span, outline
from fusegrad.ir.passes.pipeline import CLEAN, LOWER
from fusegrad.ir.passes.written_out import write_out

from ..passes.random_programs import assert_same_meaning, programs

SEEDS = st.integers(0, 2**31)


@st.composite
def outlined(draw: st.DrawFn) -> tuple[Graph, Graph]:
    """A program, and the same with checkpoints: some apart, one perhaps in another."""
    program = draw(programs(least=8, most=25))
    ends = sorted(draw(st.lists(st.integers(0, len(program)), min_size=4, max_size=4)))
    a, b, c, d = ends
    kinds = [[Span(a, d), Span(b, c)], [Span(a, b), Span(c, d)], [Span(b, c), Span(b, c)]]
    return program, verify(outline(program, draw(st.sampled_from(kinds))))


@settings(max_examples=60)
@given(pair=outlined(), seed=SEEDS)
def test_the_same_with_and_without(pair: tuple[Graph, Graph], seed: int) -> None:
    program, parts = pair
    assert parse(str(parts)) == parts
    assert_same_meaning(program, parts, seed)
    written = verify(write_out(parts))
    assert not any(operation.name == "checkpoint" for operation in written.walk())
    assert_same_meaning(program, written, seed)


@settings(max_examples=50)
@given(pair=outlined(), seed=SEEDS)
def test_gradients_are_the_same(pair: tuple[Graph, Graph], seed: int) -> None:
    plain, parts = (verify(value_and_vjp(x, range(len(x.inputs)), seed=0)) for x in pair)
    assert_same_meaning(plain, parts, seed)
    lowered = parts
    for run in (*CLEAN, *LOWER):
        lowered = verify(run(lowered))
    assert not any(operation.name in ("checkpoint", "later") for operation in lowered.walk())
    assert_same_meaning(plain, lowered, seed)


@settings(max_examples=25)
@given(pair=outlined(), seed=SEEDS)
def test_tangents_batches_and_second_derivatives(pair: tuple[Graph, Graph], seed: int) -> None:
    plain, parts = pair
    every = range(len(plain.inputs))
    assert_same_meaning(jvp(plain, every), verify(jvp(parts, every)), seed)
    flags = [i % 2 == 0 for i in every]
    assert_same_meaning(batch_graph(plain, flags, 2), verify(batch_graph(parts, flags, 2)), seed)
    twice = [jvp(value_and_vjp(x, every, seed=0), every) for x in pair]
    assert_same_meaning(twice[0], verify(twice[1]), seed)


SQUARES = """
func @squares(%x: f64[4]) -> (f64[4]) {
  %0 = checkpoint %x {yields = [["f64", [4]]]} (
    ^body(%a: f64[4]) {
      %1 = sin %a : f64[4]
      %2 = exp %1 : f64[4]
      yield %2
    }
  ) : f64[4]
  return %0
}
"""


def test_the_adjoint_computes_the_inside_again_and_nothing_merges_it() -> None:
    joint = value_and_vjp(parse(SQUARES), (0,))
    for run in CLEAN:
        joint = run(joint)
    assert [operation.name for operation in joint][:4] == ["checkpoint", "later", "sin", "exp"]
    for run in CLEAN:
        joint = run(write_out(joint))
    assert [operation.name for operation in joint].count("exp") == 2
    x, ct = np.linspace(0, 1, 4), np.ones(4)
    np.testing.assert_array_equal(interpret(joint, [x, ct])[0], np.exp(np.sin(x)))


def test_a_wrong_region_is_found() -> None:
    with pytest.raises(IRError):
        verify(parse(SQUARES.replace('yields = [["f64", [4]]]', "yields = []")))
