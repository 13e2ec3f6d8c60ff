"""What a compiled function stores into its arguments, as NumPy's functions do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...tracer.errors import StoreError


def write_back(
    written: tuple[int, ...], leaves: Sequence[Any], result: Any, captured: Sequence[Any] = ()
) -> Any:
    """The function's own result, of (result, values stored into the leaves `written`).

    Raises StoreError for a leaf that can't be stored into, and where it shares memory with another
    or with a captured array: the trace took them for different arrays.
    """
    if not written:
        return result
    value, stored = result
    for number in written:
        _check([*leaves, *captured], number)
    for number, new in zip(written, stored, strict=True):
        leaves[number][...] = new
    return value


def _check(leaves: Sequence[Any], number: int) -> None:
    target = leaves[number]
    if any(hasattr(target, mark) for mark in ("__fusegrad_trace__", "__fusegrad_tensor__")):
        return
    if not isinstance(target, np.ndarray) or not target.flags.writeable:
        raise StoreError(
            f"the function stores into its argument, a {type(target).__name__} that can't take it",
            hint="pass an array that is writeable, or copy it in the function: x = np.array(x)",
        )
    for other, leaf in enumerate(leaves):
        shared = isinstance(leaf, np.ndarray) and np.may_share_memory(leaf, target)
        if other != number and shared:
            raise StoreError(
                "the function stores into one of two arrays that share memory",
                hint="pass copies, or call the function with f.eager(...)",
            )
