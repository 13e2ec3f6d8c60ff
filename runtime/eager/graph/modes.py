"""Whether operations record nodes: a switch of each thread.

>>> with no_grad():
...     is_grad_enabled()
False
>>> is_grad_enabled()
True
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["STATE", "enable_grad", "is_grad_enabled", "no_grad", "recording", "set_grad_enabled"]


class _State(threading.local):
    """What each thread has of its own; a new thread starts with these values."""

    # False, True, or (as true) the `watch`, which is shown every node that is recorded.
    enabled: Any = True
    watch: Any = None
    inference: bool = False
    switched_on: int = 0  # how often: see `recording`
    running: Any = None  # the backward pass that this thread is in


STATE = _State()


def is_grad_enabled() -> bool:
    """Whether operations of this thread record nodes."""
    return bool(STATE.enabled)


def recording(mode: bool) -> Any:
    """What `STATE.enabled` has to be, to record nodes or not; inference mode records none."""
    if not mode:
        return False
    STATE.switched_on += 1
    return False if STATE.inference else STATE.watch or True


def stepwise(
    function: Callable[..., Any], context: Callable[[], AbstractContextManager[Any]]
) -> Callable[..., Any]:
    """A generator function whose body runs in a `context` of its own, and its caller does not."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        advance: Callable[[], Any] = functools.partial(next, generator)
        while True:
            try:
                with context():
                    value = advance()
            except StopIteration as end:
                return end.value
            try:
                sent = yield value
            except GeneratorExit:
                with context():
                    generator.close()
                raise
            except BaseException as error:  # noqa: BLE001  (the generator decides)
                advance = functools.partial(generator.throw, error)
            else:
                advance = functools.partial(generator.send, sent)

    return wrapped


def _switched(mode: bool) -> _GradMode:
    context = _GradMode()
    context._before = []
    context.mode = mode
    return context


class _GradMode:
    """A context manager that sets the mode, and puts back what was there; also a decorator."""

    mode: bool
    _before: list[Any]

    def __enter__(self) -> None:
        self._before.append(STATE.enabled)
        STATE.enabled = recording(self.mode)

    def __exit__(self, *_: object) -> None:
        STATE.enabled = self._before.pop()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        mode = self.mode
        if inspect.isgeneratorfunction(function):
            return stepwise(function, lambda: _switched(mode))

        @functools.wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            before = STATE.enabled
            STATE.enabled = recording(mode)
            try:
                return function(*args, **kwargs)
            finally:
                STATE.enabled = before

        return wrapped


class _FixedMode(_GradMode):
    """`with no_grad():`, `@no_grad()` and `@no_grad`."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        self = object.__new__(cls)
        self._before = []
        return self if function is None else self(function)


class no_grad(_FixedMode):  # noqa: N801
    """Operations record nothing: their results do not require grad."""

    mode = False


class enable_grad(_FixedMode):  # noqa: N801
    """Operations record nodes again, inside `no_grad`."""

    mode = True


class set_grad_enabled(_GradMode):  # noqa: N801
    """Set the mode at once; used with `with` or as a decorator, for that time only."""

    def __init__(self, mode: bool) -> None:
        self._before = []
        self.mode = bool(mode)
        self._outer = STATE.enabled
        STATE.enabled = recording(self.mode)

    def __enter__(self) -> None:
        self._before.append(self._outer)
        STATE.enabled = recording(self.mode)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        STATE.enabled = self._outer
        return super().__call__(function)
