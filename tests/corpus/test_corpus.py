"""Each function of the corpus, three inputs each: compiled, eager, NumPy and differences agree.

What is not taken yet stands in `NOT_YET`, with words of the error: one of ours that names the
user's line, never a wrong number. An entry leaves the list as soon as it works.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import fusegrad as fg

from . import ENTRIES
from .check import SEEDS, complaints
from .oracle import combined, leaves
from .registry import Entry

NOT_YET = {
    "convolution_by_windows": "sliding_window_view is not supported",
}
NOT_YET_EAGER = dict(NOT_YET)


def _function(entry: Entry) -> Any:
    return fg.value_and_grad(entry.function, argnums=entry.argnums)


def _call(entry: Entry, function: Any, seed: int) -> tuple[Any, tuple[Any, ...]]:
    """The value, and the gradients as a tuple in the order of `entry.wrt()`."""
    value, gradient = function(*entry.arguments(seed), **entry.keywords)
    return value, gradient if isinstance(entry.argnums, tuple) else (gradient,)


@functools.cache
def _compiled(name: str) -> list[tuple[Any, tuple[Any, ...]]]:
    """What one compiled function gives for the inputs in turn, and for the first one once more."""
    entry = ENTRIES[name]
    function = _function(entry)
    return [_call(entry, function, seed) for seed in (*SEEDS, SEEDS[0])]


def _same(x: Any, y: Any) -> bool:
    def close(a: Any, b: Any) -> bool:
        return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-8, atol=1e-11)

    return all(leaves(combined(close, x, y)))


@pytest.mark.parametrize("name", [name for name in ENTRIES if name not in NOT_YET])
def test_the_compiled_gradient_is_right(name: str) -> None:
    *results, again = _compiled(name)
    for seed, (value, gradients) in zip(SEEDS, results, strict=True):
        assert complaints(ENTRIES[name], seed, value, gradients) == []
    assert _same(again, results[0]), "the first input differs later"


@pytest.mark.parametrize("name", [name for name in ENTRIES if name not in NOT_YET_EAGER])
def test_the_eager_gradient_is_right(name: str) -> None:
    """Held against the compiled one, or against differences where nothing is compiled yet."""
    entry = ENTRIES[name]
    for index, seed in enumerate(SEEDS):
        result = _call(entry, _function(entry).eager, seed)
        if name in NOT_YET:
            assert complaints(entry, seed, *result) == []
        else:
            assert _same(result, _compiled(name)[index]), "compiled differs"


def _refusal(entry: Entry, function: Any) -> fg.FusegradError:
    with pytest.raises(fg.FusegradError) as caught:
        [_call(entry, function, seed) for seed in SEEDS]
    return caught.value


@pytest.mark.parametrize("name", NOT_YET)
def test_what_is_not_compiled_is_refused_with_a_line(name: str) -> None:
    error = _refusal(ENTRIES[name], _function(ENTRIES[name]))
    assert NOT_YET[name] in error.what
    assert error.at is not None


@pytest.mark.parametrize("name", NOT_YET_EAGER)
def test_what_eager_mode_does_not_take_is_refused_clearly(name: str) -> None:
    error = _refusal(ENTRIES[name], _function(ENTRIES[name]).eager)
    assert NOT_YET_EAGER[name] in error.what
    assert error.at is not None


def test_there_are_two_hundred() -> None:
    assert len(ENTRIES) >= 200
    assert len({entry.function for entry in ENTRIES.values()}) == len(ENTRIES)
    assert set(NOT_YET) | set(NOT_YET_EAGER) <= set(ENTRIES)


def test_inputs_differ() -> None:
    """Three seeds give three inputs, and the same seed the same input."""
    for entry in ENTRIES.values():
        inputs = [[np.asarray(x) for x in leaves(entry.arguments(seed))] for seed in (*SEEDS, 0)]
        same = [all(map(np.array_equal, inputs[0], other)) for other in inputs[1:]]
        assert same == [False, False, True], entry.name


def test_a_wrong_gradient_is_caught() -> None:
    entry = ENTRIES["levy"]
    value, gradient = fg.value_and_grad(entry.function)(*entry.arguments(0))
    assert complaints(entry, 0, value, (gradient,)) == []
    assert complaints(entry, 0, value * 1.001, (gradient,)) != []
    assert complaints(entry, 0, value, (gradient * 1.001,)) != []
