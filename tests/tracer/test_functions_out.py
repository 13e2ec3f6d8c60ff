"""out=, by name and by place: compiled and eager store as NumPy does, with the derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.tracer import TraceError

X = np.array([[1.0, 2.2, 3.0], [4.0, 5.0, -6.0]])

Store = Callable[[Any, Any], Any]
STORES: dict[str, tuple[Store, tuple[int, ...]]] = {
    "sum": (lambda x, b: np.sum(x, axis=1, out=b), (2,)),
    "sum by place": (lambda x, b: np.sum(x, 1, None, b), (2,)),
    "method": (lambda x, b: x.sum(axis=0, out=b), (3,)),
    "prod": (lambda x, b: np.prod(x, axis=0, out=b), (3,)),
    "mean": (lambda x, b: np.mean(x, axis=0, out=b), (3,)),
    "std": (lambda x, b: np.std(x, axis=0, out=b), (3,)),
    "max": (lambda x, b: np.max(x, axis=0, out=b), (3,)),
    "nansum": (lambda x, b: np.nansum(x, axis=0, out=b), (3,)),
    "cumsum": (lambda x, b: np.cumsum(x, axis=1, out=b), (2, 3)),
    "cumprod": (lambda x, b: np.cumprod(x, axis=1, out=b), (2, 3)),
    "clip": (lambda x, b: np.clip(x, 0, 3.5, out=b), (2, 3)),
    "round": (lambda x, b: np.round(x, 1, out=b), (2, 3)),
    "dot": (lambda x, b: np.dot(x, x.T, b), (2, 2)),
    "matmul": (lambda x, b: np.matmul(x, x.T, out=b), (2, 2)),
    "einsum": (lambda x, b: np.einsum("ij,kj->ik", x, x, out=b), (2, 2)),
    "outer": (lambda x, b: np.outer(x[0], x[1], out=b), (3, 3)),
    "take": (lambda x, b: np.take(x, [0, 1], axis=1, out=b), (2, 2)),
    "choose": (lambda x, b: np.choose([[0, 1, 0], [1, 1, 0]], [x, 2 * x], out=b), (2, 3)),
    "concatenate": (lambda x, b: np.concatenate([x, x], out=b), (4, 3)),
    "stack": (lambda x, b: np.stack([x, x], out=b), (2, 2, 3)),
    "ufunc": (lambda x, b: np.exp(x, out=b), (2, 3)),
    "ufunc where": (lambda x, b: np.exp(x, out=b, where=x > 2), (2, 3)),
    "reduce": (lambda x, b: np.add.reduce(x, axis=0, out=b), (3,)),
    "accumulate": (lambda x, b: np.logaddexp.accumulate(x, axis=0, out=b), (2, 3)),
    "reduceat": (lambda x, b: np.add.reduceat(x, [0, 1], axis=1, out=b), (2, 2)),
    "ufunc outer": (lambda x, b: np.multiply.outer(x[0], x[1], out=b), (3, 3)),
}


@pytest.mark.parametrize("name", STORES)
def test_out(name: str) -> None:
    store, shape = STORES[name]

    def function(x: Any) -> Any:
        buffer = np.zeros(shape)
        result = store(x, buffer)
        return np.sum(np.sin(buffer) * (1 + np.arange(buffer.size)).reshape(shape) + result)

    compiled = fg.value_and_grad(function)
    value, slope = compiled(X)
    eager_value, eager_slope = compiled.eager(X)
    np.testing.assert_allclose(value, function(X), rtol=1e-12)
    np.testing.assert_allclose(eager_value, value, rtol=1e-12)
    np.testing.assert_allclose(eager_slope, slope, rtol=1e-10, atol=1e-12)
    direction = np.random.default_rng(0).normal(size=X.shape)
    high, low = function(X + 1e-6 * direction), function(X - 1e-6 * direction)
    scale = 1 + np.abs(slope).max()
    np.testing.assert_allclose((slope * direction).sum(), (high - low) / 2e-6, atol=1e-6 * scale)


def test_an_array_from_outside_takes_no_traced_values() -> None:
    outside = np.zeros(3)
    with pytest.raises(TraceError, match="outside"):
        fg.compile(lambda x: np.sum(x, axis=0, out=outside))(X)
    np.testing.assert_array_equal(outside, 0)


def test_a_result_that_does_not_fit_is_refused() -> None:
    def integers(x: Any) -> Any:
        return np.sum(x, axis=0, out=np.zeros(3, int))

    def wide(x: Any) -> Any:
        return np.cumsum(x, axis=0, out=np.zeros(3))

    for function in (integers, wide):
        with pytest.raises((TypeError, ValueError)):
            fg.compile(function)(X)
