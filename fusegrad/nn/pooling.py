"""Pooling of `fusegrad.nn.functional`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.functions import pooling
from ..runtime.eager.apply.dispatch import call, public
from ..runtime.eager.apply.operands import as_operand, cast, floating, shape_of
from ..runtime.eager.operators.arithmetic import abs as absolute
from ..runtime.eager.operators.arithmetic import pow as power
from ..runtime.eager.operators.arithmetic import sign
from ..runtime.eager.operators.elementary import relu
from .window import Size, sizes_of

# --- the largest element of windows ---


def _check_pool(
    name: str, axes: int, input: Any, kernel: tuple[int, ...], stride: Any, dilation: Any
) -> None:
    shape = shape_of(input)
    if len(shape) not in (axes + 1, axes + 2) or 0 in shape[-axes - 1 :]:
        raise RuntimeError(
            f"{name}: Expected {axes + 1}D or {axes + 2}D (batch mode) tensor with optional 0 dim "
            f"batch size for input, but got: {list(shape)}"
        )
    given = {"kernel_size": kernel, "dilation": sizes_of(dilation, axes)}
    if stride not in (None, (), []):
        given["stride"] = sizes_of(stride, axes)
    for word, numbers in given.items():
        if min(numbers) < 1:
            raise RuntimeError(f"{name}() {word} must be greater than zero, but got {min(numbers)}")


def _max_pool(
    axes: int,
    input: Any,
    kernel: Size,
    stride: Any,
    padding: Size,
    dilation: Size,
    ceil: bool,
    places: bool,
) -> Any:
    sizes = sizes_of(kernel, axes)
    _check_pool(f"max_pool{axes}d", axes, input, sizes, stride, dilation)
    static: dict[str, Any] = {
        "kernel": sizes,
        "stride": sizes if stride in (None, (), []) else sizes_of(stride, axes),
        "padding": sizes_of(padding, axes),
        "dilation": sizes_of(dilation, axes),
        "ceil": bool(ceil),
        "places": bool(places),
    }
    for pad, size in zip(static["padding"], sizes, strict=True):
        if 2 * pad > size:
            raise RuntimeError(f"pad should be at most half of kernel size, got {pad} and {size}")
    title = "SqueezeBackward1" if axes == 1 else f"MaxPool{axes}DWithIndicesBackward0"
    return _of_numbers("max_pool", pooling.max_pool, input, title=title, **static)


def _of_numbers(name: str, function: Any, input: Any, **static: Any) -> Any:
    """The function of numbers of any kind; integers are computed with as numbers of 64 bits, and
    cut off again.
    """
    x = as_operand(input)
    if np.dtype(x.dtype).kind not in "iu":
        return call(name, function, *floating(x), **static)
    result = call(name, function, cast(x, np.float64), **static)
    if isinstance(result, tuple):
        return (cast(result[0], x.dtype), *result[1:])
    return cast(result, x.dtype)


def max_pool1d(
    input: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of the last axis; the first one takes the gradient.

    With `ceil_mode` the last window may reach over the end. With `return_indices` a pair: also
    where each one stands.
    """
    rest = (stride, padding, dilation, ceil_mode, return_indices)
    return _max_pool(1, input, kernel_size, *rest)


def max_pool2d(
    input: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The same for windows of the last two axes."""
    rest = (stride, padding, dilation, ceil_mode, return_indices)
    return _max_pool(2, input, kernel_size, *rest)


def max_pool3d(
    input: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The same for windows of the last three axes."""
    rest = (stride, padding, dilation, ceil_mode, return_indices)
    return _max_pool(3, input, kernel_size, *rest)


# --- the mean of windows ---


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
    sizes = sizes_of(kernel, axes)
    _check_pool(f"avg_pool{axes}d", axes, input, sizes, stride, 1)
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    static: dict[str, Any] = {
        "kernel": sizes,
        "stride": sizes if stride in (None, (), []) else sizes_of(stride, axes),
        "padding": sizes_of(padding, axes),
        "ceil": bool(ceil),
        "count_include_pad": bool(count_include_pad),
        "divisor": divisor,
    }
    for pad, size in zip(static["padding"], sizes, strict=True):
        if 2 * pad > size:
            raise RuntimeError(f"pad should be at most half of kernel size, got {pad} and {size}")
    title = "SqueezeBackward1" if axes == 1 else f"AvgPool{axes}DBackward0"
    return _of_numbers("avg_pool", pooling.avg_pool, input, title=title, **static)


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


# --- norms of windows ---


def _lp_pool(
    pool: Callable[..., Any], axes: int, input: Any, p: float, kernel: Size, stride: Any, ceil: bool
) -> Any:
    """(Σ x^p)^(1/p) of each window; a sum below 0 counts as 0."""
    (x,) = floating(as_operand(input))
    mean = pool(public(power, "power")(x, p), kernel, stride, 0, ceil)
    size = public(sign)(mean) * relu(public(absolute)(mean))
    return public(power, "power")(size * math.prod(sizes_of(kernel, axes)), 1 / p)


def lp_pool1d(
    input: Any,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Any:
    """The norm of each window of the last axis."""
    return _lp_pool(avg_pool1d, 1, input, float(norm_type), kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Any,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Any:
    """The norm of each window of the last two axes."""
    return _lp_pool(avg_pool2d, 2, input, float(norm_type), kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Any,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Any:
    """The norm of each window of the last three axes."""
    return _lp_pool(avg_pool3d, 3, input, float(norm_type), kernel_size, stride, ceil_mode)


# --- parts of nearly equal width ---


def _part_sizes(axes: int, input: Any, output_size: Any) -> tuple[int, ...]:
    given = output_size if isinstance(output_size, list | tuple) else (output_size,) * axes
    if len(shape_of(input)) <= axes:
        raise ValueError(f"Input dimension should be at least {axes + 1}")
    if len(given) != axes:
        raise RuntimeError(
            f"adaptive pooling: output_size must be {axes} numbers, got {list(given)}"
        )
    have = shape_of(input)[len(shape_of(input)) - axes :]
    if 0 in have:
        raise RuntimeError(
            "Expected input to have non-zero size for non-batch dimensions, but input has sizes "
            f"{list(shape_of(input))}"
        )
    return tuple(n if size is None else int(size) for size, n in zip(given, have, strict=True))


def _adaptive_avg(axes: int, input: Any, output_size: Any) -> Any:
    sizes = _part_sizes(axes, input, output_size)
    title = f"AdaptiveAvgPool{axes}DBackward0"
    if axes == 1:
        title = "SqueezeBackward1"
    elif set(sizes) == {1}:
        title = "MeanBackward1"
    function = pooling.adaptive_avg_pool
    return call("adaptive_avg_pool", function, *floating(input), title=title, sizes=sizes)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """Means of `output_size` parts of the last axis."""
    return _adaptive_avg(1, input, output_size)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """Means of parts of the last two axes."""
    return _adaptive_avg(2, input, output_size)


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """Means of parts of the last three axes."""
    return _adaptive_avg(3, input, output_size)


def _adaptive_max(axes: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    sizes = _part_sizes(axes, input, output_size)
    title = "SqueezeBackward1" if axes == 1 else f"AdaptiveMaxPool{axes}DBackward0"
    function = pooling.adaptive_max_pool
    pair = call("adaptive_max_pool", function, *floating(input), title=title, sizes=sizes)
    return pair if return_indices else pair[0]


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of `output_size` parts of the last axis."""
    return _adaptive_max(1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of parts of the last two axes."""
    return _adaptive_max(2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of parts of the last three axes."""
    return _adaptive_max(3, input, output_size, return_indices)


# --- both at once: the largest elements, and where they stand ---


def _with_indices(pool: Callable[..., Any]) -> Callable[..., Any]:
    """The pool that gives places too."""

    def run(input: Any, *args: Any, return_indices: bool = False, **kwargs: Any) -> Any:
        return pool(input, *args, return_indices=True, **kwargs)

    run.__name__ = run.__qualname__ = f"{pool.__name__}_with_indices"
    run.__doc__ = f"{pool.__name__}(), with the places of what it gives."
    return run


adaptive_max_pool1d_with_indices = _with_indices(adaptive_max_pool1d)
adaptive_max_pool2d_with_indices = _with_indices(adaptive_max_pool2d)
adaptive_max_pool3d_with_indices = _with_indices(adaptive_max_pool3d)
max_pool1d_with_indices = _with_indices(max_pool1d)
max_pool2d_with_indices = _with_indices(max_pool2d)
max_pool3d_with_indices = _with_indices(max_pool3d)


# --- back from a pool ---


def _max_unpool(
    axes: int, input: Any, indices: Any, kernel: Size, stride: Any, padding: Size, output_size: Any
) -> Any:
    sizes = sizes_of(kernel, axes)
    steps = sizes if stride in (None, (), []) else sizes_of(stride, axes)
    have = shape_of(input)[len(shape_of(input)) - axes :]
    if output_size is None:
        around = sizes_of(padding, axes)
        whole = tuple(
            (n - 1) * s - 2 * p + k for n, s, p, k in zip(have, steps, around, sizes, strict=True)
        )
    else:
        whole = tuple(output_size)[-axes:]
    title = f"MaxUnpool{axes}DBackward0" if axes > 1 else "SqueezeBackward1"
    operands = (*floating(input), as_operand(indices))
    return call("max_unpool", pooling.max_unpool, *operands, title=title, sizes=whole)


def max_unpool1d(
    input: Any,
    indices: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Any:
    """Zeros, with the elements where `max_pool1d` found them."""
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Any,
    indices: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Any:
    """Zeros, with the elements where `max_pool2d` found them."""
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Any,
    indices: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Any:
    """Zeros, with the elements where `max_pool3d` found them."""
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)
