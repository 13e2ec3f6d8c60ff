"""Row fusion: which kernels are joined, in blocks of which size, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fusegrad.ir import Graph, GraphBuilder, Operation, TensorType, Value, interpret, parse, verify
from fusegrad.ir.autodiff import value_and_vjp
from fusegrad.ir.passes import rows as row_fusion
from fusegrad.ir.passes.pipeline import CLEAN, LOWER, run_passes


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Join whatever can be joined, in blocks that fill so many bytes."""

    def use(cache: int) -> None:
        monkeypatch.setattr(row_fusion, "LEAST_SAVED", 1)
        monkeypatch.setattr(row_fusion, "CACHE", cache)

    return use


def softmax_loss(rows: int, columns: int, dtype: str = "f64") -> Graph:
    """The sum over the rows of log sum exp(x w), with its gradient."""
    b = GraphBuilder("loss")
    x, w = (
        b.input(TensorType(dtype, (rows, columns)), "x"),
        b.input(TensorType(dtype, (columns,)), "w"),
    )
    shape = (rows, columns)
    y = b.mul(x, b.broadcast(w, shape))
    top = b("reduce_max", y, axes=(1,))
    z = b("exp", b.sub(y, b.expand(top, (1,), shape)))
    total = b.add(b("log", b.sum(z, (1,))), top)
    return value_and_vjp(b.build([b.sum(total, (0,))]), (0, 1), seed=0)


def lowered(graph: Graph) -> Graph:
    return verify(run_passes(graph, (*CLEAN, *LOWER)))


def row_operations(graph: Graph) -> list[Operation]:
    return [operation for operation in graph if operation.name == "rows"]


def arguments(graph: Graph) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.normal(size=value.shape) for value in graph.inputs]


def assert_same(graph: Graph, other: Graph) -> None:
    given = arguments(graph)
    for found, expected in zip(interpret(other, given), interpret(graph, given), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("rows", [2, 7, 12, 30, 31])
@pytest.mark.parametrize("cache", [1, 500, 1500, 10**6])
def test_blocks_of_rows(rows: int, cache: int, small_blocks: Callable[[int], None]) -> None:
    small_blocks(cache)
    graph = softmax_loss(rows, 5)
    after = lowered(graph)
    (joined,) = row_operations(after)
    count, block = joined.attributes["rows"]
    assert (count, len(joined.regions)) == (rows, 2 if rows % block else 1)
    assert 1 <= block <= rows
    assert parse(str(after)) == after
    assert_same(graph, after)


def test_what_the_block_is_for(small_blocks: Callable[[int], None]) -> None:
    """Intermediates are in the region alone: outside are the arguments and the results."""
    small_blocks(1)
    after = lowered(softmax_loss(6, 4))
    (joined,) = row_operations(after)
    assert [value.shape for value in joined.results] == [(6,), (6, 4), (6, 4)]
    assert [kind for kind, _, _ in joined.attributes["yields"]] == ["block", "rows", "block"]
    assert [operation.name for operation in after] == ["rows", "kernel", "kernel"]
    assert joined.attributes["reads"] == ("rows", "whole")


def test_small_graphs_are_left_alone() -> None:
    assert not row_operations(lowered(softmax_loss(30, 5)))
    assert len(row_operations(lowered(softmax_loss(3000, 100)))) == 1


def test_what_needs_all_rows_stays_behind(small_blocks: Callable[[int], None]) -> None:
    """Rows scaled by the sum of all: two loops, the sum of the parts between them."""
    small_blocks(1)
    b = GraphBuilder("scaled")
    x = b.input(TensorType("f64", (8, 3)), "x")
    y = b("exp", b.sub(x, b.expand(b("reduce_max", x, axes=(1,)), (1,), (8, 3))))
    z = b.mul(y, b.broadcast(b.sum(y, (0, 1)), (8, 3)))
    graph = b.build([b.sum(b.mul(z, b.expand(b.sum(z, (1,)), (1,), (8, 3))), (1,))])
    after = lowered(graph)
    assert [operation.name for operation in after if operation.name != "reshape"] == [
        "rows", "kernel", "rows",
    ]  # fmt: skip
    assert_same(graph, after)


def reversed_rows(b: GraphBuilder, x: Value) -> Value:
    return b("reverse", x, axes=(0,))


def shifted_rows(b: GraphBuilder, x: Value) -> Value:
    padded = b("pad", x, low=(1, 0), high=(0, 0), interior=(0, 0))
    return b.slice(padded, (0, 0), (8, 3))


def transposed(b: GraphBuilder, x: Value) -> Value:
    return b("transpose", b.reshape(x, (3, 8)), permutation=(1, 0))


def numbered(b: GraphBuilder, x: Value) -> Value:
    return b.add(x, b("iota", dtype="f64", shape=(8, 3), axis=0))


@pytest.mark.parametrize("other", [reversed_rows, shifted_rows, transposed, numbered])
def test_rows_that_need_other_rows(
    other: Callable[[GraphBuilder, Value], Value], small_blocks: Callable[[int], None]
) -> None:
    """A kernel that reads another row than it writes, or asks for its number, is not joined."""
    small_blocks(1)
    b = GraphBuilder("others")
    x = b.input(TensorType("f64", (8, 3)), "x")
    y = b.mul(x, b.expand(b.sum(x, (1,)), (1,), (8, 3)))
    z = other(b, b.mul(y, b.expand(b("reduce_max", y, axes=(1,)), (1,), (8, 3))))
    graph = b.build([b.mul(z, b.expand(b.sum(z, (1,)), (1,), (8, 3)))])
    after = lowered(graph)
    assert_same(graph, after)
    for joined in row_operations(after):
        assert "iota" not in str(joined.regions[0])


def test_labels_do_not_split_the_loop(small_blocks: Callable[[int], None]) -> None:
    """The indices of a gather work by rows too, but what they are needed for comes first."""
    small_blocks(1)
    b = GraphBuilder("cross_entropy")
    x, labels = b.input(TensorType("f64", (6, 4)), "x"), b.input(TensorType("i64", (6,)), "labels")
    z = b.sub(x, b.expand(b("reduce_max", x, axes=(1,)), (1,), (6, 4)))
    log_p = b.sub(z, b.expand(b("log", b.sum(b("exp", z), (1,))), (1,), (6, 4)))
    first = b("iota", dtype="i64", shape=(6,), axis=0)
    at = b.add(b.mul(first, b.full_like(first, 4)), b.mul(labels, b.full_like(labels, 1)))
    picked = b("gather", b.reshape(log_p, (24,)), at, axis=0)
    graph = value_and_vjp(b.build([b.sum(picked, (0,))]), (0,), seed=0)
    after = run_passes(graph, (*CLEAN, *LOWER))
    assert len(row_operations(after)) == 1
    given = [np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 3, 1, 2, 2, 0])]
    for found, expected in zip(interpret(after, given), interpret(graph, given), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)
