"""Convolution, pooling and padding of `fusegrad.nn.functional`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..ir.functions import window
from ..runtime.eager.dispatch import call
from ..runtime.eager.operands import floating, shape_of

Size = int | Sequence[int]


def _sizes(value: Size, count: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * count
    sizes = tuple(int(n) for n in value)
    return sizes * count if len(sizes) == 1 else sizes


def _batched(function: Callable[..., Any], input: Any, axes: int) -> Any:
    """`function` of an input that has a batch axis; it is put in front where there is none."""
    if len(shape_of(input)) == axes + 1:
        result = function(input.reshape((1, *shape_of(input))))
        return result.reshape(tuple(result.shape[1:]))
    return function(input)


# --- convolution ---


def _convolution(
    name: str,
    axes: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Size,
    padding: Size | str,
    dilation: Size,
    groups: int,
) -> Any:
    kernel = shape_of(weight)[2:]
    if len(kernel) != axes or len(shape_of(input)) not in (axes + 1, axes + 2):
        raise RuntimeError(
            f"Expected {axes + 1}D (unbatched) or {axes + 2}D (batched) input to {name}, but got "
            f"input of size {list(shape_of(input))} and weight {list(shape_of(weight))}"
        )
    steps = _sizes(dilation, axes)
    static: dict[str, Any] = {
        "stride": _sizes(stride, axes),
        "padding": _around(padding, kernel, steps),
        "dilation": steps,
        "groups": int(groups),
    }
    extra = () if bias is None else (bias,)

    def run(x: Any) -> Any:
        operands = floating(x, weight, *extra)
        title = "ConvolutionBackward0"
        return call(name, window.convolution, *operands, title=title, **static)

    return _batched(run, input, axes)


def _around(
    padding: Size | str, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    if padding == "valid":
        padding = 0
    if isinstance(padding, str):
        if padding != "same":
            raise RuntimeError(f"padding must be 'valid' or 'same', got {padding!r}")
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((p, p) for p in _sizes(padding, len(kernel)))


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Any:
    """Cross correlation of signals [N, C, L] with weight [O, C / groups, K]."""
    rest = (stride, padding, dilation, groups)
    return _convolution("conv1d", 1, input, weight, bias, *rest)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Any:
    """Cross correlation of images [N, C, H, W] with weight [O, C / groups, KH, KW]."""
    rest = (stride, padding, dilation, groups)
    return _convolution("conv2d", 2, input, weight, bias, *rest)


def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Any:
    """Cross correlation of volumes [N, C, D, H, W] with weight [O, C / groups, KD, KH, KW]."""
    rest = (stride, padding, dilation, groups)
    return _convolution("conv3d", 3, input, weight, bias, *rest)


def _transposed(
    name: str,
    axes: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Size,
    padding: Size,
    output_padding: Size,
    groups: int,
    dilation: Size,
) -> Any:
    static: dict[str, Any] = {
        "stride": _sizes(stride, axes),
        "padding": _sizes(padding, axes),
        "output_padding": _sizes(output_padding, axes),
        "dilation": _sizes(dilation, axes),
        "groups": int(groups),
    }
    extra = () if bias is None else (bias,)

    def run(x: Any) -> Any:
        operands = floating(x, weight, *extra)
        title = "ConvolutionBackward0"
        return call(name, window.transposed_convolution, *operands, title=title, **static)

    return _batched(run, input, axes)


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Any:
    """The adjoint of `conv1d`; weight is [C, O / groups, K]."""
    rest = (stride, padding, output_padding, groups, dilation)
    return _transposed("conv_transpose1d", 1, input, weight, bias, *rest)


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Any:
    """The adjoint of `conv2d`; weight is [C, O / groups, KH, KW]."""
    rest = (stride, padding, output_padding, groups, dilation)
    return _transposed("conv_transpose2d", 2, input, weight, bias, *rest)


# --- pooling ---


def _max_pool(
    axes: int, input: Any, kernel: Size, stride: Any, padding: Size, dilation: Size, ceil: bool
) -> Any:
    if ceil:
        raise NotImplementedError("max_pool with ceil_mode=True is not supported")
    sizes = _sizes(kernel, axes)
    static: dict[str, Any] = {
        "kernel": sizes,
        "stride": sizes if stride in (None, ()) else _sizes(stride, axes),
        "padding": _sizes(padding, axes),
        "dilation": _sizes(dilation, axes),
    }
    for pad, size in zip(static["padding"], sizes, strict=True):
        if 2 * pad > size:
            raise RuntimeError(f"pad should be at most half of kernel size, got {pad} and {size}")
    title = "SqueezeBackward1" if axes == 1 else f"MaxPool{axes}DWithIndicesBackward0"
    return call("max_pool", window.max_pool, *floating(input), title=title, **static)


def max_pool1d(
    input: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Any:
    """The largest element of each window of the last axis; the first one takes the gradient."""
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Any:
    """The same for windows of the last two axes."""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(
    input: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Any:
    """The same for windows of the last three axes."""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode)


def _avg_pool(
    axes: int,
    input: Any,
    kernel: Size,
    stride: Any,
    padding: Size,
    ceil: bool,
    count_include_pad: bool,
    divisor: int | None,
) -> Any:
    if ceil:
        raise NotImplementedError("avg_pool with ceil_mode=True is not supported")
    sizes = _sizes(kernel, axes)
    static: dict[str, Any] = {
        "kernel": sizes,
        "stride": sizes if stride in (None, ()) else _sizes(stride, axes),
        "padding": _sizes(padding, axes),
        "count_include_pad": bool(count_include_pad),
        "divisor": divisor,
    }
    title = "SqueezeBackward1" if axes == 1 else f"AvgPool{axes}DBackward0"
    return call("avg_pool", window.avg_pool, *floating(input), title=title, **static)


def avg_pool1d(
    input: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window of the last axis."""
    rest = (stride, padding, ceil_mode, count_include_pad, None)
    return _avg_pool(1, input, kernel_size, *rest)


def avg_pool2d(
    input: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window of the last two axes."""
    rest = (stride, padding, ceil_mode, count_include_pad, divisor_override)
    return _avg_pool(2, input, kernel_size, *rest)


def avg_pool3d(
    input: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window of the last three axes."""
    rest = (stride, padding, ceil_mode, count_include_pad, divisor_override)
    return _avg_pool(3, input, kernel_size, *rest)


def _adaptive(axes: int, input: Any, output_size: Any, title: str) -> Any:
    given = output_size if isinstance(output_size, list | tuple) else (output_size,) * axes
    have = shape_of(input)[len(shape_of(input)) - axes :]
    sizes = tuple(n if size is None else int(size) for size, n in zip(given, have, strict=True))
    function = window.adaptive_avg_pool
    return call("adaptive_avg_pool", function, *floating(input), title=title, sizes=sizes)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """Means of `output_size` parts of the last axis."""
    return _adaptive(1, input, output_size, "SqueezeBackward1")


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """Means of parts of the last two axes."""
    small = output_size in (1, (1, 1), [1, 1])
    return _adaptive(
        2, input, output_size, "MeanBackward1" if small else "AdaptiveAvgPool2DBackward0"
    )


# --- padding ---

_TITLES = {"reflect": "ReflectionPad", "replicate": "ReplicationPad"}


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """More elements around the last axes: `pad` lists (low, high) from the last axis on."""
    if len(pad) % 2 or len(pad) // 2 > len(shape_of(input)):
        raise RuntimeError(f"Padding length must be divisible by 2 and fit, got {list(pad)}")
    pairs = tuple((int(a), int(z)) for a, z in zip(pad[::2], pad[1::2], strict=True))[::-1]
    if mode == "constant":
        fill = 0.0 if value is None else float(value)
        title = "ConstantPadNdBackward0"
        return call("pad", _constant_pad, input, title=title, padding=pairs, value=fill)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    title = f"{_TITLES[mode]}{len(pairs)}DBackward0" if mode in _TITLES else "SliceBackward0"
    static: dict[str, Any] = {"padding": pairs, "mode": mode}
    return call("pad", window.padded_by_edges, input, title=title, **static)


def _constant_pad(b: Any, x: Any, *, padding: tuple[tuple[int, int], ...], value: float) -> Any:
    """Negative amounts cut off."""
    shape = b.type_of(x).shape
    lead = len(shape) - len(padding)
    cuts = [(max(-low, 0), max(-high, 0)) for low, high in padding]
    start = (*[0] * lead, *(low for low, _ in cuts))
    ends = (n - high for n, (_, high) in zip(shape[lead:], cuts, strict=True))
    x = b.slice(x, start, (*shape[:lead], *ends))
    return window.padded(b, x, [(max(low, 0), max(high, 0)) for low, high in padding], value)
