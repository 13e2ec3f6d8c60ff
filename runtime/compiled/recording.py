"""Grad modes in functions that are being traced: what `with no_grad():` switches off there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["recorded", "switched_off"]

_MODES = f"{__package__.removesuffix('compiled')}eager.graph.modes"  # who uses modes has loaded it


def _state() -> Any:
    modes = sys.modules.get(_MODES)
    return None if modes is None else modes.STATE


def switched_off() -> str:
    """The mode in which this thread records no gradients, or ""."""
    state = _state()
    if state is None or state.enabled:
        return ""
    return "inference_mode" if state.inference else "no_grad"


@contextmanager
def recorded() -> Iterator[None]:
    """Gradients are recorded, whatever the mode of the caller: a trace serves calls in all."""
    state = _state()
    before = True if state is None else state.enabled
    if state is not None:
        state.enabled = state.watch or True
    try:
        yield
    finally:
        if state is not None:
            state.enabled = before
