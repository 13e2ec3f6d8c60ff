"""Functions called with many sizes: few compilations, and on each size the bits of a compilation
for it alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.codegen.objects import jit
from fusegrad.codegen.sizes import families

Loss = Callable[..., Any]
Arguments = tuple[np.ndarray, ...]
PROGRAMS: dict[str, tuple[Loss, Callable[[np.random.Generator, int], Arguments]]] = {}


def program(*shapes: Any, dtype: Any = float) -> Callable[[Loss], Loss]:
    """A function of `n` and its arguments: shapes in which "n" stands for the size."""

    def enter(loss: Loss) -> Loss:
        def arguments(rng: np.random.Generator, n: int) -> Arguments:
            sizes = [tuple(n if size == "n" else size for size in shape) for shape in shapes]
            return tuple(rng.normal(size=size).astype(dtype) for size in sizes)

        PROGRAMS[loss.__name__] = (loss, arguments)
        return loss

    return enter


@program(("n",), ("n",))
def chain(x: Any, w: Any) -> Any:
    return np.sum(np.tanh(x * w) + np.exp(-x * x) / (1 + w * w))


@program(("n",), ("n",), dtype=np.float32)
def narrow_chain(x: Any, w: Any) -> Any:
    return np.sum(np.tanh(x * w)) + np.max(x)


@program((5,), ("n", 5), ("n",))
def logistic(w: Any, x: Any, y: Any) -> Any:
    z = x @ w
    return np.mean(np.logaddexp(0, z) - y * z)


@program(("n", 20), (20,))
def normalised_rows(x: Any, scale: Any) -> Any:
    z = x - np.mean(x, axis=1, keepdims=True)
    return np.sum(np.tanh(z / np.sqrt(np.mean(z * z, axis=1, keepdims=True) + 1e-5) * scale))


@program(("n", "n"), ("n",))
def matrix(a: Any, x: Any) -> Any:
    return np.sum(np.tanh(a @ x) * x) + np.sum(a.T @ a)


@program(("n",))
def differences(x: Any) -> Any:
    return np.sum(np.exp(-((x[:, None] - x[None, :]) ** 2)))


@program(("n",))
def by_size(x: Any) -> Any:
    """Python's control flow, and constants, made of the size."""
    n = len(x)
    weights = np.arange(n) / (n + 1.0)
    total = np.sum(x * weights) / (n + 1)
    return total * 2 if n % 3 == 1 else total + np.sum(x[: n // 2])


@program(("n", 3))
def parts(x: Any) -> Any:
    y = np.concatenate([x[:, :1], np.cumsum(x, axis=0)[:, 1:]], axis=1)
    return np.sum(np.sin(y[::-1]) * x)


@program(("n", 4))
def lookups(x: Any) -> Any:
    places = np.arange(len(x)) * 7 % max(len(x), 1)
    return np.sum(x[places] * x)


def leaves(result: Any) -> list[np.ndarray]:
    if isinstance(result, tuple):
        return [leaf for part in result for leaf in leaves(part)]
    return [np.asarray(result)]


def same_bits(x: Any, y: Any) -> bool:
    pairs = zip(leaves(x), leaves(y), strict=True)
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that has an item for each time that LLVM optimises code."""
    found: list[int] = []
    compile_object = jit.compile_object

    def counted(text: str, level: int = 2) -> bytes:
        found.extend([1] * (level > 0))
        return compile_object(text, level)

    monkeypatch.setattr(jit, "compile_object", counted)
    monkeypatch.setenv("FUSEGRAD_CACHE", "0")
    return found


def gradient(loss: Loss, count: int) -> Any:
    return fg.value_and_grad(loss, argnums=tuple(range(count)))


@pytest.mark.parametrize("name", PROGRAMS)
def test_bits_are_those_of_a_compilation_for_the_size(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(families, "MOST_SMALL", 0)
    loss, arguments = PROGRAMS[name]
    rng = np.random.default_rng(3)
    compiled = gradient(loss, len(arguments(rng, 1)))
    sizes = [70, 83, 20, 21, 1, 109, 90]
    kept = []
    for n in sizes:
        given = arguments(rng, n)
        found = compiled(*given)
        assert same_bits(found, gradient(loss, len(given))(*given)), n
        kept.append((given, found))
    assert compiled.cache_info()["shared"] >= 2
    for given, found in kept:  # the same code, with the tables of the sizes before
        assert same_bits(compiled(*given), found)


@pytest.mark.parametrize("name", PROGRAMS)
def test_random_sizes_against_eager_mode(name: str) -> None:
    loss, arguments = PROGRAMS[name]
    rng, sizes = np.random.default_rng(5), random.Random(name)
    compiled = gradient(loss, len(arguments(rng, 1)))
    tolerance = 2e-4 if name == "narrow_chain" else 1e-9
    for n in [sizes.randrange(1, 150) for _ in range(6)]:
        given = arguments(rng, n)
        expected = leaves(compiled.eager(*given))
        for x, y in zip(leaves(compiled(*given)), expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


def test_many_sizes_are_few_compilations(runs: list[int]) -> None:
    rng, sizes = np.random.default_rng(0), random.Random(0)
    compiled = gradient(chain, 2)
    for n in [sizes.randrange(130, 5000) for _ in range(40)]:
        compiled(rng.normal(size=n), rng.normal(size=n))
    assert len(runs) <= 8
    info = compiled.cache_info()
    assert info["variants"] == 40
    assert info["shared"] >= 36
    assert info["compiled"][1] == "new sizes: axis 0 of x, axis 0 of w"


def test_no_size_at_all_is_a_size() -> None:
    compiled = fg.value_and_grad(lambda x: np.sum(np.sin(x) * 2))
    for n in (100, 0, 140, 0, 1):
        value, slope = compiled(np.ones(n))
        assert value == pytest.approx(n * 2 * np.sin(1))
        assert slope.shape == (n,)


def test_a_size_that_equals_another_by_accident() -> None:
    """What is a table's one number for (40, 20) and (60, 20) may be two for (20, 20)."""
    compiled = fg.value_and_grad(normalised_rows)
    rng, scale = np.random.default_rng(1), np.ones(20)
    for n in (40, 60, 20, 40, 33):
        x = rng.normal(size=(n, 20))
        assert same_bits(compiled(x, scale), fg.value_and_grad(normalised_rows)(x, scale))


def test_two_axes_that_vary() -> None:
    def loss(x: Any, y: Any) -> Any:
        return np.sum(np.tanh(x[:, None] * y[None, :])) / (x.size + 2 * y.size)

    compiled = gradient(loss, 2)
    rng = np.random.default_rng(1)
    for n, m in [(40, 50), (60, 50), (60, 70), (44, 44), (45, 52), (101, 33)]:
        x, y = rng.normal(size=n), rng.normal(size=m)
        assert same_bits(compiled(x, y), gradient(loss, 2)(x, y))


def test_constants_that_vary_are_found_in_tables_too(runs: list[int]) -> None:
    scale = 1.5

    @fg.compile
    def f(x: Any) -> Any:
        return np.exp(x * scale)

    x = np.linspace(0, 1, 5000)
    for scale in (1.5, 2.5, 3.5, 4.5):
        np.testing.assert_allclose(f(x), np.exp(x * scale), rtol=1e-15)
    assert len(runs) == 2


def test_on_tensors(runs: list[int]) -> None:
    compiled = fg.compile(normalised_rows)
    rng, made = np.random.default_rng(1), []
    for n in (41, 43, 45, 47):
        array = rng.normal(size=(n, 20))
        x = fg.tensor(array, requires_grad=True)
        scale = fg.tensor(np.ones(20), requires_grad=True)
        before = len(runs)
        compiled(x, scale).backward()
        made.append(len(runs) - before)
        _, slopes = gradient(normalised_rows, 2)(array, np.ones(20))
        np.testing.assert_allclose(x.grad.numpy(), slopes[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(scale.grad.numpy(), slopes[1], rtol=1e-9, atol=1e-12)
    assert made[0] == 2  # forward and backward
    assert made[2:] == [0, 0]


def test_some_small_sizes_are_compiled_for_themselves() -> None:
    compiled = fg.compile(lambda x: np.sum(np.sin(x)))
    for n in range(17, 33, 2):
        assert compiled(np.ones(n)) == pytest.approx(n * np.sin(1))
    assert compiled.cache_info()["shared"] == 4


def test_threads_find_the_table() -> None:
    one = fg.value_and_grad(chain, threads=1)
    two = fg.value_and_grad(chain, threads=2)
    rng = np.random.default_rng(1)
    for n in (150_001, 152_003, 161_005):
        x, w = rng.normal(size=n), rng.normal(size=n)
        assert same_bits(one(x, w), two(x, w))
    assert two.cache_info()["shared"] >= 1


def test_an_error_names_the_line_and_the_size() -> None:
    compiled = fg.compile(lambda x, i: np.sum(x[i] * 2))
    rng = np.random.default_rng(1)
    for n in (40, 60, 50):
        compiled(rng.normal(size=n), np.arange(n))
        with pytest.raises(IndexError, match=f"axis of {n}") as found:
            compiled(rng.normal(size=n), np.full(n, n))
        assert "test_sizes.py" in str(found.value)


def test_donated_arguments_of_many_sizes() -> None:
    def step(p: Any, x: Any) -> Any:
        return p - 0.1 * (np.tanh(p * np.sum(x, axis=0)) + np.exp(-p * p)), np.sum(x @ p)

    compiled, rng = fg.compile(step, donate=("p",)), np.random.default_rng(0)
    for n in (300, 311, 407, 1003, 64, 999):
        p, x = rng.normal(size=n), rng.normal(size=(5, n))
        expected = fg.compile(step)(p.copy(), x)
        found = compiled(p, x)
        assert found[0] is p
        assert same_bits(found, expected)


def test_explain_says_what_varies() -> None:
    compiled = fg.value_and_grad(chain)
    for n in (130, 150):
        compiled(np.ones(n), np.ones(n))
    text = str(compiled.explain(np.ones(150), np.ones(150)))
    assert "axis 0 of x, axis 0 of w: at run time" in text


def test_code_outlives_the_cache_of_its_function() -> None:
    compiled = fg.value_and_grad(chain)
    for n in (130, 150):
        compiled(np.ones(n), np.ones(n))
    entry = compiled._entry
    compiled.clear_cache()
    assert compiled.cache_info()["llvm"] == []
    assert same_bits(entry(np.ones(150), np.ones(150)), compiled(np.ones(150), np.ones(150)))


def test_code_from_the_object_cache_is_compared_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSEGRAD_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("FUSEGRAD_CACHE", raising=False)
    monkeypatch.delenv("FUSEGRAD_VERIFY", raising=False)
    for made in (0, 1):
        compiled = fg.value_and_grad(chain)
        for n in (130, 150, 170):
            compiled(np.ones(n), np.ones(n))
        info = compiled.cache_info()
        assert (info["loaded"], info["shared"]) == (made, 2)
