"""In place, views, versions: rows 22 to 30 of the table of eager semantics."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from .backends import Backend, array, numbers


def test_row_22_a_leaf_is_not_changed_while_recording(lib: Backend) -> None:
    w = lib.leaf(1.0, 2.0)
    lib.function(lambda x: x * 2)(w)
    with pytest.raises(RuntimeError, match=r"leaf.*in-place"):
        w.add_(1)
    with pytest.raises(RuntimeError, match="view of a leaf"):
        w[0].zero_()
    with pytest.raises(RuntimeError, match="leaf"):
        w[0] = 3.0


def test_row_23_under_no_grad_a_leaf_can_be_changed(lib: Backend) -> None:
    w = lib.leaf(1.0, 2.0)
    with lib.no_grad():
        w.add_(1)
        w[0].zero_()
        w[1] = 5.0
    assert numbers(w) == [0.0, 5.0]
    assert (w.is_leaf, w.requires_grad, w._version) == (True, True, 3)


def test_row_23_the_argument_of_a_function_changes_between_calls(lib: Backend) -> None:
    w = lib.leaf(1.0, 2.0)
    square = lib.function(lambda x: (x * x).sum())
    for expected in ([2.0, 4.0], [4.0, 6.0]):
        w.grad = None
        square(w).backward()
        assert numbers(w.grad) == expected
        with lib.no_grad():
            w += 1


def test_row_24_a_changed_result_is_noticed(lib: Backend) -> None:
    a = lib.leaf(1.0, 2.0, 3.0)
    b = lib.function(lambda x: lib.exp(x))(a)
    b.add_(1)
    with pytest.raises(
        RuntimeError, match=r"inplace operation.*\[3\].*version 1.*expected version 0"
    ):
        b.sum().backward()


def test_row_24_a_changed_operand_is_noticed(lib: Backend) -> None:
    a, c = lib.leaf(1.0, 2.0), lib.plain(3.0, 4.0)
    y = lib.function(lambda x, z: (x * z).sum())(a, c)
    c.add_(1)
    with pytest.raises(RuntimeError, match="inplace operation"):
        y.backward()


def test_row_24_what_is_not_saved_can_change(lib: Backend) -> None:
    a = lib.leaf(1.0, 2.0)
    b = lib.function(lambda x: x + 1)(a)
    b.mul_(3)
    b.sum().backward()
    assert numbers(a.grad) == [3.0, 3.0]


def test_row_24_a_result_in_place_is_noticed_too(eager: Backend) -> None:
    y = eager.leaf(1.0) * 1
    y.exp_()
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("function", ["exp", "tanh", "sigmoid", "relu", "sqrt"])
def test_row_24_functions_that_save_their_result(eager: Backend, function: str) -> None:
    x = eager.leaf(0.5, 2.0)
    y = getattr(x, function)()
    z = getattr(x * 1, function)()
    assert numbers(y.grad_fn._saved_result) == numbers(y)
    with eager.no_grad():
        x.add_(1)
    y.sum().backward()
    z.add_(1)
    with pytest.raises(RuntimeError, match="inplace operation"):
        z.sum().backward()


@pytest.mark.parametrize(
    "function", ["sin_", "exp_", "sigmoid_", "relu_", "sqrt_", "tanh_", "square_"]
)
def test_in_place_functions_save_what_they_overwrite(eager: Backend, function: str) -> None:
    x = eager.leaf(0.5, 2.0)
    y = x * 1
    if not hasattr(y, function):
        pytest.skip(f"no {function}")
    with_inplace = getattr(y, function)().sum()
    (expected,) = eager.autograd.grad(getattr(x, function[:-1])().sum(), x)
    (found,) = eager.autograd.grad(with_inplace, x)
    np.testing.assert_allclose(array(found), array(expected), rtol=1e-14)


def test_in_place_product_with_what_requires_grad(eager: Backend) -> None:
    x, c = eager.leaf(2.0, 3.0), eager.leaf(5.0, 7.0)
    y = x * 1
    y.mul_(c)
    y.sum().backward()
    assert (numbers(x.grad), numbers(c.grad)) == ([5.0, 7.0], [2.0, 3.0])


def test_in_place_with_itself_is_noticed(eager: Backend) -> None:
    y = eager.leaf(2.0) * 1
    y.mul_(y)
    with pytest.raises(RuntimeError, match="inplace operation"):
        y.sum().backward()


def test_what_is_overwritten_gets_no_gradient(eager: Backend) -> None:
    x = eager.leaf(2.0, 3.0)
    y = x * 1
    y.zero_()
    assert y.requires_grad
    y.sum().backward()
    assert numbers(x.grad) == [0.0, 0.0]
    source = eager.leaf(1.0, 1.0)
    z = x * 1
    z.copy_(source)
    (z * 3).sum().backward()
    assert (numbers(x.grad), numbers(source.grad)) == ([0.0, 0.0], [3.0, 3.0])


def test_row_26_detach_shares_the_version_counter(lib: Backend) -> None:
    e = lib.function(lambda x: lib.exp(x))(lib.leaf(1.0, 2.0))
    e.detach().zero_()
    with pytest.raises(RuntimeError, match="inplace operation"):
        e.sum().backward()


def test_row_27_a_view_of_a_result_changed_in_place(lib: Backend) -> None:
    w = lib.leaf(1.0, 2.0, 3.0)
    a = lib.function(lambda x: x * 2)(w)
    v = a[:2]
    v.mul_(3)
    assert type(a.grad_fn).__name__ == "CopySlices"
    assert type(v.grad_fn).__name__ == "AsStridedBackward0"
    assert (a._version, v._version) == (1, 1)
    assert numbers(a) == [6.0, 12.0, 6.0]
    gradients = lib.autograd.grad(v.sum(), w, retain_graph=True)
    assert numbers(gradients[0]) == [6.0, 6.0, 0.0]
    (a * a).sum().backward()
    assert numbers(w.grad) == [72.0, 144.0, 24.0]


def test_row_27_views_of_views(eager: Backend) -> None:
    w = eager.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=eager.float64, requires_grad=True)
    a = w * 1
    column, element = a[:, 1], a[1][1]
    a.t()[1][1:].mul_(10)
    assert numbers(element) == 40.0
    (gradient,) = eager.autograd.grad(element * column[1], w, retain_graph=True)
    assert numbers(gradient) == [[0.0, 0.0], [0.0, 800.0]]
    (a * a).sum().backward()
    assert numbers(w.grad) == [[2.0, 4.0], [6.0, 800.0]]


def test_row_27_views_follow_their_base(eager: Backend) -> None:
    w = eager.leaf(1.0, 2.0)
    a = w * 1
    v = a[0]
    a.mul_(3)
    assert type(v.grad_fn).__name__ == "AsStridedBackward0"
    v.backward()
    assert numbers(w.grad) == [3.0, 0.0]


def test_row_27_a_plain_base_comes_to_require_grad(eager: Backend) -> None:
    x, c = eager.plain(1.0, 2.0), eager.leaf(3.0)
    v, other = x[:1], x[1:]
    v.mul_(c)
    assert x.requires_grad
    assert other.requires_grad
    (x * x).sum().backward()
    assert numbers(c.grad) == [6.0]


def test_row_27_the_second_derivative_through_a_changed_view(eager: Backend) -> None:
    w = eager.leaf(1.0, 2.0)
    a = w * w
    a[0].mul_(w[1])
    (first,) = eager.autograd.grad((a * a).sum(), w, create_graph=True)
    (second,) = eager.autograd.grad(first.sum(), w)
    # f = (w0² w1)² + w1⁴
    assert numbers(first) == [16.0, 36.0]
    assert numbers(second) == [48.0 + 16.0, 2.0 + 48.0 + 16.0]


@pytest.mark.parametrize(
    ("key", "name", "gradient"),
    [
        (0, "CopySlices", [[1.0, 1.0], [0.0, 0.0]]),
        ((slice(None), 1), "CopySlices", [[0.0, 1.0], [0.0, 1.0]]),
        ((slice(0, 2), slice(0, 1)), "CopySlices", [[1.0, 0.0], [1.0, 0.0]]),
        ((..., None, 1), "CopySlices", [[0.0, 1.0], [0.0, 1.0]]),
        ((1, 1), "CopySlices", [[0.0, 0.0], [0.0, 1.0]]),
        ([1], "IndexPutBackward0", [[0.0, 0.0], [1.0, 1.0]]),
        (([0, 1], [1, 0]), "IndexPutBackward0", [[0.0, 1.0], [1.0, 0.0]]),
    ],
    ids=str,
)
def test_row_27_assignment_is_recorded(
    eager: Backend, key: Any, name: str, gradient: list[list[float]]
) -> None:
    w = eager.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=eager.float64, requires_grad=True)
    v = eager.tensor(5.0, dtype=eager.float64, requires_grad=True)
    a = w * 1
    a[key] = v
    assert type(a.grad_fn).__name__ == name
    (a * a).sum().backward()
    written = np.array(gradient)
    np.testing.assert_array_equal(array(w.grad), 2 * array(w) * (1 - written))
    assert numbers(v.grad) == 10.0 * written.sum()


def test_row_27_assignment_by_a_mask(eager: Backend) -> None:
    w, v = eager.leaf(1.0, -2.0, 3.0), eager.leaf(5.0, 7.0)
    a = w * 1
    a[a > 0] = v
    (a * a).sum().backward()
    assert numbers(w.grad) == [0.0, -4.0, 0.0]
    assert numbers(v.grad) == [10.0, 14.0]


def test_row_27_assignment_to_what_requires_no_grad(eager: Backend) -> None:
    x, v = eager.zeros(2, 3), eager.ones(3, requires_grad=True)
    x[1] = v * 2
    assert x.requires_grad
    x.sum().backward()
    assert numbers(v.grad) == [2.0, 2.0, 2.0]
    x = eager.zeros(2, 3)
    x[...] = v
    (x * 2).sum().backward()
    assert numbers(v.grad) == [6.0, 6.0, 6.0]


def test_assignment_broadcasts_or_says_why_not(eager: Backend) -> None:
    x = eager.zeros(2, 3)
    x[:, 1:] = eager.ones(1, 1, 2)
    assert numbers(x) == [[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    with pytest.raises(RuntimeError, match=r"shape|size"):
        x[0] = eager.ones(2)
    with pytest.raises(IndexError):
        x[5] = 1.0


def test_row_28_a_view_made_in_no_grad(eager: Backend) -> None:
    a = eager.leaf(1.0, 2.0) * 1
    with eager.no_grad():
        v = a[0]
        v.mul_(2)
    with pytest.raises(RuntimeError, match="no_grad mode"):
        v.mul_(2)
    plain = eager.plain(1.0, 2.0)
    with eager.no_grad():
        v = plain[0]
    v.mul_(2)
    with pytest.raises(RuntimeError, match="no_grad mode"):
        v.mul_(eager.tensor(2.0, requires_grad=True))


@pytest.mark.parametrize("function", ["unbind", "split", "chunk"])
def test_row_29_one_of_several_views(eager: Backend, function: str) -> None:
    a = eager.leaf(1.0, 2.0, 3.0) * 1
    arguments = () if function == "unbind" else (2,)
    views = getattr(a, function)(*arguments)
    with pytest.raises(RuntimeError, match="multiple views"):
        views[0].mul_(2)
    with eager.no_grad():
        views[0].mul_(2)
    assert numbers(a)[0] == 2.0
    plain = eager.plain(1.0, 2.0, 3.0)
    getattr(plain, function)(*arguments)[0].mul_(2)
    assert numbers(plain)[0] == 2.0


def test_row_29_several_views_after_a_change_of_their_base(eager: Backend) -> None:
    w = eager.leaf(1.0, 2.0)
    a = w * 1
    first, _ = a.unbind()
    a.mul_(2)
    with pytest.raises(RuntimeError, match="inplace"):
        (first * 3).backward()


def test_unbind_is_one_node(eager: Backend) -> None:
    w = eager.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=eager.float64, requires_grad=True)
    first, second = w.unbind(1)
    assert first.grad_fn is second.grad_fn
    assert type(first.grad_fn).__name__ == "UnbindBackward0"
    (gradient,) = eager.autograd.grad((second * second).sum(), w, create_graph=True)
    assert numbers(gradient) == [[0.0, 4.0], [0.0, 8.0]]
    (again,) = eager.autograd.grad(gradient.sum(), w)
    assert numbers(again) == [[0.0, 2.0], [0.0, 2.0]]


def test_row_30_a_hook_acts_on_the_old_value(lib: Backend) -> None:
    w = lib.leaf(1.0, 2.0)
    a = lib.function(lambda x: x * 1.5)(w)
    seen = []
    a.register_hook(lambda g: seen.append(numbers(g)))
    a.mul_(2)
    a.register_hook(lambda g: seen.append(numbers(g)))
    (a * 3).sum().backward()
    assert seen == [[3.0, 3.0], [6.0, 6.0]]


def test_row_30_the_hook_of_a_changed_view_is_not_called(eager: Backend) -> None:
    a = eager.leaf(1.0, 2.0) * 1
    v, seen = a[0], []
    v.register_hook(seen.append)
    v.mul_(2)
    a.sum().backward()
    assert seen == []


def test_retain_grad_keeps_the_gradient_of_the_new_value(eager: Backend) -> None:
    a = eager.leaf(1.0, 2.0) * 1
    a.retain_grad()
    a.mul_(2)
    (a * 3).sum().backward()
    assert numbers(a.grad) == [3.0, 3.0]


def test_an_expanded_tensor_is_not_written_to(eager: Backend) -> None:
    wide = eager.ones(3).expand(2, 3)
    with pytest.raises(RuntimeError, match="single memory location"):
        wide.mul_(2)


def test_a_view_is_not_detached_in_place(eager: Backend) -> None:
    with pytest.raises(RuntimeError, match="view"):
        (eager.leaf(1.0, 2.0) * 1)[:1].detach_()


def test_in_place_arithmetic_in_a_loop(eager: Backend) -> None:
    w = eager.leaf(0.5, 2.0)
    total = eager.zeros(2, dtype=eager.float64)
    for i in range(3):
        total += w**i
    total.sum().backward()
    np.testing.assert_allclose(array(w.grad), 1 + 2 * array(w))


def test_no_warning_is_given(eager: Backend) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a = eager.leaf(1.0, 2.0) * 1
        a[0] = 3.0
        a.sum().backward()
