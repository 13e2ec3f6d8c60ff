"""Images at other sizes and places, of `fusegrad.nn.functional`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ir.functions import resample
from ..runtime.eager.apply.dispatch import call
from ..runtime.eager.apply.operands import as_operand, floating, shape_of
from .pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from .window import Size, batched, sizes_of

_AREA = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}
_RANK_OF = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
_CUBIC = -0.75  # the slope parameter of PyTorch's cubic convolution


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """The axes after the first two at another `size`, or `scale_factor` times theirs.

    `mode` is "nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic" or "area".
    """
    axes = len(shape_of(input)) - 2
    _check_mode(mode, axes, align_corners)
    if antialias:
        raise NotImplementedError("interpolate with antialias=True is not supported")
    have = shape_of(input)[2:]
    sizes, factors = _target(have, size, scale_factor)
    if min((*have, *sizes)) < 1:
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input {list(have)} and "
            f"output {list(sizes)}"
        )
    if mode == "area":
        return _AREA[axes](input, sizes)
    if recompute_scale_factor:
        factors = (None,) * axes
    tables: list[np.ndarray] = []
    taps = []
    for n, wanted, factor in zip(have, sizes, factors, strict=True):
        places, weights = _table(mode, n, wanted, factor, bool(align_corners))
        taps.append(len(places))
        tables += [places[0]] if weights is None else [places, weights]
    word = mode.replace("-", " ").title().replace(" ", "")
    title = f"Upsample{word}{axes}DBackward0"
    operands = (*floating(input), *tables)
    return call("interpolate", resample.resampled, *operands, title=title, taps=tuple(taps))


def _check_mode(mode: str, axes: int, align_corners: bool | None) -> None:
    if mode not in ("nearest", "nearest-exact", "area", *_RANK_OF):
        raise NotImplementedError(f"interpolate: mode {mode!r} is not supported")
    if mode not in _RANK_OF and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear "
            "| bicubic | trilinear"
        )
    if not 1 <= axes <= 3 or _RANK_OF.get(mode, axes) != axes:
        raise NotImplementedError(
            f"interpolate: got an input of {axes + 2} axes, which mode {mode!r} does not take"
        )


def _target(
    have: Sequence[int], size: Any, scale_factor: Any
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The extents to come, and the factors that were given."""
    if (size is None) == (scale_factor is None):
        raise ValueError("only one of size or scale_factor should be defined, and one of them must")
    count = len(have)
    if size is not None:
        sizes = tuple(map(int, size)) if isinstance(size, list | tuple) else (int(size),) * count
        return sizes, (None,) * count
    several = isinstance(scale_factor, list | tuple)
    factors = tuple(map(float, scale_factor)) if several else (float(scale_factor),) * count
    sizes = tuple(math.floor(n * f) for n, f in zip(have, factors, strict=True))
    return sizes, factors


def _table(
    mode: str, have: int, wanted: int, factor: float | None, align_corners: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """For one axis: which entries make up each new one [taps, wanted], and with which weights."""
    step = 1 / factor if factor else have / wanted
    new = np.arange(wanted)
    if mode.startswith("nearest"):
        shift = 0.5 if mode == "nearest-exact" else 0.0
        places = np.minimum(np.floor((new + shift) * step).astype(np.int64), have - 1)
        return places[None], None
    if align_corners:
        at = new * ((have - 1) / (wanted - 1) if wanted > 1 else 0.0)
    else:
        at = (new + 0.5) * step - 0.5
    if mode == "bicubic":
        low = np.floor(at).astype(np.int64)
        offsets = np.arange(-1, 3)[:, None]
        weights = _cubic(np.abs(at - low - offsets))
        return np.clip(low + offsets, 0, have - 1), weights
    at = np.maximum(at, 0)
    low = np.minimum(np.floor(at).astype(np.int64), have - 1)
    weight = at - low
    return np.stack([low, np.minimum(low + 1, have - 1)]), np.stack([1 - weight, weight])


def _cubic(distance: np.ndarray) -> np.ndarray:
    """Keys' kernel of cubic convolution."""
    a, d = _CUBIC, distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def upsample(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Any:
    """The older name of `interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` with mode="nearest"."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` with mode="bilinear", where corners fall on corners."""
    return interpolate(input, size, scale_factor, "bilinear", True)


# --- by a grid of places ---


def grid_sample(
    input: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Any:
    """The image [N, C, H, W] at `grid` [N, h, w, 2] of places (x, y) in [-1, 1]."""
    if mode not in ("bilinear", "nearest"):
        raise NotImplementedError(f"grid_sample: mode {mode!r} is not supported")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(f"grid_sample: padding_mode {padding_mode!r} is not known")
    image, places = shape_of(input), shape_of(grid)
    if len(image) != 4 or len(places) != 4 or places[-1] != 2 or image[0] != places[0]:
        raise RuntimeError(
            "grid_sampler(): expected an input [N, C, H, W] and a grid [N, h, w, 2], but got "
            f"{list(image)} and {list(places)}"
        )
    static: dict[str, Any] = {"mode": mode, "padding": padding_mode}
    static["align_corners"] = bool(align_corners)
    title = "GridSampler2DBackward0"
    return call("grid_sample", resample.grid_sampled, *floating(input, grid), title=title, **static)


def affine_grid(theta: Any, size: Sequence[int], align_corners: bool | None = None) -> Any:
    """The grid for `grid_sample` that turns an image by the matrices theta [N, 2, 3]."""
    n, _, *spatial = size
    if len(spatial) != 2 or shape_of(theta) != (n, 2, 3):
        raise ValueError(
            f"Expected a batch of 2D affine matrices of shape {n}x2x3 for size {list(size)}, got "
            f"{list(shape_of(theta))}"
        )
    static: dict[str, Any] = {"size": tuple(spatial), "align_corners": bool(align_corners)}
    title = "AffineGridGeneratorBackward0"
    return call("affine_grid", resample.affine_grid, *floating(theta), title=title, **static)


# --- pixels and channels ---


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """[…, C · r², H, W] as […, C, H · r, W · r]."""
    shape, factor = shape_of(input), int(upscale_factor)
    if len(shape) < 3 or shape[-3] % factor**2:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but got {list(shape)} and {factor}"
        )
    return call("pixel_shuffle", resample.pixel_shuffle, as_operand(input), factor=factor)


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """The inverse of `pixel_shuffle`."""
    shape, factor = shape_of(input), int(downscale_factor)
    if len(shape) < 3 or shape[-1] % factor or shape[-2] % factor:
        raise RuntimeError(
            "pixel_unshuffle expects height and width to be divisible by downscale_factor, but got "
            f"{list(shape)} and {factor}"
        )
    return call("pixel_unshuffle", resample.pixel_unshuffle, as_operand(input), factor=factor)


def channel_shuffle(input: Any, groups: int) -> Any:
    """The channels of [N, C, …], one of each group after the other."""
    shape = shape_of(input)
    if len(shape) < 3 or shape[1] % groups:
        raise RuntimeError(f"channels of {list(shape)} must be divisible by groups={groups}")
    return call("channel_shuffle", resample.channel_shuffle, as_operand(input), groups=int(groups))


# --- overlapping blocks ---


def unfold(
    input: Any, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Any:
    """The windows of [N, C, H, W] as columns: [N, C · kernel elements, windows]."""
    static = _block(kernel_size, dilation, padding, stride)

    def run(x: Any) -> Any:
        return call("unfold", resample.blocks, x, title="Im2ColBackward0", **static)

    return batched(run, as_operand(input), 2)


def fold(
    input: Any,
    output_size: Size,
    kernel_size: Size,
    dilation: Size = 1,
    padding: Size = 0,
    stride: Size = 1,
) -> Any:
    """The sum of overlapping blocks, columns as `unfold` gives them, in an image."""
    static = _block(kernel_size, dilation, padding, stride)
    static["size"] = sizes_of(output_size, 2)

    def run(x: Any) -> Any:
        return call("fold", resample.folded, x, title="Col2ImBackward0", **static)

    return batched(run, as_operand(input), 1)


def _block(kernel: Size, dilation: Size, padding: Size, stride: Size) -> dict[str, Any]:
    given = {"kernel": kernel, "dilation": dilation, "padding": padding, "stride": stride}
    return {word: sizes_of(value, 2) for word, value in given.items()}
