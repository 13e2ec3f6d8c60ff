"""Backward, hooks and modes, rows 31 to 42 of the table of eager semantics."""

from __future__ import annotations

import gc
import threading
import warnings
import weakref
from collections.abc import Callable

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad import autograd


@pytest.fixture
def w() -> fg.Tensor:
    return fg.tensor([1.0, 2.0, 3.0], requires_grad=True)


def test_row_31_an_unused_input_is_an_error_unless_allowed(w: fg.Tensor) -> None:
    unused = fg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="allow_unused=True"):
        autograd.grad(w.sum(), [unused])
    assert autograd.grad(w.sum(), [unused], allow_unused=True) == (None,)
    (zeros,) = autograd.grad(w.sum(), [unused], materialize_grads=True)
    assert zeros is not None
    assert zeros.tolist() == [0.0, 0.0]


def test_row_32_inputs_of_grad_require_grad(w: fg.Tensor) -> None:
    with pytest.raises(RuntimeError, match="does not require grad"):
        autograd.grad(w.sum(), [fg.ones(3)])


def test_row_33_inputs_of_backward_are_not_empty(w: fg.Tensor) -> None:
    with pytest.raises(RuntimeError, match="empty"):
        w.sum().backward(inputs=[])


def test_row_33_only_the_inputs_receive_gradients(w: fg.Tensor) -> None:
    v = fg.ones(3, requires_grad=True)
    y = w * v
    (y * y).sum().backward(inputs=[v, y])
    assert w.grad is None
    assert v.grad.tolist() == [2.0, 8.0, 18.0]
    assert y.grad.tolist() == [2.0, 4.0, 6.0]


def test_row_34_a_second_gradient_is_added_in_place(w: fg.Tensor) -> None:
    w.sum().backward()
    first = w.grad
    w.sum().backward()
    assert w.grad is first
    assert w.grad.tolist() == [2.0, 2.0, 2.0]
    with pytest.warns(UserWarning, match="reference cycle"):
        (w * w).sum().backward(create_graph=True)
    assert w.grad is not first
    w.grad = None


def test_row_34_gradients_are_not_shared_between_leaves() -> None:
    x, y = fg.ones(3, requires_grad=True), fg.ones(3, requires_grad=True)
    (x + y).backward(fg.ones(3))
    with fg.no_grad():
        x.grad.zero_()
    assert y.grad.tolist() == [1.0, 1.0, 1.0]


def test_row_35_create_graph_records_the_gradient(w: fg.Tensor) -> None:
    with pytest.warns(UserWarning, match="reference cycle"):
        (w**3).sum().backward(create_graph=True)
    assert w.grad.grad_fn is not None
    (second,) = autograd.grad(w.grad.sum(), w)
    np.testing.assert_allclose(second.numpy(), 6 * w.detach().numpy())
    w.grad = None


def test_row_36_the_order_of_hooks(w: fg.Tensor) -> None:
    seen: list[str] = []

    def note(word: str) -> Callable[..., None]:
        return lambda *_: seen.append(word)

    y = w * 2
    y.retain_grad()
    y.register_hook(note("tensor 1"))
    y.register_hook(note("tensor 2"))
    y.grad_fn.register_prehook(note("node pre"))
    y.grad_fn.register_hook(note("node post"))
    w.register_hook(note("leaf"))
    w.register_post_accumulate_grad_hook(lambda x: seen.append(f"after {x.grad.tolist()}"))
    y.sum().backward()
    expected = ["tensor 1", "tensor 2", "node pre", "node post", "leaf", "after [2.0, 2.0, 2.0]"]
    assert seen == expected
    assert y.grad.tolist() == [1.0, 1.0, 1.0]


def test_row_36_a_removed_hook_is_not_called(w: fg.Tensor) -> None:
    seen = []
    handle = w.register_hook(seen.append)
    handle.remove()
    with w.register_hook(seen.append):
        w.sum().backward()
    w.sum().backward()
    assert len(seen) == 1


def test_row_37_what_a_hook_returns_replaces_the_gradient(w: fg.Tensor) -> None:
    y = w * 2
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert w.grad.tolist() == [20.0, 20.0, 20.0]


def test_row_37_a_hook_keeps_the_shape(w: fg.Tensor) -> None:
    y = w * 2
    y.register_hook(lambda g: g[:1])
    with pytest.raises(RuntimeError, match=r"\[3\].*\[1\]"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="doesn't require grad"):
        fg.ones(3).register_hook(lambda g: g)


def test_row_37_node_hooks_replace_gradients(w: fg.Tensor) -> None:
    y = w * 2
    y.grad_fn.register_prehook(lambda grads: (grads[0] * 3,))
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] + outputs[0], inputs[1]))
    y.sum().backward()
    assert w.grad.tolist() == [9.0, 9.0, 9.0]


def test_row_39_saved_values_can_be_read_before_backward(w: fg.Tensor) -> None:
    y = w**2
    assert y.grad_fn._saved_self is w
    assert y.grad_fn._saved_exponent == 2
    assert w.exp().grad_fn._saved_result.grad_fn.name() == "ExpBackward0"
    y.sum().backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        _ = y.grad_fn._saved_self


def test_row_40_threads_share_a_graph(w: fg.Tensor) -> None:
    y = (w * w).exp().sum()
    y.backward(retain_graph=True)
    once = w.grad.tolist()
    w.grad = None
    workers = [threading.Thread(target=lambda: y.backward(retain_graph=True)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    np.testing.assert_allclose(w.grad.numpy(), 4 * np.array(once), rtol=1e-6)


@pytest.mark.parametrize("function", ["sin", "neg", "relu", "t"])
def test_row_41_a_chain_of_100_000_nodes(function: str) -> None:
    x = fg.tensor([0.5], requires_grad=True)
    y = x
    for _ in range(100_000):
        y = getattr(y, function)()
    y.sum().backward()
    assert x.grad is not None
    node = weakref.ref(y.grad_fn)
    del y
    assert node() is None


def test_row_41_a_chain_that_was_not_walked_is_freed() -> None:
    x = fg.ones(1, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y * 1.5 - y
    gone = weakref.ref(y)
    del y
    assert gone() is None


def test_row_42_grad_modes_nest() -> None:
    states = [fg.is_grad_enabled()]
    with fg.no_grad():
        states.append(fg.is_grad_enabled())
        with fg.enable_grad():
            states.append(fg.is_grad_enabled())
        with fg.set_grad_enabled(True):
            states.append(fg.is_grad_enabled())
        states.append(fg.is_grad_enabled())
    states.append(fg.is_grad_enabled())
    assert states == [True, False, True, True, False, True]


def test_row_42_set_grad_enabled_acts_at_once() -> None:
    fg.set_grad_enabled(False)
    assert not fg.is_grad_enabled()
    fg.set_grad_enabled(True)
    assert fg.is_grad_enabled()


def test_row_42_grad_modes_are_decorators() -> None:
    @fg.no_grad()
    def called() -> bool:
        return fg.is_grad_enabled()

    @fg.no_grad
    def bare() -> bool:
        return fg.is_grad_enabled()

    @fg.set_grad_enabled(False)
    def given() -> bool:
        return fg.is_grad_enabled()

    assert (called(), bare(), given()) == (False, False, False)
    assert fg.is_grad_enabled()


def test_row_42_a_new_thread_starts_enabled() -> None:
    seen = []
    with fg.no_grad():
        worker = threading.Thread(target=lambda: seen.append(fg.is_grad_enabled()))
        worker.start()
        worker.join()
    assert seen == [True]


def test_a_mode_ends_with_an_exception() -> None:
    with pytest.raises(ValueError, match="x"), fg.no_grad():
        raise ValueError("x")
    assert fg.is_grad_enabled()


def test_backward_frees_what_it_saved() -> None:
    x = fg.ones(1000, requires_grad=True)
    y = x.exp()
    array = weakref.ref(y._data)
    z = (y * y).sum()
    del y
    z.backward()
    assert array() is None


def test_results_are_no_garbage() -> None:
    """Counting references is enough to free a graph: there are no cycles."""
    gc.collect()
    gc.disable()
    try:
        x = fg.ones(3, requires_grad=True)
        y = (x.exp() * x).sigmoid().sum()
        refs = [weakref.ref(x), weakref.ref(y), weakref.ref(y.grad_fn)]
        y.backward()
        del x, y
        assert [ref() for ref in refs] == [None, None, None]
    finally:
        gc.enable()


def test_nothing_warns_about_numbers(w: fg.Tensor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = ((w - w).log() * 1e38 * 1e38 / (w - w)).sum()
        y.backward()
        with np.errstate(all="raise"):
            _ = (w * 0).log()
