"""Temporaries: one block kept between calls, taken by one call at a time."""

from __future__ import annotations

import threading

import numpy as np

from fusegrad.codegen import arena
from fusegrad.ir import Graph, GraphBuilder, TensorType

from .compiled import compile_graph, door


def centred(rows: int, columns: int) -> Graph:
    """Two reductions with a broadcast between them, so that whole matrices go through memory."""
    b = GraphBuilder("centred")
    x = b.input(TensorType("f64", (rows, columns)), "x")
    y = b("exp", x)
    mean = b.scale(b.sum(y, (0, 1)), 1 / (rows * columns))
    z = b.mul(b.sub(y, b.broadcast(mean, y.shape)), y)
    return b.build([b.sum(z, (0,))])


def test_calls_of_different_sizes_share_the_block() -> None:
    rng = np.random.default_rng(0)
    programs = [compile_graph(centred(n, 300)) for n in (20, 200, 50)]
    assert all(program.module.arena > 1 << 14 for program in programs)
    doors = [door(program) for program in programs]
    inputs = [rng.normal(size=(n, 300)) for n in (20, 200, 50)]
    first = [call([x])[0] for call, x in zip(doors, inputs, strict=True)]
    for _ in range(3):
        for call, x, expected in zip(doors, inputs, first, strict=True):
            assert np.array_equal(call([x])[0], expected)
    assert arena._slot.value is not None


def test_threads_do_not_share_it() -> None:
    call = door(compile_graph(centred(100, 300)))
    inputs = [np.random.default_rng(seed).normal(size=(100, 300)) for seed in range(4)]
    expected = [call([x])[0] for x in inputs]
    wrong: list[int] = []

    def run(which: int) -> None:
        for _ in range(200):
            if not np.array_equal(call([inputs[which]])[0], expected[which]):
                wrong.append(which)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
