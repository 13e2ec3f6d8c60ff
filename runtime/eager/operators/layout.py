"""Rearranging: the order of axes and of elements, repetitions, shapes of others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..apply.axes import axis_of, normalise, shape_of, whole
from ..apply.operands import as_operand, call, cast, through_numpy
from ..errors import EagerError
from .gathering import index_select

__all__ = [
    "adjoint",
    "broadcast_tensors",
    "fliplr",
    "flipud",
    "meshgrid",
    "moveaxis",
    "movedim",
    "repeat_interleave",
    "roll",
    "rot90",
    "tile",
    "unflatten",
]

Sizes = int | Sequence[int]

# --- order of axes and of elements ---


def movedim(x: Any, source: Sizes, destination: Sizes) -> Any:
    """x with the axes `source` at the places `destination`."""
    ndim = len(x.shape)
    first, last = _several(source, ndim), _several(destination, ndim)
    if len(first) != len(last):
        raise EagerError(
            f"movedim: Invalid source or destination dims: source ({source} dims) should contain "
            f"the same number of dims as destination ({destination} dims)"
        )
    for word, dims in (("source", first), ("destination", last)):
        if len(set(dims)) < len(dims):
            raise EagerError(f"movedim: repeated dim in `{word}` ({dims})")
    pairs = zip(first, last, strict=True)
    moved = {place: axis for axis, place in pairs}
    rest = iter([i for i in range(ndim) if i not in moved.values()])
    order = tuple(moved[i] if i in moved else next(rest) for i in range(ndim))
    return call("permute", _permuted, x, order=order)


moveaxis = movedim


def _several(dims: Sizes, ndim: int) -> tuple[int, ...]:
    dims = whole(dims)
    given = (dims,) if isinstance(dims, int) else dims
    return tuple(normalise(d, ndim) for d in given)


def _permuted(b: Any, x: Any, *, order: tuple[int, ...]) -> Any:
    return b.transpose(x, order)


def adjoint(x: Any) -> Any:
    """The last two axes exchanged."""
    return call("transpose", _permuted, x, order=_matrix_order(len(x.shape)))


def _matrix_order(ndim: int) -> tuple[int, ...]:
    return (*range(ndim - 2), ndim - 1, ndim - 2)


def roll(x: Any, shifts: Sizes, dims: Sizes | None = None) -> Any:
    """x moved along `dims`; what leaves on one side enters on the other; without dims, flat."""
    given = shifts if isinstance(shifts, list | tuple) else (shifts,)
    if not given:
        raise EagerError("roll: `shifts` required")
    dims = whole(dims)
    axes = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if (axes or len(given) > 1) and len(axes) != len(given):
        raise EagerError(
            f"shifts and dimensions must align. shifts: {len(given)}, dims:{len(axes)}"
        )
    return through_numpy("roll", np.roll, x, shifts, dims)


def rot90(x: Any, k: int = 1, dims: Sequence[int] = (0, 1)) -> Any:
    """x turned by k right angles in the plane of `dims`."""
    plane = tuple(dims)
    if len(plane) != 2:
        raise EagerError(f"expected total rotation dims == 2, but got dims = {len(plane)}")
    if len(x.shape) < 2:
        raise EagerError(f"expected total dims >= 2, but got total dims = {len(x.shape)}")
    if plane[0] == plane[1]:
        raise EagerError(f"expected rotation dims to be different, but got {plane[0]} twice")
    return through_numpy("rot90", np.rot90, x, k, plane)


def fliplr(x: Any) -> Any:
    """x with its second axis in reverse."""
    return through_numpy("flip", np.flip, x, (1,))


def flipud(x: Any) -> Any:
    """x with its first axis in reverse."""
    return through_numpy("flip", np.flip, x, (0,))


# --- repetitions ---


def repeat(x: Any, *sizes: Any) -> Any:
    """x laid side by side, so often along each axis; more sizes than axes add axes in front."""
    counts = shape_of(sizes)
    if len(counts) < len(x.shape):
        raise EagerError(
            "repeat: Number of dimensions of repeat dims can not be smaller than number of "
            f"dimensions of tensor, {list(counts)} and {list(x.shape)}"
        )
    return through_numpy("repeat", np.tile, x, counts)


def tile(x: Any, *sizes: Any) -> Any:
    """The same; sizes that are missing in front are 1."""
    counts = shape_of(sizes)
    return through_numpy("repeat", np.tile, x, (1,) * (len(x.shape) - len(counts)) + counts)


def repeat_interleave(
    x: Any, repeats: Any, dim: int | None = None, *, output_size: int | None = None
) -> Any:
    """Each entry along `dim` repeated in its place. Without dim, x flattened.

    `output_size`, which spares PyTorch a look at the values, has no effect.
    """
    x = as_operand(x)
    if dim is None:
        x, dim = x.reshape((-1,)), 0
    repeats = whole(repeats)
    counts = np.asarray(getattr(repeats, "_data", repeats))
    at = axis_of(x, dim)
    places = np.repeat(np.arange(x.shape[at]), counts)
    return index_select(x, at, places)


def expand_as(x: Any, other: Any) -> Any:
    """x repeated up to the shape of `other`."""
    return x.expand(other.shape)


def view_as(x: Any, other: Any) -> Any:
    """x in the shape of `other`."""
    return x.reshape(tuple(other.shape))


def unflatten(x: Any, dim: int, sizes: Sequence[int]) -> Any:
    """The axis `dim` taken apart into axes of `sizes`, one of which may be -1."""
    at = axis_of(x, dim)
    known = math.prod(n for n in sizes if n != -1)
    full = tuple(x.shape[at] // known if n == -1 else n for n in sizes)
    if math.prod(full) != x.shape[at]:
        raise EagerError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({x.shape[at]}) in the input tensor"
        )
    return x.reshape((*x.shape[:at], *full, *x.shape[at + 1 :]))


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """All of them repeated up to one shape."""
    shape = np.broadcast_shapes(*(tuple(x.shape) for x in tensors))
    return tuple(call("expand", _broadcast, x, shape=shape) for x in tensors)


def _broadcast(b: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    return b.broadcast(x, shape)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """Grids of coordinates: the i-th result varies along axis i."""
    vectors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    vectors = [x if len(x.shape) else x.reshape((1,)) for x in vectors]
    count = len(vectors)
    shape = tuple(int(x.shape[0]) for x in vectors)
    places = (1, 0, *range(2, count)) if indexing == "xy" and count > 1 else range(count)
    wide = tuple(shape[i] for i in places)
    return tuple(
        call("expand", _along_one, x, axis=tuple(places).index(i), shape=wide)
        for i, x in enumerate(vectors)
    )


def _along_one(b: Any, x: Any, *, axis: int, shape: tuple[int, ...]) -> Any:
    return b.expand(x, tuple(i for i in range(len(shape)) if i != axis), shape)


def sum_to_size(x: Any, *size: Any) -> Any:
    """x summed down to a shape from which it could have been broadcast."""
    shape, have = shape_of(size), tuple(x.shape)
    lead = len(have) - len(shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(shape, have[lead:], strict=True)):
        raise EagerError(f"size {list(shape)} is not expandable to size {list(x.shape)}")
    if np.dtype(x.dtype).kind not in "fc" and shape != have:
        x = cast(x, np.int64)
    return call("sum", _sum_to, x, title="SumBackward1", shape=shape)


def _sum_to(b: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    return b.sum_to(x, shape)
