"""Convolution and padding: windows that slide along the last axes. (`pooling` reduces them.)

The windows of one axis are strided slices, joined along a new axis; several axes come one after the
other. A convolution is then one contraction.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..builder import Builder, Handle
from ..errors import ShapeError
from ..types import TensorType

Sizes = tuple[int, ...]


def output_extent(size: int, kernel: int, stride: int, dilation: int) -> int:
    return (size - dilation * (kernel - 1) - 1) // stride + 1


def padded(b: Builder, x: Handle, padding: Sequence[tuple[int, int]], value: float) -> Handle:
    """x with `value` around its last axes."""
    if not any(low or high for low, high in padding):
        return x
    shape = b.type_of(x).shape
    lead = len(shape) - len(padding)
    low = (*[0] * lead, *(pair[0] for pair in padding))
    high = (*[0] * lead, *(pair[1] for pair in padding))
    interior = (0,) * len(shape)
    if value == 0:
        return b("pad", x, low=low, high=high, interior=interior)
    ones = b.broadcast(b.constant(1, TensorType("i32", ())), shape)
    inside = b("pad", ones, low=low, high=high, interior=interior)
    wide = b("pad", x, low=low, high=high, interior=interior)
    outside = b.compare("eq", inside, b.zeros_like(inside))
    return b.select(outside, b.full_like(wide, value), wide)


def windows(
    b: Builder, x: Handle, axis: int, kernel: int, stride: int, dilation: int, count: int
) -> Handle:
    """`count` windows along `axis`: that axis counts them, the next one counts inside of one."""
    shape = b.type_of(x).shape
    parts = []
    for offset in range(kernel):
        first = offset * dilation
        start = tuple(first if i == axis else 0 for i in range(len(shape)))
        last = first + stride * (count - 1) + 1
        stop = tuple(last if i == axis else n for i, n in enumerate(shape))
        step = tuple(stride if i == axis else 1 for i in range(len(shape)))
        part = b.slice(x, start, stop, step)
        parts.append(b.reshape(part, (*shape[:axis], count, 1, *shape[axis + 1 :])))
    return b.concatenate(parts, axis + 1)


def unfolded(
    b: Builder, x: Handle, kernel: Sizes, stride: Sizes, dilation: Sizes, counts: Sizes
) -> Handle:
    """Windows along the last axes of x: [..., count, kernel, count, kernel, …]."""
    first = b.type_of(x).ndim - len(kernel)
    for i, k in enumerate(kernel):
        x = windows(b, x, first + 2 * i, k, stride[i], dilation[i], counts[i])
    return x


def window_counts(name: str, shape: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    spatial = shape[len(shape) - len(kernel) :]
    counts = tuple(map(output_extent, spatial, kernel, stride, dilation))
    if any(n < 1 for n in counts):
        raise ShapeError(
            f"{name}: kernel size {list(kernel)} can't be greater than the padded input size "
            f"{list(spatial)}"
        )
    return counts


# --- convolution ---


def convolution(
    b: Builder,
    x: Handle,
    weight: Handle,
    *bias: Handle,
    stride: Sizes,
    padding: tuple[tuple[int, int], ...],
    dilation: Sizes,
    groups: int,
) -> Handle:
    """Cross correlation of x [N, C, …] with weight [O, C / groups, …]."""
    x = padded(b, x, padding, 0)
    outputs, _, *kernel = b.type_of(weight).shape
    n, channels, *_ = shape = b.type_of(x).shape
    _check_channels(b.type_of(x), b.type_of(weight), groups)
    counts = window_counts("convolution", shape, tuple(kernel), stride, dilation)
    taken = unfolded(b, x, tuple(kernel), stride, dilation, counts)
    taken = b.reshape(taken, (n, groups, channels // groups, *b.type_of(taken).shape[2:]))
    d = len(kernel)
    parts = b.reshape(weight, (groups, outputs // groups, *b.type_of(weight).shape[1:]))
    inner = (2, *(4 + 2 * i for i in range(d)))  # channels and places inside of the window
    contract = (inner, tuple(range(2, 3 + d)))
    product = b("dot", taken, parts, contract=contract, batch=((1,), (0,)))
    # [groups, N, counts…, outputs / groups] -> [N, groups, outputs / groups, counts…]
    product = b.transpose(product, (1, 0, 2 + d, *range(2, 2 + d)))
    result = b.reshape(product, (n, outputs, *counts))
    if not bias:
        return result
    others = tuple(i for i in range(d + 2) if i != 1)
    return b.add(result, b.expand(bias[0], others, b.type_of(result).shape))


def _check_channels(x: TensorType, weight: TensorType, groups: int) -> None:
    channels = x.shape[1]
    if x.ndim != weight.ndim or channels != weight.shape[1] * groups or weight.shape[0] % groups:
        raise ShapeError(
            f"convolution: weight of size {list(weight.shape)} with groups={groups} expects input "
            f"with {weight.shape[1] * groups} channels, got {list(x.shape)}"
        )


def transposed_convolution(
    b: Builder,
    x: Handle,
    weight: Handle,
    *bias: Handle,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> Handle:
    """The adjoint of a convolution: x [N, C, …], weight [C, O / groups, …]."""
    channels, part, *kernel = b.type_of(weight).shape
    d = len(kernel)
    lows = tuple(dilation[i] * (kernel[i] - 1) - padding[i] for i in range(d))
    highs = tuple(low + extra for low, extra in zip(lows, output_padding, strict=True))
    spread = (0, 0, *(s - 1 for s in stride))
    around = [tuple(max(n, 0) for n in side) for side in (lows, highs)]
    x = b("pad", x, low=(0, 0, *around[0]), high=(0, 0, *around[1]), interior=spread)
    shape = b.type_of(x).shape  # where the padding is larger than the kernel reaches, less is left
    first = (0, 0, *(max(-n, 0) for n in lows))
    last = tuple(n - max(-cut, 0) for n, cut in zip(shape[2:], highs, strict=True))
    x = b.slice(x, first, (*shape[:2], *last))
    flipped = b("reverse", weight, axes=tuple(range(2, 2 + d)))
    grouped = b.reshape(flipped, (groups, channels // groups, part, *kernel))
    turned = b.transpose(grouped, (0, 2, 1, *range(3, 3 + d)))
    turned = b.reshape(turned, (groups * part, channels // groups, *kernel))
    no_padding = ((0, 0),) * d
    return convolution(
        b,
        x,
        turned,
        *bias,
        stride=(1,) * d,
        padding=no_padding,
        dilation=dilation,
        groups=groups,
    )


# --- other paddings ---


def padded_by_edges(
    b: Builder, x: Handle, *, padding: tuple[tuple[int, int], ...], mode: str
) -> Handle:
    """The last axes continued by reflection, by their last element, or periodically."""
    for back, (low, high) in enumerate(reversed(padding), start=1):
        axis = b.type_of(x).ndim - back
        if low > 0 or high > 0:
            x = _continued(b, x, axis, max(low, 0), max(high, 0), mode)
        if low < 0 or high < 0:  # cut off after the other side was continued
            extent = b.type_of(x).shape[axis]
            x = _cut(b, x, axis, max(-low, 0), extent - max(-high, 0))
    return x


def _continued(b: Builder, x: Handle, axis: int, low: int, high: int, mode: str) -> Handle:
    n = b.type_of(x).shape[axis]
    reach = {"reflect": n - 1, "circular": n}.get(mode, max(low, high))
    if max(low, high) > reach:
        raise ShapeError(
            f"pad: padding size {max(low, high)} should be less than the input's size {n} "
            f"for mode {mode!r}"
        )
    if mode == "reflect":
        front = _flipped(b, _cut(b, x, axis, 1, low + 1), axis)
        end = _flipped(b, _cut(b, x, axis, n - 1 - high, n - 1), axis)
    elif mode == "circular":
        front, end = _cut(b, x, axis, n - low, n), _cut(b, x, axis, 0, high)
    else:
        front = _repeated(b, _cut(b, x, axis, 0, 1), axis, low)
        end = _repeated(b, _cut(b, x, axis, n - 1, n), axis, high)
    return b.concatenate([front, x, end], axis)


def _cut(b: Builder, x: Handle, axis: int, first: int, last: int) -> Handle:
    shape = b.type_of(x).shape
    start = tuple(first if i == axis else 0 for i in range(len(shape)))
    return b.slice(x, start, tuple(last if i == axis else n for i, n in enumerate(shape)))


def _flipped(b: Builder, x: Handle, axis: int) -> Handle:
    return b("reverse", x, axes=(axis,))


def _repeated(b: Builder, x: Handle, axis: int, count: int) -> Handle:
    shape = b.type_of(x).shape
    return b.broadcast(x, tuple(count if i == axis else n for i, n in enumerate(shape)))
