"""Questions about tensors and dtypes whose answers are no tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .apply.operands import shape_of
from .errors import EagerError
from .operators.elementwise import common_dtype, lift
from .promotion import promote

__all__ = [
    "can_cast",
    "e",
    "finfo",
    "iinfo",
    "inf",
    "is_complex",
    "is_floating_point",
    "is_nonzero",
    "is_same_size",
    "nan",
    "newaxis",
    "numel",
    "pi",
    "promote_types",
    "result_type",
]

e, inf, nan, newaxis, pi = math.e, math.inf, math.nan, None, math.pi
finfo = np.finfo
iinfo = np.iinfo
_CATEGORIES = "buifc"


def numel(x: Any) -> int:
    """The number of elements."""
    return int(np.prod(shape_of(x), dtype=np.int64))


def is_floating_point(x: Any) -> bool:
    """Whether the elements are floating-point numbers."""
    return bool(np.dtype(x.dtype).kind == "f")


def is_complex(x: Any) -> bool:
    """Whether the elements are complex numbers."""
    return bool(np.dtype(x.dtype).kind == "c")


def is_nonzero(x: Any) -> bool:
    """Whether the only element is not 0."""
    if numel(x) != 1:
        raise EagerError("Boolean value of Tensor with more than one value is ambiguous")
    return bool(x)


def is_same_size(x: Any, other: Any) -> bool:
    """Whether both have one shape."""
    return shape_of(x) == shape_of(other)


def result_type(x: Any, y: Any) -> np.dtype[Any]:
    """The dtype in which an operation on x and y computes."""
    return common_dtype((lift(x), lift(y)))


def promote_types(type1: Any, type2: Any) -> np.dtype[Any]:
    """The smallest dtype of the higher category that holds both."""
    return promote(np.dtype(type1), np.dtype(type2))


def can_cast(from_: Any, to: Any) -> bool:
    """Whether a result of dtype `from_` may be written to a tensor of dtype `to`."""
    source, target = (_CATEGORIES.index(np.dtype(d).kind) for d in (from_, to))
    return source <= target or {source, target} == {1, 2}
