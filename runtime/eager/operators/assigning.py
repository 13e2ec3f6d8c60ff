"""x[...] = value: by integers and slices a copy into a view, by index tensors and masks a put."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import make
from ..errors import EagerError
from ..graph.changes import alias_of, bump, check, overwrite
from ..graph.node import Node
from ..graph.opnode import seen
from ..graph.views import rebase, source_of, start, write_region
from .elementwise import lift
from .indexing import getitem, parts_of

if TYPE_CHECKING:
    from ....ir import Builder
    from ..tensor import Tensor

__all__ = ["setitem"]


class IndexPutBackward0(Node):
    """Elements at index arrays were overwritten: edges lead to the old tensor and to the value."""

    __slots__ = ("key", "shape")

    title = "IndexPutBackward0"

    def __init__(self, key: tuple[Any, ...], shape: tuple[int, ...], old: Any, new: Any) -> None:
        self.key = key
        self.shape = shape  # of the value
        start(self, (old, new))

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        old, new = self.edges
        rest = value = None
        if old is not None:
            mask = np.ones(ct.shape, np.bool_)
            mask[self.key] = False
            zero = ct.dtype.type(0)
            rest = builder.select(make(mask), ct, zero) if tensors else np.where(mask, ct, zero)
        if new is not None:
            value = builder.sum_to(getitem(ct, self.key) if tensors else ct[self.key], self.shape)
        return [rest, value]


def setitem(x: Tensor, key: Any, value: Any) -> None:
    """x[key] = value."""
    value = lift(np.asarray(value) if isinstance(value, int | float) else value)
    if value is NotImplemented:
        raise TypeError("a Tensor's elements can be set to a number, an array or a Tensor")
    index = tuple(parts_of(key, x))
    if any(isinstance(part, np.ndarray) for part in index):
        _put(x, index, value)
    else:
        _copy(x, x._data[(*index, ...)], value)


def _check(x: Tensor, value: Any) -> bool:
    """Whether to record the assignment; raises where it must not be made."""
    recorded = check(x, (value,))
    if not x._data.flags.writeable:
        raise RuntimeError("unsupported operation: x[...] = value of an expanded or read-only x")
    return recorded


def _copy(x: Tensor, part: np.ndarray, value: Any) -> None:
    """To the view that integers and slices name."""
    recorded = _check(x, value)
    if recorded and part.shape == x._data.shape and part.strides == x._data.strides:
        title = "FillBackward3" if not getattr(value, "shape", ()) else "CopyBackwards"
        overwrite(x, _fitted(x, value, part.shape), title)
        return
    fitted = _fitted(x, value, part.shape)
    part[...] = fitted._data
    bump(x)
    if recorded:
        write_region(x if x._base is None else x._base, part, fitted._node)


def _put(x: Tensor, index: tuple[Any, ...], value: Any) -> None:
    """To the elements that index arrays name."""
    recorded = _check(x, value)
    shape = np.broadcast_to(np.False_, x._data.shape)[index].shape
    fitted = _fitted(x, value, shape, expand=False)
    old = source_of(x) if recorded else None
    x._data[index] = fitted._data
    bump(x)
    if recorded:
        node = IndexPutBackward0(index, fitted._data.shape, old, fitted._node)
        seen(node)
        rebase(x, node)


def _fitted(x: Tensor, value: Any, shape: tuple[int, ...], expand: bool = True) -> Tensor:
    """The value in the dtype of x, without leading axes of extent 1, expanded to `shape`."""
    new = alias_of(value) if hasattr(value, "_data") else make(np.asarray(value))
    new = new.to(x._data.dtype)
    have = new._data.shape
    lead = max(0, len(have) - len(shape))
    if lead and all(n == 1 for n in have[:lead]):
        new = new.reshape(have[lead:])
        have = new._data.shape
    if not _broadcasts(have, shape):
        raise EagerError(
            f"shape mismatch: value tensor of shape {list(have)} cannot be broadcast to indexing "
            f"result of shape {list(shape)}"
        )
    return new.expand(shape) if expand and have != shape else new


def _broadcasts(have: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    lead = len(shape) - len(have)
    return lead >= 0 and all(a in (1, b) for a, b in zip(have, shape[lead:], strict=True))
