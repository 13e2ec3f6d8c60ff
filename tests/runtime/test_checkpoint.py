"""`fg.checkpoint`: the same numbers with less memory, in compiled functions and in eager mode."""

from __future__ import annotations

import copy
import gc
import pickle
import random
import weakref
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.autograd.graph import saved_tensors_hooks

WEIGHTS = [np.random.default_rng(i).normal(size=(3, 3)) for i in range(3)]
X = np.random.default_rng(7).normal(size=(4, 3))


def layer(x: Any, w: Any) -> Any:
    return np.tanh(x @ w) * 2.0 + np.exp(-x)


checked_layer = fg.checkpoint(layer)


def network(weights: Any, x: Any, one: Any) -> Any:
    for w in weights:
        x = one(x, w)
    return np.sum(x**2)


# --- compiled ---


def test_gradients_of_numpy_functions_are_the_same() -> None:
    plain = fg.value_and_grad(lambda w, x: network(w, x, layer))
    less = fg.value_and_grad(lambda w, x: network(w, x, checked_layer))
    names = [operation.name for operation in less.lower(WEIGHTS, X).trace.graph]
    assert names.count("checkpoint") == 3
    value, gradients = plain(WEIGHTS, X)
    again, others = less(WEIGHTS, X)
    assert value == again
    for one, other in zip(gradients, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


def test_where_the_same_operations_run_the_bits_are_the_same() -> None:
    def wave(x: Any) -> Any:
        return np.sin(np.exp(x)) * x

    plain, less = (
        fg.grad(lambda x: np.sum(wave(x))),
        fg.grad(lambda x: np.sum(fg.checkpoint(wave)(x))),
    )
    np.testing.assert_array_equal(plain(X), less(X))


def test_a_compiled_function_on_tensors_keeps_the_operands() -> None:
    def all_layers(x: Any, weights: Any) -> Any:
        for w in weights:
            x = layer(x, w)
        return x

    plain = fg.compile(lambda w, x: np.sum(all_layers(x, w) ** 2))
    less = fg.compile(lambda w, x: np.sum(fg.checkpoint(all_layers)(x, w) ** 2))
    kept, gradients = [], []
    for function in (plain, less):
        weights = [fg.tensor(w, requires_grad=True) for w in WEIGHTS]
        loss = function(weights, fg.tensor(X))
        kept.append(sum(x.nbytes for x in loss.grad_fn.residuals))
        loss.backward()
        gradients.append([w.grad.numpy() for w in weights])
    assert kept[1] < kept[0]
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_control_flow_stores_and_captured_arrays_inside() -> None:
    scale = np.array([2.0])

    @fg.checkpoint
    def part(x: Any) -> Any:
        y = np.zeros(3)
        y[1:] = x[:2] * scale
        if np.sum(x) > 0:
            y += np.exp(x)
        return y, {"mean": np.mean(y)}

    def loss(x: Any) -> Any:
        y, more = part(x)
        return np.sum(y**2) * more["mean"]

    gradient = fg.grad(loss)
    for x in (np.array([1.0, 2.0, 3.0]), -np.array([1.0, 2.0, 3.0])):
        np.testing.assert_allclose(gradient(x), gradient.eager(x), rtol=1e-12)
    scale[0] = 3.0
    np.testing.assert_allclose(gradient(x), gradient.eager(x), rtol=1e-12)


class Model:
    def __init__(self) -> None:
        self.scale = 2.0

    @fg.checkpoint
    def step(self, x: Any) -> Any:
        return np.sin(x) * self.scale


def test_methods_and_what_they_read_are_watched() -> None:
    model = Model()
    gradient = fg.grad(lambda x: np.sum(model.step(x)))
    np.testing.assert_allclose(gradient(X), 2.0 * np.cos(X))
    model.scale = 5.0
    np.testing.assert_allclose(gradient(X), 5.0 * np.cos(X))


@fg.checkpoint
def doubled(x: Any) -> Any:
    return x * 2.0


def test_it_is_a_function_as_others_are() -> None:
    assert copy.deepcopy({"layer": checked_layer})["layer"] is checked_layer
    assert pickle.loads(pickle.dumps(doubled)) is doubled
    again = pickle.loads(pickle.dumps(checked_layer))
    np.testing.assert_array_equal(again(X, WEIGHTS[0]), layer(X, WEIGHTS[0]))
    assert pickle.loads(pickle.dumps(fg.checkpoint(np.sin)))(0.0) == 0.0
    assert checked_layer.__name__ == "layer"
    np.testing.assert_array_equal(checked_layer(X, WEIGHTS[0]), layer(X, WEIGHTS[0]))
    assert fg.grad(lambda w: network(w, X, checked_layer)).compare(WEIGHTS).ok


def test_second_derivatives_of_a_compiled_function_on_tensors() -> None:
    found = []
    for one in (layer, checked_layer):
        function = fg.compile(lambda w, x, one=one: network(w, x, one))
        weights = [fg.tensor(w, requires_grad=True) for w in WEIGHTS]
        first = fg.autograd.grad(function(weights, fg.tensor(X)), weights, create_graph=True)
        second = fg.autograd.grad(sum((g**2).sum() for g in first), weights)
        found.append([*first, *second])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-10)


def test_segments_of_a_long_loop_leave_a_short_tape() -> None:
    steps, length = 512, 16

    def segment(h: Any, xs: Any, w: Any) -> Any:
        for i in range(length):
            h = np.tanh(h * w + xs[i])
        return h

    def loss(w: Any, xs: Any, one: Any) -> Any:
        h = np.zeros(64)
        for i in range(0, steps, length):
            h = one(h, xs[i : i + length], w)
        return np.sum(h**2)

    less = fg.value_and_grad(lambda w, xs: loss(w, xs, fg.checkpoint(segment)))
    plain = fg.value_and_grad(lambda w, xs: loss(w, xs, segment))
    w, xs = np.linspace(0.1, 0.9, 64), np.random.default_rng(0).normal(size=(steps, 64))
    assert any(operation.name == "scan" for operation in less.lower(w, xs).fused.graph)
    for one, other in zip(plain(w, xs), less(w, xs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_second_derivatives() -> None:
    def slope(x: Any, one: Any) -> Any:
        return np.sum(fg.grad(lambda x: np.sum(one(x, WEIGHTS[0])))(x) ** 2)

    plain = fg.grad(lambda x: slope(x, layer))(X)
    np.testing.assert_allclose(fg.grad(lambda x: slope(x, checked_layer))(X), plain, rtol=1e-12)


# --- eager ---


def dense(x: Any, w: Any) -> Any:
    return (x @ w).tanh() * 2.0 + fg.sigmoid(x)


def tensors() -> tuple[list[Any], Any]:
    return [fg.tensor(w, requires_grad=True) for w in WEIGHTS], fg.tensor(X, requires_grad=True)


def chain(weights: Any, x: Any, one: Any) -> Any:
    for w in weights:
        x = one(x, w)
    return (x**2).sum()


def nested(x: Any, w: Any) -> Any:
    return fg.checkpoint(lambda x: fg.checkpoint(dense, x, w), x)


@pytest.mark.parametrize(
    "one",
    [fg.checkpoint(dense), lambda x, w: fg.checkpoint(dense, x, w, use_reentrant=False), nested],
)
def test_eager_gradients_are_the_same_to_the_last_bit(one: Any) -> None:
    found = []
    for each in (dense, one):
        weights, x = tensors()
        loss = chain(weights, x, each)
        for _ in range(2):
            loss.backward(retain_graph=True)
        first = fg.autograd.grad(loss, [x, *weights], create_graph=True)
        second = fg.autograd.grad(sum((g**2).sum() for g in first), [x, *weights])
        found.append([x.grad, *(w.grad for w in weights), *first, *second])
    for expected, other in zip(*found, strict=True):
        np.testing.assert_array_equal(expected.detach().numpy(), other.detach().numpy())


def test_nothing_inside_stays_alive() -> None:
    alive: list[Any] = []

    def part(x: Any) -> Any:
        y = x.exp()
        z = fg.sigmoid(y) * y
        alive.extend([weakref.ref(y), weakref.ref(z._data.base if z._base else z)])
        return z.sin().exp()

    x = fg.tensor(X, requires_grad=True)
    loss = fg.checkpoint(part, x).sum()
    gc.collect()
    assert [reference() for reference in alive] == [None, None]
    loss.backward()
    assert len(alive) == 4


def test_hooks_fire_once_and_on_the_first_run() -> None:
    calls: list[str] = []

    def part(x: Any) -> Any:
        y = x.exp()
        y.register_hook(lambda g: calls.append("inside"))
        return y * y

    x = fg.tensor(X, requires_grad=True)
    x.register_hook(lambda g: calls.append("leaf"))
    fg.checkpoint(part, x).sum().backward()
    assert calls == ["inside", "leaf"]


def test_random_numbers_are_those_of_the_first_run() -> None:
    def part(x: Any) -> Any:
        noise = np.random.rand() + random.random()  # noqa: NPY002
        return fg.nn.functional.dropout(x.exp(), 0.5) * noise

    found = []
    for run in (part, fg.checkpoint(part)):
        fg.manual_seed(3)
        np.random.seed(4)  # noqa: NPY002
        random.seed(5)
        x = fg.tensor(X, requires_grad=True)
        run(x).sum().backward()
        found.append((x.grad.numpy(), fg.rand(2).numpy(), np.random.rand(), random.random()))  # noqa: NPY002
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_second_run_that_differs_is_an_error() -> None:
    runs = iter(range(9))
    x = fg.tensor(X, requires_grad=True)
    loss = fg.checkpoint(lambda x: x.exp().exp() if next(runs) == 0 else x.exp(), x).sum()
    with pytest.raises(RuntimeError, match="different number of tensors"):
        loss.backward()
    sizes = iter((1, 2, 3, 4))
    loss = fg.checkpoint(lambda x: (x[: next(sizes)] ** 2).exp(), x).sum()
    with pytest.raises(RuntimeError, match="different metadata"):
        loss.backward()


def test_what_changed_since_is_an_error() -> None:
    x = fg.tensor(X, requires_grad=True)
    y = x * 1.0
    loss = fg.checkpoint(lambda y: (y * 2.0).exp(), y).sum()
    y.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    w = fg.tensor(WEIGHTS[0], requires_grad=True)
    loss = fg.checkpoint(lambda x: x @ w, x).sum()
    with fg.no_grad():
        w.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def changed_after(x: Any) -> Any:
    y = x.exp()
    y.add_(1.0)
    return y.sin()


def changed_operand(x: Any) -> Any:
    y = x * 1.0
    z = y * y
    y.add_(1.0)
    return (z + y).sin()


def changed_twice(x: Any) -> Any:
    y = (x * 1.0).exp_()
    y.add_(1.0)
    return y.sin()


def changed_composition(x: Any) -> Any:
    y = fg.softmax(x, 0)
    y.add_(1.0)
    return y.sin()


@pytest.mark.parametrize(
    "part", [changed_after, changed_operand, changed_twice, changed_composition]
)
def test_what_is_changed_inside_is_an_error_as_it_is_without(part: Any) -> None:
    """PyTorch's checkpoint gives wrong gradients here."""
    for run in (part, fg.checkpoint(part)):
        x = fg.tensor(X, requires_grad=True)
        loss = run(x).sum()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_changes_that_harm_nothing_are_allowed() -> None:
    def part(x: Any) -> Any:
        y = (x * 2.0).exp_().mul_(3.0)
        return y.exp().mul_(2.0)

    found = []
    for run in (part, fg.checkpoint(part)):
        x = fg.tensor(X, requires_grad=True)
        try:
            run(x).sum().backward()
            found.append(x.grad.numpy())
        except RuntimeError as error:
            found.append(type(error))
    assert np.array_equal(found[0], found[1])


def test_hooks_around_it_get_the_arguments() -> None:
    shapes: list[Any] = []

    def pack(x: Any) -> Any:
        shapes.append(tuple(x.shape))
        return x

    x = fg.tensor(X, requires_grad=True)
    with saved_tensors_hooks(pack, lambda x: x):
        loss = fg.checkpoint(lambda x: x.exp().sin(), x).sum()
    assert shapes == [X.shape]
    loss.backward()
    np.testing.assert_allclose(x.grad.numpy(), np.cos(np.exp(X)) * np.exp(X))


def test_wrong_calls() -> None:
    with pytest.raises(ValueError, match="use_reentrant"):
        fg.checkpoint(dense, X, use_reentrant=True)
    with pytest.raises(ValueError, match="determinism_check"):
        fg.checkpoint(dense, determinism_check="all")
    with pytest.raises(TypeError, match="takes a function"):
        fg.checkpoint(3)
