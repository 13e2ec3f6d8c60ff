"""Parts of tensors: cut out, split along an axis, taken as windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....ir.functions.window import windows
from ..apply.axes import axis_of, whole
from ..apply.operands import call
from ..errors import EagerError

__all__ = [
    "chunk",
    "dsplit",
    "hsplit",
    "narrow",
    "select",
    "split",
    "tensor_split",
    "unbind",
    "vsplit",
]

Sizes = int | Sequence[int]


def _key(axis: int, part: Any) -> tuple[Any, ...]:
    return (*(slice(None),) * axis, part)


def narrow(x: Any, dim: int, start: int, length: int) -> Any:
    """`length` entries along `dim`, from `start` on."""
    at = axis_of(x, dim)
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
    return x[_key(axis_of(x, dim), index)]


def split(x: Any, split_size_or_sections: Sizes, dim: int = 0) -> tuple[Any, ...]:
    """Parts of one size along `dim` (the last may be smaller), or of the sizes listed."""
    at = axis_of(x, dim)
    extent = x.shape[at]
    given = whole(split_size_or_sections)
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
    chunks = whole(chunks)
    if chunks < 1:
        raise EagerError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    at = axis_of(x, dim)
    if not x.shape[at]:
        return _cut("split_with_sizes", x, at, (0,) * chunks)
    return split(x, -(-x.shape[at] // chunks), dim)


def unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    """The entries of x along `dim`, which disappears."""
    at = axis_of(x, dim)
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
    at = axis_of(x, dim)
    extent = x.shape[at]
    indices_or_sections = whole(indices_or_sections)
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


def unfold(x: Any, dimension: int, size: int, step: int) -> Any:
    """Windows of `size` along an axis, `step` apart; a last axis counts inside of a window."""
    at = axis_of(x, dimension)
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
    extent = x.shape[axis_of(x, axis)]
    if isinstance(parts, int) and (parts < 1 or extent % parts):
        raise EagerError(
            f"{name} attempted to split along dimension {axis}, but the size of the dimension "
            f"{extent} is not divisible by the split_size {parts}!"
        )
    return tensor_split(x, parts, axis)
