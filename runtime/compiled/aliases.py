"""Results of calls on Tensors that lie in memory which the caller has: an argument that is handed
back, a view of one, a result given twice.

In eager mode they share elements, gradients and version counters with what they are taken from. So
do they here: they are no outputs of the compiled node, but taken again, by eager views.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...tracer.shown import Shown
from ..eager.builder import apply

__all__ = ["shown_again", "shown_outputs"]

_VIEWS = ("broadcast", "reshape", "slice", "transpose")
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
        x = apply(step.op, (x,), dict(step.attributes))
    return x
