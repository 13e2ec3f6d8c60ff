"""The engine: nodes of several outputs, functions as nodes, what is freed, what is checked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import fusegrad.runtime.eager as fg
from fusegrad import autograd
from fusegrad.runtime.eager.apply.composite import composite
from fusegrad.runtime.eager.graph.function_node import link


def both(b: object, x: object) -> tuple[object, object]:
    """Two results: x² and sin x."""
    return b.mul(x, x), b("sin", x)  # type: ignore[operator,attr-defined]


def test_a_node_with_two_outputs() -> None:
    x = fg.tensor([0.5, 2.0], dtype=float, requires_grad=True)
    square, sine = composite("both", both, (x,))
    assert square.grad_fn is sine.grad_fn
    assert (square.output_nr, sine.output_nr) == (0, 1)
    (square * sine).sum().backward()
    v = np.array([0.5, 2.0])
    np.testing.assert_allclose(x.grad.numpy(), 2 * v * np.sin(v) + v * v * np.cos(v))


def test_an_output_that_is_not_used() -> None:
    x = fg.tensor([0.5], requires_grad=True)
    _, sine = composite("both", both, (x,))
    seen = []
    sine.register_hook(lambda g: seen.append(g.item()))
    (gradient,) = autograd.grad((sine * 3).sum(), sine, retain_graph=True)
    assert gradient is not None
    assert (gradient.item(), seen) == (3.0, [3.0])
    sine.backward()
    assert x.grad.item() == pytest.approx(np.cos(0.5))


class Double:
    """y = 2x as a function with a derivative of its own, and a count of its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: fg.Tensor, **options: Sequence[int]) -> fg.Tensor:
        (y,) = link("DoubleBackward", [x], [x._data * 2], self.back, self.recorded, **options)
        return y

    def back(self, cts: list[np.ndarray]) -> list[np.ndarray]:
        self.calls += 1
        return [cts[0] * 2]

    def recorded(
        self, inputs: tuple[fg.Tensor, ...], cts: tuple[fg.Tensor, ...]
    ) -> list[fg.Tensor]:
        return [cts[0] * 2]


def test_a_function_as_a_node() -> None:
    double, x = Double(), fg.ones(3, requires_grad=True)
    y = double(x)
    assert repr(y).endswith("grad_fn=<DoubleBackward>)")
    (y * y).sum().backward()
    assert (x.grad.tolist(), double.calls) == ([8.0, 8.0, 8.0], 1)
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.sum().backward()


def test_a_function_is_differentiated_twice() -> None:
    x = fg.ones(1, requires_grad=True)
    y = Double()(x) ** 3
    (first,) = autograd.grad(y, x, create_graph=True)
    (second,) = autograd.grad(first, x)
    assert (first.item(), second.item()) == (24.0, 48.0)


def test_a_function_is_not_linked_without_need() -> None:
    x = fg.ones(1, requires_grad=True)
    with fg.no_grad():
        assert Double()(x).grad_fn is None
    assert Double()(x.detach()).grad_fn is None


def test_a_function_notices_changes_of_what_it_saved() -> None:
    x = fg.ones(1, requires_grad=True)
    y = Double()(x, saved_inputs=[0])
    with fg.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="inplace operation"):
        y.backward()


@pytest.mark.parametrize(
    ("gradients", "words"),
    [([np.ones(2)], r"\[2\].*\[3\]"), ([np.ones(1), np.ones(1)], "expected 1, got 2")],
)
def test_a_function_s_gradients_are_checked(gradients: list[np.ndarray], words: str) -> None:
    x = fg.ones(3, requires_grad=True)
    (y,) = link("WrongBackward", [x], [np.ones(3)], lambda cts: gradients)
    with pytest.raises(RuntimeError, match=words):
        y.sum().backward()


def test_a_diamond_runs_each_node_once() -> None:
    double, x = Double(), fg.ones(1, requires_grad=True)
    y = double(x)
    for _ in range(30):
        y = y + y
    y.backward()
    assert (x.grad.item(), double.calls) == (2.0**31, 1)


def test_backward_of_a_leaf() -> None:
    x = fg.tensor(3.0, requires_grad=True)
    x.backward()
    assert x.grad.item() == 1.0


def test_several_outputs_at_once() -> None:
    x = fg.ones(2, requires_grad=True)
    gradients = autograd.grad([x.sum(), (x * 3).sum()], [x])
    assert gradients[0] is not None
    assert gradients[0].tolist() == [4.0, 4.0]


def test_the_gradient_with_respect_to_a_result() -> None:
    x = fg.ones(2, requires_grad=True)
    y = x * 2
    gradients = autograd.grad((y * y).sum(), [y, x])
    assert [g.tolist() for g in gradients if g is not None] == [[4.0, 4.0], [8.0, 8.0]]
    assert x.grad is None


def test_what_needs_no_gradient_is_not_saved() -> None:
    x, c = fg.ones(3, requires_grad=True), fg.ones(3)
    node = (x * c).grad_fn
    assert node._saved_self is None
    assert node._saved_other is c
    assert (x + c).grad_fn.next_functions[1] == (None, 0)


def test_an_error_in_a_hook_leaves_the_mode_as_it_was() -> None:
    x = fg.ones(1, requires_grad=True)
    x.register_hook(lambda g: 1 / 0)  # type: ignore[arg-type,return-value]
    with pytest.raises(ZeroDivisionError):
        (x * 2).backward()
    assert fg.is_grad_enabled()


def test_in_place_arithmetic_of_a_result_is_differentiated() -> None:
    x = fg.tensor([2.0], requires_grad=True)
    y = x + 0
    y += 1
    y *= x.detach()
    y.backward()
    assert (y.item(), x.grad.item()) == (6.0, 2.0)


def test_accumulated_gradients_have_the_leaf_s_dtype_and_own_memory() -> None:
    x = fg.ones(2, 2, requires_grad=True)
    given = fg.ones(2, 2)
    x.backward(given)
    x.backward(given)
    assert given.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert x.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
