"""x[...]: integers, slices, None and Ellipsis give views; index tensors and masks give copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ....ir.op import TABLE
from ..apply.adapters import gathered
from ..apply.axes import normalise
from ..apply.builder import apply
from ..apply.composite import composite
from ..core import make, make_view
from ..errors import EagerError
from ..graph.modes import STATE
from ..graph.node import Node, Output, edge_of
from ..graph.opnode import seen
from ..graph.views import start
from .shaping import stack, unsqueeze

if TYPE_CHECKING:
    from ....ir import Builder
    from ..tensor import Tensor

__all__ = ["getitem", "index_select", "parts_of", "select", "slice_along", "unbind"]

_RESHAPE = TABLE["reshape"]
_SLICE = TABLE["slice"]


def getitem(x: Tensor, key: Any) -> Tensor:
    """The elements that `key` names; one node for each part of it, as in PyTorch."""
    parts, whole = parts_of(key, x), x
    advanced: list[tuple[int, np.ndarray]] = []
    axis = 0
    for part in parts:
        if part is None:
            x = unsqueeze(x, axis)
            axis += 1
        elif isinstance(part, slice):
            x = slice_along(x, axis, part)
            axis += 1
        elif isinstance(part, np.ndarray):
            if part.dtype.kind == "b" and not part.ndim:  # all or nothing, along a new axis
                x, part = unsqueeze(x, axis), np.atleast_1d(part)
            arrays = _as_indices(part, x._data.shape, axis)
            advanced += [(axis + i, array) for i, array in enumerate(arrays)]
            axis += len(arrays)
        else:
            x = select(x, axis, part)
    if x is whole and not advanced:
        return apply(_RESHAPE, (x,), {"shape": x._data.shape}, "AliasBackward0")
    return _advanced(x, advanced) if advanced else x


def parts_of(key: Any, x: Tensor) -> list[Any]:
    """The parts of `key` in plain form, with slices in place of Ellipsis."""
    parts = [_plain(part) for part in (key if isinstance(key, tuple) else (key,))]
    used = sum(_axes_of(part) for part in parts)
    ndim = x._data.ndim
    if used > ndim:
        if not ndim:
            raise IndexError("invalid index of a 0-dim tensor; use tensor.item() to get its number")
        raise IndexError(f"too many indices: {used} for a tensor of dimension {ndim}")
    dots = [i for i, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can have one ellipsis only")
    at = dots[0] if dots else len(parts)
    return [*parts[:at], *[slice(None)] * (ndim - used), *parts[at + 1 :]]


def _plain(part: Any) -> Any:
    """A part of a key as None, Ellipsis, a slice, an integer or an array."""
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    part = getattr(part, "_data", part)
    if isinstance(part, bool | np.bool_ | list | np.ndarray) and not _is_integer(part):
        array = np.asarray(part)
        array = array.astype(np.int64) if isinstance(part, list) and not array.size else array
        if array.dtype.kind not in "biu":
            raise IndexError(f"tensors used as indices must be integers or bool, not {array.dtype}")
        return array
    try:
        return part.__index__()
    except (AttributeError, TypeError):
        kind = IndexError if isinstance(part, float) else TypeError
        raise kind(
            "only integers, slices (`:`), ellipsis (`...`), None and integer or bool tensors are "
            f"valid indices (got {type(part).__name__})"
        ) from None


def _is_integer(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.ndim == 0 and part.dtype.kind in "iu"


def _axes_of(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype.kind == "b" else 1


def select(x: Tensor, dim: int, index: int) -> Tensor:
    """x at `index` along `dim`, which disappears."""
    shape = x._data.shape
    extent = shape[dim]
    if not -extent <= index < extent:
        raise IndexError(f"index {index} is out of bounds for dimension {dim} with size {extent}")
    node = SelectBackward0(x, dim, index) if STATE.enabled and x._node is not None else None
    key: Any = (*(slice(None),) * dim, index, ...)
    return make_view(x._data[key], node, x)


class SelectBackward0(Node):
    """One entry along an axis: its gradient stands among zeros."""

    __slots__ = ("axis", "index", "shape")

    title = "SelectBackward0"
    replays = True

    def __init__(self, x: Tensor, axis: int, index: int) -> None:
        self.axis = axis
        self.shape = x._data.shape
        self.index = index % self.shape[axis]
        start(self, (edge_of(x),))
        if STATE.enabled is not True:
            seen(self)

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        axis, shape = self.axis, self.shape
        if not tensors:
            full = np.zeros(shape, ct.dtype)
            full[(*(slice(None),) * axis, self.index)] = ct
            return [full]
        wide = builder.reshape(ct, (*shape[:axis], 1, *shape[axis + 1 :]))
        low, high = [0] * len(shape), [0] * len(shape)
        low[axis], high[axis] = self.index, shape[axis] - 1 - self.index
        nothing = (0,) * len(shape)
        return [builder("pad", wide, low=tuple(low), high=tuple(high), interior=nothing)]


def slice_along(x: Tensor, dim: int, part: slice) -> Tensor:
    """x[part] along `dim`; x itself for the whole."""
    shape = x._data.shape
    start, stop, step = part.indices(shape[dim])
    if step < 1:
        raise ValueError("slice step must be positive; flip() reverses")
    stop = max(start, stop)
    if (start, stop, step) == (0, shape[dim], 1):
        return x
    ndim = len(shape)
    attributes = {
        "start": tuple(start if i == dim else 0 for i in range(ndim)),
        "stop": tuple(stop if i == dim else n for i, n in enumerate(shape)),
        "step": tuple(step if i == dim else 1 for i in range(ndim)),
    }
    return apply(_SLICE, (x,), attributes, "SliceBackward0")


def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices of x along `dim`: several views of one node."""
    if not x._data.ndim:
        raise EagerError("unbind: the dimension specified as 0 but tensor has no dimensions")
    axis = normalise(dim, x._data.ndim)
    if not x._data.shape[axis]:
        return ()
    node = None
    if STATE.enabled and x._node is not None:
        node = UnbindBackward0(x, axis)
    results = [
        make_view(data, _output(node, i), x, f"Output {i} of Unbind")
        for i, data in enumerate(_slices(x._data, axis))
    ]
    return tuple(results)


def _slices(data: np.ndarray, axis: int) -> list[np.ndarray]:
    """The slices along `axis`, as views also where they have no axes."""
    first = np.moveaxis(data, axis, 0)
    return [first[i, ...] for i in range(len(first))]


class UnbindBackward0(Node):
    """The slices along an axis: their gradients are stacked again."""

    __slots__ = ("axis", "count", "dtype", "shape")

    title = "UnbindBackward0"

    def __init__(self, x: Tensor, axis: int) -> None:
        self.axis = axis
        self.dtype = x._data.dtype
        self.count = x._data.shape[axis]
        self.shape = (*x._data.shape[:axis], *x._data.shape[axis + 1 :])
        start(self, (edge_of(x),))
        seen(self)

    def propagate(self, ct: Any, builder: Builder, tensors: bool) -> Sequence[Any]:
        cts = [ct] if self.count == 1 else ct
        zeros = np.zeros(self.shape, self.dtype)
        if tensors:
            return [stack([make(zeros) if g is None else g for g in cts], self.axis)]
        return [np.stack([zeros if g is None else g for g in cts], self.axis)]


def _output(node: UnbindBackward0 | None, index: int) -> Any:
    return node if node is None or not index else Output(node, index)


def index_select(x: Tensor, dim: int, index: Any) -> Tensor:
    """The entries of x along `dim` that a vector of integers names."""
    indices = np.asarray(getattr(index, "_data", index))
    gather = TABLE["gather"]
    return apply(gather, (x, make(indices)), {"axis": dim}, "IndexSelectBackward0")


def _as_indices(part: np.ndarray, shape: tuple[int, ...], axis: int) -> tuple[np.ndarray, ...]:
    """An index array for each axis that `part` covers: a mask covers several."""
    if part.dtype.kind == "b":
        covered = shape[axis : axis + part.ndim]
        if part.shape != covered:
            raise IndexError(
                f"the shape of the mask {list(part.shape)} at index 0 does not match the shape of "
                f"the indexed tensor {list(shape)}, whose axes there have {list(covered)}"
            )
        return tuple(np.nonzero(part)) or (np.zeros((int(part),), np.int64),)
    extent = shape[axis]
    wrong = (part < -extent) | (part >= extent)
    if wrong.any():
        first = part[wrong].flat[0]
        raise IndexError(f"index {first} is out of bounds for dimension {axis} with size {extent}")
    return (np.where(part < 0, part + extent, part).astype(np.int64),)


def _advanced(x: Tensor, indexed: Sequence[tuple[int, np.ndarray]]) -> Tensor:
    """Integer arrays along some axes: those axes become one, which is read at flat positions."""
    axes = tuple(axis for axis, _ in indexed)
    try:
        arrays = np.broadcast_arrays(*(array for _, array in indexed))
    except ValueError:
        shapes = [list(array.shape) for _, array in indexed]
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together, shapes {shapes}"
        ) from None
    flat = np.zeros(arrays[0].shape, np.int64)
    for axis, array in zip(axes, arrays, strict=True):
        flat = flat * x._data.shape[axis] + array
    result: Tensor = composite("index", gathered, (x, flat), axes=axes)
    return result
