"""What is asked of a value and a gradient, whoever computed them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from .oracle import direction, inner, slope
from .registry import Entry

SEEDS = (0, 1, 2)
DIRECTIONS = 2
# The differences must be good to this, relative to the terms of the derivative, to prove anything.
SHARP = 1e-5


def plain(entry: Entry, seed: int, wrt: tuple[Any, ...] | None = None) -> float:
    """The function's value in plain NumPy, with other arguments in the place of `wrt`'s."""
    arguments = list(entry.arguments(seed))
    if wrt is not None:
        for position, replacement in zip(entry.wrt(), wrt, strict=True):
            arguments[position] = replacement
    return float(entry.function(*arguments, **entry.keywords))


def complaints(entry: Entry, seed: int, value: Any, gradients: tuple[Any, ...]) -> list[str]:
    """What is wrong with a value and the gradients with respect to `entry.wrt()`."""
    found = []
    exact = plain(entry, seed)
    if not np.isclose(float(value), exact, rtol=1e-9, atol=1e-12):
        found.append(f"value {float(value)!r}, NumPy's is {exact!r}")
    arguments = entry.arguments(seed)
    at = tuple(arguments[position] for position in entry.wrt())
    for turn in range(DIRECTIONS):
        along = direction(np.random.default_rng([seed, turn]), at)
        estimate, error = slope(lambda wrt: plain(entry, seed, wrt), at, along)
        ours, size = inner(gradients, along)
        if not error <= SHARP * size + 1e-9:
            found.append(f"the differences are blunt: {estimate} ± {error}")
        elif not abs(ours - estimate) <= 10 * error + 1e-9 * size + 1e-12:
            found.append(f"derivative {ours!r}, differences say {estimate!r} ± {error:.1e}")
    return found


def fresh(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments for another call: functions may change them."""
    return copy.deepcopy(arguments)
