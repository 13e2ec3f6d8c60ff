"""Arguments that are no numbers: strings, functions, dtypes, members of enumerations, slices."""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.tracer import TraceError

X = np.array([1.0, 2.0, 3.0])


class Kind(enum.Enum):
    SUM = 1
    MEAN = 2


@dataclasses.dataclass
class Layer:
    weight: Any
    activation: str = "tanh"


def reduced(x: Any, mode: str = "sum", function: Callable[[Any], Any] | None = None) -> Any:
    y = x**2 if function is None else function(x)
    return np.sum(y) if mode == "sum" else np.mean(y)


def test_strings_choose_among_compiled_programs() -> None:
    slope = fg.grad(reduced)
    for _ in range(2):
        np.testing.assert_allclose(slope(X, "sum"), 2 * X)
        np.testing.assert_allclose(slope(X, mode="mean"), 2 * X / 3)
        np.testing.assert_allclose(slope(X, "".join(["me", "an"])), 2 * X / 3)
    assert slope.cache_info()["variants"] <= 3


def test_functions_are_called() -> None:
    slope = fg.grad(reduced)
    np.testing.assert_allclose(slope(X, function=np.sin), np.cos(X))
    np.testing.assert_allclose(slope(X, function=lambda x: 5 * x), [5, 5, 5])
    np.testing.assert_allclose(slope(X, function=functools.partial(np.multiply, 3.0)), [3, 3, 3])


FACTOR = 2.0


def test_what_a_given_function_reads_is_watched() -> None:
    global FACTOR

    def scaled(x: Any) -> Any:
        return FACTOR * x

    slope = fg.grad(reduced)
    try:
        np.testing.assert_allclose(slope(X, function=scaled), [2, 2, 2])
        FACTOR = 7.0
        np.testing.assert_allclose(slope(X, function=scaled), [7, 7, 7])
    finally:
        FACTOR = 2.0


def test_an_array_that_a_given_function_reads_is_read_at_each_call() -> None:
    weights = np.array([1.0, 2.0, 3.0])
    slope = fg.grad(reduced)

    def weighted(x: Any) -> Any:
        return weights * x

    np.testing.assert_allclose(slope(X, function=weighted), [1, 2, 3])
    weights[0] = 9.0
    np.testing.assert_allclose(slope(X, function=weighted), [9, 2, 3])


def test_other_static_values() -> None:
    slope = fg.grad(lambda x, kind: np.sum(x) if kind is Kind.SUM else np.mean(x))
    np.testing.assert_allclose(slope(X, Kind.SUM), np.ones(3))
    np.testing.assert_allclose(slope(X, Kind.MEAN), np.ones(3) / 3)
    part = fg.grad(lambda x, where: np.sum(x[where]))
    np.testing.assert_allclose(part(X, slice(1, None)), [0, 1, 1])
    np.testing.assert_allclose(part(X, slice(0, 1)), [1, 0, 0])
    cast = fg.compile(lambda x, dtype: x.astype(dtype))
    assert cast(X, np.float32).dtype == np.float32
    assert cast(X, np.dtype("f8")).dtype == np.float64


def test_structures_with_static_parts_keep_them() -> None:
    def loss(layer: Layer, options: dict[str, Any]) -> Any:
        function = {"tanh": np.tanh, "sin": np.sin}[layer.activation]
        return np.sum(function(layer.weight)) * options["scale"]

    slope = fg.grad(loss)(Layer(X, "sin"), {"scale": 2.0, "name": "run"})
    assert slope.activation == "sin"
    np.testing.assert_allclose(slope.weight, 2 * np.cos(X))
    slope = fg.grad(loss)(Layer(X), {"scale": 1.0, "name": "run"})
    np.testing.assert_allclose(slope.weight, 1 / np.cosh(X) ** 2)


def test_integers_are_shapes_and_counts() -> None:
    def windows(x: Any, count: int) -> Any:
        total = np.zeros(count)
        for i in range(count):
            total[i] = np.sum(x[: i + 1])
        return np.sum(np.reshape(total, (count, 1)))

    slope = fg.grad(windows)
    np.testing.assert_allclose(slope(X, 3), [3, 2, 1])
    np.testing.assert_allclose(slope(X, 2), [2, 1, 0])


def test_results_may_have_static_parts() -> None:
    found = fg.compile(lambda x: {"value": np.sum(x), "name": "total"})(X)
    assert found == {"value": 6.0, "name": "total"}


def test_eager_mode_takes_them_too() -> None:
    slope = fg.grad(reduced)
    np.testing.assert_allclose(slope.eager(X, "mean"), slope(X, "mean"))
    np.testing.assert_allclose(slope.eager(X, function=np.sin), slope(X, function=np.sin))


def test_a_static_argument_has_no_gradient() -> None:
    with pytest.raises(TraceError, match="no gradient"):
        fg.grad(reduced, argnums=1)(X, "sum")
    with pytest.raises(TraceError, match="no gradient"):
        fg.grad(reduced, argnums="mode").eager(X, mode="sum")


def test_functions_given_to_calls_are_not_kept_by_the_structures() -> None:
    import gc
    import weakref

    def call() -> weakref.ref[Any]:
        compiled = fg.compile(reduced)

        def own(x: Any) -> Any:
            return x * 4

        assert compiled(X, "sum", own) == 24
        return weakref.ref(own)

    kept = call()
    gc.collect()
    assert kept() is None
