"""Convolution and padding of `fusegrad.nn.functional`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..ir.functions import window
from ..runtime.eager.apply.axes import whole
from ..runtime.eager.apply.dispatch import call
from ..runtime.eager.apply.operands import promoted, shape_of

Size = int | Sequence[int]


def sizes_of(value: Size, count: int) -> tuple[int, ...]:
    value = whole(value)
    if isinstance(value, int):
        return (value,) * count
    sizes = tuple(int(n) for n in value)
    return sizes * count if len(sizes) == 1 else sizes


def batched(function: Callable[..., Any], input: Any, axes: int) -> Any:
    """`function` of an input that has a batch axis; it is put in front where there is none."""
    if len(shape_of(input)) == axes + 1:
        return function(input.reshape((1, *shape_of(input)))).squeeze(0)
    return function(input)


# --- convolution ---


def _applied(name: str, function: Any, axes: int, input: Any, *rest: Any, **static: Any) -> Any:
    """The convolution `function` of input, weight and perhaps a bias."""
    operands = [x for x in rest if x is not None]
    title = "ConvolutionBackward0"

    def run(x: Any) -> Any:
        return call(name, function, *promoted(x, *operands), title=title, **static)

    return batched(run, input, axes)


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
    steps = sizes_of(dilation, axes)
    if min((*steps, *sizes_of(stride, axes))) < 1:
        raise RuntimeError("non-positive stride or dilation is not supported")
    if padding == "same" and set(sizes_of(stride, axes)) != {1}:
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    static: dict[str, Any] = {
        "stride": sizes_of(stride, axes),
        "padding": _around(padding, kernel, steps),
        "dilation": steps,
        "groups": int(groups),
    }
    return _applied(name, window.convolution, axes, input, weight, bias, **static)


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
    return tuple((p, p) for p in sizes_of(padding, len(kernel)))


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
        "stride": sizes_of(stride, axes),
        "padding": sizes_of(padding, axes),
        "output_padding": sizes_of(output_padding, axes),
        "dilation": sizes_of(dilation, axes),
        "groups": int(groups),
    }
    function = window.transposed_convolution
    return _applied(name, function, axes, input, weight, bias, **static)


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


def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Any:
    """The adjoint of `conv3d`; weight is [C, O / groups, KD, KH, KW]."""
    rest = (stride, padding, output_padding, groups, dilation)
    return _transposed("conv_transpose3d", 3, input, weight, bias, *rest)


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


def constant_pad_nd(input: Any, pad: Sequence[int], value: float = 0) -> Any:
    """`pad` with a constant."""
    return globals()["pad"](input, pad, "constant", value)


def _constant_pad(b: Any, x: Any, *, padding: tuple[tuple[int, int], ...], value: float) -> Any:
    """Negative amounts cut off."""
    shape = b.type_of(x).shape
    lead = len(shape) - len(padding)
    cuts = [(max(-low, 0), max(-high, 0)) for low, high in padding]
    start = (*[0] * lead, *(low for low, _ in cuts))
    ends = (n - high for n, (_, high) in zip(shape[lead:], cuts, strict=True))
    x = b.slice(x, start, (*shape[:lead], *ends))
    return window.padded(b, x, [(max(low, 0), max(high, 0)) for low, high in padding], value)
