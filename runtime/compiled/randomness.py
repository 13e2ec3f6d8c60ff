"""Random numbers drawn while a function is traced: they would be the same at every later call.

Generators that the function can reach are looked at before and after the trace, and one that has
moved on is told of.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...ir import Location
from ..eager.generator import drawn


class RandomWarning(UserWarning):
    """Random numbers became constants of a compiled function."""


class Generators:
    """The generators among `objects`, and those of NumPy, Python and fusegrad that all code shares,
    with their states of now.
    """

    def __init__(self, objects: Iterable[Any]) -> None:
        readers: list[tuple[str, Callable[[], Any]]] = [
            ("np.random", np.random.get_state),
            ("random", random.getstate),
            ("fusegrad's generator", lambda: drawn(lambda g: g.bit_generator.state)),
        ]
        readers += [(type(x).__name__, reader) for x in objects if (reader := _reader(x))]
        self._states = [(name, reader, _frozen(reader())) for name, reader in readers]

    def moved(self) -> list[str]:
        """The names of those that have been drawn from since."""
        return [name for name, reader, state in self._states if _frozen(reader()) != state]


def _reader(x: Any) -> Callable[[], Any] | None:
    """What reads the state of a generator; None for any other object."""
    if isinstance(x, np.random.Generator):
        return lambda: x.bit_generator.state
    if isinstance(x, np.random.RandomState):
        return x.get_state
    if isinstance(x, random.Random) and not isinstance(x, random.SystemRandom):
        return x.getstate
    return None


def _frozen(state: Any) -> Any:
    """A copy of a generator's state that `==` compares."""
    if isinstance(state, np.ndarray):
        return state.tobytes()
    if isinstance(state, dict):
        return {name: _frozen(value) for name, value in state.items()}
    if isinstance(state, tuple | list):
        return tuple(map(_frozen, state)) if len(state) < 100 else tuple(state)
    return state


def warn_frozen(name: str, moved: list[str], at: Location | None) -> None:
    """Tell that `name` has drawn numbers while it was traced."""
    text = (
        f"{name} drew random numbers from {', '.join(dict.fromkeys(moved))} while it was traced: "
        "its later calls use the same numbers; try: draw them before the call, and pass them as "
        "an argument"
    )
    if at is None:
        warnings.warn(text, RandomWarning, stacklevel=2)
    else:
        warnings.warn_explicit(text, RandomWarning, at.file, at.line)
