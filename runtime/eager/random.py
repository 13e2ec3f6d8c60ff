"""Random tensors, of a generator that `manual_seed` sets."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from .axes import shape_of
from .creation import _finish
from .promotion import default_dtype
from .tensor import Tensor

__all__ = ["manual_seed", "rand", "rand_like", "randint", "randn", "randn_like", "randperm"]

_LOCK = threading.Lock()
_GENERATOR = [np.random.default_rng()]


def manual_seed(seed: int) -> np.random.Generator:
    """Start the random numbers over, from `seed`; the same seed gives the same numbers."""
    with _LOCK:
        _GENERATOR[0] = np.random.default_rng(seed)
        return _GENERATOR[0]


def rand(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1)."""
    return _draw("random", shape_of(size), dtype, requires_grad)


def randn(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal, of mean 0 and variance 1."""
    return _draw("standard_normal", shape_of(size), dtype, requires_grad)


def rand_like(x: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1), with the shape and dtype of x."""
    return _draw("random", x.shape, dtype or x.dtype, requires_grad)


def randn_like(x: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal, with the shape and dtype of x."""
    return _draw("standard_normal", x.shape, dtype or x.dtype, requires_grad)


def randint(low: int, *bounds: Any, dtype: Any = np.int64) -> Tensor:
    """Integers of [low, high): randint(high, size) or randint(low, high, size)."""
    if len(bounds) == 1:
        low, bounds = 0, (low, *bounds)
    high, size = bounds
    with _LOCK:
        array = _GENERATOR[0].integers(low, high, shape_of((size,)))
    return _finish(np.asarray(array, dtype), False)


def randperm(n: int) -> Tensor:
    """The integers below n in random order."""
    with _LOCK:
        return _finish(_GENERATOR[0].permutation(n), False)


def _draw(method: str, shape: tuple[int, ...], dtype: Any, requires_grad: bool) -> Tensor:
    target = np.dtype(dtype or default_dtype())
    if target.kind != "f":
        raise RuntimeError(f"random numbers of this kind are floating point, not {target}")
    exact = target if target.itemsize in (4, 8) else np.dtype(np.float64)
    with _LOCK:
        array = getattr(_GENERATOR[0], method)(shape, dtype=exact)
    return _finish(np.asarray(array, target), requires_grad)
