"""`fastmath=True`: other code, never in the exact one's place, and right where that is."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

import fusegrad as fg

FUNCTIONS = {
    **{name: getattr(np, name) for name in ("exp", "expm1", "log1p", "sin", "cos", "tan", "tanh")},
    "logistic": special.expit,
}
X = np.random.default_rng(5).normal(size=300) * 3


def loss(x: Any) -> Any:
    return np.sum(np.tanh(np.sin(x)) * np.exp(-np.cos(x)))


def branching(x: Any) -> Any:
    return np.sin(x) if np.sum(np.tanh(x)) > 0 else np.cos(x)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values_are_those_of_numpy(name: str, dtype: Any) -> None:
    function, info = FUNCTIONS[name], np.finfo(dtype)
    tiny = [info.smallest_subnormal, -info.tiny / 3, info.tiny, 1e-30]
    large = [89.5, -110.0, 746.5, -746.5, info.max, -info.max, 30_000.0, 1e7]
    x = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0, *tiny, *large], dtype)
    with np.errstate(all="ignore"):
        expected = function(x.astype(np.longdouble) if name != "logistic" else x).astype(dtype)
        found = fg.compile(lambda x: function(x), fastmath=True)(x)
    np.testing.assert_allclose(found, expected, rtol=8 * info.eps, atol=info.smallest_subnormal)
    there = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found)[there], np.signbit(expected)[there])


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_end_of_a_vector_has_the_bits_of_its_body(name: str, dtype: Any) -> None:
    function = FUNCTIONS[name]
    f = fg.compile(lambda x: function(x), fastmath=True)
    x = np.abs(X[:131]).astype(dtype)
    for start, stop in ((0, 1), (3, 10), (64, 131)):
        np.testing.assert_array_equal(f(x)[start:stop], f(x[start:stop].copy()))


def test_both_in_one_process_are_what_they_are_alone() -> None:
    exact, fast = fg.value_and_grad(loss), fg.value_and_grad(loss, fastmath=True)
    for n in (100, 150, 200, 250, 300):  # from the second size on code may be shared
        x = X[:n].copy()
        (a, da), (b, db) = exact(x), fast(x)
        np.testing.assert_allclose(b, a, rtol=1e-14)
        np.testing.assert_allclose(db, da, rtol=1e-12, atol=1e-14)
        assert np.any(da != db), n
        np.testing.assert_array_equal(db, fg.grad(loss, fastmath=True)(x))
        np.testing.assert_array_equal(da, fg.grad(loss)(x))


def test_the_object_cache_keeps_them_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSEGRAD_CACHE", "1")
    monkeypatch.setenv("FUSEGRAD_CACHE_DIR", str(tmp_path))
    options = (False, True)

    def gradients() -> tuple[list[Any], list[Any], list[int]]:
        made = [fg.grad(loss, fastmath=option) for option in options]
        compiled = [fg.compile(loss, fastmath=option) for option in options]
        tensors = [fg.tensor(X, requires_grad=True) for _ in options]
        for f, tensor in zip(compiled, tensors, strict=True):
            f(tensor).backward()
        found = [f(X) for f in made]
        return (
            found,
            [tensor.grad.numpy() for tensor in tensors],
            [f.cache_info()["loaded"] for f in made],
        )

    first, second = gradients(), gradients()
    assert first[2] == [0, 0]
    assert second[2] == [1, 1]
    for found, again in zip(first[:2], second[:2], strict=True):
        assert np.any(found[0] != found[1])
        for one, other in zip(found, again, strict=True):
            np.testing.assert_array_equal(one, other)


def test_it_holds_on_tensors_paths_and_copies() -> None:
    f = fg.compile(branching, fastmath=True)
    x = np.abs(X)
    expected = f(x)
    assert np.any(expected != fg.compile(branching)(x))
    np.testing.assert_array_equal(f(fg.tensor(x)).numpy(), expected)
    np.testing.assert_array_equal(f(fg.tensor(x, requires_grad=True)).detach().numpy(), expected)
    for same in (copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
        np.testing.assert_array_equal(same(x), expected)
    np.testing.assert_allclose(f(-x), np.cos(x), rtol=1e-14)


def test_it_is_told_and_close_to_eager_mode() -> None:
    fast, exact = fg.value_and_grad(loss, fastmath=True), fg.value_and_grad(loss)
    assert "up to 4 ULP (fastmath)" in str(fast.explain(X))
    assert "(fastmath)" not in str(exact.explain(X))
    assert fast.compare(X).ok
    with pytest.raises(TypeError, match="compile: fastmath is True or False, got int"):
        fg.compile(loss, fastmath=1)


def test_an_outer_function_decides_for_what_it_calls() -> None:
    inner = fg.compile(lambda x: np.tanh(x))
    outer = fg.compile(lambda x: inner(x), fastmath=True)
    np.testing.assert_array_equal(outer(X), fg.compile(lambda x: np.tanh(x), fastmath=True)(X))
