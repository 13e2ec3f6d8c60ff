"""Functions that move elements: views, joins, splits, repetitions."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.errors import ShapeError
from ..mutation import apart
from ..operands import builder, lift, wrap, wrap_view
from ..promotion import (
    Shape,
    broadcast_shapes,
    normalise_axes,
    normalise_axis,
    shape_text,
    static_shape,
)
from ..registry import dispatch, implements

if TYPE_CHECKING:
    from ..array import TracedArray


# --- views ---


@implements(np.reshape)
def _reshape(
    a: Any, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None
) -> TracedArray:
    x = lift(a, "np.reshape")
    wanted = _complete(static_shape(newshape if shape is None else shape), x)
    if order == "F":
        backwards = _reversed_axes(x)
        b = builder()
        value = b.reshape(b.transpose(x.value, backwards), wanted[::-1])
        return wrap(b.transpose(value, tuple(reversed(range(len(wanted))))))
    return wrap_view(builder().reshape(x.value, wanted), x)


def _complete(shape: Shape, x: TracedArray) -> Shape:
    """`shape` with -1 replaced by what is left; checked."""
    known = int(np.prod([n for n in shape if n != -1], dtype=np.int64))
    guessed = shape.count(-1)
    fits = x.size == known if not guessed else known > 0 and x.size % known == 0
    if guessed > 1 or not fits:
        raise ShapeError(
            f"np.reshape: cannot reshape array of size {x.size} into shape {shape_text(shape)}",
            hint="the product of the extents must stay the same, and only one may be -1",
        )
    return tuple(x.size // known if n == -1 else n for n in shape)


def _reversed_axes(x: TracedArray) -> Shape:
    return tuple(reversed(range(x.ndim)))


@implements(np.ravel)
def _ravel(a: Any, order: str = "C") -> TracedArray:
    return _reshape(a, -1, order)


@implements(np.transpose, getattr(np, "permute_dims", None))
def _transpose(a: Any, axes: Any = None) -> TracedArray:
    x = lift(a, "np.transpose")
    if axes is None:
        return wrap_view(builder().transpose(x.value, _reversed_axes(x)), x)
    given = tuple(axes) if isinstance(axes, tuple | list) else (axes,)
    order = tuple(normalise_axis(axis, x.ndim, "np.transpose") for axis in given)
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"np.transpose: axes {given} don't match array of {x.ndim} dimensions")
    return wrap_view(builder().transpose(x.value, order), x)


@implements(getattr(np, "matrix_transpose", None), getattr(np.linalg, "matrix_transpose", None))
def _matrix_transpose(x: Any, /) -> TracedArray:
    return lift(x, "np.matrix_transpose").mT  # type: ignore[no-any-return]


@implements(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> TracedArray:
    x = lift(a, "np.swapaxes")
    order = list(range(x.ndim))
    i = normalise_axis(axis1, x.ndim, "np.swapaxes")
    j = normalise_axis(axis2, x.ndim, "np.swapaxes")
    order[i], order[j] = order[j], order[i]
    return wrap_view(builder().transpose(x.value, tuple(order)), x)


@implements(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> TracedArray:
    x = lift(a, "np.moveaxis")
    sources, targets = (_axis_list(axes, x.ndim, "np.moveaxis") for axes in (source, destination))
    if len(sources) != len(targets):
        raise ShapeError("np.moveaxis: source and destination need the same number of axes")
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, axis)
    return wrap_view(builder().transpose(x.value, tuple(order)), x)


def _axis_list(axes: Any, ndim: int, who: str) -> list[int]:
    given = axes if isinstance(axes, tuple | list) else (axes,)
    found = [normalise_axis(axis, ndim, who) for axis in given]
    if len(set(found)) != len(found):
        raise ShapeError(f"{who}: an axis stands twice in {tuple(given)}")
    return found


@implements(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> TracedArray:
    x = lift(a, "np.rollaxis")
    at = normalise_axis(axis, x.ndim, "np.rollaxis")
    target = normalise_axis(start, x.ndim + 1, "np.rollaxis")
    return _moveaxis(x, at, target - 1 if target > at else target)


@implements(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> TracedArray:
    x = lift(a, "np.squeeze")
    if axis is None:
        kept = tuple(n for n in x.shape if n != 1)
    else:
        axes = normalise_axes(axis, x.ndim, "np.squeeze")
        if any(x.shape[i] != 1 for i in axes):
            raise ShapeError(
                f"np.squeeze: axes {list(axes)} of an array of shape {shape_text(x.shape)} "
                "are not all of size one"
            )
        kept = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    return wrap_view(builder().reshape(x.value, kept), x)


@implements(np.expand_dims)
def _expand_dims(a: Any, axis: Any) -> TracedArray:
    x = lift(a, "np.expand_dims")
    count = len(axis) if isinstance(axis, tuple | list) else 1
    axes = normalise_axes(axis, x.ndim + count, "np.expand_dims")
    extents = iter(x.shape)
    shape = tuple(1 if i in axes else next(extents) for i in range(x.ndim + count))
    return wrap_view(builder().reshape(x.value, shape), x)


@implements(np.atleast_1d)
def _atleast_1d(*arrays: Any) -> Any:
    return _each(arrays, lambda x: x if x.ndim else x.reshape(1))


@implements(np.atleast_2d)
def _atleast_2d(*arrays: Any) -> Any:
    return _each(arrays, lambda x: x if x.ndim > 1 else x.reshape(1, -1))


@implements(np.atleast_3d)
def _atleast_3d(*arrays: Any) -> Any:
    shapes = {0: (1, 1, 1), 1: (1, -1, 1)}
    return _each(
        arrays, lambda x: x if x.ndim > 2 else x.reshape(shapes.get(x.ndim, (*x.shape, 1)))
    )


def _each(arrays: tuple[Any, ...], change: Any) -> Any:
    changed = tuple(change(lift(x)) for x in arrays)
    return changed[0] if len(changed) == 1 else changed


@implements(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any) -> TracedArray:
    x = lift(array, "np.broadcast_to")
    wanted = static_shape(shape)
    if broadcast_shapes("np.broadcast_to", [x.shape, wanted]) != wanted:
        raise ShapeError(
            f"np.broadcast_to: shape {shape_text(x.shape)} does not broadcast to "
            f"{shape_text(wanted)}"
        )
    return wrap_view(builder().broadcast(x.value, wanted), x)


@implements(np.broadcast_arrays)
def _broadcast_arrays(*arrays: Any) -> tuple[TracedArray, ...]:
    lifted = [lift(x, "np.broadcast_arrays") for x in arrays]
    shape = broadcast_shapes("np.broadcast_arrays", [x.shape for x in lifted])
    return tuple(_broadcast_to(x, shape) for x in lifted)


@implements(np.flip)
def _flip(m: Any, axis: Any = None) -> TracedArray:
    x = lift(m, "np.flip")
    axes = normalise_axes(axis, x.ndim, "np.flip")
    return wrap_view(builder()("reverse", x.value, axes=axes), x) if axes else x


@implements(np.fliplr)
def _fliplr(m: Any) -> TracedArray:
    return _flip(m, 1)


@implements(np.flipud)
def _flipud(m: Any) -> TracedArray:
    return _flip(m, 0)


# --- repetitions ---


@implements(np.tile)
def _tile(A: Any, reps: Any) -> TracedArray:  # noqa: N803
    x = lift(A, "np.tile")
    counts = static_shape(reps)
    ndim = max(x.ndim, len(counts))
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - x.ndim) + x.shape
    b = builder()
    spaced = tuple(n for extent in shape for n in (1, extent))
    full = tuple(n for pair in zip(counts, shape, strict=True) for n in pair)
    value = b.broadcast(b.reshape(x.value, spaced), full)
    return wrap(b.reshape(value, tuple(c * n for c, n in zip(counts, shape, strict=True))))


@implements(np.repeat)
def _repeat(a: Any, repeats: Any, axis: Any = None) -> TracedArray:
    x = lift(a, "np.repeat")
    if axis is None:
        x, axis = x.reshape(-1), 0
    at = normalise_axis(axis, x.ndim, "np.repeat")
    if isinstance(repeats, list | tuple | np.ndarray) and np.size(repeats) != 1:
        return dispatch(np.take, (x, _repeated(repeats, x.shape[at]), at), {})  # type: ignore[no-any-return]
    count = operator.index(np.asarray(repeats).item() if not hasattr(repeats, "value") else repeats)
    b = builder()
    spaced = (*x.shape[: at + 1], 1, *x.shape[at + 1 :])
    full = (*x.shape[: at + 1], count, *x.shape[at + 1 :])
    shape = (*x.shape[:at], x.shape[at] * count, *x.shape[at + 1 :])
    return wrap(b.reshape(b.broadcast(b.reshape(x.value, spaced), full), shape))


def _repeated(repeats: Any, extent: int) -> np.ndarray[Any, Any]:
    """Which element comes from where."""
    from ..trace import current_trace

    counts = np.asarray(repeats)
    if counts.shape != (extent,):
        raise ShapeError(f"np.repeat: {counts.size} counts for {extent} elements")
    current_trace().bake(repeats, counts)
    return np.repeat(np.arange(extent), counts)


@implements(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> TracedArray:
    x = lift(a, "np.roll")
    if axis is None:
        return _roll_one(x.reshape(-1), operator.index(shift), 0).reshape(x.shape)  # type: ignore[no-any-return]
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    shifts = shift if isinstance(shift, tuple | list) else (shift,)
    shifts = shifts * len(axes) if len(shifts) == 1 else shifts
    axes = axes * len(shifts) if len(axes) == 1 else axes
    for each, along in zip(shifts, axes, strict=True):
        x = _roll_one(x, operator.index(each), normalise_axis(along, x.ndim, "np.roll"))
    return wrap(x.value)


def _roll_one(x: TracedArray, shift: int, axis: int) -> TracedArray:
    extent = x.shape[axis]
    moved = shift % extent if extent else 0
    if not moved:
        return x
    before = (slice(None),) * axis
    head, tail = x[(*before, slice(-moved, None))], x[(*before, slice(None, -moved))]
    return wrap(builder().concatenate([head.value, tail.value], axis))


@implements(np.rot90)
def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> TracedArray:
    x = lift(m, "np.rot90")
    first, second = (normalise_axis(axis, x.ndim, "np.rot90") for axis in axes)
    turns = k % 4
    if turns == 0:
        return x
    if turns == 2:
        return _flip(x, (first, second))
    if turns == 1:
        return _swapaxes(_flip(x, second), first, second)
    return _flip(_swapaxes(x, first, second), second)


@implements(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> TracedArray:
    return wrap(apart(lift(a, "np.copy").value))


@implements(np.astype if hasattr(np, "astype") else None)
def _astype(x: Any, dtype: Any, /, *, copy: bool = True) -> TracedArray:
    return lift(x).astype(dtype, copy=copy)  # type: ignore[no-any-return]


# --- what is known while tracing ---


@implements(np.shape)
def _shape(a: Any) -> Shape:
    return lift(a).shape


@implements(np.ndim)
def _ndim(a: Any) -> int:
    return lift(a).ndim


@implements(np.size)
def _size(a: Any, axis: Any = None) -> int:
    x = lift(a)
    return x.size if axis is None else x.shape[axis]


@implements(np.result_type)
def _result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    from ..operands import kind_of
    from ..trace import is_traced

    kinds = [kind_of(x) if is_traced(x) else x for x in arrays_and_dtypes]
    return np.result_type(*[kind(0) if isinstance(kind, type) else kind for kind in kinds])


@implements(np.iscomplexobj)
def _iscomplexobj(x: Any) -> bool:
    return False


@implements(np.isrealobj)
def _isrealobj(x: Any) -> bool:
    return True
