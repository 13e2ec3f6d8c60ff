"""Tensors that a compiled function finds outside: read at each call, and differentiated as in eager
mode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.nn import functional

X = np.array([0.5, 1.0, 2.0])
C = fg.tensor([1.0, 2.0, 3.0], dtype=fg.float64)
LABELS = fg.tensor([0, 1, 0])
LISTED = [C, {"w": C}]


class Model:
    def __init__(self) -> None:
        self.w = C

    def loss(self, x: Any) -> Any:
        return (self.w * x).sum()


MODEL = Model()


def right(x: Any) -> Any:
    return (x * C).sum()


def left(x: Any) -> Any:
    return (C * x).sum()


def by_numpy(x: Any) -> Any:
    return np.sum(np.multiply(C, x)) + np.dot(x, C) + (np.asarray(C) * x).sum()


def by_functions(x: Any) -> Any:
    return fg.matmul(x, C) + fg.add(x, C, alpha=3).sum() + fg.stack([x, C]).sum()


def computed_from_it(x: Any) -> Any:
    return (C[1:] * x[:2]).sum() + (C * 2 @ x) + float(C[0]) * x[0] + fg.exp(C / 3) @ x


def made_inside(x: Any) -> Any:
    made = fg.tensor([1.0, 2.0, 3.0], dtype=fg.float64)
    return (made * x).sum() + fg.matmul(x, made) + np.multiply(made, x)[0] + fg.sub(made, x)[1]


def branch(x: Any) -> Any:
    return x[0] * C[0] if C[1] > 1.5 else x[1]


def condition(x: Any) -> Any:
    return fg.where(C > 1.5, x, x * x).sum()


def loss(x: Any) -> Any:
    return functional.mse_loss(x, C)


def labels(x: Any) -> Any:
    return functional.nll_loss(functional.log_softmax(fg.outer(x, x)[:, :2], 1), LABELS)


def attribute(x: Any) -> Any:
    return MODEL.loss(x)


def listed(x: Any) -> Any:
    return (LISTED[0] * LISTED[1]["w"] * x).sum()  # type: ignore[index]


def default(x: Any, weights: Any = C) -> Any:
    return (weights * x).sum()


FUNCTIONS = [
    right,
    left,
    by_numpy,
    by_functions,
    computed_from_it,
    made_inside,
    branch,
    condition,
    loss,
    labels,
    attribute,
    listed,
    default,
]


def differences(function: Callable[[Any], Any]) -> np.ndarray:
    """Of the function in eager mode, on Tensors that require no gradient."""

    def at(x: np.ndarray) -> float:
        return float(function(fg.tensor(x, dtype=fg.float64)))

    steps = np.eye(3) * 1e-6
    return np.array([(at(X + h) - at(X - h)) / 2e-6 for h in steps])


@pytest.mark.filterwarnings("ignore::fusegrad.tracer.asking.DetachedWarning")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_of_arrays_and_of_tensors(function: Callable[[Any], Any]) -> None:
    both = fg.value_and_grad(function)
    expected, slope = float(function(fg.tensor(X))), differences(function)
    for call in (both, both, both.eager):
        value, gradient = call(X)
        assert type(gradient) is np.ndarray
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-8)
        value, gradient = call(fg.tensor(X))
        assert isinstance(gradient, fg.Tensor)
        np.testing.assert_allclose(value.item(), expected, rtol=1e-12)
        np.testing.assert_allclose(gradient.tolist(), slope, rtol=1e-6, atol=1e-8)


def test_changes_are_seen() -> None:
    weights = fg.tensor([1.0, 2.0, 3.0], dtype=fg.float64)
    slope = fg.grad(lambda x: ((weights * 2 + weights[0]) * x).sum())

    def expected() -> Any:
        w = np.array(weights.tolist())
        return w * 2 + w[0]

    np.testing.assert_array_equal(slope(X), expected())
    weights.mul_(2.0)
    np.testing.assert_array_equal(slope(X), expected())
    weights.data = fg.tensor([1.0, 1.0, 5.0], dtype=fg.float64)
    np.testing.assert_array_equal(slope(X), expected())
    weights = fg.tensor([4.0, 1.0, 5.0], dtype=fg.float64)
    np.testing.assert_array_equal(slope(X), expected())
    weights = fg.tensor(7.0, dtype=fg.float64)[None]
    np.testing.assert_array_equal(slope(X), np.full(3, 21.0))


def test_gradients_flow_to_it() -> None:
    weights = fg.tensor([1.0, 2.0, 3.0], dtype=fg.float64, requires_grad=True)
    compiled = fg.compile(lambda x: (x * weights * weights).sum())
    for times in (1, 2):
        compiled(fg.tensor(X)).backward()
        assert weights.grad is not None
        np.testing.assert_allclose(weights.grad.tolist(), times * 2 * X * weights.tolist())
    with fg.no_grad():
        assert compiled(fg.tensor(X)).grad_fn is None
    assert type(compiled(X)) is np.float64


def test_one_that_is_stored_into_is_refused() -> None:
    weights = fg.tensor([1.0, 2.0, 3.0], dtype=fg.float64)

    def adds(x: Any) -> Any:
        weights[0] = x[0]
        return weights.sum()

    with pytest.raises(fg.UnsupportedError, match="from outside"):
        fg.compile(adds)(X)
    assert weights.tolist() == [1.0, 2.0, 3.0]
