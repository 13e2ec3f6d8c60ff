"""Activations and losses under PyTorch's names and signatures.

They take Tensors (one node each in the graph), NumPy arrays, and the arrays of a function that is
being compiled.

>>> import numpy as np
>>> float(mse_loss(np.array([1.0, 3.0]), np.array([0.0, 0.0])))
5.0
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir.functions import elementwise, loss
from ..ir.functions import linear as products
from ..ir.functions import reduction as reductions
from ..runtime.eager import adapters
from ..runtime.eager.arithmetic import tanh as _tanh
from ..runtime.eager.axes import normalise
from ..runtime.eager.dispatch import as_floating, call, is_tensor_like, public, traced

__all__ = [
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "elu",
    "gelu",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]

_REDUCTIONS = ("mean", "sum", "none")

# --- activations ---

tanh = public(_tanh)


def relu(input: Any) -> Any:
    """max(x, 0), with derivative 0 at 0."""
    return call("relu", elementwise.relu, input)


def sigmoid(input: Any) -> Any:
    """1 / (1 + e^-x)."""
    return call("sigmoid", elementwise.sigmoid, as_floating(input))


def logsigmoid(input: Any) -> Any:
    """log sigmoid(x), without overflow."""
    title = "LogSigmoidBackward0"
    return call("logsigmoid", elementwise.log_sigmoid, as_floating(input), title=title)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + e^(beta x)) / beta; exact everywhere, so that `threshold` has no effect."""
    if beta == 1:
        return call("softplus", elementwise.softplus, as_floating(input))
    return call("softplus", adapters.softplus, as_floating(input), beta=float(beta))


def silu(input: Any) -> Any:
    """x · sigmoid(x)."""
    return call("silu", elementwise.silu, as_floating(input))


def gelu(input: Any, approximate: str = "none") -> Any:
    """x Φ(x); with approximate="tanh" by a tanh in place of the normal distribution."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f'approximate argument must be either none or tanh, not "{approximate}"')
    return call("gelu", elementwise.gelu, as_floating(input), approximate=approximate)


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Any:
    """x where x > 0, else negative_slope · x."""
    return call("leaky_relu", elementwise.leaky_relu, input, slope=float(negative_slope))


def elu(input: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, else alpha · (e^x - 1)."""
    return call("elu", elementwise.elu, as_floating(input), alpha=float(alpha))


def softmax(input: Any, dim: int | None = None, *, axis: int | None = None) -> Any:
    """e^x / Σ e^x along `dim`."""
    return _along("softmax", reductions.softmax, input, dim if axis is None else axis)


def log_softmax(input: Any, dim: int | None = None, *, axis: int | None = None) -> Any:
    """log softmax(x) along `dim`, without overflow."""
    return _along("log_softmax", reductions.log_softmax, input, dim if axis is None else axis)


def _along(name: str, function: Any, input: Any, dim: int | None) -> Any:
    if dim is None:
        raise TypeError(f"{name}() needs dim=, the axis that is normalised")
    x = as_floating(input)
    axes = (normalise(dim, x.ndim),) if x.ndim else ()
    return call(name, function, x, axes=axes)


# --- layers ---


# What PyTorch calls the last node, by the axes of the input and whether there is a bias.
_LINEAR_TITLES = {
    (1, False): "SqueezeBackward4",
    (2, False): "MmBackward0",
    (2, True): "AddmmBackward0",
    (3, False): "UnsafeViewBackward0",
}


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight.T + bias, over the last axis of x; `weight` has shape (outputs, inputs)."""
    ndim = min(len(_shape(input)), 3)
    title = _LINEAR_TITLES.get((ndim, bias is not None), "ViewBackward0")
    operands = (input, weight) if bias is None else (input, weight, bias)
    return call("linear", products.linear, *operands, title=title)


# --- losses ---


def mse_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """(input - target)², averaged, summed or each."""
    _check_reduction(reduction)
    operands = (as_floating(input), as_floating(target))
    return call("mse_loss", adapters.together, *operands, of=loss.mse_loss, reduction=reduction)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """Binary cross entropy between `target` and sigmoid(input), without overflow."""
    _check_reduction(reduction)
    if _shape(input) != _shape(target):
        raise ValueError(
            f"Target size {list(_shape(target))} must be the same as input size "
            f"{list(_shape(input))}"
        )
    given = {"weight": weight, "pos_weight": pos_weight}
    extra = {word: as_floating(x) for word, x in given.items() if x is not None}
    return call(
        "binary_cross_entropy_with_logits",
        adapters.binary_cross_entropy,
        as_floating(input),
        as_floating(target),
        *extra.values(),
        extras=tuple(extra),
        reduction=reduction,
    )


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """-log softmax(input) of the target class; `target` holds class numbers, or probabilities.

    The classes are along axis 1 (axis 0 of a single sample).
    """
    _check_reduction(reduction)
    axis = _class_axis(input)
    if _holds_classes(target):
        log_p = log_softmax(input, axis)
        if label_smoothing and weight is not None:
            raise NotImplementedError("cross_entropy: label_smoothing together with weight")
        return nll_loss(
            log_p,
            target,
            weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
    if weight is not None:
        raise NotImplementedError("cross_entropy: weight together with target probabilities")
    return call(
        "cross_entropy",
        loss.cross_entropy,
        as_floating(input),
        target,
        title="DivBackward1" if reduction == "mean" else "NegBackward0",
        axis=axis,
        reduction=reduction,
        label_smoothing=float(label_smoothing),
    )


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """-input at the target class; `input` holds log probabilities."""
    _check_reduction(reduction)
    axis = _class_axis(input)
    _check_batch(input, target, axis)
    static: dict[str, Any] = {"axis": axis, "reduction": reduction}
    static["ignore_index"] = ignore_index if _ignores(target, ignore_index) else None
    if weight is not None:
        operands = (input, target, weight)
        return call("nll_loss", adapters.weighted_nll, *operands, **static)
    if label_smoothing:
        static["label_smoothing"] = float(label_smoothing)
    return call("nll_loss", loss.nll_loss, input, target, **static)


def _check_reduction(reduction: str) -> None:
    if reduction not in _REDUCTIONS:
        raise ValueError(f"{reduction!r} is not a valid value for reduction: mean, sum or none")


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def _class_axis(input: Any) -> int:
    return 0 if len(_shape(input)) == 1 else 1


def _holds_classes(target: Any) -> bool:
    dtype = target.dtype if hasattr(target, "dtype") else np.asarray(target).dtype
    return np.dtype(dtype).kind in "iu"


def _check_batch(input: Any, target: Any, axis: int) -> None:
    shape = _shape(input)
    expected = (*shape[:axis], *shape[axis + 1 :])
    if _shape(target) != expected:
        raise ValueError(
            f"expected target size {list(expected)} for input of shape {list(shape)} with classes "
            f"along axis {axis}, got {list(_shape(target))}"
        )


def _ignores(target: Any, index: int) -> bool:
    """Whether rows of `index` have to be left out; while tracing they may occur."""
    if traced((target,)) is not None:
        return True
    array = target._data if is_tensor_like(target) else np.asarray(target)
    return bool((array == index).any())
