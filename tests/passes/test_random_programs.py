"""Every pass on random programs: the graph stays right, and means the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusegrad.ir import Graph, parse, verify
from fusegrad.ir.autodiff import value_and_vjp
from fusegrad.ir.passes.fuse import fuse
from fusegrad.ir.passes.levels import is_fusible
from fusegrad.ir.passes.pipeline import CLEAN, LOWER

from .random_programs import assert_same_meaning, programs

SEEDS = st.integers(0, 2**31)


@settings(max_examples=150)
@given(program=programs(), seed=SEEDS)
def test_fusion_of_a_program_as_it_is(program: Graph, seed: int) -> None:
    fused = verify(fuse(program))
    assert not any(is_fusible(operation) for operation in fused)
    assert len(set(fused.outputs)) == len(fused.outputs)
    assert not set(fused.outputs) & set(fused.inputs)
    assert parse(str(fused)) == fused
    assert_same_meaning(program, fused, seed)


@settings(max_examples=100)
@given(program=programs(most=25), seed=SEEDS)
def test_every_pass_on_an_adjoint(program: Graph, seed: int) -> None:
    joint = verify(value_and_vjp(program, range(len(program.inputs)), seed=0))
    graph = joint
    for run in (*CLEAN, *LOWER):
        graph = verify(run(graph))
    assert_same_meaning(joint, graph, seed)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_long_programs(part: int) -> None:
    """3000 of them."""

    @settings(max_examples=300, derandomize=True, database=None)
    @given(program=programs(least=20, most=80), seed=st.integers(1000 * part, 1000 * part + 999))
    def run(program: Graph, seed: int) -> None:
        joint = seed % 2 == 0
        before = value_and_vjp(program, range(len(program.inputs)), seed=0) if joint else program
        graph = before
        for step in (*CLEAN, *LOWER):
            graph = verify(step(graph))
        assert_same_meaning(before, graph, seed)
        assert_same_meaning(before, verify(fuse(before)), seed)

    run()
