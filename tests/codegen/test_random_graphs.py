"""1000 random graphs: compiled code against the interpreter, value and gradient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusegrad.ir import Graph, interpret, parse, verify
from fusegrad.ir.autodiff import value_and_vjp
from fusegrad.ir.passes.pipeline import CLEAN, LOWER, run_passes

from .compiled import run_lowered
from .random_graphs import graphs


def arguments_for(graph: Graph, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=v.shape).astype(np.float32).astype(np.float64) for v in graph.inputs]


def assert_agree(found: np.ndarray, expected: np.ndarray, scale: float) -> None:
    tolerance = scale * (1e-11 if expected.dtype == np.float64 else 2e-4)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, equal_nan=True)


def check(graph: Graph, seed: int) -> None:
    verify(graph)
    joint = value_and_vjp(graph, range(len(graph.inputs)), seed=0)
    verify(joint)
    lowered = verify(run_passes(joint, (*CLEAN, *LOWER)))
    assert parse(str(lowered)) == lowered
    arguments = arguments_for(graph, seed)
    expected = interpret(joint, arguments)
    found = run_lowered(lowered, arguments)
    scale = 1.0 + max((np.abs(e).max() for e in expected if e.size), default=0.0)
    for f, e in zip(found, expected, strict=True):
        assert f.shape == e.shape
        assert f.dtype == e.dtype
        assert_agree(f, e, scale)
    for f, e in zip(interpret(lowered, arguments), expected, strict=True):
        assert_agree(f, e, scale)


@pytest.mark.parametrize("part", range(4))
def test_compiled_equals_interpreted(part: int) -> None:
    @settings(max_examples=250, deadline=None, derandomize=True, database=None)
    @given(
        graph=graphs(dtype=["f64", "f32"][part % 2]), seed=st.integers(100 * part, 100 * part + 99)
    )
    def run(graph: Graph, seed: int) -> None:
        check(graph, seed)

    run()
