"""`fg.checkpoint`: a function of whose inside nothing is kept for backward; it is computed again.

In a function that is traced, what it records becomes one operation, of which the adjoint keeps the
operands. On Tensors it runs as it is, and `eager.checkpoint` sees to what its nodes save.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from ...tracer.surroundings.conversions import MODE
from ...tracer.trace import current_trace, is_tracing

__all__ = ["checkpoint"]


class Checkpointed:
    """A function that computes its inside again in backward; `checkpoint` makes it."""

    __name__: str

    def __init__(self, function: Callable[..., Any], preserve: bool, check: bool) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._preserve, self._check = preserve, check

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if is_tracing():
            call = functools.partial(self._function, *args, **kwargs)
            return current_trace().checkpointed(call)
        from ..eager.graph.checkpoint import run_checkpointed
        from ..eager.graph.modes import STATE

        if not STATE.enabled or MODE.eager:
            return self._function(*args, **kwargs)
        return run_checkpointed(self._function, args, kwargs, self._preserve, self._check)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        return Checkpointed(self._function.__get__(instance, owner), self._preserve, self._check)

    def __copy__(self) -> Checkpointed:
        """A function is its own copy, as a plain one is."""
        return self

    def __deepcopy__(self, memo: Any) -> Checkpointed:
        return self

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickled by name where it stands under its name in a module, as plain functions are."""
        found: Any = sys.modules.get(self.__module__)
        path = str(getattr(self, "__qualname__", ""))
        for name in path.split("."):
            found = getattr(found, name, None)
        return path if found is self else (Checkpointed, self._parts())

    def _parts(self) -> tuple[Any, ...]:
        return self._function, self._preserve, self._check

    def __fusegrad_rebound__(self, version: Callable[[Any], Any]) -> Checkpointed:
        """The same of the traced version of the function."""
        return Checkpointed(version(self._function), self._preserve, self._check)

    def __repr__(self) -> str:
        return f"<fusegrad.checkpoint of {getattr(self, '__qualname__', self._function)!s}>"


def checkpoint(
    function: Callable[..., Any] | None = None,
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    determinism_check: str = "default",
    **kwargs: Any,
) -> Any:
    """`function`, of whose inside nothing is kept for backward: it is computed again there.

    `checkpoint(f)` is a function, so that it serves as a decorator; `checkpoint(f, *args)` calls it
    at once, as `torch.utils.checkpoint.checkpoint` does. What it computes is the same, and so are
    the gradients; backward takes longer and needs less memory. Only the arguments are kept.

    On Tensors `f` runs a second time, with the random numbers of the first: those of `manual_seed`,
    `np.random` and `random`, unless `preserve_rng_state=False`. It has to compute the same then: if
    what it saves has another number, shape or dtype, a RuntimeError says so, unless
    `determinism_check="none"`. `use_reentrant=True`, PyTorch's older way, is refused.

    >>> import numpy as np, fusegrad as fg
    >>> block = fg.checkpoint(lambda x: np.sin(np.exp(x)))
    >>> fg.grad(lambda x: np.sum(block(x)))(np.zeros(2))
    array([0.54030231, 0.54030231])
    """
    if use_reentrant:
        raise ValueError(
            "checkpoint(use_reentrant=True) is not offered: it loses hooks and gradients of what "
            "the function reaches from outside; try: use_reentrant=False"
        )
    if determinism_check not in ("default", "none"):
        raise ValueError(f'determinism_check is "default" or "none", not {determinism_check!r}')
    check = determinism_check == "default"
    if function is None:
        return lambda f: Checkpointed(f, preserve_rng_state, check)
    if not callable(function):
        raise TypeError(f"checkpoint takes a function, got {type(function).__name__}")
    made = Checkpointed(function, preserve_rng_state, check)
    return made(*args, **kwargs) if args or kwargs else made
