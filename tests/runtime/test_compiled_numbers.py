"""Small realistic functions in plain NumPy: values against NumPy's own, gradients against
differences.

The differences are of fourth order, computed in extended precision where there is any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

from .models import FUNCTIONS

Array = np.ndarray
LONG = np.longdouble
EXTENDED = np.finfo(LONG).eps < 1e-18


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_and_gradient(name: str, seed: int) -> None:
    function, draw = FUNCTIONS[name]
    arguments = draw(np.random.default_rng(seed))
    compiled = fg.value_and_grad(function)
    for _ in range(2):
        value, gradient = compiled(*arguments)
        assert value == pytest.approx(function(*arguments), rel=1e-12, abs=1e-13)
        _compare(gradient, _differences(function, arguments), 1e-10 if EXTENDED else 1e-7)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_floating_point_argument(name: str) -> None:
    function, draw = FUNCTIONS[name]
    arguments = draw(np.random.default_rng(2))
    floats = tuple(i for i, a in enumerate(arguments) if _is_float(a))
    gradients = fg.grad(function, argnums=floats)(*arguments)
    for i, gradient in zip(floats, gradients, strict=True):
        _compare(gradient, _differences(function, arguments, i), 1e-10 if EXTENDED else 1e-7)


def _is_float(a: Any) -> bool:
    return not isinstance(a, np.ndarray) or a.dtype.kind == "f"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_in_float32(name: str) -> None:
    function, draw = FUNCTIONS[name]
    wide = draw(np.random.default_rng(0))
    narrow = _map(lambda a: a.astype(np.float32) if _is_array_of_floats(a) else a, wide)
    wide = _map(lambda a: a.astype(np.float64) if _is_array_of_floats(a) else a, narrow)
    value, gradient = fg.value_and_grad(function)(*narrow)
    expected, exact = fg.value_and_grad(function)(*wide)
    assert value.dtype == np.asarray(function(*narrow)).dtype
    assert value == pytest.approx(float(expected), rel=1e-4, abs=1e-4)
    for found, right, given in zip(_flat(gradient), _flat(exact), _flat(narrow[0]), strict=True):
        assert np.asarray(found).dtype == np.asarray(given).dtype
        scale = 1 + np.max(np.abs(right))
        np.testing.assert_allclose(found / scale, right / scale, atol=2e-4)


SMOOTH = [
    "logistic_regression",
    "mlp",
    "softmax_cross_entropy",
    "gaussian_mixture",
    "rosenbrock",
    "heat_residual",
    "kalman_like",
    "attention",
    "layer_norm",
    "cosine_similarity",
    "cox_partial_likelihood",
    "embedding",
    "convolution_by_slices",
    "elementary_functions",
    "moving_average",
    "minimum_and_products",
    "tree_of_arguments",
]


@pytest.mark.parametrize("name", SMOOTH)
def test_hessian_times_vector(name: str) -> None:
    function, draw = FUNCTIONS[name]
    rng = np.random.default_rng(5)
    first, *rest = draw(rng)
    direction = _map(lambda a: rng.normal(size=np.shape(a)), first)
    gradient = fg.grad(function)

    def slope(x: Any, v: Any, *rest: Any) -> Any:
        pairs = zip(_flat(gradient(x, *rest)), _flat(v), strict=True)
        return sum(np.sum(g * d) for g, d in pairs)

    found = fg.grad(slope)(first, direction, *rest)
    h = 1e-4

    def moved(by: float) -> Any:
        numbers = iter(_flat(direction))
        return gradient(_map(lambda a: a + by * next(numbers), first), *rest)

    terms = [(1 / 12, -2), (-8 / 12, -1), (8 / 12, 1), (-1 / 12, 2)]
    shifted = [(c, _flat(moved(k * h))) for c, k in terms]
    for i, part in enumerate(_flat(found)):
        expected = sum(c * g[i] for c, g in shifted) / h
        scale = 1 + np.max(np.abs(expected))
        np.testing.assert_allclose(part / scale, expected / scale, atol=1e-9)


# --- differences ---


def _flat(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in _flat(tree[key])]
    if isinstance(tree, list | tuple):
        return [leaf for item in tree for leaf in _flat(item)]
    return [tree]


def _map(function: Callable[[Any], Any], tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _map(function, tree[key]) for key in sorted(tree)}
    if isinstance(tree, list | tuple):
        return type(tree)(_map(function, item) for item in tree)
    return function(tree)


def _is_array_of_floats(a: Any) -> bool:
    return isinstance(a, np.ndarray | np.generic) and a.dtype.kind == "f"


def _differences(function: Callable[..., Any], arguments: tuple[Any, ...], which: int = 0) -> Any:
    """The gradient with respect to one argument, by central differences of fourth order."""
    exact = [
        _map(lambda a: np.asarray(a, LONG)[()] if _is_number_of_floats(a) else a, a)
        for a in arguments
    ]
    step = LONG(2.0**-13)
    leaves = [np.array(leaf) for leaf in _flat(exact[which])]

    def at(number: int, place: Any, by: Any) -> Any:
        moved = [leaf.copy() for leaf in leaves]
        moved[number][place] += by
        given = iter([m if m.ndim else m[()] for m in moved])
        return function(
            *exact[:which], _map(lambda _: next(given), exact[which]), *exact[which + 1 :]
        )

    results = []
    for number, leaf in enumerate(leaves):
        slopes = np.zeros(leaf.shape, LONG)
        for place in np.ndindex(leaf.shape):
            near = at(number, place, step) - at(number, place, -step)
            far = at(number, place, 2 * step) - at(number, place, -2 * step)
            slopes[place] = (8 * near - far) / (12 * step)
        results.append(slopes.astype(np.float64))
    return results


def _is_number_of_floats(a: Any) -> bool:
    return isinstance(a, float) or _is_array_of_floats(a)


def _compare(found: Any, expected: list[Any], tolerance: float) -> None:
    for x, y in zip(_flat(found), expected, strict=True):
        assert np.shape(x) == np.shape(y)
        scale = 1 + np.max(np.abs(y), initial=0.0)
        np.testing.assert_allclose(x / scale, y / scale, rtol=0, atol=tolerance)
