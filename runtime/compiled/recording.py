"""Grad modes in functions that are being traced: what `with no_grad():` switches off there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...tracer.run import Traced

__all__ = ["recorded", "switched_off", "switched_on", "why_recorded"]

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
    before = (True, False) if state is None else (state.enabled, state.inference)
    if state is not None:
        state.enabled, state.inference = state.watch or True, False
    try:
        yield
    finally:
        if state is not None:
            state.enabled, state.inference = before


def switched_on() -> int:
    """How often this thread has switched the recording on."""
    state = _state()
    return 0 if state is None else int(state.switched_on)


def why_recorded(traced: Traced) -> str | None:
    """Why a call in which nothing is recorded has to run eagerly: parts of it are, all the same."""
    state = _state()
    if not traced.records or state is None or state.enabled or state.inference:
        return None
    return "it switches gradients on under no_grad()"
