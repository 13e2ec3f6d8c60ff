"""Derivatives of ops where there is none, or where a formula breaks down: PyTorch's choices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fusegrad.ir import TABLE, GraphBuilder, interpret, tensor_type
from fusegrad.ir.batching import batch_graph

from .derivatives import gradients, second, value

inf, nan = np.inf, np.nan


def op(name: str, **attributes: Any) -> Any:
    return lambda b, *xs: b(name, *xs, **attributes)


@pytest.mark.parametrize(
    ("name", "at", "slope"),
    [
        ("abs", 0.0, 0.0),
        ("abs", -0.0, 0.0),
        ("sqrt", 0.0, inf),
        ("rsqrt", 0.0, -inf),
        ("cbrt", 0.0, inf),
        ("log", 0.0, inf),
        ("log1p", -1.0, inf),
        ("asin", 1.0, inf),
        ("acos", -1.0, -inf),
        ("tanh", 1000.0, 0.0),
        ("tanh", -inf, 0.0),
        ("atan", inf, 0.0),
        ("exp", -inf, 0.0),
        ("exp", 1000.0, inf),
        ("erf", -40.0, 0.0),
        ("erfc", inf, 0.0),
        ("expm1", -inf, 0.0),
        ("lgamma", 1.0, -0.5772156649015329),
        ("digamma", 1.0, np.pi**2 / 6),
    ],
)
def test_slope(name: str, at: float, slope: float) -> None:
    (got,) = gradients(op(name), np.float64(at))
    np.testing.assert_allclose(got, slope, rtol=1e-14)


@pytest.mark.parametrize("name", ["sign", "floor", "ceil", "rint"])
def test_steps_have_zero_gradients(name: str) -> None:
    (got,) = gradients(op(name), np.array([-1.5, 0.0, 0.5, 2.0]))
    np.testing.assert_array_equal(got, 0)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_a_tie_is_halved(name: str) -> None:
    x, y = np.array([1.0, 2.0, -0.0, inf, 3.0]), np.array([1.0, 1.0, 0.0, inf, 4.0])
    dx, dy = gradients(op(name), x, y)
    larger = [0.5, 1, 0.5, 0.5, 0]
    expected = larger if name == "maximum" else [0.5, 0, 0.5, 0.5, 1]
    np.testing.assert_array_equal(dx, expected)
    np.testing.assert_array_equal(dx + dy, 1)


def test_a_nan_in_maximum_hands_the_cotangent_to_both() -> None:
    dx, dy = gradients(op("maximum"), np.array([nan, 1.0]), np.array([1.0, nan]))
    np.testing.assert_array_equal(dx, 1)
    np.testing.assert_array_equal(dy, 1)


@pytest.mark.parametrize(
    ("x", "y", "dx", "dy"),
    [
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 1.0, 1.0, 0.0),
        (0.0, 2.0, 0.0, 0.0),
        (0.0, 0.5, inf, 0.0),
        (0.0, -1.0, -inf, -inf),
        (2.0, 0.0, 0.0, np.log(2)),
        (-2.0, 3.0, 12.0, nan),
        (-2.0, 2.0, -4.0, nan),
        (inf, 0.0, 0.0, inf),
        (2.0, 3.0, 12.0, 8 * np.log(2)),
    ],
)
def test_pow(x: float, y: float, dx: float, dy: float) -> None:
    got = gradients(op("pow"), np.float64(x), np.float64(y))
    np.testing.assert_allclose(got, [dx, dy], rtol=1e-14)


@pytest.mark.parametrize(
    ("y", "curvature"), [(0.0, 0.0), (1.0, 0.0), (2.0, 2.0), (3.0, 0.0), (4.0, 0.0)]
)
def test_pow_at_0_to_second_order(y: float, curvature: float) -> None:
    assert second(op("pow"), np.float64(0), np.float64(y)) == curvature


def test_pow_of_negative_numbers_to_second_order() -> None:
    assert second(op("pow"), np.float64(-2), np.float64(3)) == -12
    assert second(op("pow"), np.float64(-2), np.float64(1)) == 0


def test_select_keeps_what_it_does_not_choose_out_of_the_gradient() -> None:
    def safe_log(b: Any, x: Any) -> Any:
        return b.select(b.compare("gt", x, b.zeros_like(x)), x, b.full_like(x, inf))

    (got,) = gradients(safe_log, np.array([2.0, -1.0]))
    np.testing.assert_array_equal(got, [1, 0])


# --- reductions ---


@pytest.mark.parametrize("zeros", range(4))
def test_prod_with_zeros(zeros: int) -> None:
    """Each derivative is the product of the others, whatever is 0; so to second order."""
    x = np.array([2.0, -3.0, 0.5, 4.0, 1.5])
    x[:zeros] = 0
    prod = op("prod", axes=(0,))
    others = np.array([np.prod(np.delete(x, i)) for i in range(5)])
    np.testing.assert_array_equal(gradients(prod, x)[0], others)

    def weighted(b: Any, x: Any) -> Any:  # Σ_i i · dprod/dx_i: its gradient is a row of the Hessian
        return b.sum(b.mul(_slope_of_prod(b, x), b("iota", dtype="f64", shape=(5,), axis=0)), (0,))

    hessian = np.array(
        [[np.prod(np.delete(x, [i, j])) if i != j else 0 for i in range(5)] for j in range(5)]
    )
    np.testing.assert_allclose(gradients(weighted, x)[0], hessian @ np.arange(5), rtol=1e-15)


def _slope_of_prod(b: Any, x: Any) -> Any:
    one = b.constant(1.0, tensor_type(np.float64(1)))
    return TABLE["prod"].vjp[0](b, one, (x,), None, axes=(0,))  # type: ignore[operator]


@pytest.mark.parametrize("name", ["reduce_max", "reduce_min"])
def test_ties_of_an_extremum_share_evenly(name: str) -> None:
    sign = 1 if name == "reduce_max" else -1
    x = sign * np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [-inf, -inf, 5.0]])
    (got,) = gradients(op(name, axes=(1,)), x)
    np.testing.assert_array_equal(got, [[0, 0.5, 0.5], [1 / 3] * 3, [0, 0, 1]])
    (got,) = gradients(op(name, axes=(0, 1)), np.full((2, 2), sign * inf))
    np.testing.assert_array_equal(got, 0.25)


def test_argmax_takes_the_first_of_equals_and_a_nan() -> None:
    assert value(op("argmax", axis=0), np.array([1.0, 3.0, 3.0])) == 1
    assert value(op("argmin", axis=0), np.array([2.0, nan, 1.0])) == 1


# --- indices ---


@pytest.mark.parametrize("index", [3, -1])
def test_an_index_out_of_range_raises(index: int) -> None:
    with pytest.raises(IndexError, match=f"index {index} is out of range for an axis of 3"):
        value(op("gather", axis=0), np.arange(3.0), np.array([0, index]))
    with pytest.raises(IndexError, match="out of range"):
        value(op("scatter_add", axis=0, size=3), np.array([0, index]), np.ones(2))


@pytest.mark.parametrize("index", [3, -1])
def test_an_index_out_of_range_raises_in_a_batch(index: int) -> None:
    """It never reads a neighbour's row."""
    builder = GraphBuilder()
    x, indices = np.arange(6.0).reshape(2, 3), np.array([[0], [index]])
    inputs = [builder.input(tensor_type(array[0])) for array in (x, indices)]
    graph = builder.build([builder("gather", *inputs, axis=0)])
    with pytest.raises(IndexError, match="out of range"):
        interpret(batch_graph(graph, (True, True), 2), [x, indices])


def test_gather_of_the_same_row_twice_adds_its_gradients() -> None:
    (got,) = gradients(op("gather", axis=0), np.ones((3, 2)), np.array([2, 0, 2]))
    np.testing.assert_array_equal(got, [[1, 1], [0, 0], [2, 2]])


# --- integers ---


def test_integer_division_has_numpy_s_results() -> None:
    x = np.array([7, -7, 7, -7, 5, -(2**31)], np.int32)
    y = np.array([2, 2, -2, -2, 0, -1], np.int32)
    np.testing.assert_array_equal(value(op("floor_divide"), x, y), [3, -4, -4, 3, 0, -(2**31)])
    np.testing.assert_array_equal(value(op("remainder"), x, y), [1, 1, -1, -1, 0, 0])
