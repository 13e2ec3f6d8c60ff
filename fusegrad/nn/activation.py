"""Activations of `fusegrad.nn.functional`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..ir.functions import activation, elementwise
from ..runtime.eager.apply.dispatch import as_floating, call, public
from ..runtime.eager.apply.operands import as_operand, cast, floating, shape_of
from ..runtime.eager.errors import EagerError
from ..runtime.eager.operators import activations as _eager
from ..runtime.eager.operators import elementary
from ..runtime.eager.operators.arithmetic import tanh as _tanh
from ..runtime.eager.operators.inplace import updating

tanh = public(_tanh)
softmax = _eager.softmax
log_softmax = _eager.log_softmax


def with_inplace(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with one more option, its last: inplace=True changes the input itself."""
    options = function.__code__.co_argcount - 1
    changing = updating(f"{function.__name__}_", function)

    @wraps(function)
    def run(input: Any, *args: Any, inplace: bool = False, **kwargs: Any) -> Any:
        if len(args) > options:
            *args, inplace = args  # type: ignore[assignment]
        if inplace and hasattr(input, "_data"):
            return changing(input, *args, **kwargs)
        result = function(input, *args, **kwargs)
        if inplace:
            input[...] = result
        return input if inplace else result

    return run


def _plain(name: str, function: Any, title: str = "") -> Any:
    """An activation without options."""

    def run(input: Any) -> Any:
        return call(name, function, as_floating(input), title=title)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = function.__doc__ or f"{name}, elementwise."
    return run


logsigmoid = _plain("logsigmoid", elementwise.log_sigmoid, "LogSigmoidBackward0")
mish = with_inplace(_plain("mish", activation.mish))
hardsigmoid = with_inplace(_plain("hardsigmoid", activation.hardsigmoid))
hardswish = with_inplace(_plain("hardswish", activation.hardswish))
softsign = _plain("softsign", activation.softsign, "DivBackward0")
tanhshrink = _plain("tanhshrink", activation.tanhshrink, "SubBackward0")
selu = with_inplace(_plain("selu", activation.selu, "EluBackward0"))


def sigmoid(input: Any) -> Any:
    """1 / (1 + e^-x)."""
    return elementary.sigmoid(as_floating(input))


@with_inplace
def relu(input: Any) -> Any:
    """max(x, 0), with derivative 0 at 0."""
    return elementary.relu(input)


@with_inplace
def relu6(input: Any) -> Any:
    """x limited to [0, 6]."""
    return hardtanh(input, 0.0, 6.0)


@with_inplace
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """x limited to [min_val, max_val]; at a bound the derivative is 0."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    bounds: dict[str, Any] = {"low": float(min_val), "high": float(max_val)}
    x = as_operand(input)
    if np.dtype(x.dtype).kind in "iu":
        whole: dict[str, Any] = {word: float(int(bound)) for word, bound in bounds.items()}
        return cast(call("hardtanh", activation.hardtanh, cast(x, np.float64), **whole), x.dtype)
    return call("hardtanh", activation.hardtanh, as_floating(x), **bounds)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + e^(beta x)) / beta; x itself above a `threshold` / beta that is less than 20.

    (From 20 on the formula is exact: no threshold is needed.)
    """
    if threshold < _EXACT_FROM:
        static: dict[str, Any] = {"beta": float(beta), "threshold": float(threshold)}
        return call("softplus", _softplus_below, as_floating(input), **static)
    if beta == 1:
        return call("softplus", elementwise.softplus, as_floating(input))
    scaled = activation.softplus_scaled
    return call("softplus", scaled, as_floating(input), beta=float(beta))


_EXACT_FROM = 20.0


def _softplus_below(b: Any, x: Any, *, beta: float, threshold: float) -> Any:
    above = b.compare("gt", b.scale(x, beta), b.full_like(x, threshold))
    return b.select(above, x, activation.softplus_scaled(b, x, beta=beta))


@with_inplace
def silu(input: Any) -> Any:
    """x · sigmoid(x)."""
    return call("silu", elementwise.silu, as_floating(input))


def gelu(input: Any, approximate: str = "none") -> Any:
    """x Φ(x); with approximate="tanh" by a tanh in place of the normal distribution."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f'approximate argument must be either none or tanh, not "{approximate}"')
    return call("gelu", elementwise.gelu, as_floating(input), approximate=approximate)


@with_inplace
def leaky_relu(input: Any, negative_slope: float = 0.01) -> Any:
    """x where x > 0, else negative_slope · x."""
    return call("leaky_relu", elementwise.leaky_relu, input, slope=float(negative_slope))


def prelu(input: Any, weight: Any) -> Any:
    """x where x > 0, else weight · x; one weight, or one for each channel (axis 1)."""
    return call("prelu_kernel", activation.prelu, *floating(input, weight))


@with_inplace
def elu(input: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha · (e^x - 1)."""
    return call("elu", elementwise.elu, as_floating(input), alpha=float(alpha))


@with_inplace
def celu(input: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha · (e^(x/alpha) - 1)."""
    x = as_floating(input)
    return call("celu", activation.celu, x, title="CeluBackward0", alpha=float(alpha))


def softmin(
    input: Any, dim: int | None = None, dtype: Any = None, *, axis: int | None = None
) -> Any:
    """softmax(-x) along `dim`."""
    return softmax(-input, dim, dtype, axis=axis)


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """x moved towards 0 by `lambd`."""
    if lambd < 0:
        raise EagerError(f"softshrink: lambda must be in range [0, largest number], got {lambd}")
    return call("softshrink", activation.softshrink, as_floating(input), bound=float(lambd))


hardshrink = elementary.hardshrink


@with_inplace
def threshold(input: Any, threshold: float, value: float) -> Any:
    """x where it is above `threshold`, else `value`."""
    static: dict[str, Any] = {"bound": float(threshold), "value": float(value)}
    return call("threshold", activation.threshold, input, **static)


def glu(input: Any, dim: int = -1) -> Any:
    """The first half along `dim`, times sigmoid of the second."""
    shape = shape_of(input)
    at = dim % max(len(shape), 1)
    if not shape or shape[at] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} of {list(shape)}")
    return call("glu", activation.glu, as_floating(input), axis=at)


def in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    """The form of a function with the option `inplace` that changes its input."""

    def run(input: Any, *args: Any, **kwargs: Any) -> Any:
        return function(input, *args, inplace=True, **kwargs)

    run.__name__ = run.__qualname__ = f"{function.__name__}_"
    run.__doc__ = f"{function.__name__}(), in place."
    return run


celu_ = in_place(celu)
elu_ = in_place(elu)
hardtanh_ = in_place(hardtanh)
leaky_relu_ = in_place(leaky_relu)
relu_ = in_place(relu)
selu_ = in_place(selu)
threshold_ = in_place(threshold)
