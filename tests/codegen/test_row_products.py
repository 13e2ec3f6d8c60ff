"""Products inside of row loops: random programs over rows, interpreted and compiled, in blocks of
every size; then real sizes against NumPy.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fusegrad as fg
from fusegrad.codegen.linalg import contraction
from fusegrad.ir import Graph, GraphBuilder, TensorType, Value, verify
from fusegrad.ir.autodiff import value_and_vjp
from fusegrad.ir.passes import legalise, rowwise
from fusegrad.ir.passes import rows as row_fusion
from fusegrad.ir.passes.pipeline import CLEAN, LOWER, run_passes

from .test_random_graphs import check

WIDTHS = (1, 2, 3, 5)


class Program:
    """A program under construction: values of [rows, width] (`flat`) and [rows, k, width] (`deep`)
    that meet weights, each other, and their sums.
    """

    def __init__(self, draw: Any, dtype: str) -> None:
        self.draw, self.dtype, self.b = draw, dtype, GraphBuilder("rows")
        self.rows, self.k = (
            draw(st.sampled_from([2, 3, 6, 7, 12])),
            draw(st.sampled_from([1, 2, 4])),
        )
        self.flat = [self.input(self.rows, self.width())]
        self.deep = [self.input(self.rows, self.k, self.width())]
        self.total = self.b.constant(0, TensorType(dtype))

    def width(self) -> int:
        return int(self.draw(st.sampled_from(WIDTHS)))

    def input(self, *shape: int) -> Value:
        return self.b.input(TensorType(self.dtype, shape), f"x{len(self.b.inputs)}")

    def dot(self, x: Value, y: Value, contract: Any, batch: Any = ((), ())) -> Value:
        product: Value = self.b("dot", x, y, contract=contract, batch=batch)
        return product

    def add(self, x: Value) -> None:
        self.total = self.b.add(self.total, self.b.sum(self.b("tanh", x), range(x.type.ndim)))


def by_matrix(p: Program, x: Value, y: Value) -> None:
    p.flat.append(p.dot(x, p.input(x.shape[1], p.width()), ((1,), (0,))))


def by_vector(p: Program, x: Value, y: Value) -> None:
    z = p.b("tanh", p.dot(x, p.input(x.shape[1]), ((1,), (0,))))
    p.flat.append(p.b.mul(x, p.b.expand(z, (1,), x.shape)))


def by_matrices(p: Program, x: Value, y: Value) -> None:
    """One for each of k."""
    z = p.dot(y, p.input(p.k, p.width(), y.shape[2]), ((2,), (2,)), ((1,), (0,)))
    p.deep.append(p.b.transpose(z, (1, 0, 2)))


def row_by_row(p: Program, x: Value, y: Value) -> None:
    other = p.draw(st.sampled_from(p.deep))
    p.flat.append(p.b.sum(p.dot(y, other, ((1,), (1,)), ((0,), (0,))), (1,)))


def over_the_rows(p: Program, x: Value, y: Value) -> None:
    p.add(p.dot(x, p.draw(st.sampled_from(p.flat)), ((0,), (0,))))


def by_two_axes(p: Program, x: Value, y: Value) -> None:
    p.add(p.dot(y, p.input(p.k, y.shape[2]), ((1, 2), (0, 1))))


def softmax(p: Program, x: Value, y: Value) -> None:
    top = p.b.expand(p.b("reduce_max", x, axes=(1,)), (1,), x.shape)
    e = p.b("exp", p.b.sub(x, top))
    p.flat.append(p.b.div(e, p.b.expand(p.b.sum(e, (1,)), (1,), x.shape)))


def squares(p: Program, x: Value, y: Value) -> None:
    p.flat.append(p.b.sum(p.b.mul(y, y), (2,)))


STEPS = (
    by_matrix, by_vector, by_matrices, row_by_row, over_the_rows, by_two_axes, softmax, squares,
)  # fmt: skip


@st.composite
def programs(draw: Any, dtype: str) -> Graph:
    p = Program(draw, dtype)
    for _ in range(draw(st.integers(2, 6))):
        step = draw(st.sampled_from(STEPS))
        step(p, draw(st.sampled_from(p.flat)), draw(st.sampled_from(p.deep)))
    for x in (*p.flat[-2:], *p.deep[-1:]):
        p.add(x)
    return verify(p.b.build([p.total]))


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize(("cache", "blas"), [(1, True), (300, False), (1000, True), (10**6, False)])
def test_random_programs(
    cache: int, dtype: str, blas: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_fusion, "LEAST_SAVED", 1)
    monkeypatch.setattr(row_fusion, "CACHE", cache)
    monkeypatch.setattr(row_fusion, "CHUNK_SHARE", 1)
    monkeypatch.setattr(legalise, "TINY_PRODUCT", 0)
    if not blas:
        monkeypatch.setattr(contraction, "find_blas", lambda: None)
    joined: Counter[str] = Counter()

    @settings(max_examples=16, deadline=None, derandomize=True, database=None)
    @given(graph=programs(dtype), seed=st.integers(0, 99))
    def run(graph: Graph, seed: int) -> None:
        check(graph, seed)
        joint = value_and_vjp(graph, range(len(graph.inputs)), seed=0)
        for operation in run_passes(joint, (*CLEAN, *LOWER)):
            if operation.name == "rows":
                joined.update(kind for kind, _, _ in operation.attributes["yields"])
                joined.update(inner.name for inner in operation.regions[0])

    run()
    assert min(joined[name] for name in ("dot", "kernel", "chunk", "block", "rows")) > 5, joined


def logistic(w: Any, x: Any, y: Any) -> Any:
    z = x @ w
    return np.mean(np.logaddexp(0.0, z) - y * z)


def mixture(means: Any, factors: Any, x: Any) -> Any:
    scaled = np.einsum("kij,nkj->nki", factors, x[:, None, :] - means)
    scores = -0.5 * np.sum(scaled * scaled, axis=2)
    top = np.max(scores, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(scores - top), axis=1)) + top[:, 0])


def attention(q: Any, k: Any, v: Any) -> Any:
    scores = np.einsum("nqd,nkd->nqk", q, k)
    p = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    p = p / np.sum(p, axis=-1, keepdims=True)
    return np.sum(np.sin(np.einsum("nqk,nkd->nqd", p, v)))


CASES = [
    (logistic, [(40,), (20_011, 40), (20_011,)], (0,)),
    (mixture, [(7, 9), (7, 9, 9), (5003, 9)], (0, 1)),
    (attention, [(3001, 6, 8), (3001, 5, 8), (3001, 5, 8)], (0, 1, 2)),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("f", "shapes", "argnums"), CASES, ids=[c[0].__name__ for c in CASES])
def test_real_sizes(f: Any, shapes: Any, argnums: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    given = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    g = fg.value_and_grad(f, argnums=argnums)
    joined = [op for op in g.lower(*given).fused.graph if op.name == "rows"]
    products = sum(op.name == "dot" for loop in joined for op in loop.regions[0])
    assert 1 <= len(joined) <= 2
    assert products >= 2
    value, gradients = g(*given)
    exact_value, exact = g.eager(*(x.astype(np.float64) for x in given))
    tolerance = 1e-11 if dtype is np.float64 else 1e-4
    assert abs(value - exact_value) <= tolerance * abs(exact_value)
    for found, expected in zip(gradients, exact, strict=True):
        assert found.dtype == dtype
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)
    again = g(*given)[1]
    for found, other in zip(gradients, again, strict=True):
        np.testing.assert_array_equal(found, other)


def test_large_products_are_left_to_blas() -> None:
    """A product that does much arithmetic on each row is not cut into blocks."""
    b = GraphBuilder("network")
    x, w = b.input(TensorType("f32", (512, 784)), "x"), b.input(TensorType("f32", (784, 256)), "w")
    dot = b("dot", x, w, contract=((1,), (0,)), batch=((), ()))
    narrow = b("dot", x, b.slice(w, (0, 0), (784, 8)), contract=((1,), (0,)), batch=((), ()))
    assert rowwise.reads_of(dot.producer, 512) is None
    assert rowwise.reads_of(narrow.producer, 512) == ("rows", "whole")


def test_rows_are_fetched_for_the_next_block() -> None:
    """A matrix that two products read is fetched a block ahead: half of it, then the rest."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3001, 100)), rng.normal(size=100)  # the last block is shorter

    @fg.value_and_grad(argnums=1)
    def loss(x: Any, w: Any) -> Any:
        return np.sum(np.tanh(x @ w))

    value, slope = loss(x, w)
    np.testing.assert_allclose(value, np.sum(np.tanh(x @ w)), rtol=1e-12)
    np.testing.assert_allclose(slope, (1 - np.tanh(x @ w) ** 2) @ x, rtol=1e-10)
    lowered = loss.lower(x, w)
    rows = next(op for op in lowered.fused.graph if op.name == "rows")
    ahead = rows.attributes["rows"][1] * 100 * 8
    calls = [line for line in str(lowered.llvm).splitlines() if "call void @fg." in line]
    assert any("fg.rows.f64.8.f2(" in x and x.endswith(f"i64 {ahead})") for x in calls)
    assert any(".f1(" in x and "fg.tile" in x and x.endswith(f"i64 {ahead})") for x in calls)
    assert sum(".f" in x.replace(".f64", "") for x in calls) < len(calls)  # not behind the last
