"""`saved_tensors_hooks`: the user's functions decide how nodes keep what they save."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .watch import current_watch, set_watch

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["disable_saved_tensors_hooks", "saved_tensors_hooks"]

_refusals: list[str] = []


class saved_tensors_hooks:  # noqa: N801
    """Within it, `pack_hook` is called with each tensor that is saved for backward.

    What it returns is kept instead; backward calls `unpack_hook` with that to get the tensor. Where
    several are nested, the innermost acts.

    >>> from ..operators.creation import ones
    >>> sizes = []
    >>> def pack(x):
    ...     sizes.append(x.numel())
    ...     return x
    >>> with saved_tensors_hooks(pack, lambda x: x):
    ...     y = ones(3, requires_grad=True).exp()
    >>> sizes
    [3]
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if _refusals:
            raise RuntimeError(_refusals[-1])
        watch = current_watch()
        set_watch(watch.with_packers((*watch.packers, (self.pack_hook, self.unpack_hook))))

    def __exit__(self, *_: object) -> None:
        watch = current_watch()
        set_watch(watch.with_packers(watch.packers[:-1]))


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Within it, entering `saved_tensors_hooks` raises RuntimeError(error_message)."""
    if current_watch().packers:
        raise RuntimeError(error_message)
    _refusals.append(error_message)
    try:
        yield
    finally:
        _refusals.pop()
