"""Known values as constants of a graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.op import ArrayConstant
from ...ir.types import TensorType
from ..array import TracedArray
from ..promotion import supported_dtype
from ..trace import LARGEST_DENSE, Trace

Array = np.ndarray[Any, Any]


def same_bits(x: Array, y: Array) -> bool:
    return x.tobytes() == y.tobytes()


def note_values(trace: Trace, array: Array, derived: bool) -> None:
    """Tell the trace where the values of a constant come from."""
    if derived:
        trace.scalars.append(array)  # what they come from is to be compared at each call
    else:
        trace.fresh.append(array)


def constant_of(trace: Trace, array: Array, derived: bool) -> TracedArray:
    type = TensorType(supported_dtype(array.dtype), array.shape)
    flat = array.reshape(-1)
    if derived or array.size > LARGEST_DENSE:
        note_values(trace, array, derived)
    if not flat.size or same_bits(flat, np.full_like(flat, flat[0])):
        number = flat[0].item() if flat.size else 0
        return trace.wrap(trace.builder.constant(number, type))
    if array.size <= LARGEST_DENSE:
        return trace.wrap(trace.builder("dense", data=ArrayConstant(array)))
    return trace.capture(array, array)
