"""Programs taken apart into functions with tables: whatever is in the tables, the bits are those of
the program as a whole.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusegrad.codegen.doors import flat_door
from fusegrad.codegen.program import Program, compile_program
from fusegrad.codegen.sizes import families
from fusegrad.codegen.sizes.families import Families
from fusegrad.codegen.sizes.units import take_apart
from fusegrad.ir import Graph, GraphBuilder, TensorType
from fusegrad.ir.passes.pipeline import CLEAN, LOWER, run_passes
from fusegrad.ir.types import NUMPY_DTYPE

from .random_graphs import graphs


class Everything(set[str]):
    def isdisjoint(self, other: object) -> bool:
        return not other


@pytest.fixture
def with_all_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each function of the first program already reads all of its numbers from a table."""
    monkeypatch.setattr(families, "_differs", lambda units, found: True)
    monkeypatch.setattr(families._Kind, "_fresh", lambda self, units, found: Everything())
    monkeypatch.setattr(families, "MOST_SMALL", 0)
    monkeypatch.setenv("FUSEGRAD_CACHE", "0")


def lowered(graph: Graph) -> Graph:
    return run_passes(graph, (*CLEAN, *LOWER))


def same(x: Program, y: Program, arguments: list[np.ndarray]) -> bool:
    pairs = zip(flat_door(x)(arguments), flat_door(y)(arguments), strict=True)
    return all(a.tobytes() == b.tobytes() for a, b in pairs)


@pytest.mark.usefixtures("with_all_numbers")
def test_random_graphs_with_all_numbers_in_tables() -> None:
    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    @given(graph=graphs(), seed=st.integers(0, 99))
    def run(graph: Graph, seed: int) -> None:
        rng, graph = np.random.default_rng(seed), lowered(graph)
        arrays = [rng.normal(size=v.shape).astype(NUMPY_DTYPE[v.dtype]) for v in graph.inputs]
        whole, parts = compile_program(graph), compile_program(graph, families=Families())
        assert parts.sharing is not None
        assert whole.sharing is None
        assert same(whole, parts, arrays)

    run()


def product(rows: int, columns: int) -> Graph:
    """Products, which call tiles and BLAS, an activation and a sum."""
    b = GraphBuilder("product")
    x = b.input(TensorType("f64", (rows, 40)), "x")
    w = b.input(TensorType("f64", (40, columns)), "w")
    once = {"contract": ((1,), (0,)), "batch": ((), ())}
    h = b("tanh", b("dot", x, w, **once))
    slope = b("dot", x, h, contract=((0,), (0,)), batch=((), ()))
    return b.build([slope, b("sum", h, axes=(0,))])


@pytest.mark.usefixtures("with_all_numbers")
def test_products_with_all_numbers_in_tables() -> None:
    rng = np.random.default_rng(0)
    for rows, columns in ((50, 30), (300, 7), (17, 130)):
        graph = lowered(product(rows, columns))
        arrays = [rng.normal(size=v.shape) for v in graph.inputs]
        assert same(compile_program(graph), compile_program(graph, families=Families()), arrays)


def test_only_what_is_new_is_compiled() -> None:
    rng, known = np.random.default_rng(0), Families()
    for rows in (203, 211, 219, 227):
        graph = lowered(product(rows, 30))
        arrays = [rng.normal(size=v.shape) for v in graph.inputs]
        assert same(compile_program(graph), compile_program(graph, families=known), arrays)
    first, *later = known.compilations
    assert first.functions > 3
    assert first.numbers > 3
    assert sum(run.functions for run in later) <= first.functions // 2


def test_the_same_program_again_is_compiled_as_it_stands() -> None:
    known, graph = Families(), lowered(product(50, 30))
    programs = [compile_program(graph, families=known) for _ in range(2)]
    assert [program.sharing for program in programs] == [None, None]


def test_units_do_not_name_their_module() -> None:
    program = compile_program(lowered(product(300, 70)))
    parts = take_apart(program.module.llvm)
    assert parts.units[-1].symbol == "@run"
    symbols = {unit.symbol for unit in parts.units}
    for unit in parts.units:
        text = "\n".join(unit.lines)
        assert not any(f"{symbol}(" in text for symbol in symbols)
        assert set(unit.callees) <= symbols
