"""An emitter that computes: each method does at once what codegen's writes as an instruction."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from fusegrad.ir import TABLE
from fusegrad.ir.types import NUMPY_DTYPE, dtype_name


@dataclass(frozen=True)
class Reg:
    """A register with its values in all lanes."""

    array: np.ndarray

    @property
    def dtype(self) -> str:
        return str(dtype_name(self.array.dtype))


def _lanewise(function: Callable[..., Any]) -> Callable[..., Reg]:
    def method(self: ArrayEmitter, *operands: Reg) -> Reg:
        return Reg(np.asarray(function(*(x.array for x in operands))))

    return method


def _divide(x: np.ndarray, y: np.ndarray) -> Any:
    """Integers: towards zero, and the CPU traps on what has no result."""
    if x.dtype.kind == "f":
        return x / y
    assert not np.any(y == 0)
    assert not np.any((x == np.iinfo(x.dtype).min) & (y == -1))
    quotient = x // y
    return quotient + ((quotient < 0) & (quotient * y != x))


def _fma(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Any:
    """x·y + z rounded once, by rational arithmetic."""
    lanes = np.broadcast_arrays(x, y, z)
    rows = zip(*(lane.ravel().tolist() for lane in lanes), strict=True)
    return np.array([_fma_of(*row, x.dtype) for row in rows], x.dtype).reshape(lanes[0].shape)


def _fma_of(x: float, y: float, z: float, dtype: np.dtype) -> float:
    if not all(map(math.isfinite, (x, y, z))):
        return x * y + z
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    return _rounded(exact, dtype) if exact else x * y + z


def _rounded(exact: Fraction, dtype: np.dtype) -> float:
    try:
        double = float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf
    near = dtype.type(double)
    if not np.isfinite(near):
        return float(near)
    around = (near, np.nextafter(near, dtype.type(-np.inf)), np.nextafter(near, dtype.type(np.inf)))
    finite = [float(x) for x in around if np.isfinite(x)]
    return min(finite, key=lambda x: abs(Fraction(x) - exact))


class ArrayEmitter:
    """The scalar vocabulary of codegen's `Emitter`."""

    add = _lanewise(np.add)
    sub = _lanewise(np.subtract)
    mul = _lanewise(np.multiply)
    div = _lanewise(_divide)
    frem = _lanewise(np.fmod)
    fma = _lanewise(_fma)
    neg = _lanewise(np.negative)
    absolute = _lanewise(np.abs)
    sqrt = _lanewise(np.sqrt)
    floor = _lanewise(np.floor)
    ceil = _lanewise(np.ceil)
    rint = _lanewise(np.rint)
    copysign = _lanewise(np.copysign)
    maximum = _lanewise(np.maximum)
    minimum = _lanewise(np.minimum)
    and_ = _lanewise(np.bitwise_and)
    or_ = _lanewise(np.bitwise_or)
    xor = _lanewise(np.bitwise_xor)
    not_ = _lanewise(np.invert)
    is_nan = _lanewise(np.isnan)
    select = _lanewise(np.where)

    def const(self, value: float, dtype: str) -> Reg:
        return Reg(np.asarray(value, NUMPY_DTYPE[dtype]))

    def cast(self, x: Reg, dtype: str) -> Reg:
        return self.convert(x, dtype)

    def convert(self, x: Reg, dtype: str) -> Reg:
        return Reg(x.array.astype(NUMPY_DTYPE[dtype]))

    def compare(self, predicate: str, x: Reg, y: Reg) -> Reg:
        return Reg(np.asarray(TABLE[predicate].eval(x.array, y.array)))

    def rescue(self, mask: Reg, usual: Reg, slow: Callable[[], Reg]) -> Reg:
        return Reg(np.where(mask.array, slow().array, usual.array))

    def call(self, function: str, *operands: Reg) -> Reg:
        return Reg(np.asarray(TABLE[function].eval(*(x.array for x in operands))))
