"""What stands between PyTorch's calling conventions and the compositions of `ir.functions`.

A composition takes operands of one shape and dtype, and drops the axes that it reduces. These
functions of a builder bring operands together first, and put reduced axes back afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....ir import Builder
from ....ir.functions import loss as losses
from ....ir.functions.reduction import log_softmax

Handle = Any

__all__ = [
    "aligned",
    "binary_cross_entropy",
    "common",
    "gathered",
    "keeping",
    "reduced",
    "together",
    "weighted_cross_entropy",
    "weighted_nll",
]


def common(b: Builder, *xs: Handle) -> list[Handle]:
    """Operands cast to the widest floating dtype among them and broadcast to one shape."""
    types = [b.type_of(x) for x in xs]
    shape = np.broadcast_shapes(*(t.shape for t in types))
    dtype = max((t.dtype for t in types if t.is_float), default="f32")
    return [b.broadcast(b.cast(x, dtype), shape) for x in xs]


def together(b: Builder, *xs: Handle, of: Callable[..., Handle], **static: Any) -> Handle:
    """The function `of` operands that were brought together."""
    return of(b, *common(b, *xs), **static)


def aligned(b: Builder, *xs: Handle, of: Callable[..., Handle], **static: Any) -> Handle:
    """The function `of` operands of one dtype, broadcast to one shape."""
    shape = np.broadcast_shapes(*(b.type_of(x).shape for x in xs))
    return of(b, *(b.broadcast(x, shape) for x in xs), **static)


def keeping(
    b: Builder, x: Handle, *, of: Callable[..., Handle], axes: tuple[int, ...], **static: Any
) -> Handle:
    """The reduction `of` x, with the axes kept at extent 1."""
    small = of(b, x, axes=axes, **static)
    shape = b.type_of(x).shape
    return b.reshape(small, tuple(1 if i in axes else n for i, n in enumerate(shape)))


def reduced(b: Builder, x: Handle, *, axes: tuple[int, ...], op: str) -> Handle:
    """One of the ops that reduce; nothing to do where there are no axes."""
    return b(op, x, axes=axes) if axes else x


def gathered(b: Builder, x: Handle, positions: Handle, *, axes: tuple[int, ...]) -> Handle:
    """x at flat `positions` along several axes at once; these stand first unless neighbours.

    The axes are brought together and joined; where they were neighbours the result has those of
    `positions` in their place, as in NumPy.
    """
    shape = b.type_of(x).shape
    adjacent = axes == tuple(range(axes[0], axes[0] + len(axes)))
    at = axes[0] if adjacent else 0
    rest = [i for i in range(len(shape)) if i not in axes]
    x = b.transpose(x, (*rest[:at], *axes, *rest[at:]))
    outer = [shape[i] for i in rest]
    joined = math.prod(shape[i] for i in axes)
    return b("gather", b.reshape(x, (*outer[:at], joined, *outer[at:])), positions, axis=at)


# --- losses with optional operands ---


def binary_cross_entropy(
    b: Builder, x: Handle, y: Handle, *extra: Handle, extras: tuple[str, ...], reduction: str
) -> Handle:
    """`extras` names what follows as `extra`: "weight", "pos_weight"."""
    x, y, *rest = common(b, x, y, *extra)
    named = dict(zip(extras, rest, strict=True))
    return losses.binary_cross_entropy_with_logits(b, x, y, **named, reduction=reduction)


def weighted_nll(
    b: Builder,
    log_p: Handle,
    target: Handle,
    weight: Handle,
    *,
    axis: int,
    reduction: str,
    ignore_index: int | None,
    label_smoothing: float = 0.0,
) -> Handle:
    """`nll_loss` with a weight for each class; the mean is the weighted one."""
    each = losses.nll_loss(b, log_p, target, axis=axis, reduction="none", ignore_index=ignore_index)
    if ignore_index is not None:
        kept = b.compare("ne", target, b.full_like(target, ignore_index))
        target = b.select(kept, target, b.zeros_like(target))
        factor = b("gather", weight, target, axis=0)
        factor = b.select(kept, factor, b.zeros_like(factor))
    else:
        factor = b("gather", weight, target, axis=0)
    each = b.mul(each, factor)
    if label_smoothing:
        even = _spread_evenly(b, log_p, weight, axis)
        if ignore_index is not None:
            even = b.select(kept, even, b.zeros_like(even))
        classes = b.type_of(log_p).shape[axis]
        each = b.scale(each, 1 - label_smoothing)
        each = b.add(each, b.scale(even, label_smoothing / classes))
    if reduction != "mean":
        return losses.reduce(b, each, reduction)
    return b.div(losses.reduce(b, each, "sum"), losses.reduce(b, factor, "sum"))


def _spread_evenly(b: Builder, log_p: Handle, weight: Handle, axis: int) -> Handle:
    """-Σ weight · log_p over the classes."""
    return b.neg(b.sum(b.mul(log_p, _by_class(b, weight, log_p, axis)), (axis,)))


def _by_class(b: Builder, weight: Handle, x: Handle, axis: int) -> Handle:
    type = b.type_of(x)
    return b.expand(weight, tuple(i for i in range(type.ndim) if i != axis), type.shape)


def weighted_cross_entropy(
    b: Builder,
    x: Handle,
    target: Handle,
    weight: Handle,
    *,
    axis: int,
    reduction: str,
    label_smoothing: float,
) -> Handle:
    """`cross_entropy` with target probabilities, and a weight for each class."""
    log_p = log_softmax(b, x, (axis,))
    if label_smoothing:
        classes = b.type_of(x).shape[axis]
        target = b.scale(target, 1 - label_smoothing)
        target = b.add(target, b.full_like(target, label_smoothing / classes))
    each = b.mul(b.mul(target, log_p), _by_class(b, weight, x, axis))
    return losses.reduce(b, b.neg(b.sum(each, (axis,))), reduction)
