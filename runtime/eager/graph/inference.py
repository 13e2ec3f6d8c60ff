"""Inference mode: nothing is recorded, and what is made there stays out of graphs for good.

>>> from ..operators.creation import ones
>>> with inference_mode():
...     x = ones(2)
>>> x.is_inference()
True
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from ..core import count_inference
from .modes import STATE, recording, stepwise

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["inference_mode", "is_inference_mode_enabled"]

_LOCK = threading.Lock()


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in inference mode."""
    return STATE.inference


class inference_mode:  # noqa: N801
    """`with inference_mode():`, `@inference_mode()` and `@inference_mode`; `mode=False` ends it."""

    def __new__(cls, mode: Any = True) -> Any:
        if not callable(mode):
            return super().__new__(cls)
        self = super().__new__(cls)
        self.__init__()  # type: ignore[misc]
        return self(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode
        self._before: list[tuple[Any, bool]] = []

    def __enter__(self) -> None:
        self._before.append((STATE.enabled, STATE.inference))
        _switch(False, self.mode)
        STATE.enabled = recording(not self.mode)

    def __exit__(self, *_: object) -> None:
        _switch(*self._before.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        mode = self.mode
        if inspect.isgeneratorfunction(function):
            return stepwise(function, lambda: inference_mode(mode))

        @functools.wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            with inference_mode(mode):
                return function(*args, **kwargs)

        return wrapped


def _switch(enabled: Any, inference: bool) -> None:
    with _LOCK:
        count_inference(int(inference) - int(STATE.inference))
    STATE.enabled = enabled
    STATE.inference = inference
