"""Leaves and flags, rows 11 to 21 of the table of eager semantics."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest

import fusegrad.runtime.eager as fg


@pytest.fixture
def w() -> fg.Tensor:
    return fg.tensor([1.0, 2.0, 3.0], requires_grad=True)


def test_row_11_grad_of_a_non_leaf_warns(w: fg.Tensor) -> None:
    y = w * 2
    y.sum().backward()
    with pytest.warns(UserWarning, match=r"retain_grad\(\)"):
        assert y.grad is None


def test_row_11_retain_grad_keeps_it(w: fg.Tensor) -> None:
    y = w * 2
    y.retain_grad()
    y.sum().backward()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(y.grad.numpy(), 1)


def test_row_12_retain_grad_needs_requires_grad() -> None:
    with pytest.raises(RuntimeError, match="retain_grad"):
        fg.ones(3).retain_grad()


def test_row_13_integers_cannot_require_grad() -> None:
    with pytest.raises(RuntimeError, match="floating point"):
        fg.tensor([1, 2], requires_grad=True)
    with pytest.raises(RuntimeError, match="floating point"):
        fg.ones(3, dtype=bool).requires_grad_()


def test_row_14_the_flag_of_a_non_leaf_stays(w: fg.Tensor) -> None:
    with pytest.raises(RuntimeError, match=r"leaf.*detach\(\)"):
        (w * 2).requires_grad_(False)


def test_row_15_is_leaf(w: fg.Tensor) -> None:
    made = (w, w * 2, fg.ones(3), (w * 2).detach())
    assert [x.is_leaf for x in made] == [True, False, True, True]


def test_row_16_repr_shows_requires_grad() -> None:
    assert repr(fg.ones(3).requires_grad_()) == "tensor([1., 1., 1.], requires_grad=True)"


def test_row_17_grad_takes_a_tensor_of_the_same_kind(w: fg.Tensor) -> None:
    with pytest.raises(RuntimeError, match=r"\[4\].*\[3\]"):
        w.grad = fg.ones(4)
    with pytest.raises(TypeError, match="Tensor or None"):
        w.grad = 1.0  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match=r"float64.*float32"):
        w.grad = fg.ones(3, dtype=np.float64)
    w.grad = given = fg.ones(3)
    assert w.grad is given


def test_row_18_an_unused_leaf_has_no_gradient(w: fg.Tensor) -> None:
    unused = fg.ones(3, requires_grad=True)
    w.sum().backward()
    assert unused.grad is None


def test_row_19_numpy_of_what_requires_grad(w: fg.Tensor) -> None:
    with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
        w.numpy()
    with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
        np.asarray(w)
    assert w.detach().numpy() is w.detach().numpy()


def test_row_20_several_elements_are_no_number() -> None:
    x = fg.ones(3)
    with pytest.raises(ValueError, match="one element"):
        float(x)
    with pytest.raises(RuntimeError, match="ambiguous"):
        bool(x)
    with pytest.raises(RuntimeError, match="3 elements"):
        x.item()
    assert (float(x[0]), int(x[1]), bool(x[2])) == (1.0, 1, True)


def test_row_21_deepcopy_is_for_leaves(w: fg.Tensor) -> None:
    with pytest.raises(RuntimeError, match="leaves"):
        copy.deepcopy(w * 2)
    w.sum().backward()
    again = copy.deepcopy(w)
    assert again.requires_grad
    assert again.grad is not w.grad
    again.detach().zero_()
    assert w.tolist() == [1.0, 2.0, 3.0]


def test_a_leaf_pickles(w: fg.Tensor) -> None:
    again = pickle.loads(pickle.dumps(w))
    assert (again.tolist(), again.requires_grad) == (w.tolist(), True)


def test_row_22_a_leaf_is_not_changed_while_recording(w: fg.Tensor) -> None:
    with pytest.raises(RuntimeError, match=r"leaf.*in-place"):
        w.add_(1)
    with pytest.raises(RuntimeError, match="view of a leaf"):
        w[0].zero_()


def test_row_23_under_no_grad_a_leaf_can_be_changed(w: fg.Tensor) -> None:
    with fg.no_grad():
        w.add_(1)
        w[0].zero_()
        w -= fg.ones(3)
    assert w.tolist() == [-1.0, 2.0, 3.0]
    assert w.is_leaf
    assert w.requires_grad
    assert w._version == 3


def test_row_24_a_changed_result_is_noticed() -> None:
    a = fg.ones(3, requires_grad=True)
    b = a.exp()
    b.add_(1)
    with pytest.raises(RuntimeError, match=r"inplace operation.*ExpBackward0.*\[3\].*version 1"):
        b.sum().backward()


@pytest.mark.parametrize("function", ["sigmoid", "exp", "tanh", "sqrt"])
def test_row_24_in_place_after_a_function_is_noticed(function: str) -> None:
    a = fg.ones(3, requires_grad=True)
    b = getattr(a, function)()
    b.mul_(2)
    with pytest.raises(RuntimeError, match="inplace operation"):
        b.sum().backward()


def test_row_24_a_changed_operand_is_noticed() -> None:
    a, c = fg.ones(3, requires_grad=True), fg.ones(3)
    y = (a * c).sum()
    c.add_(1)
    with pytest.raises(RuntimeError, match="expected version 0"):
        y.backward()


def test_row_24_what_is_not_saved_can_change() -> None:
    a = fg.ones(3, requires_grad=True)
    b = a + 1
    b.mul_(3)
    b.sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), 3)


def test_row_26_detach_shares_the_version_counter() -> None:
    a = fg.ones(3, requires_grad=True)
    e = a.exp()
    e.detach().zero_()
    with pytest.raises(RuntimeError, match="inplace operation"):
        e.sum().backward()
