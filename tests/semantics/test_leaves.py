"""Leaves and flags, rows 11 to 21 of the table of eager semantics."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

from .backends import Backend, numbers


@pytest.fixture
def w(lib: Backend) -> Any:
    return lib.tensor([1.0, 2.0, 3.0], requires_grad=True)


def doubled(lib: Backend, x: Any) -> Any:
    return lib.function(lambda x: x * 2)(x)


def test_row_11_grad_of_a_non_leaf_warns(lib: Backend, w: Any) -> None:
    y = doubled(lib, w)
    y.sum().backward()
    with pytest.warns(UserWarning, match=r"retain_grad\(\)"):
        assert y.grad is None


def test_row_11_retain_grad_keeps_it(lib: Backend, w: Any) -> None:
    y = doubled(lib, w)
    y.retain_grad()
    y.sum().backward()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert numbers(y.grad) == [1.0, 1.0, 1.0]
    assert y.retains_grad


def test_row_12_retain_grad_needs_requires_grad(lib: Backend) -> None:
    with pytest.raises(RuntimeError, match="retain_grad"):
        doubled(lib, lib.ones(3)).retain_grad()


def test_row_13_integers_cannot_require_grad(eager: Backend) -> None:
    with pytest.raises(RuntimeError, match="floating point"):
        eager.tensor([1, 2], requires_grad=True)
    with pytest.raises(RuntimeError, match="floating point"):
        eager.ones(3, dtype=eager.bool).requires_grad_()


def test_row_14_the_flag_of_a_non_leaf_stays(lib: Backend, w: Any) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)leaf.*detach\(\)"):
        doubled(lib, w).requires_grad_(False)


def test_row_15_is_leaf(lib: Backend, w: Any) -> None:
    made = (w, doubled(lib, w), doubled(lib, lib.ones(3)), doubled(lib, w).detach())
    assert [x.is_leaf for x in made] == [True, False, True, True]


def test_row_16_repr_shows_requires_grad(eager: Backend) -> None:
    assert repr(eager.ones(3).requires_grad_()) == "tensor([1., 1., 1.], requires_grad=True)"


def test_row_17_grad_takes_a_tensor_of_the_same_kind(eager: Backend) -> None:
    w = eager.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"\[4\].*\[3\]|size"):
        w.grad = eager.ones(4)
    with pytest.raises(TypeError, match="Tensor"):
        w.grad = 1.0
    with pytest.raises(RuntimeError, match="grad"):
        w.grad = eager.ones(3, dtype=eager.float64)
    w.grad = given = eager.ones(3)
    assert w.grad is given


def test_row_18_an_unused_leaf_has_no_gradient(lib: Backend, w: Any) -> None:
    unused = lib.ones(3, requires_grad=True)
    lib.function(lambda x, y: x.sum())(w, unused).backward()
    assert unused.grad is None


def test_row_18_an_output_that_is_not_used_leads_nowhere(lib: Backend, w: Any) -> None:
    v = lib.ones(3, requires_grad=True)
    first, second = lib.function(lambda x, y: ((x * x).sum(), (y * 3).sum()))(w, v)
    first.backward(retain_graph=True)
    assert numbers(w.grad) == [2.0, 4.0, 6.0]
    assert v.grad is None
    second.backward()
    assert numbers(v.grad) == [3.0, 3.0, 3.0]


def test_row_18_an_output_of_constants_requires_no_grad(lib: Backend, w: Any) -> None:
    first, second, third = lib.function(lambda x, y: (x * 2, y * 2, x > 1))(w, lib.ones(3))
    assert [x.requires_grad for x in (first, second, third)] == [True, False, False]


def test_row_19_numpy_of_what_requires_grad(lib: Backend, w: Any) -> None:
    for x in (w, doubled(lib, w)):
        with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
            x.numpy()
        with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
            np.asarray(x)


def test_row_20_several_elements_are_no_number(eager: Backend) -> None:
    x = eager.ones(3)
    with pytest.raises(
        (ValueError, TypeError, RuntimeError), match=r"one element|3 elements|scalar"
    ):
        float(x)
    with pytest.raises(RuntimeError, match="ambiguous"):
        bool(x)
    with pytest.raises(RuntimeError, match="3 elements"):
        x.item()
    assert (float(x[0]), int(x[1]), bool(x[2])) == (1.0, 1, True)


def test_row_21_deepcopy_is_for_leaves(lib: Backend, w: Any) -> None:
    with pytest.raises(RuntimeError, match="leaves"):
        copy.deepcopy(doubled(lib, w))
    w.sum().backward()
    again = copy.deepcopy(w)
    assert again.requires_grad
    assert again.grad is not w.grad
    again.detach().zero_()
    assert numbers(w) == [1.0, 2.0, 3.0]


def test_copy_shares_elements_and_is_a_leaf(lib: Backend, w: Any) -> None:
    for x in (w, doubled(lib, w)):
        again = copy.copy(x)
        assert (again is not x, again.is_leaf, again.requires_grad) == (True, True, True)
        again.detach()[0] = 7.0
        assert numbers(x)[0] == 7.0


def test_a_leaf_pickles(w: Any) -> None:
    again = pickle.loads(pickle.dumps(w))
    assert (numbers(again), again.requires_grad) == (numbers(w), True)


def test_dlpack_shares_memory(eager: Backend) -> None:
    x = eager.ones(3)
    seen = np.from_dlpack(x)
    x[0] = 5.0
    assert seen.tolist() == [5.0, 1.0, 1.0]
    with pytest.raises(BufferError, match="detach"):
        eager.ones(3, requires_grad=True).__dlpack__()
    given = np.ones(2)
    taken = eager.from_dlpack(given)
    given[1] = 4.0
    assert numbers(taken) == [1.0, 4.0]
