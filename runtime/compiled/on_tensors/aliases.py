"""Results of calls on Tensors that lie in memory which the caller has: an argument that is handed
back, a view of one, a result given twice; and arguments that are changed.

In eager mode they share elements, gradients and version counters with what they are taken from. So
do they here: they are no outputs of the compiled node, but taken again, by eager views.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....tracer.shown import Shown
from ...eager.apply.builder import apply
from ...eager.core import make, shared_counter
from ...eager.graph.changes import check, overwritten, write
from ...eager.graph.modes import STATE
from ...eager.graph.node import LEAF, edge_of
from ...eager.graph.views import rebase, source_of

__all__ = ["as_before", "counted", "shown_again", "shown_outputs", "take_over"]

_VIEWS = ("broadcast", "reshape", "slice", "stop_gradient", "transpose")
_NUMBERS = (float, int, bool)


def shown_outputs(shown: Sequence[Shown | None], leaves: Sequence[Any]) -> dict[int, Shown]:
    """The outputs that can be taken from what they show, given these arguments."""
    return {i: x for i, x in enumerate(shown) if x is not None and _can_be_taken(x, leaves)}


def _can_be_taken(shown: Shown, leaves: Sequence[Any]) -> bool:
    if any(step.name not in _VIEWS for step in shown.steps or ()):
        return False
    if shown.source == "result":
        return True
    leaf = leaves[shown.number]
    return hasattr(leaf, "_data") or (shown.steps is None and type(leaf) in _NUMBERS)


def shown_again(shown: Shown, leaves: Sequence[Any], results: Sequence[Any]) -> Any:
    """The argument or the result that is shown, or the view of it."""
    x = (leaves if shown.source == "argument" else results)[shown.number]
    if shown.steps is None:
        return x
    if not shown.steps:
        return x[...]
    for step in shown.steps:
        cut = step.name == "stop_gradient"
        x = x.detach() if cut else apply(step.op, (x,), dict(step.attributes))
    return x


def as_before(x: Any) -> Any:
    """What stands for an argument that is changed: the elements that it has now."""
    if x._node is LEAF:
        return x
    return make(x._data.copy(), source_of(x) if STATE.enabled else x._node)


def take_over(x: Any, new: Any, changes: int) -> None:
    """Give the argument x the elements of `new`, and its place in the graph, as so many changes in
    place would. Raises as these for a leaf that requires grad.
    """
    recorded = check(x, (new,))
    write(x, new, "a change in place")
    shared_counter(x)[0] += changes
    if recorded:
        node = new._node
        if node is not None:
            new.grad_fn.adopt(new, x)
        rebase(x, overwritten("CopyBackwards", edge_of(x), None) if node is None else node)


def counted(x: Any, changes: int, node: Any) -> Any:
    """The result x, of which so many changes in place are counted before it is returned. `node` is
    the one that watches it, if any.
    """
    if changes:
        shared_counter(x)[0] += changes
        if node is not None:
            node.adopt(x, x)
    return x
