"""Custom functions: row 44 of the table of eager semantics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .backends import Backend, array, numbers


@pytest.fixture
def w(eager: Backend) -> Any:
    return eager.leaf(1.0, 2.0, 3.0)


def square(lib: Backend) -> Any:
    """x² with a derivative of its own."""

    class Square(lib.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 2 * x * gradient

    return Square


def made(lib: Backend, forward: Callable[..., Any], backward: Callable[..., Any] | None) -> Any:
    members = {"forward": staticmethod(forward)}
    if backward is not None:
        members["backward"] = staticmethod(backward)
    return type("Made", (lib.autograd.Function,), members)


def test_row_44_the_node_has_the_name_of_the_function(eager: Backend, w: Any) -> None:
    y = square(eager).apply(w)
    assert (y.grad_fn.name(), type(y.grad_fn).__name__) == ("SquareBackward", "SquareBackward")
    assert "SquareBackward object at 0x" in repr(y.grad_fn)
    assert repr(y).endswith("grad_fn=<SquareBackward>)")
    assert y.grad_fn.next_functions[0][0].variable is w
    assert y.grad_fn.needs_input_grad == (True,)
    y.sum().backward()
    assert numbers(w.grad) == [2.0, 4.0, 6.0]


def test_row_44_the_result_can_be_compiled_further(lib: Backend) -> None:
    w = lib.leaf(1.0, 2.0)
    lib.function(lambda x: (x * x).sum())(square(lib).apply(w)).backward()
    np.testing.assert_allclose(array(w.grad), 4 * array(w) ** 3)


@pytest.mark.parametrize("count", [0, 2])
def test_row_44_the_number_of_gradients_is_checked(eager: Backend, w: Any, count: int) -> None:
    y = made(eager, lambda ctx, x: x * 2, lambda ctx, g: (g,) * count).apply(w)
    with pytest.raises(RuntimeError, match=rf"MadeBackward.*expected 1, got {count}"):
        y.sum().backward()


def test_row_44_more_gradients_may_be_none(eager: Backend, w: Any) -> None:
    made(eager, lambda ctx, x: x * 2, lambda ctx, g: (g, None)).apply(w).sum().backward()
    assert numbers(w.grad) == [1.0, 1.0, 1.0]


def test_row_44_the_shape_of_gradients_is_checked(eager: Backend, w: Any) -> None:
    y = made(eager, lambda ctx, x: x * 2, lambda ctx, g: g[:2]).apply(w)
    with pytest.raises(RuntimeError, match=r"index 0.*\[2\].*\[3\]"):
        y.sum().backward()
    y = made(eager, lambda ctx, x: x * 2, lambda ctx, g: g.expand(2, 3)).apply(w)
    y.sum().backward()
    assert numbers(w.grad) == [2.0, 2.0, 2.0]


def test_row_44_what_is_no_tensor_is_refused(eager: Backend, w: Any) -> None:
    y = made(eager, lambda ctx, x: x * 2, lambda ctx, g: 3.0).apply(w)
    with pytest.raises(RuntimeError, match="got float"):
        y.sum().backward()


def test_row_44_without_backward(eager: Backend, w: Any) -> None:
    y = made(eager, lambda ctx, x: x * 2, None).apply(w)
    with pytest.raises(NotImplementedError, match="backward"):
        y.sum().backward()


def test_row_44_once_differentiable(eager: Backend, w: Any) -> None:
    back = eager.once_differentiable(lambda ctx, g: g * 2)
    y = made(eager, lambda ctx, x: x * 2, back).apply(w)
    seed = eager.ones(3, dtype=eager.float64, requires_grad=True)
    (gradient,) = eager.autograd.grad(y, w, seed, create_graph=True)
    assert numbers(gradient) == [2.0, 2.0, 2.0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_row_44_differentiated_twice(eager: Backend, w: Any) -> None:
    (first,) = eager.autograd.grad(square(eager).apply(w).sum(), w, create_graph=True)
    (second,) = eager.autograd.grad((first * first).sum(), w)
    assert numbers(second) == [8.0, 16.0, 24.0]


def test_row_44_a_saved_result_leads_to_its_node(eager: Backend, w: Any) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    exp = made(eager, forward, lambda ctx, g: g * ctx.saved_tensors[0])
    y = exp.apply(w)
    assert y.grad_fn.saved_tensors[0].grad_fn is y.grad_fn
    (first,) = eager.autograd.grad(y.sum(), w, create_graph=True)
    (second,) = eager.autograd.grad(first.sum(), w)
    np.testing.assert_allclose(array(second), np.exp(array(w)))


def test_row_44_a_second_backward_and_saved_tensors(eager: Backend, w: Any) -> None:
    y = square(eager).apply(w).sum()
    node = y.grad_fn.next_functions[0][0]
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        _ = node.saved_tensors
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()


def test_row_44_changes_of_what_was_saved_are_noticed(eager: Backend, w: Any) -> None:
    x = w * 1
    y = square(eager).apply(x)
    x.add_(1)
    with pytest.raises(RuntimeError, match="inplace operation"):
        y.sum().backward()


def dirty(lib: Backend) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        x.mul_(2)
        return x

    return made(lib, forward, lambda ctx, g: g * 2)


def test_row_44_mark_dirty_on_a_leaf(eager: Backend, w: Any) -> None:
    with pytest.raises(RuntimeError, match=r"leaf.*in-place"):
        dirty(eager).apply(w)


def test_row_44_mark_dirty_changes_the_input(eager: Backend, w: Any) -> None:
    y = w * 1
    z = dirty(eager).apply(y)
    assert z is y
    assert y.grad_fn.name() == "MadeBackward"
    (y * 3).sum().backward()
    assert numbers(w.grad) == [6.0, 6.0, 6.0]


def test_row_44_mark_dirty_of_a_view(eager: Backend, w: Any) -> None:
    y = w * 1
    v = y[:2]
    assert dirty(eager).apply(v) is v
    assert type(y.grad_fn).__name__ == "CopySlices"
    (y * y).sum().backward()
    assert numbers(w.grad) == [8.0, 16.0, 6.0]


def test_row_44_what_is_dirty_is_returned(eager: Backend, w: Any) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        return x * 2

    with pytest.raises(RuntimeError, match="dirty"):
        made(eager, forward, lambda ctx, g: g).apply(w * 1)


def test_row_44_an_input_returned_as_it_is(eager: Backend, w: Any) -> None:
    y = made(eager, lambda ctx, x: x, lambda ctx, g: g * 5).apply(w)
    assert y is not w
    with pytest.raises(RuntimeError, match="custom Function"):
        y.mul_(2)
    y.sum().backward()
    assert numbers(w.grad) == [5.0, 5.0, 5.0]


def test_row_44_several_outputs(eager: Backend, w: Any) -> None:
    seen: list[Any] = []

    def backward(ctx: Any, *gradients: Any) -> Any:
        seen.extend(None if g is None else numbers(g) for g in gradients)
        return gradients[0]

    outputs = made(eager, lambda ctx, x: (x * 2, x > 1, x.sum(), 3), backward).apply(w)
    assert [getattr(y, "requires_grad", y) for y in outputs] == [True, False, True, 3]
    outputs[0].sum().backward()
    assert (seen[0], seen[2], seen[3]) == ([1.0, 1.0, 1.0], 0.0, None)


def test_row_44_gradients_that_are_not_materialised(eager: Backend, w: Any) -> None:
    seen: list[Any] = []

    def forward(ctx: Any, x: Any) -> Any:
        ctx.set_materialize_grads(False)
        return x * 2, x.sum()

    def backward(ctx: Any, *gradients: Any) -> Any:
        seen.extend(gradients)
        return gradients[0]

    made(eager, forward, backward).apply(w)[0].sum().backward()
    assert seen[1] is None


def test_row_44_an_output_without_gradient(eager: Backend, w: Any) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        rounded = x.round()
        ctx.mark_non_differentiable(rounded)
        return x * 3, rounded

    y, rounded = made(eager, forward, lambda ctx, g, h: g * 3).apply(w)
    assert (y.requires_grad, rounded.requires_grad) == (True, False)
    y.sum().backward()
    assert numbers(w.grad) == [3.0, 3.0, 3.0]


def test_row_44_arguments_that_are_no_tensors(eager: Backend, w: Any) -> None:
    def forward(ctx: Any, x: Any, factor: float, y: Any) -> Any:
        ctx.factor = factor
        return x * factor

    z = made(eager, forward, lambda ctx, g: (g * ctx.factor, None, None)).apply(w, 4.0, None)
    assert z.grad_fn.needs_input_grad == (True, False, False)
    z.sum().backward()
    assert numbers(w.grad) == [4.0, 4.0, 4.0]


def test_row_44_setup_context(eager: Backend, w: Any) -> None:
    def setup(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(inputs[0], output)

    function = made(eager, lambda x: x.sqrt(), lambda ctx, g: g / (2 * ctx.saved_tensors[1]))
    function.setup_context = staticmethod(setup)
    function.apply(w).sum().backward()
    np.testing.assert_allclose(array(w.grad), 0.5 / np.sqrt(array(w)))


def test_row_44_without_need_nothing_is_recorded(eager: Backend, w: Any) -> None:
    with eager.no_grad():
        assert square(eager).apply(w).grad_fn is None
    assert square(eager).apply(w.detach()).grad_fn is None


def test_row_44_backward_inside_backward(eager: Backend, w: Any) -> None:
    def backward(ctx: Any, g: Any) -> Any:
        with eager.enable_grad():
            x = ctx.saved_tensors[0].detach().requires_grad_()
            (x**3).sum().backward()
        return g * x.grad

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x**3

    made(eager, forward, backward).apply(w).sum().backward()
    assert numbers(w.grad) == [3.0, 12.0, 27.0]
