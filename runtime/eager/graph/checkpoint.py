"""Checkpoints in eager mode: what the nodes of a function save is dropped, and made again by a
second run of the function when backward asks for the first of it.

The nodes are those of the first run, so that hooks, higher derivatives and several backward passes
are as they are without. It is done with saved-tensor hooks, as in PyTorch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..core import shared_counter
from ..operators.generator import restore, state
from .modes import STATE, enable_grad
from .node import NEXT_SEQUENCE, modified
from .packing import Packed, pack_tensor
from .saved import saved_tensors_hooks
from .watch import current_watch

__all__ = ["run_checkpointed"]


class CheckpointError(RuntimeError):
    """A checkpointed function did something else when it was run again."""


class _Enough(BaseException):
    """Everything that was saved has been made again: the rest of the function need not run."""


def run_checkpointed(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    preserve: bool = True,
    check: bool = True,
) -> Any:
    """`function(*args, **kwargs)`, of which backward keeps only the arguments.

    Raises, in backward, RuntimeError where one of them was changed in place, and CheckpointError
    where the second run saves something else (with `check`). With `preserve` it draws the same
    random numbers.
    """
    frame = _Frame(function, args, kwargs, preserve, check)
    pack: Any = frame.pack
    with saved_tensors_hooks(pack, frame.unpack):
        result = function(*args, **kwargs)
    frame.settle()
    return result


class _Frame:
    """One run of a checkpointed function.

    `saved` has the type of each tensor that its nodes saved, in order, its version counter, the
    version, and when it was made; `values`, by these numbers, what was made again and not yet asked
    for. What was changed in place after it was saved is not made again as it was: an error, unless
    it was made inside, and changed after the run.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        preserve: bool,
        check: bool,
    ) -> None:
        self._function, self._check = function, check
        self._args = tuple([_kept(x) for x in args])
        self._kwargs = {name: _kept(x) for name, x in kwargs.items()}
        self._states = _random_states() if preserve else []
        self._begun = NEXT_SEQUENCE()
        self._saved: list[tuple[Any, list[int], int, float]] = []
        self._values: dict[int, Any] = {}

    def pack(self, x: Any, made: float) -> int:
        counter = shared_counter(x)
        self._saved.append(((x.dtype, x.shape), counter, counter[0], made))
        return len(self._saved) - 1

    pack.wholly = True  # type: ignore[attr-defined]  # nodes keep nothing beside it

    def follow(self, number: int, heir: Any) -> None:
        """An operation in place has given its result to `heir`."""
        counter = shared_counter(heir)
        kind, _, _, made = self._saved[number]
        self._saved[number] = (kind, counter, counter[0], made)

    def settle(self) -> None:
        """The run is over: what was made inside, and is as it was saved, may change from now on."""
        for i, (kind, counter, version, made) in enumerate(self._saved):
            if made > self._begun and counter[0] == version:
                self._saved[i] = (kind, [version], version, made)

    def unpack(self, number: int) -> Any:
        (_, shape), counter, version, _ = self._saved[number]
        if counter[0] != version:
            raise modified("a checkpoint", "a saved tensor", shape, counter[0], version)
        if number not in self._values:
            self._values = self._run_again()
        return self._values.pop(number)

    def _run_again(self) -> dict[int, Any]:
        args = [_given(x) for x in self._args]
        kwargs = {name: _given(x) for name, x in self._kwargs.items()}
        made: list[Any] = []

        def pack(x: Any, _: float) -> int:
            if self._check:
                self._compare(len(made), (x.dtype, x.shape))
            made.append(x)
            if len(made) >= len(self._saved):
                raise _Enough
            return len(made) - 1

        pack.wholly = True  # type: ignore[attr-defined]
        hook: Any = pack
        before = _random_states() if self._states else []
        _restore(self._states)
        try:
            with enable_grad(), saved_tensors_hooks(hook, made.__getitem__):
                self._function(*args, **kwargs)
        except _Enough:
            pass
        finally:
            _restore(before)
        if len(made) < len(self._saved):
            raise CheckpointError(
                "checkpoint: a different number of tensors was saved during the original forward "
                f"and recomputation: {len(self._saved)} and {len(made)}; try: a function that "
                "does the same each time"
            )
        return dict(enumerate(made))

    def _compare(self, number: int, found: tuple[Any, Any]) -> None:
        expected = self._saved[number][0]
        if found != expected:
            raise CheckpointError(
                "checkpoint: recomputed values for a tensor have different metadata than during "
                f"the forward pass: tensor {number} is {found[0]} of shape {list(found[1])}, it "
                f"was {expected[0]} of shape {list(expected[1])}; try: a function that does the "
                "same each time"
            )


class _Argument:
    """A tensor that a function was called with, and how often that had been changed in place."""

    __slots__ = ("tensor", "version")

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor
        self.version = shared_counter(tensor)[0]


def _kept(x: Any) -> Any:
    """An argument until backward: by way of the hooks of a checkpoint around this one, if any."""
    if not hasattr(x, "__fusegrad_tensor__"):
        return x
    packers = current_watch().packers
    return pack_tensor(x, packers[-1]) if packers and STATE.enabled else _Argument(x)


def _given(x: Any) -> Any:
    if x.__class__ is Packed:
        return x.get()
    if x.__class__ is not _Argument:
        return x
    found = shared_counter(x.tensor)[0]
    if found != x.version:
        raise modified("a checkpoint", "an argument", x.tensor.shape, found, x.version)
    return x.tensor


# --- random numbers ---


def _random_states() -> list[tuple[Callable[[Any], Any], Any]]:
    """What sets the generators that all code shares to where they are now."""
    found: list[tuple[Callable[[Any], Any], Any]] = [(restore, state())]
    numbers, python = sys.modules.get("numpy.random"), sys.modules.get("random")
    if numbers is not None:
        found.append((numbers.set_state, numbers.get_state()))
    if python is not None:
        found.append((python.setstate, python.getstate()))
    return found


def _restore(states: list[tuple[Callable[[Any], Any], Any]]) -> None:
    for setter, value in states:
        setter(value)
