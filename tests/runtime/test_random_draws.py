"""Random numbers that a function draws while it is traced are told of: later calls use the same."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.runtime.compiled.randomness import RandomWarning

OLD = np.random.RandomState(5)
GENERATOR = np.random.default_rng(0)


@dataclass
class Noise:
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    def __call__(self, x: Any) -> Any:
        return x + self.generator.normal()


def from_a_closure() -> Callable[[Any], Any]:
    generator = np.random.default_rng(2)
    return lambda x: x * generator.random()


def from_a_list() -> Callable[[Any], Any]:
    generators = [np.random.Generator(np.random.MT19937(3))]
    return lambda x: x * generators[0].random()


def from_python() -> Callable[[Any], Any]:
    generator = random.Random(4)
    return lambda x: x * generator.random()


DRAWS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: x * np.random.rand(), "np.random"),  # noqa: NPY002
    (lambda x: x + np.random.normal(size=3), "np.random"),  # noqa: NPY002
    (lambda x: x * random.random(), "random"),
    (lambda x: x * GENERATOR.random(), "Generator"),
    (Noise(), "Generator"),
    (from_a_closure(), "Generator"),
    (from_a_list(), "Generator"),
    (from_python(), "Random"),
    (lambda x, state=OLD: x * state.rand(), "RandomState"),
    (lambda x: x * fg.rand(3, dtype=fg.float64).numpy(), "fusegrad"),
]


@pytest.mark.parametrize(("function", "name"), DRAWS)
def test_a_draw_is_told_of(function: Callable[[Any], Any], name: str) -> None:
    f = fg.compile(function)
    with pytest.warns(RandomWarning, match=name) as caught:
        f(np.ones(3))
    assert "pass them as an argument" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_a_function_that_draws_nothing_is_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fg.compile(lambda x: x * 2 if GENERATOR is not None else x)(np.ones(3))
