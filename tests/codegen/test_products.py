"""Our own loops for small and skinny products: sizes around a tile, every layout, on CPUs of few
and of many registers, against NumPy; and which products they are for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.codegen.emitter import Emitter
from fusegrad.codegen.linalg import products as codegen_products
from fusegrad.codegen.linalg.products import Shape, Strided, vector_loops
from fusegrad.codegen.objects import jit
from fusegrad.ir.passes import legalise

SIZES = [
    (1, 1, 40),
    (1, 8, 9),
    (1, 130, 200),
    (2, 7, 5),
    (5, 16, 193),
    (6, 33, 8),
    (8, 64, 385),
    (9, 1, 17),
    (13, 65, 3),
    (17, 31, 1),
    (24, 24, 24),
    (65, 10, 10),
    (100, 1, 1),
    (130, 129, 60),
]


@pytest.mark.parametrize("registers", [8, 32])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_sizes_and_layouts(
    size: tuple[int, int, int], dtype: Any, registers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legalise, "TINY_PRODUCT", 0)
    monkeypatch.setattr(jit, "vector_registers", lambda: registers)
    m, n, k = size
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape).astype(dtype) for shape in ((2, m, k), (2, k, n)))
    at, bt = (np.ascontiguousarray(x.transpose(0, 2, 1)) for x in (a, b))
    expected = a.astype(np.float64) @ b.astype(np.float64)

    def products(a: Any, b: Any, at: Any, bt: Any) -> Any:
        turned = at.transpose(0, 2, 1), bt.transpose(0, 2, 1)
        apart = np.einsum("bmk,bkn->mbn", a, b)
        alone = a[0] @ b[0], turned[0][1] @ b[1], a[0] @ turned[1][0], turned[0][1] @ turned[1][1]
        return a @ b, turned[0] @ b, a @ turned[1], turned[0] @ turned[1], apart, *alone

    found = fg.compile(products)(a, b, at, bt)
    tolerance = 1e-13 if dtype is np.float64 else 1e-5
    wanted = [expected] * 4 + [expected.transpose(1, 0, 2)] + [expected[0], expected[1]] * 2
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.sqrt(k) * 10)


def test_bits_do_not_depend_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    given = rng.normal(size=(50, 70)), rng.normal(size=(70, 90)), rng.normal(size=70)
    results = []
    for registers in (8, 32):
        monkeypatch.setattr(jit, "vector_registers", lambda registers=registers: registers)
        results.append(fg.compile(lambda a, b, x: (a @ b, a @ x, x @ b, a[:3] @ b[:, :9]))(*given))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nan_and_infinity_come_through() -> None:
    a, b = np.ones((20, 60)), np.ones((60, 20))
    a[3, 5], b[7, 9] = np.nan, np.inf
    found = fg.compile(lambda a, b: a @ b)(a, b)
    np.testing.assert_array_equal(found, a @ b)


def row_major(m: int, n: int, k: int) -> Shape:
    return Shape("f32", m, n, k, Strided(k, 1), Strided(n, 1), Strided(n, 1))


@pytest.mark.parametrize(
    ("size", "ours"),
    [
        ((32, 256, 784), True),  # few rows
        ((784, 256, 32), True),  # few terms
        ((100, 100, 100), True),  # small altogether
        ((512, 256, 784), False),
        ((10**5, 640, 32), True),
        ((100, 10**4, 50), False),  # a right factor that no cache holds
        ((1, 100, 100), True),
        ((1, 4000, 4000), False),  # a vector, and a matrix that no cache holds
        ((4000, 1, 4000), False),
    ],
)
def test_which_products_they_are_for(size: tuple[int, int, int], ours: bool) -> None:
    assert (vector_loops(Emitter(1), row_major(*size), False, 32) is not None) == ours


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [(24, 20, 170), (9, 33, 200), (12, 7, 300)], ids=str)
def test_subnormal_factors_have_a_way_of_their_own_with_the_same_bits(
    dtype: Any, size: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    m, n, k = size
    rng, tiny = np.random.default_rng(0), dtype(np.finfo(dtype).tiny)
    x, y = rng.normal(size=(k, m)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
    below = np.where(rng.random((k, 1)) < 0.1, tiny * dtype(0.01), dtype(1))  # rows, and elements
    apart = np.where(rng.random((k, n)) < 0.1, tiny * dtype(0.001), dtype(1))
    small, broken = x * dtype(1e-3) * tiny, y * apart
    broken[3, 1], broken[5, 2] = np.nan, np.inf
    cases = [(x * below, y), (x, y * apart), (x * below, y * apart), (small, y), (small, broken)]

    def products(watched: bool) -> list[Any]:
        monkeypatch.setattr(codegen_products, "are_watched", lambda: watched)
        f = fg.compile(lambda x, y: x.T @ y)
        found = [f(*case) for case in (*cases, *cases)]  # whatever it met before
        careful = any(".s(" in line for line in str(f.lower(x, y).llvm).splitlines())
        assert careful is watched
        return found

    if not codegen_products.are_watched():
        pytest.skip("a processor without the flag")
    for one, other in zip(products(True), products(False), strict=True):
        np.testing.assert_array_equal(one, other)
