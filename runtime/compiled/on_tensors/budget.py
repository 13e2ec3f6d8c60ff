"""How much may be saved for the backward pass, as users say it."""

from __future__ import annotations

from typing import Any

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
