"""np.pad: what stands around an array, axis by axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.errors import ShapeError
from ..errors import CastError, UnsupportedError
from ..indexing import fixed_positions, gather_many
from ..operands import builder, lift, wrap
from ..registry import call, implements
from ..trace import is_traced

_STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": np.max,
    "minimum": np.min,
    "mean": np.mean,
    "median": np.median,
}
_COPIED = ("edge", "reflect", "symmetric", "wrap")


@implements(np.pad)
def _pad(
    array: Any,
    pad_width: Any,
    mode: Any = "constant",
    *,
    stat_length: Any = None,
    constant_values: Any = 0,
    end_values: Any = 0,
    reflect_type: str = "even",
) -> Any:
    x: Any = lift(array, "np.pad")
    widths = _widths(pad_width, x.ndim)
    if mode in ("constant", "empty"):
        return _with_constants(x, widths, constant_values if mode == "constant" else 0)
    if mode in _COPIED:
        return _with_copies(x, widths, mode, reflect_type)
    if mode == "linear_ramp":
        return _with_ramps(x, widths, end_values)
    if mode in _STATISTICS:
        return _with_statistics(x, widths, _STATISTICS[mode], stat_length)
    raise UnsupportedError(
        f"np.pad with mode={mode!r} is not supported while tracing",
        hint="mode='constant', 'edge', 'reflect', 'symmetric', 'wrap', 'linear_ramp' or 'mean'",
    )


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        pairs = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            pairs[axis] = tuple(np.broadcast_to(width, 2).tolist())
    else:
        pairs = np.broadcast_to(np.asarray(pad_width), (ndim, 2)).tolist()
    found = [(int(low), int(high)) for low, high in pairs]
    if any(low < 0 or high < 0 for low, high in found):
        raise ShapeError("np.pad: index can't contain negative values")
    return found


def _ends(values: Any, ndim: int) -> list[list[Any]]:
    """What stands before and behind each axis: one value, a pair, or a pair for each."""
    if not is_traced(values) and not isinstance(values, list | tuple):
        values = np.asarray(values)
    found: Any = call(np.broadcast_to, lift(values, "np.pad"), (ndim, 2))
    return [[found[axis, 0], found[axis, 1]] for axis in range(ndim)]


def _with_constants(x: Any, widths: list[tuple[int, int]], values: Any) -> Any:
    low, high = zip(*widths, strict=True) if widths else ((), ())
    b = builder()
    none = (0,) * x.ndim
    if isinstance(values, int | float) and values == 0:
        return wrap(b("pad", x.value, low=low, high=high, interior=none))
    ends = _ends(values, x.ndim)
    for axis, (before, behind) in enumerate(widths):
        pairs = zip((before, behind), ends[axis], strict=True)
        x = _joined(x, axis, *(_repeated(x, axis, count, value) for count, value in pairs))
    return x


def _repeated(x: Any, axis: int, count: int, value: Any) -> Any:
    """`value` (which broadcasts against x with an extent of 1 along `axis`) `count` times."""
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    return call(np.broadcast_to, value, shape)


def _joined(x: Any, axis: int, before: Any, behind: Any) -> Any:
    parts = [part.astype(x.dtype) for part in (before, x, behind) if part.shape[axis] or part is x]
    return call(np.concatenate, parts, axis)


def _with_copies(x: Any, widths: list[tuple[int, int]], mode: str, reflect_type: str) -> Any:
    for axis, (low, high) in enumerate(widths):
        if not (low or high):
            continue
        extent = x.shape[axis]
        source = np.pad(np.arange(extent), (low, high), mode=mode)  # type: ignore[call-overload]
        padded = wrap(gather_many(x.value, [axis], [fixed_positions(source, extent)]))
        if reflect_type == "odd" and mode in ("reflect", "symmetric"):
            padded = _turned(x, padded, axis, low, high)
        x = padded
    return x


def _turned(x: Any, padded: Any, axis: int, low: int, high: int) -> Any:
    """Twice the edge less what is reflected there."""
    extent = x.shape[axis]
    if max(low, high) >= extent:
        raise UnsupportedError(
            "np.pad with reflect_type='odd' beyond the extent is not supported while tracing"
        )
    first, last = _part(x, axis, 0, 1), _part(x, axis, extent - 1, extent)
    before, behind = _part(padded, axis, 0, low), _part(padded, axis, low + extent, None)
    return call(np.concatenate, [2 * first - before, x, 2 * last - behind], axis)


def _part(x: Any, axis: int, start: int, stop: int | None) -> Any:
    return x[(*(slice(None),) * axis, slice(start, stop))]


def _with_ramps(x: Any, widths: list[tuple[int, int]], values: Any) -> Any:
    ends = _ends(values, x.ndim)
    for axis, (low, high) in enumerate(widths):
        first, last = _part(x, axis, 0, 1), _part(x, axis, x.shape[axis] - 1, None)
        ramps = []
        for count, edge, end in ((low, first, ends[axis][0]), (high, last, ends[axis][1])):
            shape = tuple(-1 if i == axis else 1 for i in range(x.ndim))
            share = (np.arange(count) / max(count, 1)).reshape(shape)
            ramps.append(end + (edge - end) * share)
        x = _joined(x, axis, ramps[0], call(np.flip, ramps[1], axis))
    return x


def _with_statistics(
    x: Any, widths: list[tuple[int, int]], statistic: Callable[..., Any], lengths: Any
) -> Any:
    if lengths is not None:
        lengths = np.broadcast_to(np.asarray(lengths), (x.ndim, 2)).tolist()
    for axis, (low, high) in enumerate(widths):
        extent = x.shape[axis]
        first, last = (extent, extent) if lengths is None else lengths[axis]
        if min(first, last) < 1:
            raise CastError("stat_length of 0 yields no value for padding")
        parts = (_part(x, axis, 0, min(first, extent)), _part(x, axis, max(extent - last, 0), None))
        found = [call(statistic, part, axis, keepdims=True) for part in parts]
        if not x.value.type.is_float:
            found = [call(np.round, value) for value in found]
        pairs = zip((low, high), found, strict=True)
        x = _joined(x, axis, *(_repeated(x, axis, count, value) for count, value in pairs))
    return x
