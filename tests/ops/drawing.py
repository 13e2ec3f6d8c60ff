"""Arrays for a sample of the op table."""

from __future__ import annotations

import numpy as np

from fusegrad.ir import Op, Sample, TensorType
from fusegrad.ir.types import NUMPY_DTYPE

CLEARANCE = 0.05  # how far drawn values stay from a kink: much more than the steps of differences


def draw(op: Op, sample: Sample, *, seed: int = 0) -> list[np.ndarray]:
    """One array for each operand, the same ones for the same seed."""
    rng = np.random.default_rng([seed, *op.name.encode()])
    return [_operand(rng, type, sample, i) for i, type in enumerate(sample.types)]


def _operand(rng: np.random.Generator, type: TensorType, sample: Sample, index: int) -> np.ndarray:
    dtype = NUMPY_DTYPE[type.dtype]
    if type.dtype == "bool":
        return np.asarray(rng.random(type.shape) < 0.5, dtype)
    if not type.is_float:
        low, high = sample.integers
        return np.asarray(rng.integers(low, high, type.shape, endpoint=True), dtype)
    low, high = interval(sample, index)
    values = np.asarray(rng.uniform(low, high, type.shape))
    for kink in sample.kinks:
        near = np.abs(values - kink) < CLEARANCE
        values = np.where(near, kink + CLEARANCE * np.where(values < kink, -1, 1), values)
    return np.asarray(values, dtype)


def interval(sample: Sample, index: int) -> tuple[float, float]:
    """The domain of operand `index`."""
    first, second = sample.domain[0], sample.domain[1]
    if isinstance(first, tuple) or isinstance(second, tuple):
        low, high = sample.domain[index]  # type: ignore[misc]
        return low, high
    return first, second


def like(x: np.ndarray, *, seed: int) -> np.ndarray:
    """A random direction of x's shape and dtype."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.uniform(0.5, 1.5, x.shape) * rng.choice([-1, 1], x.shape), x.dtype)
