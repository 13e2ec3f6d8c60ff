"""Results of one call that are made from each other: gradients are seen on the way between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.runtime.compiled.paths import PathWarning

from .backends import Backend, numbers


def powers(x: Any) -> Any:
    h = x * x
    return h, (h * x).sum()


def independent(x: Any, y: Any) -> Any:
    return x * x, y * y * y


def in_a_row(x: Any) -> Any:
    first = x * x
    last = first * first
    return last, first


def updated(x: Any, number: Any) -> Any:
    number += x.sum()
    number *= 2
    return number * x


def test_grad_finds_the_way_from_one_to_the_other(lib: Backend) -> None:
    h, loss = lib.function(powers)(lib.leaf(1.0, 2.0))
    (found,) = lib.autograd.grad(loss, h)
    assert numbers(found) == [1.0, 2.0]


def test_retain_grad_and_hooks_see_what_comes_from_it(lib: Backend) -> None:
    x = lib.leaf(1.0, 2.0)
    h, loss = lib.function(powers)(x)
    seen: list[Any] = []
    h.register_hook(lambda g: seen.append(numbers(g)))
    h.register_hook(lambda g: g * 10)
    h.retain_grad()
    (loss + h.sum()).backward()
    assert seen == [[2.0, 3.0]]
    assert numbers(h.grad) == [20.0, 30.0]
    assert numbers(x.grad) == [1.0 + 2 * 20.0, 4.0 + 4 * 30.0]


def test_backward_to_a_result(lib: Backend) -> None:
    x = lib.leaf(1.0, 2.0)
    h, loss = lib.function(powers)(x)
    loss.backward(inputs=[h])
    assert numbers(h.grad) == [1.0, 2.0]
    assert x.grad is None


def test_a_second_derivative_goes_through_both(lib: Backend) -> None:
    x = lib.leaf(1.0, 2.0)
    h, loss = lib.function(powers)(x)
    (first,) = lib.autograd.grad(loss, h, create_graph=True)
    (second,) = lib.autograd.grad((first * first).sum(), x, retain_graph=True)
    assert numbers(second) == [2.0, 4.0]
    (slope,) = lib.autograd.grad(loss, x, create_graph=True)
    (curvature,) = lib.autograd.grad(slope.sum(), x)
    assert numbers(curvature) == [6.0, 12.0]


def test_results_that_have_nothing_in_common_go_backward_one_by_one(lib: Backend) -> None:
    x, y = lib.leaf(1.0, 2.0), lib.leaf(1.0, 2.0)
    a, b = lib.function(independent)(x, y)
    a.sum().backward()
    b.sum().backward()
    assert (numbers(x.grad), numbers(y.grad)) == ([2.0, 4.0], [3.0, 12.0])


def test_what_was_freed_stays_freed(lib: Backend) -> None:
    h, loss = lib.function(powers)(lib.leaf(1.0, 2.0))
    loss.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        h.sum().backward()


def test_hooks_run_in_the_order_of_the_graph(lib: Backend) -> None:
    last, first = lib.function(in_a_row)(lib.leaf(1.0, 2.0))
    order: list[str] = []
    first.register_hook(lambda g: order.append("first"))
    last.register_hook(lambda g: order.append("last"))
    (first.sum() + last.sum()).backward()
    assert order == ["last", "first"]


def test_a_result_changed_in_place_is_noticed_by_the_next_one(lib: Backend) -> None:
    h, loss = lib.function(powers)(lib.leaf(1.0, 2.0))
    h.add_(1)
    with pytest.raises(RuntimeError, match="modified by an in"):
        loss.backward()


def test_a_number_without_axes_is_changed_in_place(lib: Backend) -> None:
    x, leaf = lib.leaf(1.0, 2.0), lib.tensor(1.0, dtype=lib.float64, requires_grad=True)
    number = leaf * 1
    result = lib.function(updated)(x, number)
    assert (number.item(), number._version) == (8.0, 2)
    (found,) = lib.autograd.grad(result.sum(), number, retain_graph=True)
    assert found.item() == 3.0
    (result.sum() + number).backward()
    assert (numbers(x.grad), leaf.grad.item()) == ([16.0, 16.0], 8.0)


def test_a_leaf_without_axes_is_not(lib: Backend) -> None:
    leaf = lib.tensor(1.0, dtype=lib.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"leaf .* in-place"):
        lib.function(updated)(lib.leaf(1.0, 2.0), leaf)
    assert (leaf.item(), leaf._version) == (1.0, 0)


def test_an_array_without_axes_is_changed_too() -> None:
    number, x = np.array(1.0), np.array([1.0, 2.0])
    assert fg.compile(updated)(x, number).tolist() == [8.0, 16.0]
    assert number == 8.0
    assert fg.compile(updated)(x, 1.0).tolist() == [8.0, 16.0]


def test_the_way_goes_through_an_argument_that_was_changed(lib: Backend) -> None:
    def doubled(x: Any) -> Any:
        x *= 2
        return (x * x).sum()

    leaf = lib.leaf(1.0, 2.0)
    x = leaf * 1
    loss = lib.function(doubled)(x)
    assert numbers(lib.autograd.grad(loss, x, retain_graph=True)[0]) == [4.0, 8.0]
    assert numbers(lib.autograd.grad(loss, leaf)[0]) == [8.0, 16.0]


def test_what_is_made_under_no_grad_takes_no_gradient(lib: Backend) -> None:
    def scaled(x: Any) -> Any:
        with lib.no_grad():
            size = (x * x).sum()
        return x * size

    x = lib.leaf(1.0, 2.0)
    lib.function(scaled)(x).sum().backward()
    assert numbers(x.grad) == [5.0, 5.0]


def test_a_change_in_place_under_no_grad_runs_eagerly_and_says_so() -> None:
    @fg.compile
    def step(x: Any) -> Any:
        with fg.no_grad():
            x *= 2
        return (x * x).sum()

    x = fg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.warns(PathWarning, match=r"in place under no_grad\(\)"):
        step(x).backward()
    assert (numbers(x), numbers(x.grad)) == ([2.0, 4.0], [4.0, 8.0])
    assert "eager mode, because it changes an array in place" in str(step.explain(x))


def lstm(x: Any, w: Any, c: Any) -> Any:
    gates = x @ w
    memory = c * np.tanh(gates[:, :2]) + gates[:, 2:4]
    return np.tanh(gates[:, 4:]) * np.tanh(memory), memory


def running(x: Any, w: Any, c: Any) -> Any:
    rows = [c]
    for _ in range(18):
        rows.append(np.tanh(rows[-1] @ w[:2, :2] + x[:, :2]))
    return np.stack(rows), rows[-1]


@pytest.mark.parametrize("function", [lstm, running])
def test_values_that_results_have_in_common(function: Callable[..., Any]) -> None:
    compiled = fg.compile(function)
    found = []
    for run in (compiled, compiled.eager):
        draw = np.random.default_rng(0)
        leaves = [
            fg.tensor(draw.normal(size=n), requires_grad=True) for n in [(3, 4), (4, 6), (3, 2)]
        ]
        first, second = run(*leaves)
        total = (first * first).sum()
        between = fg.autograd.grad(total, second, retain_graph=True)
        slopes = fg.autograd.grad(total + second.sum(), leaves, create_graph=True)
        curved = fg.autograd.grad(sum((g * g).sum() for g in slopes), leaves)
        found.append([x.detach().numpy() for x in (first, second, *between, *slopes, *curved)])
    for mine, right in zip(*found, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-9, atol=1e-12)
