"""Images at other places: interpolation, grids of places, shuffled pixels, overlapping blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..types import TensorType
from .activation import hardtanh
from .linear import matmul
from .window import Sizes, output_extent, padded, unfolded

# --- along axes, at places known beforehand ---


def resampled(b: Builder, x: Handle, *tables: Handle, taps: Sizes) -> Handle:
    """Each of the last axes as a weighted sum of entries.

    For each axis with `taps` > 0 there are two `tables` [taps, extent]: which entries, and their
    weights; an axis with 1 tap has no weights. An axis with 0 taps stays as it is.
    """
    given = iter(tables)
    first = b.type_of(x).ndim - len(taps)
    for axis, count in enumerate(taps, start=first):
        if count == 1:
            x = b("gather", x, next(given), axis=axis)
        elif count:
            x = _weighted(b, x, next(given), next(given), axis, count)
    return x


def _weighted(
    b: Builder, x: Handle, places: Handle, weights: Handle, axis: int, count: int
) -> Handle:
    shape = b.type_of(x).shape
    extent = b.type_of(places).shape[1]
    wide = (*shape[:axis], extent, *shape[axis + 1 :])
    others = tuple(i for i in range(len(shape)) if i != axis)
    total: Handle = None
    for tap in range(count):
        row = b.reshape(b.slice(places, (tap, 0), (tap + 1, extent)), (extent,))
        weight = b.reshape(b.slice(weights, (tap, 0), (tap + 1, extent)), (extent,))
        weight = b.expand(b.cast(weight, b.type_of(x).dtype), others, wide)
        term = b.mul(b("gather", x, row, axis=axis), weight)
        total = term if total is None else b.add(total, term)
    return total


# --- by a grid of places, which has a gradient too ---


def grid_sampled(
    b: Builder, x: Handle, grid: Handle, *, mode: str, padding: str, align_corners: bool
) -> Handle:
    """x [N, C, H, W] at grid [N, h, w, 2] of (x, y) in [-1, 1], as [N, C, h, w]."""
    n, channels, height, width = b.type_of(x).shape
    _, rows, columns, _ = b.type_of(grid).shape
    count = rows * columns
    flat = b.reshape(grid, (n, count, 2))
    at = [
        _in_pixels(b, b.reshape(b.slice(flat, (0, 0, i), (n, count, i + 1)), (n, count)), *how)
        for i, how in enumerate(((width, padding, align_corners), (height, padding, align_corners)))
    ]
    total: Handle = None
    for (column, row), weight in _corners(b, at, mode):
        value = _pixels(b, x, row, column)
        if weight is not None:
            value = b.mul(value, b.expand(weight, (1,), (n, channels, count)))
        total = value if total is None else b.add(total, value)
    return b.reshape(total, (n, channels, rows, columns))


def _in_pixels(b: Builder, x: Handle, size: int, padding: str, align_corners: bool) -> Handle:
    """Coordinates in [-1, 1] as those of pixels, 0 to size - 1, limited as `padding` says."""
    if align_corners:
        place = b.scale(b.add(x, b.full_like(x, 1)), (size - 1) / 2)
    else:
        place = b.scale(b.sub(b.scale(b.add(x, b.full_like(x, 1)), size), b.full_like(x, 1)), 0.5)
    if padding == "zeros":
        return place
    if padding == "reflection":
        low, high = (0.0, size - 1.0) if align_corners else (-0.5, size - 0.5)
        place = _reflected(b, place, low, high)
    return hardtanh(b, place, low=0, high=size - 1)  # as in PyTorch: no slope at the border


def _reflected(b: Builder, x: Handle, low: float, high: float) -> Handle:
    """x folded back into [low, high] at both ends."""
    width = high - low
    if not width:
        return b.scale(x, 0)
    moved = b.sub(x, b.full_like(x, low))
    size = b.select(b.compare("lt", moved, b.zeros_like(x)), b.neg(moved), moved)
    turn = b("stop_gradient", b("floor", b.scale(size, 1 / width)))
    rest = b.sub(size, b.scale(turn, width))
    odd = b("remainder", turn, b.full_like(turn, 2))
    back = b.compare("ne", odd, b.zeros_like(odd))
    folded = b.select(back, b.sub(b.full_like(rest, width), rest), rest)
    return b.add(folded, b.full_like(x, low))


def _corners(
    b: Builder, at: Sequence[Handle], mode: str
) -> list[tuple[tuple[Handle, Handle], Handle | None]]:
    """The pixels (column, row) that count, with their weights."""
    column, row = at
    if mode == "nearest":
        return [((b("rint", column), b("rint", row)), None)]
    corners = []
    for right in (0, 1):
        for lower in (0, 1):
            x, weight_x = _neighbour(b, column, right)
            y, weight_y = _neighbour(b, row, lower)
            corners.append(((x, y), b.mul(weight_x, weight_y)))
    return corners


def _neighbour(b: Builder, place: Handle, after: int) -> tuple[Handle, Handle]:
    """The pixel before (0) or after (1) a place, and how much it counts."""
    low = b("stop_gradient", b("floor", place))
    rest = b.sub(place, low)
    if after:
        return b.add(low, b.full_like(low, 1)), rest
    return low, b.sub(b.full_like(rest, 1), rest)


def _pixels(b: Builder, x: Handle, row: Handle, column: Handle) -> Handle:
    """x at places [N, count]; 0 outside."""
    n, channels, height, width = b.type_of(x).shape
    count = b.type_of(row).shape[1]
    inside = b("logical_and", _within(b, row, height), _within(b, column, width))
    place = b.add(b.scale(row, width), column)
    place = b.cast(b.select(inside, place, b.zeros_like(place)), "i64")
    image = b("iota", dtype="i64", shape=(n, count), axis=0)
    place = b.add(place, b.scale(image, height * width))
    pixels = b.reshape(b.transpose(x, (0, 2, 3, 1)), (n * height * width, channels))
    taken = b.transpose(b("gather", pixels, place, axis=0), (0, 2, 1))
    shown = b.expand(inside, (1,), (n, channels, count))
    return b.select(shown, taken, b.zeros_like(taken))


def _within(b: Builder, x: Handle, size: int) -> Handle:
    low = b.compare("ge", x, b.zeros_like(x))
    return b("logical_and", low, b.compare("lt", x, b.full_like(x, size)))


def affine_grid(b: Builder, theta: Handle, *, size: Sizes, align_corners: bool) -> Handle:
    """The grid [N, H, W, 2] that theta [N, 2, 3] maps from that of the identity."""
    height, width = size
    dtype = b.type_of(theta).dtype
    axes = []
    for axis, extent in ((1, width), (0, height)):
        ramp = b("iota", dtype=dtype, shape=(height, width), axis=axis)
        last = extent - 1 if align_corners else extent
        shift = 0 if align_corners else 1
        scaled = b.add(b.scale(ramp, 2), b.full_like(ramp, shift - last))
        axes.append(b.scale(scaled, 1 / last if last else 0))
    ones = b.broadcast(b.constant(1, TensorType(dtype, ())), (height, width))
    columns = [b.reshape(x, (height * width, 1)) for x in (*axes, ones)]
    n, rows, _ = b.type_of(theta).shape
    base = b.broadcast(b.concatenate(columns, 1), (n, height * width, 3))
    grid = matmul(b, base, b.transpose(theta, (0, 2, 1)))
    return b.reshape(grid, (n, height, width, rows))


# --- pixels and channels ---


def pixel_shuffle(b: Builder, x: Handle, *, factor: int) -> Handle:
    """[…, C · r², H, W] as […, C, H · r, W · r]."""
    *stack, channels, height, width = b.type_of(x).shape
    k, r = len(stack), factor
    x = b.reshape(x, (*stack, channels // r**2, r, r, height, width))
    x = b.transpose(x, (*range(k), k, k + 3, k + 1, k + 4, k + 2))
    return b.reshape(x, (*stack, channels // r**2, height * r, width * r))


def pixel_unshuffle(b: Builder, x: Handle, *, factor: int) -> Handle:
    """The inverse of `pixel_shuffle`."""
    *stack, channels, height, width = b.type_of(x).shape
    k, r = len(stack), factor
    x = b.reshape(x, (*stack, channels, height // r, r, width // r, r))
    x = b.transpose(x, (*range(k), k, k + 2, k + 4, k + 1, k + 3))
    return b.reshape(x, (*stack, channels * r**2, height // r, width // r))


def channel_shuffle(b: Builder, x: Handle, *, groups: int) -> Handle:
    """The channels of [N, C, …], one of each group after the other."""
    n, channels, *rest = b.type_of(x).shape
    x = b.reshape(x, (n, groups, channels // groups, *rest))
    x = b.transpose(x, (0, 2, 1, *range(3, 3 + len(rest))))
    return b.reshape(x, (n, channels, *rest))


# --- overlapping blocks ---


def blocks(
    b: Builder, x: Handle, *, kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> Handle:
    """The windows of [N, C, H, W] as columns: [N, C · kernel elements, windows]."""
    x = padded(b, x, [(p, p) for p in padding], 0)
    n, channels, *spatial = b.type_of(x).shape
    counts = tuple(map(output_extent, spatial, kernel, stride, dilation))
    if min(counts) < 1:
        raise ShapeError(f"unfold: kernel {list(kernel)} is larger than the input {spatial}")
    taken = b.transpose(unfolded(b, x, kernel, stride, dilation, counts), (0, 1, 3, 5, 2, 4))
    return b.reshape(taken, (n, channels * math.prod(kernel), math.prod(counts)))


def folded(
    b: Builder,
    x: Handle,
    *,
    size: Sizes,
    kernel: Sizes,
    dilation: Sizes,
    padding: Sizes,
    stride: Sizes,
) -> Handle:
    """The adjoint of `blocks`: columns [N, C · kernel elements, windows] added up at `size`."""
    n, rows, count = b.type_of(x).shape
    wide = tuple(extent + 2 * p for extent, p in zip(size, padding, strict=True))
    counts = tuple(map(output_extent, wide, kernel, stride, dilation))
    channels = rows // math.prod(kernel)
    if rows % math.prod(kernel) or count != math.prod(counts):
        raise ShapeError(
            f"fold: given output_size={list(size)} and kernel_size={list(kernel)}, expected "
            f"[N, C · {math.prod(kernel)}, {math.prod(counts)}], got {[n, rows, count]}"
        )
    x = b.reshape(x, (n, channels, *kernel, *counts))
    total: Handle = None
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            term = _spread(b, x, (i, j), counts, wide, dilation, stride)
            total = term if total is None else b.add(total, term)
    start = (0, 0, *padding)
    stop = (n, channels, *(p + extent for p, extent in zip(padding, size, strict=True)))
    return b.slice(total, start, stop)


def _spread(
    b: Builder,
    x: Handle,
    offset: tuple[int, int],
    counts: Sizes,
    wide: Sizes,
    dilation: Sizes,
    stride: Sizes,
) -> Handle:
    """The elements at one `offset` inside of all windows, where they stand in the whole."""
    n, channels = b.type_of(x).shape[:2]
    part = b.slice(x, (0, 0, *offset, 0, 0), (n, channels, offset[0] + 1, offset[1] + 1, *counts))
    part = b.reshape(part, (n, channels, *counts))
    low = tuple(o * d for o, d in zip(offset, dilation, strict=True))
    used = tuple((c - 1) * s + 1 for c, s in zip(counts, stride, strict=True))
    high = tuple(w - first - u for w, first, u in zip(wide, low, used, strict=True))
    interior = (0, 0, *(s - 1 for s in stride))
    return b("pad", part, low=(0, 0, *low), high=(0, 0, *high), interior=interior)
