"""Large products go in tiles: every layout, through BLAS and through plain loops, against NumPy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.codegen import run
from fusegrad.codegen.linalg import contraction

SHAPES = [
    (7, 5, 6),
    (40, 3, 2),
    (2, 50, 3),
    (3, 2, 60),
    (9, 9, 9),
    (1, 30, 20),
    (30, 1, 20),
    (17, 13, 11),
]


@pytest.fixture(params=["blas", "loops"])
def tiny_tiles(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tiles of a few elements, polls after each operation; with BLAS or without."""
    monkeypatch.setattr(contraction, "TILE_FLOPS", 128)
    monkeypatch.setattr(contraction, "TILE_ELEMENTS", 60)
    monkeypatch.setattr(run, "POLL_WORK", 1)
    if request.param == "loops":
        monkeypatch.setattr(contraction, "find_blas", lambda: None)
    return


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.usefixtures("tiny_tiles")
def test_products(shape: tuple[int, int, int], dtype: Any) -> None:
    m, n, k = shape
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
    rtol = 1e-13 if dtype == np.float64 else 1e-5
    at, bt = np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)

    def close(found: Any, expected: Any) -> None:
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * 10)

    close(fg.compile(lambda a, b: a @ b)(a, b), a @ b)
    close(fg.compile(lambda a, b: a.T @ b)(at, b), a @ b)
    close(fg.compile(lambda a, b: a @ b.T)(a, bt), a @ b)
    close(fg.compile(lambda a, b: a.T @ b.T)(at, bt), a @ b)
    batch = np.stack([a, 2 * a, -a]), np.stack([b, b, 3 * b])
    close(fg.compile(lambda a, b: a @ b)(*batch), batch[0] @ batch[1])
    ga, gb = fg.grad(lambda a, b: np.sum((a @ b) ** 2), argnums=(0, 1))(a, b)
    close(ga / (1 + np.abs(ga)), 2 * a @ b @ b.T / (1 + np.abs(ga)))
    close(gb / (1 + np.abs(gb)), 2 * a.T @ (a @ b) / (1 + np.abs(gb)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.usefixtures("tiny_tiles")
def test_products_with_vectors(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    rtol = 1e-13 if dtype == np.float64 else 1e-5
    for m, k in [(5, 7), (40, 3), (3, 40), (1, 50), (50, 1), (23, 29)]:
        a, at = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, m)).astype(dtype)
        x = rng.normal(size=k).astype(dtype)
        for function, arguments in [
            (lambda a, x: a @ x, (a, x)),
            (lambda a, x: x @ a.T, (a, x)),
            (lambda a, x: a.T @ x, (at, x)),
            (lambda a, x: x @ a, (at, x)),
        ]:
            found, expected = fg.compile(function)(*arguments), function(*arguments)
            np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * 10)


def test_tiles_are_whole_where_they_can_be() -> None:
    assert contraction.tile_sizes(100, 100, 100) == (100, 100, 100)
    for m, n, k in [(100, 100, 10**7), (10**4, 10**4, 10**4), (10**7, 10, 10), (1, 10**5, 10**5)]:
        rows, columns, depth = contraction.tile_sizes(m, n, k)
        assert 2 * rows * columns * depth <= contraction.TILE_FLOPS
        assert rows * depth + depth * columns + rows * columns <= contraction.TILE_ELEMENTS
        assert min(rows, m) * min(columns, n) * min(depth, k) > 10**6  # not many small ones


def test_a_long_chain_of_operations_is_split_into_parts() -> None:
    def f(x: Any) -> Any:
        for i in range(700):  # of steps that differ, or it would be a loop
            x = np.cumsum(x) * 0.5 if (i * i) % 7 < 3 else 0.5 * np.cumsum(x)[::-1]
        return np.sum(x), x

    x = np.linspace(0, 1, 5)
    compiled = fg.compile(f)
    text = str(compiled.lower(x).llvm)
    assert len(re.findall(r"^define .*@part\d", text, re.MULTILINE)) >= 700 // run.PART
    for _ in range(2):
        for found, expected in zip(compiled(x), f(x), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_an_error_late_in_a_long_chain_names_its_line() -> None:
    def f(x: Any, i: Any, j: Any) -> Any:
        for _ in range(300):
            x = np.cumsum(x) * 0.5
        x = x[i]
        for _ in range(300):
            x = np.cumsum(x) * 0.5
        return np.sum(x[j])

    compiled, x = fg.compile(f), np.ones(4)
    line = f.__code__.co_firstlineno
    for i, j, place in [([0, 9], [0, 0], 3), ([0, 1], [0, 7], 6)]:
        for _ in range(2):
            with pytest.raises(IndexError) as caught:
                compiled(x, np.array(i), np.array(j))
            assert caught.value.at.line == line + place
    assert np.isfinite(compiled(x, np.array([0, 3]), np.array([1, 1])))
