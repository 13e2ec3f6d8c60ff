"""Runs a function as NumPy does and as its trace says, and compares the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fusegrad.ir import interpret, parse, verify
from fusegrad.tracer import Traced, flatten, trace, unflatten

TOLERANCE = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-12}


def execute(traced: Traced, *args: Any, **kwargs: Any) -> Any:
    """The result of a trace for these arguments, through the interpreter."""
    leaves, in_tree = flatten((args, kwargs))
    assert in_tree == traced.in_tree
    outputs = interpret(traced.graph, [*leaves, *traced.captured])
    return unflatten(traced.out_tree, outputs)


def run(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Trace `function`, check its graph, and run that."""
    traced = trace(function, args, kwargs)
    verify(traced.graph)
    return execute(traced, *args, **kwargs)


def check(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """The trace gives what NumPy gives: structure, dtypes, shapes, values."""
    with np.errstate(all="ignore"):
        expected = function(*args, **kwargs)
    found = run(function, *args, **kwargs)
    compare(found, expected)


def compare(found: Any, expected: Any) -> None:
    found_leaves, found_tree = flatten(found)
    leaves, tree = flatten(expected)
    assert found_tree == tree
    for got, want in zip(found_leaves, leaves, strict=True):
        wanted = np.asarray(want)
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        tolerance = TOLERANCE.get(wanted.dtype, 0.0)
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def text_of(function: Callable[..., Any], *args: Any) -> str:
    """The graph of a trace without its comments; it can be parsed again."""
    graph = trace(function, args, {}).graph
    assert parse(str(graph)) == graph
    return str(graph)


def array(dtype: str, *shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> Any:
    """Random numbers of `dtype` (a NumPy name) in [low, high)."""
    random = np.random.default_rng(seed + sum(shape))
    if dtype == "bool":
        return random.random(shape) < 0.5
    if dtype.startswith("int"):
        return random.integers(-3, 4, shape).astype(dtype)
    return random.uniform(low, high, shape).astype(dtype)
