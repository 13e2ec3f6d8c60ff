"""Products of operands whose axes lie in any order, held against the interpreter."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from fusegrad.codegen.linalg import contraction
from fusegrad.ir import Graph, GraphBuilder, TensorType, interpret
from fusegrad.ir.passes import legalise

from .compiled import run_compiled

EXTENTS = {"b": 3, "c": 2, "m": 4, "q": 1, "n": 5, "p": 3, "k": 6, "l": 2}
# batch, rows, columns, inner axes by letter
PRODUCTS = [
    ("", "m", "n", "k"),
    ("b", "m", "n", "k"),
    ("b", "m", "", "k"),
    ("b", "", "n", "k"),
    ("b", "q", "n", "k"),
    ("b", "m", "q", "k"),
    ("", "m", "n", "kl"),
    ("bc", "m", "n", "k"),
    ("b", "mp", "n", "k"),
]


def product(x_axes: str, y_axes: str, batch: str, inner: str, order: tuple[int, ...]) -> Graph:
    """The product of two tensors with the axes named, transposed."""
    b = GraphBuilder("product")
    x, y = (
        b.input(TensorType("f64", tuple(EXTENTS[a] for a in axes)), name)
        for axes, name in ((x_axes, "x"), (y_axes, "y"))
    )

    def sides(axes: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return tuple(map(x_axes.index, axes)), tuple(map(y_axes.index, axes))

    dot = b("dot", x, y, contract=sides(inner), batch=sides(batch))
    return b.build([b.transpose(dot, order)])


@pytest.mark.parametrize("blas", [True, False])
@pytest.mark.parametrize("axes", PRODUCTS, ids="-".join)
def test_any_order_of_axes(
    axes: tuple[str, str, str, str], blas: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legalise, "TINY_PRODUCT", 0)
    if not blas:
        monkeypatch.setattr(contraction, "find_blas", lambda: None)
    batch, rows, columns, inner = axes
    rng = np.random.default_rng(0)
    orders = [[*permutations(batch + free + inner)] for free in (rows, columns)]
    results = [*permutations(range(len(batch + rows + columns)))]
    for _ in range(12):
        x_axes, y_axes = ("".join(order[rng.integers(len(order))]) for order in orders)
        graph = product(x_axes, y_axes, batch, inner, results[rng.integers(len(results))])
        given = [rng.normal(size=value.shape) for value in graph.inputs]
        (found,), (expected,) = run_compiled(graph, given), interpret(graph, given)
        np.testing.assert_allclose(
            found, expected, rtol=1e-12, atol=1e-12, err_msg=f"{x_axes}, {y_axes}"
        )


def test_a_batch_in_the_middle_is_read_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """x[n, b, k] times w[b, k, m] needs no copy of x, and none of the result read as [n, b, m]."""
    monkeypatch.setattr(legalise, "TINY_PRODUCT", 0)
    b = GraphBuilder("product")
    x = b.input(TensorType("f64", (100, 3, 8)), "x")
    w = b.input(TensorType("f64", (3, 8, 9)), "w")
    dot = b("dot", x, w, contract=((2,), (1,)), batch=((1,), (0,)))
    graph = b.build([b.transpose(dot, (1, 0, 2))])
    swapped = product("nbk", "bkm", "b", "k", (2, 0, 1))  # [b, n, m] to [m, b, n]
    for before in (graph, swapped):
        after = legalise.legalise_dots(before)
        (result,) = after.outputs
        assert result.producer is not None
        assert result.producer.name == "dot"
        assert result.producer.attributes["rows_first"]
        assert set(result.producer.operands) == set(after.inputs)
