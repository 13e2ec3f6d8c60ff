"""Random numbers drawn while a function is traced: they would be the same at every later call.

Generators that the function can reach are looked at before and after the trace, and one that has
moved on is told of.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...ir import Location

_OURS = __name__.removesuffix("compiled.randomness") + "eager.operators.generator"


class RandomWarning(UserWarning):
    """Random numbers became constants of a compiled function."""


class Generators:
    """The generators among `objects`, and those of NumPy, Python and fusegrad that all code shares,
    with their states of now.
    """

    def __init__(self, objects: Iterable[Any]) -> None:
        readers: list[tuple[str, Callable[[], Any]]] = [
            ("np.random", lambda: _used("numpy.random", lambda m: m.get_state(), 623)),
            ("random", lambda: _used("random", lambda m: m.getstate(), 624)),
            ("fusegrad's generator", lambda: _used(_OURS, lambda m: m.draws(), 0)),
        ]
        readers += [(type(x).__name__, reader) for x in objects if (reader := _reader(x))]
        self._states = [(name, reader, _frozen(reader())) for name, reader in readers]

    def moved(self) -> list[str]:
        """The names of those that have been drawn from since."""
        return [name for name, reader, state in self._states if _frozen(reader()) != state]


def _used(module: str, read: Callable[[Any], Any], fresh: int) -> Any:
    """The state of a module's generator; None while that is not loaded, or is as it was then.

    `fresh` is where a generator stands from which nobody has drawn: the place in its state.
    """
    loaded = sys.modules.get(module)
    if loaded is None:
        return None
    place = state = read(loaded)
    if isinstance(state, tuple):  # NumPy's name, keys, place …, or Python's version, numbers …
        place = state[2] if isinstance(state[0], str) else state[1][-1]
    return None if place == fresh and module not in _seen else _remember(module, state)


_seen: set[str] = set()  # modules whose generators have been drawn from


def _remember(module: str, state: Any) -> Any:
    _seen.add(module)
    return state


def _reader(x: Any) -> Callable[[], Any] | None:
    """What reads the state of a generator; None for any other object."""
    numbers, python = sys.modules.get("numpy.random"), sys.modules.get("random")
    if numbers is not None and isinstance(x, numbers.Generator):
        return lambda: x.bit_generator.state
    if numbers is not None and isinstance(x, numbers.RandomState):
        return x.get_state  # type: ignore[no-any-return]
    if python is None or isinstance(x, python.SystemRandom):
        return None
    return x.getstate if isinstance(x, python.Random) else None


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
