"""Strided views of dense buffers, as the IR's structural ops make them.

A `View` says where element (i0, i1, …) of a tensor lies in a dense buffer:

    buffer[offset + Σ strides[d] · i_d]   where bounds[d].low <= i_d < bounds[d].high for all axes,
    0                                     elsewhere (the zeros that a pad puts around)

Offset and strides count elements. Fusion composes views, so that broadcast, transpose, slice,
reverse, pad and most reshapes cost nothing: a kernel reads through them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from .graph import Operation

Bounds = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class View:
    """A tensor of `shape` seen in a buffer."""

    shape: tuple[int, ...]
    offset: int
    strides: tuple[int, ...]
    bounds: Bounds | None = None  # None: every element is in the buffer

    @staticmethod
    def dense(shape: tuple[int, ...]) -> View:
        """The buffer itself, in row-major order."""
        return View(shape, 0, row_major_strides(shape))

    @property
    def is_dense(self) -> bool:
        """Does it show the buffer from its start on, in order?"""
        return self.bounds is None and self.offset == 0 and self._packed()

    def reads(self) -> tuple[int, int] | None:
        """The first and the last element of the buffer that it reads; None where it reads none."""
        low = high = self.offset
        for (start, stop), stride in zip(self.bounds or self._all(), self.strides, strict=True):
            if start >= stop:
                return None
            ends = (start * stride, (stop - 1) * stride)
            low, high = low + min(ends), high + max(ends)
        return low, high

    def _all(self) -> Bounds:
        return tuple((0, n) for n in self.shape)

    def _packed(self) -> bool:
        if 0 in self.shape:
            return True
        dense = row_major_strides(self.shape)
        return all(
            n == 1 or s == d for n, s, d in zip(self.shape, self.strides, dense, strict=True)
        )

    def broadcast(self, shape: tuple[int, ...]) -> View:
        lead = len(shape) - len(self.shape)
        strides, bounds = [0] * lead, [(0, n) for n in shape[:lead]]
        for axis, extent in enumerate(self.shape):
            repeated = extent == 1 and shape[lead + axis] != 1
            strides.append(0 if repeated else self.strides[axis])
            low, high = self.bounds[axis] if self.bounds else (0, extent)
            if repeated and low < high:  # the one element is there, so are its copies
                low, high = 0, shape[lead + axis]
            bounds.append((low, high))
        return View(shape, self.offset, tuple(strides), tuple(bounds) if self.bounds else None)

    def transpose(self, permutation: tuple[int, ...]) -> View:
        bounds = tuple(self.bounds[p] for p in permutation) if self.bounds else None
        shape = tuple(self.shape[p] for p in permutation)
        return View(shape, self.offset, tuple(self.strides[p] for p in permutation), bounds)

    def slice(self, start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...]) -> View:
        shape = tuple(-(-(b - a) // s) for a, b, s in zip(start, stop, step, strict=True))
        offset = self.offset + sum(a * s for a, s in zip(start, self.strides, strict=True))
        strides = tuple(s * k for s, k in zip(self.strides, step, strict=True))
        if self.bounds is None:
            return View(shape, offset, strides)
        bounds = tuple(
            (_clamp(-(-(low - a) // k), n), _clamp(-(-(high - a) // k), n))
            for (low, high), a, k, n in zip(self.bounds, start, step, shape, strict=True)
        )
        inside = all(bound == (0, n) for bound, n in zip(bounds, shape, strict=True))
        return View(shape, offset, strides, None if inside else bounds)

    def reverse(self, axes: tuple[int, ...]) -> View:
        offset, strides = self.offset, list(self.strides)
        bounds = list(self.bounds) if self.bounds else None
        for axis in axes:
            extent = self.shape[axis]
            offset += (extent - 1) * strides[axis]
            strides[axis] = -strides[axis]
            if bounds:
                low, high = bounds[axis]
                bounds[axis] = (extent - high, extent - low)
        return View(self.shape, offset, tuple(strides), tuple(bounds) if bounds else None)

    def pad(self, low: tuple[int, ...], high: tuple[int, ...]) -> View:
        """Zeros around it."""
        shape = tuple(a + n + b for a, n, b in zip(low, self.shape, high, strict=True))
        offset = self.offset - sum(a * s for a, s in zip(low, self.strides, strict=True))
        inner = self.bounds or self._all()
        bounds = tuple((a + b, a + c) for a, (b, c) in zip(low, inner, strict=True))
        return View(shape, offset, self.strides, bounds)

    def reshape(self, shape: tuple[int, ...]) -> View | None:
        """The same elements in another shape, where strides can say so."""
        if self.bounds is not None:
            return None
        strides = _reshaped_strides(self.shape, self.strides, shape)
        return None if strides is None else View(shape, self.offset, strides)

    def through(self, operation: Operation) -> View | None:
        """The result of a structural `operation` on this view; None where it needs a copy."""
        attributes = operation.attributes
        match operation.name:
            case "later":
                return self
            case "broadcast":
                return self.broadcast(attributes["shape"])
            case "reshape":
                return self.reshape(attributes["shape"])
            case "transpose":
                return self.transpose(attributes["permutation"])
            case "slice":
                return self.slice(attributes["start"], attributes["stop"], attributes["step"])
            case "reverse":
                return self.reverse(attributes["axes"])
            case "pad" if not any(attributes["interior"]):
                return self.pad(attributes["low"], attributes["high"])
        return None


def row_major_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides, in elements, of a dense row-major array."""
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step)
        step *= max(extent, 1)
    return tuple(reversed(strides))


def _clamp(value: int, extent: int) -> int:
    return min(max(value, 0), extent)


def _reshaped_strides(
    old_shape: tuple[int, ...], old_strides: tuple[int, ...], new_shape: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Strides of a reshape without a copy: axes that are joined or split must be evenly spaced."""
    if 0 in old_shape:
        return row_major_strides(new_shape)
    old = [(n, s) for n, s in zip(old_shape, old_strides, strict=True) if n != 1]
    result: list[int] = [0] * len(new_shape)
    i, j = 0, 0
    while j < len(new_shape):
        if new_shape[j] == 1:
            j += 1
            continue
        group_old, group_new = [old[i]], [j]
        extent_old, extent_new = old[i][0], new_shape[j]
        i, j = i + 1, j + 1
        while extent_old != extent_new:
            if extent_old < extent_new:
                group_old.append(old[i])
                extent_old *= old[i][0]
                i += 1
            else:
                group_new.append(j)
                extent_new *= new_shape[j]
                j += 1
        if any(a[1] != b[1] * b[0] for a, b in pairwise(group_old)):
            return None
        step = group_old[-1][1]
        for axis in reversed(group_new):
            result[axis] = step
            step *= new_shape[axis]
    return tuple(result)
