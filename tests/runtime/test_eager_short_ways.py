"""The short ways of eager mode (the plain pass, native blocks, changes at once) give what the long
ones give, and share no memory that they should not share.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.nn import functional
from fusegrad.runtime.eager.apply import blocks
from fusegrad.runtime.eager.apply.blocks import LARGE

SIZES = (7, LARGE + 5)


def leaf(*shape: int, dtype: Any = np.float64) -> fg.Tensor:
    data = np.random.default_rng(list(shape)).uniform(0.2, 0.9, shape).astype(dtype)
    return fg.from_numpy(data).requires_grad_()


def gradient(x: fg.Tensor) -> np.ndarray:
    assert x.grad is not None
    return x.grad.numpy()


# --- gradients are not shared ---


@pytest.mark.parametrize("n", SIZES)
def test_two_leaves_of_a_sum_have_their_own_gradients(n: int) -> None:
    x, y = leaf(n), leaf(n)
    (x + y).sum().backward()
    assert not np.may_share_memory(gradient(x), gradient(y))
    x.grad.zero_()  # type: ignore[union-attr]
    np.testing.assert_array_equal(gradient(y), np.ones(n))


@pytest.mark.parametrize("n", SIZES)
def test_a_gradient_that_the_user_gave_stays_theirs(n: int) -> None:
    x, given = leaf(n), fg.ones(n, dtype=np.float64)
    (x + 0.0).backward(given)
    x.backward(given)
    np.testing.assert_array_equal(gradient(x), np.full(n, 2.0))
    np.testing.assert_array_equal(given.numpy(), np.ones(n))
    assert not np.may_share_memory(gradient(x), given.numpy())


@pytest.mark.parametrize("n", SIZES)
def test_a_gradient_is_no_array_that_a_node_keeps(n: int) -> None:
    x, factor = leaf(n), fg.full((n,), 3.0, dtype=np.float64)
    y = (x * 1.0) * factor
    z = y.exp()
    z.backward(fg.ones(n, dtype=np.float64), retain_graph=True)
    first = gradient(x).copy()
    x.grad.zero_()  # type: ignore[union-attr]
    z.backward(fg.ones(n, dtype=np.float64))
    np.testing.assert_array_equal(gradient(x), first)


@pytest.mark.parametrize("n", SIZES)
def test_contributions_are_added_without_changing_each_other(n: int) -> None:
    x = leaf(n)
    y = x * 2.0
    z = y + y * y + y  # y receives several cotangents, one of them shared
    total = z.sum() + y.sum()
    total.backward(retain_graph=True)
    expected = 2.0 * (3.0 + 2.0 * y.detach().numpy())
    np.testing.assert_allclose(gradient(x), expected, rtol=1e-14)
    total.backward()
    np.testing.assert_allclose(gradient(x), 2 * expected, rtol=1e-14)


def test_the_second_gradient_is_added_in_place() -> None:
    x = leaf(3)
    (x * 2.0).sum().backward()
    first = x.grad
    (x * 2.0).sum().backward()
    assert x.grad is first
    np.testing.assert_array_equal(gradient(x), np.full(3, 4.0))


# --- the plain pass and the one with hooks ---


def network(x: fg.Tensor, w: fg.Tensor, b: fg.Tensor) -> fg.Tensor:
    h = ((x @ w) + b).relu()
    h = (h @ w).tanh() * b + fg.sin(h) ** 2
    low, high = fg.aminmax(h)
    return (h - x).sigmoid().mean() + high - low * 0.5


def test_it_gives_what_the_pass_with_hooks_gives() -> None:
    found = []
    for hooked in (False, True):
        operands = leaf(5, 4), leaf(4, 4), leaf(4)
        loss = network(*operands)
        if hooked:
            loss.register_hook(lambda g: None)
        loss.backward()
        found.append([gradient(x) for x in operands])
    for plain, watched in zip(*found, strict=True):
        np.testing.assert_array_equal(plain, watched)


def test_a_freed_graph_is_noticed_and_nothing_is_added() -> None:
    x = leaf(4)
    y = x.exp() * x
    z = y.sum()
    z.backward()
    before = gradient(x).copy()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        (z + (x * 3.0).sum()).backward()
    np.testing.assert_array_equal(gradient(x), before)


# --- native blocks ---

ELEMENTWISE: dict[str, Callable[[Any], Any]] = {
    **{
        name: getattr(fg, name)
        for name in ("exp", "log", "sin", "cos", "tan", "tanh", "sigmoid", "relu", "erf", "sqrt")
    },
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "power": lambda x: x**1.7,
    "number to a power": lambda x: 2.0**x,
    "x to the x": lambda x: x**x,
    "gelu": functional.gelu,
    "softplus": functional.softplus,
    "silu": functional.silu,
    "elu": functional.elu,
    "chain": lambda x: fg.sin(x) * x + fg.exp(-(x**2)),
}


def value_and_gradient(function: Any, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = fg.from_numpy(data.copy()).requires_grad_()
    y = function(x)
    (y * 1.5).sum().backward()
    return y.detach().numpy(), gradient(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_large_arrays_give_what_small_ones_give(name: str, dtype: Any) -> None:
    function = ELEMENTWISE[name]
    data = np.random.default_rng(3).uniform(-1.5, 1.5, (LARGE // 64 + 3, 67)).astype(dtype)
    if name in ("log", "sqrt", "power", "x to the x"):
        data = np.abs(data) + dtype(0.1)
    value, ct = value_and_gradient(function, data)
    parts = [value_and_gradient(function, row) for row in data[:: len(data) // 9]]
    tolerance = 64 * float(np.finfo(dtype).eps)
    for found, row in zip(
        (value[:: len(data) // 9], ct[:: len(data) // 9]), zip(*parts, strict=True), strict=True
    ):
        np.testing.assert_allclose(found, np.stack(row), rtol=tolerance, atol=tolerance)
    assert value.dtype == ct.dtype == dtype


@pytest.mark.parametrize("name", ["relu", "sigmoid", "chain"])
def test_they_give_the_same_without_a_compiler(name: str, monkeypatch: Any) -> None:
    data = np.random.default_rng(4).normal(size=LARGE)
    native = value_and_gradient(ELEMENTWISE[name], data)
    monkeypatch.setattr(blocks, "_available", lambda: False)
    for found, expected in zip(value_and_gradient(ELEMENTWISE[name], data), native, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


def test_numpy_computes_where_compiling_is_switched_off() -> None:
    data = np.linspace(-3, 3, LARGE)
    with fg.eager():
        np.testing.assert_array_equal(fg.sin(fg.from_numpy(data)).numpy(), np.sin(data))


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "sin"])
def test_every_element_is_computed(name: str) -> None:
    """Lengths about multiples of a block; nan and infinities in the last place."""
    for extra in (0, 1, 4095, 4096, 4097):
        data = np.zeros(LARGE + extra)
        data[-1], data[0] = np.nan, 1.0
        value, ct = value_and_gradient(ELEMENTWISE[name], data)
        assert np.isnan(value[-1])
        small = value_and_gradient(ELEMENTWISE[name], data[:3])
        np.testing.assert_allclose(value[:3], small[0], rtol=1e-14)
        np.testing.assert_allclose(ct[:3], small[1], rtol=1e-14)


def test_operands_that_are_no_dense_arrays() -> None:
    rows, columns = 300, LARGE // 256
    x, y = leaf(columns, rows), leaf(rows, 1)
    for operand in (x.t(), y.expand(rows, columns), x.t() * y):
        found = fg.sin(operand).tanh()
        expected = np.tanh(np.sin(operand.detach().numpy()))
        np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-13)
    ((x.t() ** y).sum()).backward()
    a, b = x.detach().numpy().T, y.detach().numpy()
    np.testing.assert_allclose(gradient(x), (b * a ** (b - 1)).T, rtol=1e-12)
    np.testing.assert_allclose(gradient(y), (a**b * np.log(a)).sum(1, keepdims=True), rtol=1e-11)


def test_swapped_bytes_are_left_to_numpy() -> None:
    data = np.linspace(0.1, 2.0, LARGE).astype(">f8")
    found = fg.sin(fg.from_numpy(data)).numpy()
    np.testing.assert_allclose(found, np.sin(data.astype(np.float64)), rtol=1e-14)


def test_second_order_of_large_arrays() -> None:
    x = leaf(LARGE)
    (first,) = fg.autograd.grad(x.sigmoid().sum(), [x], create_graph=True)
    (second,) = fg.autograd.grad(first.sum(), [x])
    s = 1 / (1 + np.exp(-x.detach().numpy()))
    np.testing.assert_allclose(second.numpy(), s * (1 - s) * (1 - 2 * s), rtol=1e-9, atol=1e-14)


def test_a_large_operand_may_change_where_it_is_not_read() -> None:
    x = fg.from_numpy(np.linspace(-1, 1, LARGE))
    w = fg.ones((), dtype=np.float64, requires_grad=True)
    y = x * w
    z = y.sigmoid()
    with fg.no_grad():
        y += 1.0
    z.sum().backward()
    s = 1 / (1 + np.exp(-np.linspace(-1, 1, LARGE)))
    expected = (s * (1 - s) * np.linspace(-1, 1, LARGE)).sum()
    np.testing.assert_allclose(gradient(w), expected, rtol=1e-10, atol=1e-10)


# --- changes at once ---


def test_changes_under_no_grad() -> None:
    x = leaf(4, 4)
    before, data = x._version, x.detach().numpy().copy()
    with fg.no_grad():
        x -= 0.5
        x *= fg.full((), 2.0, dtype=np.float64)
        x += fg.full((4, 4), 1.0, dtype=np.float64)
        x /= 4
    np.testing.assert_allclose(x.detach().numpy(), ((data - 0.5) * 2 + 1) / 4, rtol=1e-15)
    assert x._version == before + 4
    assert x.is_leaf


def test_changes_by_itself_and_by_what_does_not_fit() -> None:
    x = leaf(6)
    data = x.detach().numpy().copy()
    with fg.no_grad():
        x[1:] -= x[:-1]
        np.testing.assert_array_equal(x.detach().numpy()[1:], data[1:] - data[:-1])
        with pytest.raises(RuntimeError):
            x += fg.ones(2, 6, dtype=np.float64)
        x += fg.ones(6, dtype=np.float32)
    assert x.dtype == np.float64
