"""What can be done at each node as it is recorded: note where that was, pack what it saves.

While a thread asks for one of these, `STATE.enabled` is its `Watch` and no longer True.
"""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Callable
from typing import Any

from .modes import STATE
from .node import Node

__all__ = ["Hooks", "Watch", "current_watch", "set_watch", "trace_of"]

Hooks = tuple[Callable[[Any], Any], Callable[[Any], Any]]  # pack, unpack

_TRACES: weakref.WeakKeyDictionary[Node, str] = weakref.WeakKeyDictionary()


class Watch:
    """What a thread asks for; never changed, but replaced by another.

    `packers` are the nested pairs of saved-tensor hooks: the innermost one acts.
    """

    __slots__ = ("anomaly", "check_nan", "packers")

    def __init__(
        self, anomaly: bool = False, check_nan: bool = False, packers: tuple[Hooks, ...] = ()
    ) -> None:
        self.anomaly = anomaly
        self.check_nan = check_nan
        self.packers = packers

    def see(self, node: Node) -> None:
        """Called with each node, when all that it saves is there."""
        if self.anomaly:
            _TRACES[node] = "".join(traceback.format_stack()[:-2])
        if self.packers:
            before = STATE.enabled
            STATE.enabled = False
            try:
                node.pack(*self.packers[-1])
            finally:
                STATE.enabled = before

    def with_anomaly(self, anomaly: bool, check_nan: bool) -> Watch:
        return Watch(anomaly, check_nan, self.packers)

    def with_packers(self, packers: tuple[Hooks, ...]) -> Watch:
        return Watch(self.anomaly, self.check_nan, packers)


def current_watch() -> Watch:
    """What this thread asks for; where that is nothing, a watch that does nothing."""
    return STATE.watch or Watch()


def set_watch(watch: Watch) -> None:
    """Let this thread ask for what `watch` says, from the next node on."""
    needed = watch.anomaly or watch.packers
    STATE.watch = watch if needed else None
    if STATE.enabled:
        STATE.enabled = STATE.watch or True


def trace_of(node: Node) -> str | None:
    """Where a node was recorded, if anomaly mode was on then."""
    return _TRACES.get(node)
