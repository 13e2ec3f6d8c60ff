"""What a compiled function stores into its arguments, as NumPy's functions do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...tracer.errors import StoreError

if TYPE_CHECKING:
    from ...tracer.run import Traced

SHARED = "it stores into an argument whose memory another one has"


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
    if shared_with_another(number, leaves):
        raise StoreError(
            "the function stores into one of two arrays that share memory",
            hint="pass copies, or call the function with f.eager(...)",
        )


def shared_with_another(number: int, arrays: Sequence[Any]) -> bool:
    """Whether the memory of an array is also that of another."""
    target = arrays[number]
    return isinstance(target, np.ndarray) and any(
        isinstance(x, np.ndarray) and np.may_share_memory(x, target)
        for i, x in enumerate(arrays)
        if i != number
    )


def stores_into_shared(written: tuple[int, ...], leaves: Sequence[Any], captured: Any) -> bool:
    """Whether a call on these stores into the memory that two of them have: the trace took them
    for different arrays. Of Tensors their arrays count.
    """
    arrays = [getattr(x, "_data", x) for x in (*leaves, *captured)]
    return any(shared_with_another(number, arrays) for number in written)


def why_eager(traced: Traced, leaves: Sequence[Any]) -> str | None:
    """Why a call on these, some of which are Tensors, has to run eagerly; None where it has not."""
    shared = stores_into_shared(traced.written, leaves, traced.captured)
    return traced.eagerly or (SHARED if shared else None)
