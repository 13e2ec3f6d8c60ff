"""What compiled functions save between forward and backward: how that is decided, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...ir import Graph, Operation, Value
from ...ir.passes.saving import choose, question_of

Budget = int | float


def checked_budget(name: str, budget: Any) -> Budget | None:
    """`budget` as bytes (an int), as a part of what is saved without (a float), or none."""
    if budget is None:
        return None
    if isinstance(budget, bool) or not isinstance(budget, int | float):
        raise TypeError(
            f"{name}: memory_budget is a number of bytes (an int) or a part of what is saved "
            f"without it (a float from 0.0 to 1.0), got {type(budget).__name__}"
        )
    if isinstance(budget, float) and not 0 <= budget <= 1:
        raise ValueError(
            f"{name}: memory_budget={budget!r} is no part of what is saved without it; "
            f"try: a float from 0.0 to 1.0, or int({budget!r}) for bytes"
        )
    if budget < 0:
        raise ValueError(f"{name}: memory_budget={budget!r} is below 0")
    return budget


class Keeper:
    """Decides what the forward program of a call on Tensors keeps for the backward program."""

    def __init__(self, budget: Budget | None) -> None:
        self.budget = budget
        self.saving: Any = None

    def __call__(
        self,
        joint: Graph,
        primal: Iterable[Operation],
        reads: Sequence[Value],
        count: int,
        cts: Sequence[Value],
    ) -> tuple[Graph, list[Value]]:
        question = question_of(joint, primal, reads, joint.outputs[:count])
        if self.budget is None:
            return joint, choose(question)
        from ...ir.passes.budget import fit, made_again

        kept, self.saving = fit(question, self.budget)
        if self.saving.after == self.saving.before:
            return joint, kept
        joint, self.saving = made_again(joint, count, question, kept, self.saving, cts)
        return joint, kept
