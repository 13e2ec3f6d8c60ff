"""The runner of passes: order, times, verification, errors that name the pass."""

from __future__ import annotations

import pytest

from fusegrad.ir import Graph, IRError, Operation, TensorType, parse
from fusegrad.ir.passes.dce import eliminate_dead_code
from fusegrad.ir.passes.pipeline import CLEAN, LOWER, Timings, run_passes
from fusegrad.ir.passes.simplify import simplify

GRAPH = parse(
    """
    func @loss(%x: f64[3]) -> (f64[3]) {
      %0 = sin %x : f64[3]
      %1 = neg %0 : f64[3]
      %2 = neg %1 : f64[3]
      return %2
    }
    """
)


def fails(graph: Graph) -> Graph:
    raise ZeroDivisionError("no number")


def breaks(graph: Graph) -> Graph:
    """A result of a wrong type, which only the verifier sees."""
    first = graph.operations[0]
    wrong = Operation(first.op, first.operands, {}, (TensorType("f64", (7,)),))
    return Graph(graph.name, graph.inputs, [wrong], [wrong.result])


def test_passes_run_in_order_and_leave_their_argument() -> None:
    text = str(GRAPH)
    result = run_passes(GRAPH, (simplify, eliminate_dead_code))
    assert [operation.name for operation in result] == ["sin"]
    assert str(GRAPH) == text
    assert run_passes(GRAPH, ()) is GRAPH


def test_all_passes_twice_change_nothing_more() -> None:
    once = run_passes(GRAPH, CLEAN)
    assert run_passes(once, CLEAN) == once


def test_times_add_up_by_name() -> None:
    timings = Timings()
    run_passes(GRAPH, (*CLEAN, *LOWER), timings)
    assert set(timings.seconds) == {run.__name__ for run in (*CLEAN, *LOWER)}
    before = timings.seconds["simplify"]
    timings.add("simplify", 1.0)
    assert timings.seconds["simplify"] == before + 1.0


def test_an_error_names_the_pass_and_shows_its_graph() -> None:
    with pytest.raises(IRError) as caught:
        run_passes(GRAPH, (simplify, eliminate_dead_code, fails))
    message = str(caught.value)
    assert message.startswith("pass fails failed: no number\n")
    assert "func @loss(%x: f64[3])" in message
    assert "neg" not in message  # as it was given to `fails`, not to the first pass
    assert "FUSEGRAD_EAGER=1" in caught.value.hint
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_results_are_verified_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUSEGRAD_VERIFY", raising=False)
    run_passes(GRAPH, (breaks,))
    monkeypatch.setenv("FUSEGRAD_VERIFY", "1")
    with pytest.raises(IRError, match=r"pass breaks failed: (.|\n)*f64\[7\]"):
        run_passes(GRAPH, (breaks,))
