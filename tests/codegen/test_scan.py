"""Loops as native code, against the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from fusegrad.ir import Graph, interpret, parse
from fusegrad.ir.autodiff import jvp, value_and_vjp

from ..ir.test_loops import PROGRAMS, arguments, floats
from .compiled import run_compiled


def agree(graph: Graph) -> None:
    inputs = arguments(graph)
    for ours, theirs in zip(run_compiled(graph, inputs), interpret(graph, inputs), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> Graph:
    return parse(PROGRAMS[request.param])


def test_a_loop(program: Graph) -> None:
    agree(program)


def test_its_derivatives(program: Graph) -> None:
    wrt = floats(program)
    joint = value_and_vjp(program, wrt)
    agree(joint)
    agree(jvp(program, wrt))
    agree(value_and_vjp(joint, floats(joint)))
