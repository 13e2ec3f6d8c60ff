"""What stands between PyTorch's calling conventions and the compositions of `ir.functions`.

A composition takes operands of one shape and dtype, and drops the axes that it reduces. These functions of a
builder bring operands together first, and put reduced axes back afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir import Builder
from ...ir.functions.elementwise import clip

Handle = Any

__all__ = ["common", "keeping", "limited", "reduced", "together"]


def common(b: Builder, *xs: Handle) -> list[Handle]:
    """Operands cast to the widest floating dtype among them and broadcast to one shape."""
    types = [b.type_of(x) for x in xs]
    shape = np.broadcast_shapes(*(t.shape for t in types))
    dtype = max((t.dtype for t in types if t.is_float), default="f32")
    return [b.broadcast(b.cast(x, dtype), shape) for x in xs]


def together(b: Builder, *xs: Handle, function: Callable[..., Handle], **static: Any) -> Handle:
    """`function` of operands that were brought together."""
    return function(b, *common(b, *xs), **static)


def keeping(
    b: Builder, x: Handle, *, function: Callable[..., Handle], axes: tuple[int, ...], **static: Any
) -> Handle:
    """A reduction by `function`, with the axes kept at extent 1."""
    reduced = function(b, x, axes=axes, **static)
    shape = b.type_of(x).shape
    return b.reshape(reduced, tuple(1 if i in axes else n for i, n in enumerate(shape)))


def reduced(b: Builder, x: Handle, *, axes: tuple[int, ...], op: str) -> Handle:
    """One of the ops that reduce; nothing to do where there are no axes."""
    return b(op, x, axes=axes) if axes else x


def limited(b: Builder, x: Handle, *, low: float | None, high: float | None) -> Handle:
    """x between two numbers; at a bound the derivative is 1."""
    bounds = [None if bound is None else b.full_like(x, bound) for bound in (low, high)]
    return clip(b, x, *bounds)
