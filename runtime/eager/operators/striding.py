"""`as_strided`: any elements of a tensor's memory as a view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ....ir import TensorType
from ..apply.dispatch import is_tensor_like, refusal, traced
from ..apply.operands import call
from ..core import make, make_view
from ..errors import EagerError
from ..graph.modes import STATE

__all__ = ["as_strided", "as_strided_scatter"]


def as_strided(
    x: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Any:
    """The view of shape `size` whose neighbours stand `stride` elements apart in the memory of x.

    Its first element is the one `storage_offset` behind the first of x's base, by default that of
    x. Where elements are seen more than once, their gradients are summed.
    """
    if not is_tensor_like(x):
        if traced((x,)) is not None:
            return _of_traced(x, size, stride, storage_offset)
        return as_strided(make(np.asarray(x)), size, stride, storage_offset)._data
    size, stride = _checked(size, stride)
    root = x if x._base is None else x._base
    low, high = byte_bounds(root._data)
    if high - low != root._data.nbytes or root.data_ptr() != low:
        raise EagerError("as_strided: the memory of the base has gaps, or is shown in reverse")
    offset = x.storage_offset() if storage_offset is None else int(storage_offset)
    places = _places(size, stride, offset, root._data.size)
    memory = np.lib.stride_tricks.as_strided(root._data, (root._data.size,), (x.element_size(),))
    bytes_apart = tuple(step * x.element_size() for step in stride)
    data = np.lib.stride_tricks.as_strided(memory[offset:], size, bytes_apart)
    node = None
    if x._node is not None and STATE.enabled:
        node = _linked(x, _numbers(x, root._data.size)[places])._node
    return make_view(data, node, x)


def _checked(size: Any, stride: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    size, stride = tuple(map(int, size)), tuple(map(int, stride))
    if len(size) != len(stride):
        raise EagerError("mismatch in length of strides and shape")
    if min((*size, *stride), default=0) < 0:
        raise EagerError(f"as_strided: sizes and strides must not be negative: {size}, {stride}")
    return size, stride


def _places(size: tuple[int, ...], stride: tuple[int, ...], offset: int, total: int) -> np.ndarray:
    """Where in a memory of `total` elements those of the view stand."""
    places = np.full(size, offset)
    for axis, (extent, step) in enumerate(zip(size, stride, strict=True)):
        shape = tuple(extent if i == axis else 1 for i in range(len(size)))
        places = places + (np.arange(extent) * step).reshape(shape)
    if places.size and not 0 <= places.max() < total:
        raise EagerError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset} are "
            f"out of bounds for storage of {total} elements"
        )
    return places


def _of_traced(x: Any, size: Any, stride: Any, offset: int | None) -> Any:
    """The same of an array that is being traced, whose elements count as standing row by row.

    What is a view of another array there has no memory of its own to be looked at.
    """
    producer = x.value.producer
    if producer is not None and "view" in producer.op.traits:
        raise refusal(
            "as_strided of a view, which has no memory of its own in a compiled function,",
            "x.copy() first, where the elements of the view are meant, row by row",
        )
    size, stride = _checked(size, stride)
    static: dict[str, Any] = {"stride": stride, "offset": int(offset or 0)}
    _places(size, stride, static["offset"], int(np.prod(x.shape)))
    return call("as_strided", _strided, x, size=size, **static)


def _strided(b: Any, x: Any, *, size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> Any:
    if 0 in size:
        return b.constant(0, b.type_of(x).with_shape(size))
    places = b.constant(offset, TensorType("i64", size))
    for axis, step in enumerate(stride):
        places = b.add(places, b.scale(b("iota", dtype="i64", shape=size, axis=axis), step))
    return b("gather", b.reshape(x, (b.type_of(x).size,)), places, axis=0)


def _numbers(x: Any, size: int) -> np.ndarray:
    """For each place of the memory the number of the element of x there, -1 where there is none."""
    places = np.full(x.shape, x.storage_offset())
    for axis, step in enumerate(x.stride()):
        shape = tuple(-1 if i == axis else 1 for i in range(len(x.shape)))
        places = places + (np.arange(x.shape[axis]) * step).reshape(shape)
    numbers = np.full(size, -1)
    numbers[places.reshape(-1)] = np.arange(math.prod(x.shape))
    return numbers


def _linked(x: Any, numbers: np.ndarray) -> Any:
    """The same elements by their numbers, for the graph alone."""
    return call("as_strided", _taken, x, numbers)


def _taken(b: Any, x: Any, numbers: Any) -> Any:
    flat = b.reshape(x, (b.type_of(x).size,))
    there = b.compare("ge", numbers, b.zeros_like(numbers))
    found = b("gather", flat, b.select(there, numbers, b.zeros_like(numbers)), axis=0)
    return b.select(there, found, b.zeros_like(found))


def as_strided_scatter(
    x: Any,
    src: Any,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Any:
    """x with `src` in place of what `as_strided` would show."""
    if not is_tensor_like(x):
        raise refusal("as_strided_scatter of what is no Tensor", "x[...] = src, on a copy")
    result = x.clone()
    as_strided(result, size, stride, storage_offset).copy_(src)
    return result
