"""Fusion: what the golden files are too short for. Chunks, order, stored values, linear time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import pytest

from fusegrad.ir import Graph, GraphBuilder, Operation, TensorType, interpret, verify
from fusegrad.ir.autodiff import value_and_vjp
from fusegrad.ir.passes.fuse import MAX_KERNEL_OPERATIONS, fuse
from fusegrad.ir.passes.pipeline import CLEAN, LOWER, run_passes
from fusegrad.ir.passes.plan import plan_buffers
from fusegrad.ir.passes.recompute import LONGEST

VECTOR = TensorType("f64", (100,))


def kernels(graph: Graph) -> list[Operation]:
    return [operation for operation in graph if operation.name == "kernel"]


def chain(length: int, type: TensorType = VECTOR) -> Graph:
    """x = sin(x) * 0.5 + x, `length` times, summed."""
    b = GraphBuilder("chain")
    x = b.input(type, "x")
    for _ in range(length):
        x = b.add(b.scale(b("sin", x), 0.5), x)
    return b.build([b.sum(x, range(type.ndim))])


def alternating(length: int) -> Graph:
    """x = x + sum(sin(x)), `length` times: each step waits for the sum of the one before."""
    b = GraphBuilder("alternating")
    x = b.input(VECTOR, "x")
    for _ in range(length):
        x = b.add(x, b.broadcast(b.sum(b("sin", x), (0,)), VECTOR.shape))
    return b.build([b.sum(x, (0,))])


def widely_used(length: int) -> Graph:
    """One value that is used `length` times, each time at another level."""
    b = GraphBuilder("widely_used")
    x = b.input(VECTOR, "x")
    h, total = b("sin", x), x
    for i in range(length):
        y = b.mul(h, b.full_like(h, 1.0 + i))
        total = b.mul(y, b.broadcast(b("tanh", b.sum(total, (0,))), VECTOR.shape))
    return b.build([b.sum(total, (0,))])


def wide(length: int) -> Graph:
    """One value that is used `length` times at one level."""
    b = GraphBuilder("wide")
    x = b.input(VECTOR, "x")
    h = b("sin", x)
    parts = [b.mul(h, b.full_like(h, 1.0 + i)) for i in range(length)]
    total = parts[0]
    for part in parts[1:]:
        total = b.add(total, part)
    return b.build([b.sum(total, (0,))])


def independent(length: int) -> Graph:
    """`length` branches, of two levels each, that meet in one sum."""
    b = GraphBuilder("independent")
    total = b.constant(0, TensorType("f64"))
    for x in [b.input(VECTOR, f"x{i}") for i in range(length)]:
        y = b("sin", x)
        centred = b.sub(b("exp", y), b.broadcast(b.sum(y, (0,)), VECTOR.shape))
        running = b("cumsum", centred, axis=0, reverse=False)
        total = b.add(total, b("tanh", b.sum(running, (0,))))
    return b.build([total])


def test_a_long_chain_is_cut() -> None:
    graph = chain(200)
    fused = verify(fuse(graph))
    assert len(kernels(fused)) == math.ceil(601 / MAX_KERNEL_OPERATIONS)
    for kernel in kernels(fused):
        assert sum(op.name != "constant" for op in kernel.regions[0]) <= MAX_KERNEL_OPERATIONS
    x = np.linspace(-1, 1, 100)
    np.testing.assert_allclose(interpret(fused, [x]), interpret(graph, [x]), rtol=1e-12)


def test_a_chain_with_its_adjoint_is_one_kernel() -> None:
    joint = value_and_vjp(chain(20), [0], seed=0)
    assert len(kernels(run_passes(joint, (*CLEAN, *LOWER)))) == 1


def test_what_is_made_again_is_bounded() -> None:
    fused = verify(fuse(alternating(40)))
    assert max(len(kernel.regions[0]) for kernel in kernels(fused)) <= LONGEST + 2
    stored = [r for kernel in kernels(fused) for r in kernel.results if r.type == VECTOR]
    assert 0 < len(stored) <= 40 // LONGEST + 1


def test_branches_run_one_after_the_other() -> None:
    """The temporaries of a branch are dead before the next one starts."""
    few, many = (plan_buffers(fuse(independent(n))).arena for n in (2, 50))
    assert many <= few + 50 * 64


def test_rows_that_are_kept_as_columns_join_rows() -> None:
    b = GraphBuilder()
    x = b.input(TensorType("f64", (8, 4)), "x")
    column = b.expand(b.sum(x, (1,)), (1,), (8, 1))
    row = b.scale(b.reshape(b("sqrt", b.mul(column, column)), (8,)), 0.25)
    graph = b.build([row])
    assert len(kernels(run_passes(graph, LOWER))) == 2


def seconds(graph: Graph) -> float:
    """The time that all passes and the plan take for the graph and its adjoint."""
    start = time.process_time()
    joint = value_and_vjp(graph, [0], seed=0)
    plan_buffers(run_passes(joint, (*CLEAN, *LOWER)))
    return time.process_time() - start


@pytest.mark.parametrize("make", [chain, alternating, widely_used, wide])
def test_time_is_linear(make: Callable[[int], Graph]) -> None:
    """Six times as many operations; a quadratic step would show as 36."""
    small, large = make(100), make(600)
    ratios = (seconds(large) / seconds(small) for _ in range(3))
    assert any(ratio < 14 for ratio in ratios)
