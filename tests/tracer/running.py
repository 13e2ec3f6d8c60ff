"""Runs a function as NumPy does and as its trace says, and compares the two."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.ir import interpret, parse, verify
from fusegrad.ir.autodiff import value_and_vjp
from fusegrad.tracer import Traced, flatten, trace, unflatten

TOLERANCE = {
    np.dtype(np.float32): 2e-5,
    np.dtype(np.float64): 1e-12,
    np.dtype(np.complex64): 2e-5,
    np.dtype(np.complex128): 1e-12,
}


def named(x: Any) -> str:
    """A test's parameter for its name: functions without their addresses, arrays by their types."""
    if callable(x):
        return getattr(x, "__name__", type(x).__name__).strip("<>")
    if isinstance(x, tuple):
        return "-".join(map(named, x))
    array = np.asarray(x)
    return f"{array.dtype}{list(array.shape)}".replace(" ", "") if array.ndim else str(x)


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


# --- derivatives ---


def weighted_sum(function: Callable[..., Any], *args: Any) -> Any:
    """The float results of `function`, each element with a weight of its own, summed."""
    leaves, _ = flatten(function(*args))
    total = 0.0
    for leaf in (part for result in leaves for part in _real_parts(result)):
        if hasattr(leaf, "dtype") and leaf.dtype.kind == "f":
            weights = np.cos(np.arange(float(leaf.size))).reshape(leaf.shape)
            total = total + (leaf * weights).sum()
    return total


def _real_parts(x: Any) -> tuple[Any, ...]:
    """A traced complex array is flattened to its parts, one of NumPy's is not."""
    return (x.real, x.imag) if np.iscomplexobj(x) else (x,)


def check_derivatives(function: Callable[..., Any], *args: Any, tolerance: float = 1e-5) -> None:
    """The gradient by reverse mode is what differences show, in a random direction."""
    scalar = partial(weighted_sum, function)
    traced = trace(scalar, args, {}, "scalar")
    rounded = any(op.name == "cast" and op.result.dtype == "f32" for op in traced.graph)
    if rounded or any(x.dtype != np.float64 for x in args):
        pytest.skip("too coarse for differences")
    for i, gradient in enumerate(gradients(traced, *args)):
        direction = np.random.default_rng(i).normal(size=args[i].shape)
        low, high = (
            scalar(*args[:i], args[i] + step * direction, *args[i + 1 :]) for step in (-1e-6, 1e-6)
        )
        slope = (high - low) / 2e-6
        found = (gradient * direction).sum()
        np.testing.assert_allclose(found, slope, rtol=tolerance, atol=tolerance / 10)


def gradients(traced: Traced, *args: Any) -> list[Any]:
    """The gradient of a traced scalar function for each of its arguments."""
    joint = value_and_vjp(traced.graph, range(len(args)), seed=0)
    return list(interpret(joint, [*args, *traced.captured])[1:])


# --- compiled and eager ---


def check_compiled(function: Callable[..., Any], *args: Any) -> None:
    """Native code, eager mode and the interpreter agree, on values and on gradients."""
    scalar = partial(weighted_sum, function)
    floats = tuple(i for i, x in enumerate(args) if np.asarray(x).dtype.kind == "f")
    compiled = fg.value_and_grad(scalar, argnums=floats)
    traced = trace(scalar, args, {}, "scalar")
    result = traced.graph.outputs[0]
    if not floats or result.type.dtype != "f64" or result.producer.op.name == "constant":
        return  # no result is a float
    joint = value_and_vjp(traced.graph, floats, seed=0)
    expected = interpret(joint, [*args, *traced.captured])
    single = any(np.asarray(x).dtype == np.float32 for x in args)  # so is what comes of them
    for value, slopes in (compiled(*args), compiled.eager(*args)):
        for found, wanted in zip((value, *slopes), expected, strict=True):
            scale = np.max(np.abs(wanted), initial=1.0)
            close = 1e-5 if single or np.asarray(wanted).dtype == np.float32 else 1e-11
            np.testing.assert_allclose(found, wanted, rtol=100 * close, atol=close * scale)
