"""Where the elements of a view stand in the memory of its base, and gradients by that."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

__all__ = ["Region"]


class Region:
    """The part of an array `base` that the array `view` of it covers.

    `take`, `put` and `clear` are linear functions of arrays that have the base's shape, or the
    view's; `take` and `put` are each other's adjoint, `clear` is its own.
    """

    __slots__ = ("dtype", "part", "size", "whole")

    def __init__(self, base: np.ndarray, view: np.ndarray) -> None:
        low, high = byte_bounds(base)
        self.dtype = base.dtype
        self.size = high - low if base.size else 0
        self.whole = (base.shape, _address(base) - low, base.strides)
        self.part = (view.shape, _address(view) - low if view.size else 0, view.strides)

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        memory = np.zeros(self.size, np.uint8)
        return self._placed(memory, self.whole), self._placed(memory, self.part)

    def _placed(self, memory: np.ndarray, place: tuple[Any, int, Any]) -> np.ndarray:
        shape, offset, strides = place
        if 0 in shape:
            return np.empty(shape, self.dtype)
        return np.ndarray(shape, self.dtype, memory.data, offset, strides)

    def take(self, x: Any) -> np.ndarray:
        """The part of x."""
        whole, part = self._arrays()
        whole[...] = x
        return part.copy()

    def put(self, x: Any) -> np.ndarray:
        """Zeros, with x in the part; added where elements of the view stand in one place."""
        whole, part = self._arrays()
        if self._overlaps():
            return self._summed(x)
        repeated = tuple(
            [
                i
                for i, (n, step) in enumerate(zip(part.shape, part.strides, strict=True))
                if n > 1 and not step
            ]
        )
        if repeated:
            first = tuple(slice(0, 1) if i in repeated else slice(None) for i in range(part.ndim))
            part, x = part[first], np.add.reduce(x, axis=repeated, keepdims=True)
        part[...] = x
        return whole

    def _overlaps(self) -> bool:
        """Whether elements of the view may stand in one place, apart from axes of stride 0."""
        shape, _, strides = self.part
        reach = self.dtype.itemsize
        for step, extent in sorted(zip(strides, shape, strict=True)):
            if extent > 1 and step:
                if step < reach:
                    return bool(min(strides) >= 0)
                reach = step * extent
        return False

    def _summed(self, x: Any) -> np.ndarray:
        """`put`, element by element."""
        number = np.arange(self.size // self.dtype.itemsize)
        shape, offset, strides = self.part
        places = np.ndarray(shape, number.dtype, number.data, *_scaled(self.dtype, offset, strides))
        flat = np.zeros(number.size, self.dtype)
        np.add.at(flat, places.reshape(-1), np.asarray(x).reshape(-1))
        shape, offset, strides = self.whole
        return np.ndarray(shape, self.dtype, flat.data, offset, strides)

    def clear(self, x: Any) -> np.ndarray:
        """x with zeros in the part."""
        whole, part = self._arrays()
        whole[...] = x
        part[...] = 0
        return whole


def _scaled(dtype: np.dtype[Any], offset: int, strides: Any) -> tuple[int, tuple[int, ...]]:
    """Offset and strides of an array of 64-bit numbers that lies as one of `dtype` does."""
    factor = 8 / dtype.itemsize
    return int(offset * factor), tuple(int(step * factor) for step in strides)


def _address(array: np.ndarray) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
