"""Random tensors, of a generator that `manual_seed` sets."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..apply.axes import new_shape
from ..promotion import default_dtype
from ..tensor import Tensor
from .creation import _finish, on_cpu
from .generator import drawn, manual_seed

__all__ = [
    "manual_seed",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
]


@on_cpu
def rand(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1)."""
    return _draw("random", new_shape(size), dtype, requires_grad)


@on_cpu
def randn(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal, of mean 0 and variance 1."""
    return _draw("standard_normal", new_shape(size), dtype, requires_grad)


@on_cpu
def rand_like(x: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform in [0, 1), with the shape and dtype of x."""
    return _draw("random", x.shape, dtype or x.dtype, requires_grad)


@on_cpu
def randn_like(x: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Normal, with the shape and dtype of x."""
    return _draw("standard_normal", x.shape, dtype or x.dtype, requires_grad)


@on_cpu
def randint(low: int = 0, high: Any = None, size: Any = None, *, dtype: Any = np.int64) -> Tensor:
    """Integers of [low, high): randint(high, size) or randint(low, high, size)."""
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    array = drawn(lambda random: random.integers(low, high, new_shape((size,))))
    return _finish(np.asarray(array, dtype), False)


@on_cpu
def randperm(n: int) -> Tensor:
    """The integers below n in random order."""
    return _finish(drawn(lambda random: random.permutation(n)), False)


def _draw(method: str, shape: tuple[int, ...], dtype: Any, requires_grad: bool) -> Tensor:
    target = np.dtype(dtype or default_dtype())
    if target.kind != "f":
        raise RuntimeError(f"random numbers of this kind are floating point, not {target}")
    exact = target if target.itemsize in (4, 8) else np.dtype(np.float64)
    array = drawn(lambda random: getattr(random, method)(shape, dtype=exact))
    return _finish(np.asarray(array, target), requires_grad)
