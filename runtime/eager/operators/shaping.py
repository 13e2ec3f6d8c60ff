"""Shapes of tensors: views, their inverses, joining."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ....ir.op import TABLE, Op
from ..apply.axes import Dim, normalise, normalise_all, shape_of
from ..apply.builder import apply
from ..apply.dispatch import call
from ..apply.operands import as_operand, promoted
from ..core import make_view
from ..errors import EagerError, EmptyListError
from .arithmetic import clone

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "broadcast_to",
    "cat",
    "concat",
    "concatenate",
    "flatten",
    "flip",
    "permute",
    "ravel",
    "reshape",
    "squeeze",
    "stack",
    "swapaxes",
    "swapdims",
    "t",
    "transpose",
    "unsqueeze",
]

_RESHAPE = TABLE["reshape"]
_TRANSPOSE = TABLE["transpose"]
_BROADCAST = TABLE["broadcast"]
_CONCATENATE = TABLE["concatenate"]
_REVERSE = TABLE["reverse"]


def _moved(op: Op, x: Any, attributes: dict[str, Any], title: str) -> Tensor:
    """An op of the table, of an operand of any kind."""
    if hasattr(x, "_data"):
        return apply(op, (x,), attributes, title)
    result: Tensor = call(op.name, one_op, x, title=title, op=op.name, **attributes)
    return result


def one_op(b: Any, *operands: Any, op: str, **attributes: Any) -> Any:
    """The op of that name."""
    return b(op, *operands, **attributes)


def reshape(x: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """x in another shape, one size of which may be -1; a view where the memory allows it."""
    shape = _complete(shape_of(sizes if shape is None else (shape,)), math.prod(x.shape))
    if not hasattr(x, "_data") or x._data.flags.c_contiguous or _viewable(x._data, shape):
        return _moved(_RESHAPE, x, {"shape": shape}, "ViewBackward0")
    return _moved(_RESHAPE, clone(x), {"shape": shape}, "UnsafeViewBackward0")


def view(x: Tensor, *sizes: Any) -> Tensor:
    """A view of x in another shape; an error where the memory does not allow it.

    view(dtype) sees the same bytes as elements of another dtype of that size.
    """
    if len(sizes) == 1 and isinstance(sizes[0], np.dtype | type):
        return _as_bytes(x, np.dtype(sizes[0]))
    shape = _complete(shape_of(sizes), math.prod(x.shape))
    seen = not hasattr(x, "_data") or x._data.flags.c_contiguous
    if not (seen or _viewable(x._data, shape)):
        raise EagerError(
            f"view: shape {list(x.shape)} with strides {list(x._data.strides)} can't be seen as "
            f"{list(shape)} without a copy; use reshape()"
        )
    return _moved(_RESHAPE, x, {"shape": shape}, "ViewBackward0")


def _as_bytes(x: Tensor, dtype: np.dtype[Any]) -> Tensor:
    if dtype.itemsize != x._data.itemsize:
        raise EagerError(f"view: elements of {x._data.dtype} can't be seen as {dtype}: other sizes")
    return x if dtype == x._data.dtype else make_view(x._data.view(dtype), None, x)


def _viewable(data: np.ndarray, shape: tuple[int, ...]) -> bool:
    return np.may_share_memory(np.reshape(data, shape), data)


def _complete(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) == 1 and known and size % known == 0:
        return tuple(size // known if n == -1 else n for n in shape)
    if known != size or -1 in shape:
        raise EagerError(f"shape {list(shape)} is invalid for input of size {size}")
    return shape


def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from `start_dim` to `end_dim` joined into one."""
    shape = x.shape or (1,)
    start, end = normalise(start_dim, len(shape)), normalise(end_dim, len(shape))
    joined = math.prod(shape[start : end + 1])
    new = (*shape[:start], joined, *shape[end + 1 :])
    return x if new == x.shape else reshape(x, new)


def ravel(x: Tensor) -> Tensor:
    """All elements in one axis."""
    return reshape(x, -1)


def squeeze(x: Tensor, dim: Dim = None) -> Tensor:
    """x without its axes of extent 1, or without those of `dim` that have it."""
    shape = x.shape
    axes = normalise_all(dim, len(shape)) if dim != () else ()
    new = tuple(n for i, n in enumerate(shape) if n != 1 or i not in axes)
    form = 0 if dim is None else 1 if isinstance(dim, int) else 2
    return _moved(_RESHAPE, x, {"shape": new}, f"SqueezeBackward{form}")


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """x with an axis of extent 1 put in at `dim`."""
    shape = x.shape
    at = normalise(dim, len(shape) + 1)
    return _moved(_RESHAPE, x, {"shape": (*shape[:at], 1, *shape[at:])}, "UnsqueezeBackward0")


def expand(x: Tensor, *sizes: Any) -> Tensor:
    """A view of x repeated along axes of extent 1 and new ones in front; -1 keeps an extent."""
    wanted = shape_of(sizes)
    have = x.shape
    lead = len(wanted) - len(have)
    shape = tuple(have[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(wanted))
    fits = lead >= 0 and -1 not in shape
    if not fits or any(a not in (1, n) for a, n in zip(have, shape[lead:], strict=True)):
        raise EagerError(
            f"expand: shape {list(have)} does not expand to {list(wanted)}: the expanded size of "
            "the tensor must match the existing size where that is not 1"
        )
    return _moved(_BROADCAST, x, {"shape": shape}, "ExpandBackward0")


def broadcast_to(x: Tensor, shape: Sequence[int]) -> Tensor:
    """x repeated up to `shape`, by NumPy's rule."""
    return expand(x, shape)


def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """x with two axes exchanged."""
    ndim = x.ndim
    first, second = normalise(dim0, ndim), normalise(dim1, ndim)
    order = list(range(ndim))
    if ndim:
        order[first], order[second] = second, first
    return _moved(_TRANSPOSE, x, {"permutation": tuple(order)}, "TransposeBackward0")


swapaxes = swapdims = transpose


def t(x: Tensor) -> Tensor:
    """The transposed matrix; vectors and scalars stay as they are."""
    ndim = x.ndim
    if ndim > 2:
        raise EagerError(f"t() expects a tensor with <= 2 dimensions, not shape {list(x.shape)}")
    order = tuple(reversed(range(ndim)))
    return _moved(_TRANSPOSE, x, {"permutation": order}, "TBackward0")


def permute(x: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """x with its axes in another order."""
    ndim = x.ndim
    given = shape_of(order if dims is None else (dims,))
    axes = tuple(normalise(d, ndim) for d in given)
    if sorted(axes) != list(range(ndim)):
        raise EagerError(f"permute: {list(axes)} is no order of the axes of {list(x.shape)}")
    return _moved(_TRANSPOSE, x, {"permutation": axes}, "PermuteBackward0")


def reverse_axes(x: Tensor) -> Tensor:
    """x.T: all axes in reverse order."""
    return permute(x, tuple(reversed(range(x.ndim))))


def matrix_transpose(x: Tensor) -> Tensor:
    """x.mT: the last two axes exchanged."""
    if x.ndim < 2:
        raise EagerError(f"mT is for matrices and stacks of them, not for shape {list(x.shape)}")
    return transpose(x, -2, -1)


def hermitian_transpose(x: Tensor) -> Tensor:
    """x.H: the two axes of a matrix exchanged."""
    if x.ndim not in (0, 2):
        raise EagerError(f"tensor.H is only supported on matrices (2-D tensors). Got {x.ndim}-D")
    return transpose(x, 0, 1) if x.ndim else x


def flip(x: Tensor, *axes_: Any, dims: Any = None) -> Tensor:
    """x in reverse order along `dims` (a copy)."""
    given = shape_of(axes_ if dims is None else (dims,))
    axes = normalise_all(given, x.ndim) if given else ()
    result: Tensor = call("flip", _flip, x, axes=axes)
    return result


def _flip(b: Any, x: Any, *, axes: tuple[int, ...]) -> Any:
    if axes:
        return b("reverse", x, axes=axes)
    return b.select(b.constant(True, b.type_of(x).with_dtype("bool")), x, x)  # a copy


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Tensors joined along an axis that they have; vectors without elements are passed over."""
    parts = _one_dtype("cat", tensors)
    parts = [x for x in parts if tuple(x.shape) != (0,)] or parts[:1]
    axis = normalise(dim if axis is None else axis, parts[0].ndim)
    if all(hasattr(part, "_data") for part in parts):
        return apply(_CONCATENATE, parts, {"axis": axis}, "CatBackward0")
    result: Tensor = call("cat", one_op, *parts, op="concatenate", axis=axis)
    return result


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Tensors of one shape joined along a new axis."""
    parts = _one_dtype("stack", tensors)
    shapes = {tuple(x.shape) for x in parts}
    if len(shapes) > 1:
        raise EagerError(f"stack expects each tensor to be equal size, but got {sorted(shapes)}")
    axis = normalise(dim if axis is None else axis, parts[0].ndim + 1)
    result: Tensor = call("stack", _stack, *parts, axis=axis)
    return result


def _stack(b: Any, *xs: Any, axis: int) -> Any:
    shape = b.type_of(xs[0]).shape
    wide = (*shape[:axis], 1, *shape[axis:])
    return b.concatenate([b.reshape(x, wide) for x in xs], axis)


def _one_dtype(name: str, tensors: Sequence[Tensor]) -> list[Tensor]:
    if hasattr(tensors, "__fusegrad_tensor__"):
        raise TypeError(f"{name}(): argument 'tensors' must be tuple of Tensors, not Tensor")
    for i, x in enumerate(tensors):
        if not hasattr(x, "shape") and not isinstance(x, list | tuple):
            raise TypeError(f"{name}: expected Tensor as element {i} in argument 0, but got {x!r}")
    if not tensors:
        raise EmptyListError(f"{name}() expected a non-empty list of Tensors")
    return list(promoted(*map(as_operand, tensors)))
