"""How many threads compiled functions use."""

from __future__ import annotations

import operator
from typing import Any

__all__ = ["get_num_threads", "set_num_threads"]


def set_num_threads(count: int) -> None:
    """From the next call on, compiled functions use up to `count` threads, the caller's included.

    Results do not depend on it, not in their last bit. A function that was decorated with
    `threads=` keeps its own number. Raises TypeError if `count` is no integer, ValueError below 1.

    >>> import fusegrad as fg
    >>> before = fg.get_num_threads()
    >>> fg.set_num_threads(1)
    >>> fg.get_num_threads()
    1
    >>> fg.set_num_threads(before)
    """
    from ...codegen.threads import pool

    pool.set_threads(checked("set_num_threads", count))


def get_num_threads() -> int:
    """How many threads compiled functions use at most.

    Before `set_num_threads` it is FUSEGRAD_NUM_THREADS; without that, the number of CPUs that this
    process may run on (its affinity, its container's share), and no more than OMP_NUM_THREADS. On
    platforms where no threads are started it is 1.
    """
    from ...codegen.threads import pool

    return pool.threads()


def checked(name: str, count: Any) -> int:
    """`count` as a number of threads."""
    try:
        number = operator.index(count)
    except TypeError:
        kind = type(count).__name__
        raise TypeError(f"{name}: a number of threads is an integer, got {kind}") from None
    if number < 1:
        raise ValueError(f"{name}: a number of threads is at least 1, got {number}")
    return number
