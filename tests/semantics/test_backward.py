"""Backward, hooks and modes, rows 31 to 42 of the table of eager semantics."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .backends import Backend, array, numbers


@pytest.fixture
def w(lib: Backend) -> Any:
    return lib.leaf(1.0, 2.0, 3.0)


def total(lib: Backend, x: Any) -> Any:
    return lib.function(lambda x: x.sum())(x)


def doubled(lib: Backend, x: Any) -> Any:
    return lib.function(lambda x: x * 2)(x)


def test_row_31_an_unused_input_is_an_error_unless_allowed(lib: Backend, w: Any) -> None:
    unused = lib.plain(1.0, 1.0).requires_grad_()
    f = lib.function(lambda x, y: x.sum())
    with pytest.raises(RuntimeError, match="allow_unused=True"):
        lib.autograd.grad(f(w, unused), [unused])
    assert lib.autograd.grad(f(w, unused), [unused], allow_unused=True) == (None,)
    (zeros,) = lib.autograd.grad(f(w, unused), [unused], materialize_grads=True)
    assert numbers(zeros) == [0.0, 0.0]


def test_row_32_inputs_of_grad_require_grad(lib: Backend, w: Any) -> None:
    # PyTorch 2.13 says "does not require grad" of the input too
    with pytest.raises(RuntimeError, match="does not require grad"):
        lib.autograd.grad(total(lib, w), [lib.ones(3)])


def test_row_33_inputs_of_backward_are_not_empty(lib: Backend, w: Any) -> None:
    with pytest.raises(RuntimeError, match="empty"):
        total(lib, w).backward(inputs=[])


def test_row_33_only_the_inputs_receive_gradients(lib: Backend, w: Any) -> None:
    v = lib.leaf(1.0, 1.0, 1.0)
    y = lib.function(lambda x, z: x * z)(w, v)
    lib.function(lambda x: (x * x).sum())(y).backward(inputs=[v, y])
    assert w.grad is None
    assert numbers(v.grad) == [2.0, 8.0, 18.0]
    assert numbers(y.grad) == [2.0, 4.0, 6.0]


def test_row_34_a_second_gradient_is_added_in_place(lib: Backend, w: Any) -> None:
    total(lib, w).backward()
    first = w.grad
    total(lib, w).backward()
    assert w.grad is first
    assert numbers(w.grad) == [2.0, 2.0, 2.0]
    y = lib.function(lambda x: (x * x).sum())(w)
    if lib.is_torch:
        y.backward(create_graph=True)  # it warns once only
    else:
        with pytest.warns(UserWarning, match="reference cycle"):
            y.backward(create_graph=True)
    assert w.grad is not first
    w.grad = None


def test_row_34_gradients_are_not_shared_between_leaves(lib: Backend) -> None:
    x, y = lib.leaf(1.0, 1.0), lib.leaf(1.0, 1.0)
    lib.function(lambda x, y: x + y)(x, y).backward(lib.plain(1.0, 1.0))
    with lib.no_grad():
        x.grad.zero_()
    assert numbers(y.grad) == [1.0, 1.0]


@pytest.mark.filterwarnings("ignore:.*backward.*create_graph")
def test_row_35_create_graph_records_the_gradient(lib: Backend, w: Any) -> None:
    lib.function(lambda x: (x**3).sum())(w).backward(create_graph=True)
    assert w.grad.grad_fn is not None
    (second,) = lib.autograd.grad(w.grad.sum(), w)
    np.testing.assert_allclose(array(second), 6 * array(w))
    w.grad = None


def test_row_35_derivatives_of_any_order(lib: Backend) -> None:
    x = lib.leaf(0.5, 2.0)
    y = lib.function(lambda x: (lib.exp(2 * x) * x).sum())(x)
    v = array(x)
    for order in range(1, 5):
        (gradient,) = lib.autograd.grad(y, x, create_graph=True)
        expected = np.exp(2 * v) * (2.0**order * v + order * 2.0 ** (order - 1))
        np.testing.assert_allclose(array(gradient), expected, rtol=1e-12)
        y = gradient.sum()


def test_row_35_a_linear_function_has_no_second_derivative(lib: Backend) -> None:
    x = lib.leaf(0.5, 2.0)
    (gradient,) = lib.autograd.grad(lib.function(lambda x: (x * 3).sum())(x), x, create_graph=True)
    assert not gradient.requires_grad


def test_row_36_the_order_of_hooks(lib: Backend, w: Any) -> None:
    seen: list[str] = []

    def note(word: str) -> Callable[..., None]:
        return lambda *_: seen.append(word)

    y = doubled(lib, w)
    y.retain_grad()
    y.register_hook(note("tensor 1"))
    y.register_hook(note("tensor 2"))
    y.grad_fn.register_prehook(note("node pre"))
    y.grad_fn.register_hook(note("node post"))
    w.register_hook(note("leaf"))
    w.register_post_accumulate_grad_hook(lambda x: seen.append(f"after {numbers(x.grad)}"))
    total(lib, y).backward()
    expected = ["tensor 1", "tensor 2", "node pre", "node post", "leaf", "after [2.0, 2.0, 2.0]"]
    assert seen == expected
    assert numbers(y.grad) == [1.0, 1.0, 1.0]


def test_row_36_a_removed_hook_is_not_called(lib: Backend, w: Any) -> None:
    seen: list[Any] = []
    handle = w.register_hook(seen.append)
    handle.remove()
    with w.register_hook(seen.append):
        total(lib, w).backward()
    total(lib, w).backward()
    assert len(seen) == 1


def test_row_37_what_a_hook_returns_replaces_the_gradient(lib: Backend, w: Any) -> None:
    y = doubled(lib, w)
    y.register_hook(lambda g: g * 10)
    total(lib, y).backward()
    assert numbers(w.grad) == [20.0, 20.0, 20.0]
    w.grad = None
    w.register_hook(lambda g: g + 1)
    total(lib, w).backward()
    assert numbers(w.grad) == [2.0, 2.0, 2.0]


def test_row_37_a_hook_keeps_the_shape(lib: Backend, w: Any) -> None:
    y = doubled(lib, w)
    y.register_hook(lambda g: g[:1])
    with pytest.raises(RuntimeError, match="size"):
        total(lib, y).backward()
    with pytest.raises(RuntimeError, match="doesn't require grad"):
        doubled(lib, lib.ones(3)).register_hook(lambda g: g)


def test_row_37_node_hooks_replace_gradients(lib: Backend, w: Any) -> None:
    y = doubled(lib, w)
    y.grad_fn.register_prehook(lambda grads: (grads[0] * 3,))
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] + outputs[0], *inputs[1:]))
    total(lib, y).backward()
    assert numbers(w.grad) == [9.0, 9.0, 9.0]


def test_row_37_hooks_of_outputs_of_a_function_with_several(lib: Backend, w: Any) -> None:
    first, second = lib.function(lambda x: (x * 2, x * 3))(w)
    seen: list[Any] = []
    first.register_hook(lambda g: seen.append(("first", numbers(g))))
    second.register_hook(lambda g: g * 0)
    (first + second).sum().backward()
    assert seen == [("first", [1.0, 1.0, 1.0])]
    assert numbers(w.grad) == [2.0, 2.0, 2.0]


def test_row_40_threads_share_a_graph(lib: Backend, w: Any) -> None:
    y = lib.function(lambda x: lib.exp(x * x).sum())(w)
    y.backward(retain_graph=True)
    once = array(w.grad)
    w.grad = None
    in_threads(lambda: y.backward(retain_graph=True))
    np.testing.assert_allclose(array(w.grad), 4 * once, rtol=1e-12)


def test_row_40_threads_with_graphs_of_their_own_share_leaves(lib: Backend, w: Any) -> None:
    cube = lib.function(lambda x: (x**3).sum())

    def work() -> None:
        for _ in range(50):
            cube(w).backward()

    in_threads(work)
    np.testing.assert_allclose(array(w.grad), 200 * 3 * array(w) ** 2)


def in_threads(work: Callable[[], None], count: int = 4) -> None:
    workers = [threading.Thread(target=work) for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


@pytest.mark.parametrize("function", ["sin", "neg", "relu", "t"])
def test_row_41_a_chain_of_100_000_nodes(eager: Backend, function: str) -> None:
    x = eager.tensor([0.5], requires_grad=True)
    y = x
    for _ in range(100_000):
        y = getattr(y, function)()
    y.sum().backward()
    assert x.grad is not None
    result = weakref.ref(y)
    del y
    assert result() is None


def test_row_41_a_chain_that_was_not_walked_is_freed(eager: Backend) -> None:
    y = eager.ones(1, requires_grad=True)
    for _ in range(100_000):
        y = y * 1.5 - y
    gone = weakref.ref(y)
    del y
    assert gone() is None


def test_row_41_a_chain_of_changes_in_place(eager: Backend) -> None:
    x = eager.tensor([0.5, 1.0], requires_grad=True)
    y = x * 1
    for _ in range(5_000):
        y[0] = y[1] * 1.0
        y += 0
    y.sum().backward()
    assert numbers(x.grad) == [0.0, 2.0]


def test_row_42_grad_modes_nest(lib: Backend, w: Any) -> None:
    f = lib.function(lambda x: x * 2)
    states = [f(w).requires_grad]
    with lib.no_grad():
        states.append(f(w).requires_grad)
        with lib.enable_grad():
            states.append(f(w).requires_grad)
        with lib.set_grad_enabled(True):
            states.append(f(w).requires_grad)
        states.append(f(w).requires_grad)
    states.append(f(w).requires_grad)
    assert states == [True, False, True, True, False, True]


def test_row_42_set_grad_enabled_acts_at_once(lib: Backend) -> None:
    lib.set_grad_enabled(False)
    assert not lib.is_grad_enabled()
    lib.set_grad_enabled(True)
    assert lib.is_grad_enabled()


def test_row_42_grad_modes_are_decorators(lib: Backend, w: Any) -> None:
    f = lib.function(lambda x: x * 2)

    @lib.no_grad()
    def called() -> Any:
        return f(w).requires_grad

    @lib.no_grad
    def bare() -> Any:
        return f(w).requires_grad

    @lib.set_grad_enabled(False)
    def given() -> Any:
        return f(w).requires_grad

    assert (called(), bare(), given()) == (False, False, False)
    assert lib.is_grad_enabled()


def test_row_42_a_new_thread_starts_enabled(lib: Backend) -> None:
    seen: list[bool] = []
    with lib.no_grad():
        in_threads(lambda: seen.append(lib.is_grad_enabled()), 1)
    assert seen == [True]


def test_a_mode_ends_with_an_exception(lib: Backend) -> None:
    with pytest.raises(ValueError, match="x"), lib.no_grad():
        raise ValueError("x")
    assert lib.is_grad_enabled()
