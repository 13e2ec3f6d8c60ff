"""The generator of random numbers that `manual_seed` sets, shared by all threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["drawn", "manual_seed", "restore", "state"]

_LOCK = threading.Lock()
_GENERATOR = [np.random.default_rng()]
_DRAWS = [0]


def manual_seed(seed: int) -> np.random.Generator:
    """Start the random numbers over, from `seed`; the same seed gives the same numbers."""
    with _LOCK:
        _GENERATOR[0] = np.random.default_rng(seed)
        return _GENERATOR[0]


def drawn(draw: Callable[[np.random.Generator], Any]) -> Any:
    """What `draw` makes of the generator, which no other thread uses meanwhile."""
    with _LOCK:
        _DRAWS[0] += 1
        return draw(_GENERATOR[0])


def state() -> Any:
    """Where the generator stands: what `restore` takes."""
    with _LOCK:
        return _GENERATOR[0].bit_generator.state


def restore(state: Any) -> None:
    """Let the generator go on from where it stood."""
    with _LOCK:
        _GENERATOR[0].bit_generator.state = state


def draws() -> int:
    """How often numbers have been drawn."""
    return _DRAWS[0]
