"""Random layers of `fusegrad.nn.functional`: dropout, and activations with noise.

The random numbers are those of `manual_seed`. In a compiled function they are drawn once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..runtime.eager.apply.axes import normalise
from ..runtime.eager.apply.dispatch import call, is_tensor_like
from ..runtime.eager.apply.operands import as_operand, floating, shape_of, tensor_of
from ..runtime.eager.operators.activations import softmax
from ..runtime.eager.operators.random import rand
from .activation import in_place, with_inplace

# The limits of selu, to which `alpha_dropout` sets what it drops.
_SELU_LOW = -1.7580993408473766


def _draw(shape: tuple[int, ...]) -> np.ndarray:
    """Uniform in [0, 1)."""
    drawn: np.ndarray = rand(*shape).numpy()
    return drawn


def _of(x: Any, array: np.ndarray) -> Any:
    """`array` as an operand beside x: in its dtype, and a Tensor where x is one."""
    cast = np.asarray(array, np.dtype(x.dtype))
    return tensor_of(cast) if is_tensor_like(x) else cast


def _check(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


# --- dropout ---


@with_inplace
def dropout(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Elements set to 0 with probability p, the others divided by 1 - p; x itself outside training.

    The random numbers are those of `manual_seed`. In a compiled function they are drawn once.
    """
    return _dropped(input, shape_of(input), p, training)


def _dropped(input: Any, shape: tuple[int, ...], p: float, training: bool) -> Any:
    _check(p)
    if not training or p == 0:
        return input
    kept = _draw(shape) >= p
    return input * _of(input, kept / (1 - p) if p < 1 else np.zeros(shape))


def _channels(input: Any) -> tuple[int, ...]:
    shape = shape_of(input)
    return (*shape[:2], *[1] * (len(shape) - 2))


@with_inplace
def dropout1d(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """The same for whole channels: all elements of one together."""
    return _dropped(input, _channels(input), p, training)


dropout2d = dropout3d = dropout1d


@with_inplace
def alpha_dropout(input: Any, p: float = 0.5, training: bool = False) -> Any:
    """Dropout that keeps mean and variance of what `selu` gives."""
    return _alpha_dropped(input, shape_of(input), p, training)


@with_inplace
def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False) -> Any:
    """The same for whole channels."""
    return _alpha_dropped(input, _channels(input), p, training)


def _alpha_dropped(input: Any, shape: tuple[int, ...], p: float, training: bool) -> Any:
    _check(p)
    if not training or p == 0:
        return input
    if p == 1:
        return input * _of(input, np.zeros(shape))
    kept = _draw(shape) >= p
    scale = 1 / math.sqrt((1 - p) * (1 + p * _SELU_LOW**2))
    shift = np.where(kept, 0.0, _SELU_LOW * scale) - p * _SELU_LOW * scale
    return input * _of(input, kept * scale) + _of(input, shift)


# --- activations with noise ---


@with_inplace
def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Any:
    """x where x >= 0, else x · a slope drawn from [lower, upper], outside training their mean."""
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    (x,) = floating(as_operand(input))
    mean = (lower + upper) / 2
    shape = shape_of(x)
    slope = lower + (upper - lower) * _draw(shape) if training else np.full(shape, mean)
    title = "RreluWithNoiseBackward0"
    return call("rrelu", _sloped, x, _of(x, slope), title=title)


def _sloped(b: Any, x: Any, slope: Any) -> Any:
    return b.select(b.compare("ge", x, b.zeros_like(x)), x, b.mul(x, slope))


def gumbel_softmax(
    logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Any:
    """A random choice among the classes along `dim`, softened by `tau`, of these log odds.

    With `hard` the choice itself, 1 and 0, with the gradient of the soft one.
    """
    (x,) = floating(as_operand(logits))
    uniform = np.maximum(_draw(shape_of(x)), np.finfo(np.float32).tiny)
    soft = softmax((x + _of(x, -np.log(-np.log(uniform)))) / tau, dim)
    return call("gumbel", _hardened, soft, title="AddBackward0", dim=dim) if hard else soft


def _hardened(b: Any, x: Any, *, dim: int) -> Any:
    shape = b.type_of(x).shape
    axis = normalise(dim, len(shape))
    winner = b.expand(b("argmax", x, axis=axis), (axis,), shape)
    chosen = b.compare("eq", winner, b("iota", dtype="i64", shape=shape, axis=axis))
    hard = b.cast(chosen, b.type_of(x).dtype)
    return b.add(b.sub(hard, b("stop_gradient", x)), x)


alpha_dropout_ = in_place(alpha_dropout)
dropout_ = in_place(dropout)
rrelu_ = in_place(rrelu)
