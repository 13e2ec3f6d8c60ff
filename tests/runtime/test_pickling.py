"""Compiled functions pickle as plain ones do: by name, or as what they were made of."""

from __future__ import annotations

import functools
import pickle
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

X = np.array([0.5, 1.0, 2.0])


@fg.value_and_grad
def decorated(x: Any) -> Any:
    return np.sum(x**3)


def plain(x: Any, power: Any = 3) -> Any:
    return np.sum(x**power)


class Model:
    def __init__(self, scale: float) -> None:
        self.scale = scale

    @fg.grad
    def slope(self, x: Any) -> Any:
        return np.sum(x**3) * self.scale

    def loss(self, x: Any) -> Any:
        return np.sum(x**3) * self.scale

    @staticmethod
    @fg.compile
    def double(x: Any) -> Any:
        return 2 * x


def again(x: Any) -> Any:
    return pickle.loads(pickle.dumps(x))


def test_a_decorated_function_is_found_by_its_name() -> None:
    decorated(X)
    assert again(decorated) is decorated
    assert again(Model.double) is Model.double


@pytest.mark.parametrize(
    "function",
    [
        fg.compile(plain),
        fg.grad(plain),
        fg.grad(functools.partial(plain, power=2.0)),
        fg.grad(fg.compile(plain)),
        fg.grad(Model(2.0).loss),
        Model(2.0).slope,
    ],
)
def test_others_are_made_again(function: Any) -> None:
    expected = function(X)
    made = again(function)
    assert made is not function
    for _ in range(2):
        for a, b in zip(np.atleast_1d(made(X)), np.atleast_1d(expected), strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_pickle_does_not_find_is_named() -> None:
    def inner(x: Any) -> Any:
        return x

    with pytest.raises((AttributeError, pickle.PicklingError), match=r"inner"):
        pickle.dumps(fg.compile(inner))
    with pytest.raises((AttributeError, pickle.PicklingError), match=r"<lambda>"):
        pickle.dumps(fg.compile(lambda x: x))
