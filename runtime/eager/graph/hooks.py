"""Hooks: functions that the engine calls on its way through a node."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .modes import STATE

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["ANY", "HookTable", "NodeHooks", "RemovableHandle", "call_tensor_hooks"]

HookTable = dict[int, Callable[..., Any]]
_keys = itertools.count()


class _Any:
    """Whether any hook was ever registered: as long as none was, nobody needs to look for them."""

    registered = False


ANY = _Any()


class RemovableHandle:
    """What registering a hook returns: `remove()` takes it out again; also a context manager."""

    __slots__ = ("_key", "_table")

    def __init__(self, table: HookTable, hook: Callable[..., Any]) -> None:
        ANY.registered = True
        self._table = table
        self._key = next(_keys)
        table[self._key] = hook

    def remove(self) -> None:
        self._table.pop(self._key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class NodeHooks:
    """The hooks of one node, by the order in which the engine calls them."""

    __slots__ = ("post", "pre", "retained", "tensor")

    def __init__(self) -> None:
        ANY.registered = True
        self.tensor: dict[int, HookTable] = {}  # by number of the output
        self.retained: dict[int, weakref.ref[Tensor]] = {}  # outputs whose grad is kept
        self.pre: HookTable = {}  # hook(grad_outputs)
        self.post: HookTable = {}  # hook(grad_inputs, grad_outputs)


def call_tensor_hooks(table: HookTable, gradient: Tensor) -> Tensor:
    """Pass `gradient` through tensor hooks, each of which may return another of the same shape."""
    for hook in list(table.values()):
        result = hook(gradient)
        if result is not None:
            gradient = checked_result(result, gradient)
    return gradient


def checked_result(result: Any, gradient: Tensor) -> Tensor:
    """What a hook returned in place of `gradient`, if it can stand there."""
    if not hasattr(result, "__fusegrad_tensor__"):
        raise TypeError(f"a hook must return a Tensor or None, not {type(result).__name__}")
    new: Tensor = result
    if new.shape != gradient.shape:
        raise RuntimeError(
            f"a hook has changed the size of the gradient: it got shape {list(gradient.shape)} "
            f"and returned {list(new.shape)}"
        )
    if new.dtype != gradient.dtype:
        raise RuntimeError(
            f"a hook has changed the type of the gradient: it got {gradient.dtype} "
            f"and returned {new.dtype}"
        )
    return new if STATE.enabled else new.detach()
