"""Losses between two operands of one shape, each with `reduction` = "mean", "sum" or "none"."""

from __future__ import annotations

import math

import numpy as np

from ..builder import Builder, Handle
from .activation import absolute
from .elementwise import softplus, square
from .loss import reduce
from .normalisation import cosine_similarity, pairwise_distance
from .special import xlogy


def _hinge(b: Builder, x: Handle) -> Handle:
    """max(x, 0), with derivative 1 at 0, as PyTorch's clamp has."""
    return b.select(b.compare("lt", x, b.zeros_like(x)), b.zeros_like(x), x)


def l1_loss(b: Builder, x: Handle, y: Handle, *, reduction: str) -> Handle:
    return reduce(b, b("abs", b.sub(x, y)), reduction)


def smooth_l1_loss(b: Builder, x: Handle, y: Handle, *, reduction: str, beta: float) -> Handle:
    """d²/(2 beta) where |d| < beta, else |d| - beta/2."""
    if beta == 0:
        return l1_loss(b, x, y, reduction=reduction)
    return reduce(b, b.scale(_huber(b, b.sub(x, y), beta), 1 / beta), reduction)


def huber_loss(b: Builder, x: Handle, y: Handle, *, reduction: str, delta: float) -> Handle:
    """d²/2 where |d| <= delta, else delta · (|d| - delta/2)."""
    return reduce(b, _huber(b, b.sub(x, y), delta), reduction)


def _huber(b: Builder, d: Handle, delta: float) -> Handle:
    size = absolute(b, d)
    far = b.sub(size, b.full_like(size, delta / 2))
    near = b.compare("le", size, b.full_like(size, delta))
    return b.select(near, b.scale(square(b, d), 0.5), b.scale(far, delta))


def binary_cross_entropy(
    b: Builder, x: Handle, y: Handle, *weight: Handle, reduction: str
) -> Handle:
    """-(y log x + (1-y) log(1-x)), where no logarithm is less than -100."""
    one = b.full_like(x, 1)
    first = b.mul(y, _bounded_log(b, x))
    second = b.mul(b.sub(one, y), _bounded_log(b, b.sub(one, x)))
    each = b.neg(b.add(first, second))
    return reduce(b, b.mul(each, *weight) if weight else each, reduction)


def _bounded_log(b: Builder, x: Handle) -> Handle:
    value = b("log", x)
    low = b.full_like(x, -100)
    return b.select(b.compare("lt", value, low), low, value)


def kl_div(b: Builder, x: Handle, y: Handle, *, reduction: str, log_target: bool) -> Handle:
    """y · (log y - x), for x a log probability; "batchmean" divides the sum by the batch."""
    in_logs = log_target
    each = b.mul(b("exp", y), b.sub(y, x)) if in_logs else b.sub(xlogy(b, y, y), b.mul(y, x))
    if reduction == "batchmean":
        total = reduce(b, each, "sum")
        shape = b.type_of(x).shape
        return b.div(total, b.full_like(total, shape[0] if shape else 1))
    return reduce(b, each, reduction)


def poisson_nll_loss(
    b: Builder, x: Handle, y: Handle, *, reduction: str, log_input: bool, full: bool, eps: float
) -> Handle:
    if log_input:
        each = b.sub(b("exp", x), b.mul(y, x))
    else:
        each = b.sub(x, b.mul(y, b("log", b.add(x, b.full_like(x, eps)))))
    if full:
        one = b.full_like(y, 1)
        many = b.compare("gt", y, one)
        safe = b.select(many, y, one)
        root = b.scale(b("log", b.scale(safe, 2 * math.pi)), 0.5)
        stirling = b.add(b.sub(b.mul(safe, b("log", safe)), safe), root)
        each = b.add(each, b.select(many, stirling, b.zeros_like(stirling)))
    return reduce(b, each, reduction)


def gaussian_nll_loss(
    b: Builder, x: Handle, y: Handle, spread: Handle, *, reduction: str, full: bool, eps: float
) -> Handle:
    """½ (log var + (x-y)²/var), the variance at least `eps` (which has no derivative)."""
    bound = b.full_like(spread, eps)
    low = b.compare("lt", spread, bound)
    shift = b("stop_gradient", b.select(low, b.sub(bound, spread), b.zeros_like(spread)))
    spread = b.add(spread, shift)
    each = b.scale(b.add(b("log", spread), b.div(square(b, b.sub(x, y)), spread)), 0.5)
    if full:
        each = b.add(each, b.full_like(each, 0.5 * math.log(2 * math.pi)))
    return reduce(b, each, reduction)


def soft_margin_loss(b: Builder, x: Handle, y: Handle, *, reduction: str) -> Handle:
    """log(1 + e^(-y x))."""
    return reduce(b, softplus(b, b.neg(b.mul(y, x))), reduction)


def hinge_embedding_loss(
    b: Builder, x: Handle, y: Handle, *, reduction: str, margin: float
) -> Handle:
    """x where y = 1, and max(0, margin - x) where y = -1."""
    zero = b.zeros_like(x)
    far = _hinge(b, b.sub(b.full_like(x, margin), x))
    positive = b.compare("eq", y, b.full_like(y, 1))
    negative = b.compare("eq", y, b.full_like(y, -1))
    first = b.select(negative, zero, x)
    second = b.select(positive, zero, far)
    return reduce(b, b.add(first, second), reduction)


def margin_ranking_loss(
    b: Builder, x1: Handle, x2: Handle, y: Handle, *, reduction: str, margin: float
) -> Handle:
    """max(0, -y (x1 - x2) + margin)."""
    each = b.neg(b.mul(y, b.sub(x1, x2)))
    each = each if margin == 0 else b.add(each, b.full_like(each, margin))
    return reduce(b, _hinge(b, each), reduction)


def cosine_embedding_loss(
    b: Builder, x1: Handle, x2: Handle, y: Handle, *, reduction: str, margin: float
) -> Handle:
    """1 - cos where y = 1, max(0, cos - margin) where y = -1."""
    axis = b.type_of(x1).ndim - 1
    cosine = cosine_similarity(b, x1, x2, axis=axis, eps=1e-8)
    shape = np.broadcast_shapes(b.type_of(cosine).shape, b.type_of(y).shape)
    cosine, y = b.broadcast(cosine, shape), b.broadcast(y, shape)
    near = b.sub(b.full_like(cosine, 1), cosine)
    far = _hinge(b, b.sub(cosine, b.full_like(cosine, margin)))
    positive = b.compare("eq", y, b.full_like(y, 1))
    negative = b.compare("eq", y, b.full_like(y, -1))
    each = b.select(positive, near, b.select(negative, far, b.zeros_like(far)))
    return reduce(b, each, reduction)


def triplet_margin_loss(
    b: Builder,
    anchor: Handle,
    positive: Handle,
    negative: Handle,
    *,
    reduction: str,
    margin: float,
    order: float,
    eps: float,
    swap: bool,
) -> Handle:
    """max(0, |anchor - positive| - |anchor - negative| + margin)."""
    options = {"order": order, "eps": eps, "keep": False}
    near = pairwise_distance(b, anchor, positive, **options)  # type: ignore[arg-type]
    far = pairwise_distance(b, anchor, negative, **options)  # type: ignore[arg-type]
    if swap:
        other = pairwise_distance(b, positive, negative, **options)  # type: ignore[arg-type]
        far = b("minimum", far, other)
    each = b.add(b.sub(near, far), b.full_like(near, margin))
    return reduce(b, _hinge(b, each), reduction)


def multilabel_soft_margin_loss(
    b: Builder, x: Handle, y: Handle, *weight: Handle, reduction: str
) -> Handle:
    """The mean over classes of the binary cross entropy with logits."""
    rest = b.sub(b.full_like(y, 1), y)
    each = b.add(b.mul(rest, x), softplus(b, b.neg(x)))
    each = b.mul(each, *weight) if weight else each
    shape = b.type_of(each).shape
    total = b.sum(each, (len(shape) - 1,))
    return reduce(b, b.div(total, b.full_like(total, shape[-1])), reduction)
