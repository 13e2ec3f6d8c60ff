"""The switch between compiled and eager calls: `fg.eager()`, and FUSEGRAD_EAGER=1 in the
environment.
"""

from __future__ import annotations

import os
import threading

__all__ = ["ANYWHERE", "eager", "eager_requested"]

# Not empty while compiling is switched off in some thread: all that a call looks at.
ANYWHERE: list[object] = []
_EVERYWHERE = os.environ.get("FUSEGRAD_EAGER") == "1"
if _EVERYWHERE:
    ANYWHERE.append("FUSEGRAD_EAGER")


class _Thread(threading.local):
    depth = 0


_thread = _Thread()


def eager_requested() -> bool:
    """Is compiling switched off in this thread?"""
    return _EVERYWHERE or _thread.depth > 0


class eager:  # noqa: N801  (used as `with fg.eager():`)
    """Context manager: compiled functions called inside run eagerly, operation by operation.

    >>> import numpy as np, fusegrad as fg
    >>> with fg.eager():
    ...     float(fg.grad(lambda x: x**2)(3.0))
    6.0
    """

    def __enter__(self) -> None:
        _thread.depth += 1
        ANYWHERE.append(self)

    def __exit__(self, *exception: object) -> None:
        _thread.depth -= 1
        ANYWHERE.remove(self)
