"""Rearranging and cutting: what views and copies of parts of tensors are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ir.functions.window import windows
from .axes import normalise, shape_of
from .errors import EagerError
from .gathering import index_select
from .operands import as_operand, call, cast, through_numpy

__all__ = [
    "adjoint",
    "block_diag",
    "broadcast_tensors",
    "chunk",
    "column_stack",
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "dsplit",
    "dstack",
    "fliplr",
    "flipud",
    "hsplit",
    "hstack",
    "meshgrid",
    "moveaxis",
    "movedim",
    "narrow",
    "repeat_interleave",
    "roll",
    "rot90",
    "row_stack",
    "select",
    "split",
    "tensor_split",
    "tile",
    "trace",
    "tril",
    "triu",
    "unbind",
    "unflatten",
    "vsplit",
    "vstack",
]

Sizes = int | Sequence[int]


def _axis(x: Any, dim: int) -> int:
    return normalise(dim, len(x.shape))


def _key(axis: int, part: Any) -> tuple[Any, ...]:
    return (*(slice(None),) * axis, part)


# --- parts ---


def narrow(x: Any, dim: int, start: int, length: int) -> Any:
    """`length` entries along `dim`, from `start` on."""
    at = _axis(x, dim)
    if not x.shape:
        raise EagerError("narrow() cannot be applied to a 0-dim tensor.")
    extent = x.shape[at]
    if not -extent <= start <= extent:
        raise IndexError(
            f"start out of range (expected to be in range of [{-extent}, {extent}], "
            f"but got {start})"
        )
    start = start + extent if start < 0 else start
    if not 0 <= start <= start + length <= extent:
        raise EagerError(f"start ({start}) + length ({length}) exceeds dimension size ({extent})")
    return x[_key(at, slice(start, start + length))]


def select(x: Any, dim: int, index: int) -> Any:
    """x at `index` along `dim`, which disappears."""
    return x[_key(_axis(x, dim), index)]


def split(x: Any, split_size_or_sections: Sizes, dim: int = 0) -> tuple[Any, ...]:
    """Parts of one size along `dim` (the last may be smaller), or of the sizes listed."""
    at = _axis(x, dim)
    extent = x.shape[at]
    given = split_size_or_sections
    if isinstance(given, int):
        if given < 0 or (given == 0 and extent):
            raise EagerError(f"split expects split_size be non-negative, but got {given}")
        step = max(given, 1)
        sizes = tuple(min(step, extent - i) for i in range(0, extent, step)) or (0,)
        return _cut("split", x, at, sizes)
    sizes = tuple(int(n) for n in given)
    if sum(sizes) != extent:
        raise EagerError(
            f"split_with_sizes expects split_sizes to sum exactly to {extent}, got {list(sizes)}"
        )
    return _cut("split_with_sizes", x, at, sizes)


def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """At most `chunks` parts of one size along `dim` (the last may be smaller)."""
    if chunks < 1:
        raise EagerError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    at = _axis(x, dim)
    if not x.shape[at]:
        return _cut("split_with_sizes", x, at, (0,) * chunks)
    return split(x, -(-x.shape[at] // chunks), dim)


def unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    """The entries of x along `dim`, which disappears."""
    at = _axis(x, dim)
    if not x.shape:
        raise IndexError("unbind: Dimension specified as 0 but tensor has no dimensions")
    if not x.shape[at]:
        return ()
    parts = call("unbind", _entries, x, axis=at)
    return parts if isinstance(parts, tuple) else (parts,)


def _entries(b: Any, x: Any, *, axis: int) -> Any:
    shape = b.type_of(x).shape
    narrow_shape = (*shape[:axis], *shape[axis + 1 :])
    parts = _parts(b, x, axis=axis, sizes=(1,) * shape[axis])
    return tuple(b.reshape(part, narrow_shape) for part in parts)


def tensor_split(x: Any, indices_or_sections: Sizes, dim: int = 0) -> tuple[Any, ...]:
    """Parts of nearly equal size, or between the indices listed."""
    at = _axis(x, dim)
    extent = x.shape[at]
    if hasattr(indices_or_sections, "tolist"):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        low, more = divmod(extent, indices_or_sections)
        ends = [i * low + min(i, more) for i in range(1, indices_or_sections)]
    else:
        ends = [min(max(i + extent if i < 0 else i, 0), extent) for i in indices_or_sections]
    starts = [0, *ends]
    return tuple(
        x[_key(at, slice(a, max(a, z)))] for a, z in zip(starts, [*ends, extent], strict=True)
    )


def _cut(name: str, x: Any, axis: int, sizes: tuple[int, ...]) -> tuple[Any, ...]:
    parts = call(name, _parts, x, axis=axis, sizes=sizes)
    return parts if isinstance(parts, tuple) else (parts,)


def _parts(b: Any, x: Any, *, axis: int, sizes: tuple[int, ...]) -> Any:
    shape = b.type_of(x).shape
    parts, first = [], 0
    for size in sizes:
        start = tuple(first if i == axis else 0 for i in range(len(shape)))
        stop = tuple(first + size if i == axis else n for i, n in enumerate(shape))
        parts.append(b.slice(x, start, stop))
        first += size
    return tuple(parts)


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
    counts = np.asarray(getattr(repeats, "_data", repeats))
    at = _axis(x, dim)
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
    at = _axis(x, dim)
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


# --- matrices ---


def _check_matrix(name: str, x: Any) -> None:
    if len(x.shape) < 2:
        raise EagerError(f"{name}: input tensor must have at least 2 dimensions")


def tril(x: Any, diagonal: int = 0) -> Any:
    """The lower triangle, up to `diagonal`."""
    _check_matrix("tril", x)
    return through_numpy("tril", np.tril, x, diagonal)


def triu(x: Any, diagonal: int = 0) -> Any:
    """The upper triangle, from `diagonal` on."""
    _check_matrix("triu", x)
    return through_numpy("triu", np.triu, x, diagonal)


def diagonal(x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The diagonal of the plane of two axes, as the last axis."""
    return through_numpy("diagonal", np.diagonal, x, offset, dim1, dim2)


def diag(x: Any, diagonal: int = 0) -> Any:
    """The diagonal of a matrix; of a vector, the matrix that has it as its diagonal."""
    if len(x.shape) == 1:
        return through_numpy("diag_embed", np.diag, x, diagonal)
    return through_numpy("diagonal", np.diag, x, diagonal)


def diag_embed(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices with the last axis of x on their diagonal, in the plane of `dim1` and `dim2`."""
    ndim = len(x.shape) + 1
    plane = (normalise(dim1, ndim), normalise(dim2, ndim))
    if plane[0] == plane[1]:
        raise EagerError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return call("diag_embed", _diag_embed, x, offset=int(offset), plane=plane)


def diagflat(x: Any, offset: int = 0) -> Any:
    """The matrix with all elements of x on its diagonal."""
    return diag_embed(x.reshape((-1,)), offset)


def _diag_embed(b: Any, x: Any, *, offset: int, plane: tuple[int, int]) -> Any:
    shape = b.type_of(x).shape
    size, lead = shape[-1] + abs(offset), len(shape) - 1
    low = (*[0] * lead, max(offset, 0))
    high = (*[0] * lead, max(-offset, 0))
    padded = b("pad", x, low=low, high=high, interior=(0,) * len(shape))
    wide = (*shape[:-1], size, size)
    spread = b.expand(padded, (lead,), wide)
    row = b("iota", dtype="i64", shape=wide, axis=lead)
    column = b("iota", dtype="i64", shape=wide, axis=lead + 1)
    on = b.compare("eq", b.add(row, b.full_like(row, offset)), column)
    matrices = b.select(on, spread, b.zeros_like(spread))
    rest = iter(range(lead))
    at = {plane[0]: lead, plane[1]: lead + 1}
    return b.transpose(matrices, tuple(at[i] if i in at else next(rest) for i in range(lead + 2)))


def trace(x: Any) -> Any:
    """The sum of the diagonal of a matrix."""
    if len(x.shape) != 2:
        raise EagerError(f"trace: expected a matrix, but got tensor with dim {len(x.shape)}")
    return through_numpy("trace", np.trace, x)


# --- joins ---


def _some(name: str, tensors: Sequence[Any]) -> list[Any]:
    if not tensors:
        raise EagerError(f"{name} expects a non-empty TensorList")
    return list(tensors)


def hstack(tensors: Sequence[Any]) -> Any:
    """Joined along the second axis, vectors along the first."""
    return through_numpy("cat", np.hstack, _some("hstack", tensors))


def vstack(tensors: Sequence[Any]) -> Any:
    """Joined along the first axis, vectors as rows."""
    return through_numpy("cat", np.vstack, _some("vstack", tensors))


row_stack = vstack


def dstack(tensors: Sequence[Any]) -> Any:
    """Joined along the third axis."""
    return through_numpy("cat", np.dstack, _some("dstack", tensors))


def column_stack(tensors: Sequence[Any]) -> Any:
    """Joined along the second axis, vectors as columns."""
    return through_numpy("cat", np.column_stack, _some("column_stack", tensors))


def unfold(x: Any, dimension: int, size: int, step: int) -> Any:
    """Windows of `size` along an axis, `step` apart; a last axis counts inside of a window."""
    at = _axis(x, dimension)
    if not x.shape and size <= 1 and step >= 1:
        return x.reshape((1,))[:size]
    if not x.shape:
        raise EagerError(f"unfold: maximum size for tensor at dimension 0 is 1 but size is {size}")
    count = (x.shape[at] - size) // step + 1
    if size > x.shape[at] or step < 1:
        raise EagerError(
            f"unfold: maximum size for tensor at dimension {at} is {x.shape[at]} but size is {size}"
        )
    static: dict[str, Any] = {"axis": at, "size": int(size), "step": int(step), "count": count}
    return call("unfold", _windows, x, **static)


def _windows(b: Any, x: Any, *, axis: int, size: int, step: int, count: int) -> Any:
    taken = windows(b, x, axis, size, step, 1, count)
    rest = [i for i in range(b.type_of(taken).ndim) if i != axis + 1]
    return b.transpose(taken, (*rest, axis + 1))


def hsplit(x: Any, indices_or_sections: Sizes) -> tuple[Any, ...]:
    """Parts along the second axis, of a vector along the first."""
    return _even_split("hsplit", x, indices_or_sections, 0 if len(x.shape) == 1 else 1)


def vsplit(x: Any, indices_or_sections: Sizes) -> tuple[Any, ...]:
    """Parts along the first axis."""
    return _even_split("vsplit", x, indices_or_sections, 0)


def dsplit(x: Any, indices_or_sections: Sizes) -> tuple[Any, ...]:
    """Parts along the third axis."""
    return _even_split("dsplit", x, indices_or_sections, 2)


def _even_split(name: str, x: Any, parts: Sizes, axis: int) -> tuple[Any, ...]:
    if len(x.shape) <= (0 if name == "hsplit" else axis):
        least = 1 if name == "hsplit" else axis + 1
        raise EagerError(
            f"{name} requires a tensor with at least {least} dimension, but got a tensor with "
            f"{len(x.shape)} dimensions!"
        )
    extent = x.shape[_axis(x, axis)]
    if isinstance(parts, int) and (parts < 1 or extent % parts):
        raise EagerError(
            f"{name} attempted to split along dimension {axis}, but the size of the dimension "
            f"{extent} is not divisible by the split_size {parts}!"
        )
    return tensor_split(x, parts, axis)


def block_diag(*tensors: Any) -> Any:
    """The matrix that has the given ones along its diagonal, and zeros elsewhere."""
    return call("block_diag", _block_diag, *tensors)


def _block_diag(b: Any, *xs: Any) -> Any:
    shapes = [((1,) * (2 - b.type_of(x).ndim) + b.type_of(x).shape) for x in xs]
    width, first, bands = sum(n for _, n in shapes), 0, []
    for x, shape in zip(xs, shapes, strict=True):
        after = width - first - shape[1]
        cells = b.reshape(x, shape)
        bands.append(b("pad", cells, low=(0, first), high=(0, after), interior=(0, 0)))
        first += shape[1]
    return b.concatenate(bands, 0)


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
