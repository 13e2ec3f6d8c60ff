"""Types of the IR: an element type and a static shape.

dtype ::= f32 | f64 | i32 | i64 | bool
type  ::= dtype [ extent, … ]            f64[3, 4]   i64[]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

DTYPES = ("f32", "f64", "i32", "i64", "bool")
FLOATS = ("f32", "f64")
INTEGERS = ("i32", "i64")

NUMPY_DTYPE: dict[str, np.dtype] = {
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "i32": np.dtype(np.int32),
    "i64": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
}
_NAME_OF = {dtype: name for name, dtype in NUMPY_DTYPE.items()}


@dataclass(frozen=True, slots=True)
class TensorType:
    """Element type and shape of a value. ``str()`` is its text form, ``f64[3, 4]``."""

    dtype: str
    shape: tuple[int, ...] = ()

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of a dense array of this type."""
        return self.size * NUMPY_DTYPE[self.dtype].itemsize

    @property
    def is_float(self) -> bool:
        return self.dtype in FLOATS

    def with_shape(self, shape: tuple[int, ...]) -> TensorType:
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: str) -> TensorType:
        return TensorType(dtype, self.shape)

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@lru_cache(maxsize=256)
def dtype_name(dtype: np.dtype) -> str | None:
    """The IR's name of a NumPy dtype (byte order aside), or None where the IR has none."""
    return None if dtype.kind == "T" else _NAME_OF.get(dtype.newbyteorder("="))


def tensor_type(array: np.ndarray | np.generic) -> TensorType:
    """The type of a NumPy array or scalar. Raises TypeError where the IR has no such dtype."""
    name = dtype_name(array.dtype)
    if name is None:
        raise TypeError(f"dtype {array.dtype} is not supported (use one of {', '.join(DTYPES)})")
    return TensorType(name, array.shape)
