"""Results that are written over what nobody reads any more: the same bits as in memory of their
own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fusegrad as fg
from fusegrad.codegen.program import compile_program
from fusegrad.ir import Graph
from fusegrad.ir.passes import sharing
from fusegrad.ir.passes.pipeline import CLEAN, LOWER, run_passes

from ..passes.random_programs import programs, same_types
from .compiled import door


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(graph=programs(5, 20), seed=st.integers(0, 99))
def test_random_programs(graph: Graph, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=x.shape) for x in graph.inputs]
    fused = run_passes(graph, (*CLEAN, *LOWER))
    expected = door(compile_program(fused))(arrays)
    donated = same_types(fused.inputs, fused.outputs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharing, "LEAST_MERGED", 1)
        patch.setattr(sharing, "LEAST_SPARE", 1)
        patch.setattr(sharing, "LEAST_PART", 1)
        found = door(compile_program(fused, donated))(arrays, donated)
    for f, e in zip(found, expected, strict=True):
        assert f.tobytes() == e.tobytes()
    for output, number in donated.items():
        assert found[output] is arrays[number]


def loop(x: Any, y: Any) -> Any:
    for _ in range(300):
        x = x + 0.01 * np.sin(x) * y
    return x


def stored(x: Any, y: Any) -> Any:
    x = x.copy()
    x[3] = y[5]
    x[::2] += 1.0
    return x


# What a function does with x, which its result is to take the memory of; is that done in place?
CASES: dict[str, tuple[Callable[..., Any], bool]] = {
    "elementwise": (lambda x, y: x - 0.5 * np.tanh(y), True),
    "twice": (lambda x, y: x * y + x, True),
    "and a sum": (lambda x, y: (x * 2.0 + y, np.sum(x, axis=0)), True),
    "reshaped": (lambda x, y: (x.ravel() * y.ravel()).reshape(x.shape), True),
    "after a sum": (lambda x, y: x - np.mean(x * y), True),
    "softmax": (lambda x, y: np.exp(x - np.max(x, axis=1, keepdims=True)) + y, True),
    "moved": (lambda x, y: np.concatenate([x[1:], y[:1]]), True),
    "transposed": (lambda x, y: x.T + y, False),
    "reversed": (lambda x, y: x[::-1] + y, False),
    "shifted": (lambda x, y: np.roll(x, 1, axis=0) * y, True),
    "both ways": (lambda x, y: x + x[::-1] * y, False),
    "product": (lambda x, y: x @ y, False),
    "sorted": (lambda x, y: np.sort(x, axis=0) + 0.0 * y, False),  # it gathers from x
    "cumulative": (lambda x, y: np.cumsum(x * y, axis=0), True),
    "read after": (lambda x, y: (x + y, np.sort(np.sort(x + y, axis=1) * x, axis=0)), None),
    "stored": (stored, None),
    "loop": (loop, True),
}


def arguments(n: int = 96) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(size=(n, n)), rng.normal(size=(n, n))]


@pytest.mark.parametrize("name", CASES)
def test_in_place_or_copied(name: str) -> None:
    function, in_place = CASES[name]
    expected = fg.compile(function)(*arguments())
    donating = fg.compile(function, donate=0)
    for _ in range(2):  # through Python, and through the native entry
        x, y = arguments()
        found = donating(x, y)
        first, *rest = found if isinstance(found, tuple) else (found,)
        assert first is x
        for f, e in zip(
            (first, *rest), expected if isinstance(expected, tuple) else (expected,), strict=True
        ):
            assert f.tobytes() == e.tobytes()
        assert y.tobytes() == arguments()[1].tobytes()
    told = str(donating.explain(*arguments()))
    if in_place is not None:
        assert ("is computed in x" in told) is in_place
        assert ("is copied to x" in told) is not in_place


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_arrays(threads: int, dtype: str) -> None:
    def step(p: Any, m: Any, g: Any) -> Any:
        m = 0.9 * m + g / np.sqrt(np.sum(g * g, axis=1, keepdims=True))
        return p - 0.1 * m, m

    def given() -> list[np.ndarray]:
        rng = np.random.default_rng(0)
        return [rng.normal(size=(1000, 777)).astype(dtype) for _ in range(3)]

    expected = fg.compile(step, threads=1)(*given())
    donating = fg.compile(step, threads=threads, donate=("p", "m"))
    for _ in range(2):
        p, m, g = given()
        found = donating(p, m, g)
        assert found[0] is p
        assert found[1] is m
        for f, e in zip(found, expected, strict=True):
            assert f.tobytes() == e.tobytes()
    assert str(donating.explain(*given())).count("is computed in") == 2


def test_a_temporary_waits_in_the_memory_of_a_result() -> None:
    def f(x: Any, labels: Any) -> Any:
        z = x - np.max(x, axis=1, keepdims=True)
        log = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
        return -np.mean(log[np.arange(len(x)), labels])

    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(2048, 256)), rng.integers(0, 256, 2048)
    compiled = fg.value_and_grad(f)
    value, gradient = compiled(x, labels)
    z = np.exp(x - x.max(axis=1, keepdims=True))
    softmax = z / z.sum(axis=1, keepdims=True)
    softmax[np.arange(2048), labels] -= 1.0
    np.testing.assert_allclose(gradient, softmax / 2048, rtol=1e-12, atol=1e-18)
    again = compiled(x, labels)
    assert again[1].tobytes() == gradient.tobytes()
    assert float(again[0]) == float(value)
    assert compiled.explain(x, labels).temporaries < 1.5 * x.nbytes  # log; not the scattered ones


def test_parts_are_computed_where_they_are_concatenated() -> None:
    def f(x: Any, y: Any) -> Any:
        z = x * y
        return np.concatenate([np.sin(x).ravel(), y[0, :3], (x @ y).ravel(), z.ravel(), z.ravel()])

    x, y = arguments()
    compiled = fg.compile(f)
    for _ in range(2):
        np.testing.assert_allclose(compiled(x, y), f(x, y), rtol=1e-12, atol=1e-12)
    temporaries = compiled.explain(x, y).temporaries
    assert x.nbytes <= temporaries < 1.5 * x.nbytes  # z, which goes to two places


def test_what_is_changed_after_a_concatenation_is_no_part_of_it() -> None:
    def f(x: Any, y: Any) -> Any:
        buffer = np.cumsum(x, axis=0)
        both = np.concatenate([buffer, y])
        buffer[0] = y[0]
        return both, np.cumsum(buffer, axis=0), np.cumsum(both, axis=1)

    x, y = arguments()
    compiled = fg.compile(f)
    for _ in range(2):
        for found, expected in zip(compiled(x, y), f(x, y), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_rows_that_are_stacked_are_computed_in_their_places() -> None:
    def cross(p: Any, q: Any) -> Any:
        x, y, z = p
        u, v, w = q
        return np.stack([y * w - z * v, z * u - x * w, x * v - y * u])

    rng = np.random.default_rng(0)
    p, q = rng.normal(size=(2, 3, 1000))
    for function in (cross, fg.grad(lambda p, q: np.sum(cross(p, q) ** 2))):
        compiled = function if function is not cross else fg.compile(function)
        for _ in range(2):
            np.testing.assert_allclose(compiled(p, q), compiled.eager(p, q), rtol=1e-10, atol=1e-12)
        assert compiled.explain(p, q).temporaries == 0
