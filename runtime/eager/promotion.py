"""Which dtype an operation computes in: PyTorch's promotion, which differs from NumPy's.

Categories are ordered: truth values, integers, floating point. Tensors with axes decide; a 0-d
tensor, and after it a Python number, counts only where its category is higher. An integer array and
a float32 one give float32.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["FLOATING", "default_dtype", "promote", "result_dtype", "set_default_dtype"]

_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
FLOATING = "fc"  # kinds of dtype that can require gradients

_BOOL = np.dtype(np.bool_)
_INT = np.dtype(np.int64)
_DEFAULT = [np.dtype(np.float32)]


def default_dtype() -> np.dtype[Any]:
    """The dtype of tensors made of Python floats: float32, or what `set_default_dtype` set."""
    return _DEFAULT[0]


def set_default_dtype(dtype: Any) -> None:
    """Make `dtype`, a floating-point one, that of tensors made of Python floats."""
    new = np.dtype(dtype)
    if new.kind != "f":
        raise TypeError(f"only a floating-point dtype can be the default, not {new}")
    _DEFAULT[0] = new
    result_dtype.cache_clear()


def promote(x: np.dtype[Any], y: np.dtype[Any]) -> np.dtype[Any]:
    """The smallest dtype of the higher category that holds both."""
    if x == y:
        return x
    if _CATEGORY[x.kind] != _CATEGORY[y.kind] and "c" not in x.kind + y.kind:
        return x if _CATEGORY[x.kind] > _CATEGORY[y.kind] else y
    return np.promote_types(x, y)


def scalar_dtype(value: object) -> np.dtype[Any]:
    """The dtype that a Python number counts as."""
    if isinstance(value, bool | np.bool_):
        return _BOOL
    if isinstance(value, int | np.integer):
        return _INT
    return np.dtype(np.complex64) if isinstance(value, complex) else _DEFAULT[0]


def _combine(higher: np.dtype[Any] | None, lower: np.dtype[Any] | None) -> np.dtype[Any] | None:
    if higher is None or lower is None:
        return higher or lower
    if higher.kind in "fc" and lower.kind != "c":
        return higher
    if higher.kind == "b" or lower.kind in "fc":
        return promote(higher, lower)
    return higher


@lru_cache(maxsize=1024)
def result_dtype(
    shaped: tuple[np.dtype[Any], ...],
    scalars: tuple[np.dtype[Any], ...] = (),
    numbers: tuple[np.dtype[Any], ...] = (),
) -> np.dtype[Any]:
    """The common dtype of tensors with axes, of 0-d tensors, and of Python numbers.

    >>> f32, i64 = np.dtype("float32"), np.dtype("int64")
    >>> result_dtype((i64,), (f32,)), result_dtype((f32,), (np.dtype("float64"),))
    (dtype('float32'), dtype('float32'))
    """
    result: np.dtype[Any] | None = None
    for group in (shaped, scalars, numbers):
        joined: np.dtype[Any] | None = None
        for dtype in group:
            joined = dtype if joined is None else promote(joined, dtype)
        result = _combine(result, joined)
    if result is None:
        raise TypeError("no operands")
    return result
