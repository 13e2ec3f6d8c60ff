"""What stands between PyTorch's calling conventions and the compositions of `ir.functions`.

A composition takes operands of one shape and dtype, and drops the axes that it reduces. These
functions of a builder bring operands together first, and put reduced axes back afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir import Builder
from ...ir.functions import elementwise
from ...ir.functions import loss as losses
from ...ir.functions.elementwise import clip

Handle = Any

__all__ = [
    "aligned",
    "binary_cross_entropy",
    "common",
    "gathered",
    "keeping",
    "limited",
    "reduced",
    "softplus",
    "together",
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


def limited(b: Builder, x: Handle, *, low: float | None, high: float | None) -> Handle:
    """x between two numbers; at a bound the derivative is 1."""
    bounds = [None if bound is None else b.full_like(x, bound) for bound in (low, high)]
    return clip(b, x, *bounds)


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
    if reduction != "mean":
        return losses.reduce(b, each, reduction)
    return b.div(losses.reduce(b, each, "sum"), losses.reduce(b, factor, "sum"))


def softplus(b: Builder, x: Handle, *, beta: float) -> Handle:
    """log(1 + e^(beta x)) / beta."""
    return b.scale(elementwise.softplus(b, b.scale(x, beta)), 1 / beta)
