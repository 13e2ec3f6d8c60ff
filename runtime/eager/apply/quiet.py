"""Arithmetic without NumPy's floating-point warnings, cheaply.

PyTorch never warns about an overflow or a division by zero, so eager mode does not either.
`np.errstate` costs more than a small operation; it sets one context variable, though, and setting
that directly is a tenth of it.
"""

from __future__ import annotations

from contextvars import ContextVar, copy_context
from typing import Any

import numpy as np

__all__ = ["RESTORE", "SILENCE", "SILENT"]


def _find_variable() -> tuple[ContextVar[Any], Any]:
    """The context variable behind `np.errstate`, and its value for "ignore everything"."""
    context = copy_context()
    before = dict(context)
    context.run(np.seterr, all="ignore")
    for variable, value in context.items():
        if variable not in before or before[variable] is not value:
            return variable, value
    unused: ContextVar[Any] = ContextVar("fusegrad.unused", default=None)
    return unused, None


_VARIABLE, SILENT = _find_variable()

# token = SILENCE(SILENT); try: ... finally: RESTORE(token)
SILENCE = _VARIABLE.set
RESTORE = _VARIABLE.reset
