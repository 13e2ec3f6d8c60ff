"""Normalisations: layer, batch, group, root mean square, and to unit length."""

from __future__ import annotations

from ..builder import Builder, Handle
from .elementwise import root, square
from .reduction import mean, norm


def _spread(b: Builder, x: Handle, axes: tuple[int, ...], shape: tuple[int, ...]) -> Handle:
    return b.expand(x, axes, shape)


def _root(b: Builder, x: Handle, eps: float) -> Handle:
    """1 / √(x + eps)."""
    return b("rsqrt", b.add(x, b.full_like(x, eps)))


def standardised(
    b: Builder, x: Handle, *, axes: tuple[int, ...], eps: float
) -> tuple[Handle, Handle, Handle]:
    """(x - mean) / √(variance + eps), and mean and variance over `axes`."""
    shape = b.type_of(x).shape
    average = mean(b, x, axes)
    deviation = b.sub(x, _spread(b, average, axes, shape))
    spread = mean(b, square(b, deviation), axes)
    scale = _spread(b, _root(b, spread, eps), axes, shape)
    return b.mul(deviation, scale), average, spread


def _affine(
    b: Builder, x: Handle, extra: tuple[Handle, ...], extras: tuple[str, ...], axes: tuple[int, ...]
) -> Handle:
    """x · weight + bias, where given; these have the axes of x that are not in `axes`."""
    shape = b.type_of(x).shape
    for word, operand in zip(extras, extra, strict=True):
        wide = b.expand(operand, axes, shape)
        x = b.mul(x, wide) if word == "weight" else b.add(x, wide)
    return x


def layer_norm(
    b: Builder, x: Handle, *extra: Handle, extras: tuple[str, ...], count: int, eps: float
) -> Handle:
    """Standardised over the last `count` axes."""
    ndim = b.type_of(x).ndim
    axes = tuple(range(ndim - count, ndim))
    y, _, _ = standardised(b, x, axes=axes, eps=eps)
    return _affine(b, y, extra, extras, tuple(range(ndim - count)))


def rms_norm(
    b: Builder, x: Handle, *extra: Handle, extras: tuple[str, ...], count: int, eps: float
) -> Handle:
    """x / √(mean of x² + eps), over the last `count` axes."""
    type = b.type_of(x)
    axes = tuple(range(type.ndim - count, type.ndim))
    scale = _root(b, mean(b, square(b, x), axes), eps)
    y = b.mul(x, _spread(b, scale, axes, type.shape))
    return _affine(b, y, extra, extras, tuple(range(type.ndim - count)))


def batch_norm(
    b: Builder, x: Handle, *extra: Handle, extras: tuple[str, ...], eps: float
) -> tuple[Handle, Handle, Handle]:
    """Standardised for each channel (axis 1) over the batch; with mean and variance."""
    ndim = b.type_of(x).ndim
    axes = tuple(i for i in range(ndim) if i != 1)
    y, average, spread = standardised(b, x, axes=axes, eps=eps)
    statistics = b("stop_gradient", average), b("stop_gradient", spread)
    return _affine(b, y, extra, extras, axes), *statistics


def batch_norm_fixed(
    b: Builder,
    x: Handle,
    average: Handle,
    spread: Handle,
    *extra: Handle,
    extras: tuple[str, ...],
    eps: float,
) -> Handle:
    """The same with mean and variance that are given."""
    type = b.type_of(x)
    axes = tuple(i for i in range(type.ndim) if i != 1)
    y = b.sub(x, _spread(b, average, axes, type.shape))
    y = b.mul(y, _spread(b, _root(b, spread, eps), axes, type.shape))
    return _affine(b, y, extra, extras, axes)


def group_norm(
    b: Builder, x: Handle, *extra: Handle, extras: tuple[str, ...], groups: int, eps: float
) -> Handle:
    """Standardised for each sample and group of channels (axis 1)."""
    n, channels, *rest = shape = b.type_of(x).shape
    grouped = b.reshape(x, (n, groups, channels // groups, *rest))
    axes = tuple(range(2, len(shape) + 1))
    y, _, _ = standardised(b, grouped, axes=axes, eps=eps)
    others = tuple(i for i in range(len(shape)) if i != 1)
    return _affine(b, b.reshape(y, shape), extra, extras, others)


def normalised(b: Builder, x: Handle, *, axes: tuple[int, ...], order: float, eps: float) -> Handle:
    """x / max(norm, eps)."""
    size = norm(b, x, axes, order=order)
    bound = b.full_like(size, eps)
    size = b.select(b.compare("lt", size, bound), bound, size)
    return b.div(x, _spread(b, size, axes, b.type_of(x).shape))


def cosine_similarity(b: Builder, x: Handle, y: Handle, *, axis: int, eps: float) -> Handle:
    """<x, y> / (max(|x|, eps) · max(|y|, eps)) along `axis`."""
    lengths = []
    for vector in (x, y):
        size = root(b, b.sum(square(b, vector), (axis,)))
        bound = b.full_like(size, eps)
        lengths.append(b.select(b.compare("lt", size, bound), bound, size))
    inner = b.sum(b.mul(x, y), (axis,))
    return b.div(inner, b.mul(lengths[0], lengths[1]))


def pairwise_distance(
    b: Builder, x: Handle, y: Handle, *, order: float, eps: float, keep: bool
) -> Handle:
    """The norm of x - y + eps along the last axis."""
    gap = b.sub(x, y)
    shape = b.type_of(gap).shape or (1,)
    gap = b.reshape(gap, shape)
    size = norm(b, b.add(gap, b.full_like(gap, eps)), (len(shape) - 1,), order=order)
    return b.reshape(size, (*shape[:-1], 1)) if keep else size


def local_response(
    b: Builder, x: Handle, *, size: int, alpha: float, beta: float, shift: float
) -> Handle:
    """x / (shift + alpha · the mean of x² over `size` neighbouring channels)^beta."""
    shape = b.type_of(x).shape
    rest = len(shape) - 2
    low = (0, size // 2, *[0] * rest)
    high = (0, (size - 1) // 2, *[0] * rest)
    wide = b("pad", b.mul(x, x), low=low, high=high, interior=(0,) * len(shape))
    total: Handle = None
    for i in range(size):
        part = b.slice(wide, (0, i, *[0] * rest), (shape[0], i + shape[1], *shape[2:]))
        total = part if total is None else b.add(total, part)
    base = b.add(b.scale(total, alpha / size), b.full_like(x, shift))
    return b.div(x, b("pow", base, b.full_like(base, beta)))
