"""Layers of `fusegrad.nn.functional`: linear maps, normalisation, embedding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ir.functions import linalg, normalisation
from ..ir.functions import linear as products
from ..runtime.eager.apply.axes import normalise, normalise_all
from ..runtime.eager.apply.dispatch import call, is_tensor_like, traced
from ..runtime.eager.apply.operands import as_operand, floating, promoted, shape_of, tensor_of
from ..runtime.eager.errors import EagerError
from ..runtime.eager.graph import modes

# What PyTorch calls the last node, by the axes of the input and whether there is a bias.
_LINEAR_TITLES = {
    (1, False): "SqueezeBackward4",
    (2, False): "MmBackward0",
    (2, True): "AddmmBackward0",
    (3, False): "UnsafeViewBackward0",
}


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight.T + bias, over the last axis of x; `weight` has shape (outputs, inputs)."""
    ndim = min(len(shape_of(input)), 3)
    title = _LINEAR_TITLES.get((ndim, bias is not None), "ViewBackward0")
    operands = (input, weight) if bias is None else (input, weight, bias)
    return call("linear", products.linear, *operands, title=title)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """x1 W_o x2 for each output o; `weight` has shape (outputs, inputs 1, inputs 2)."""
    operands = promoted(input1, input2, weight, *(() if bias is None else (bias,)))
    title = "AddBackward0" if bias is not None else "TrilinearBackward0"
    return call("bilinear", linalg.bilinear, *operands, title=title)


# --- normalisation ---


def _affine(weight: Any, bias: Any) -> tuple[tuple[str, ...], list[Any]]:
    given = {"weight": weight, "bias": bias}
    extra = {word: x for word, x in given.items() if x is not None}
    return tuple(extra), list(extra.values())


def _check_normalised(name: str, input: Any, normalized_shape: Sequence[int]) -> int:
    shape = shape_of(input)
    wanted = tuple(normalized_shape)
    if not wanted or shape[len(shape) - len(wanted) :] != wanted:
        raise RuntimeError(
            f"{name}: given normalized_shape={list(wanted)}, expected input with shape "
            f"[*, {', '.join(map(str, wanted))}], but got input of size {list(shape)}"
        )
    return len(wanted)


def layer_norm(
    input: Any,
    normalized_shape: Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Any:
    """(x - mean) / √(variance + eps) · weight + bias, over the last axes."""
    count = _check_normalised("layer_norm", input, normalized_shape)
    extras, extra = _affine(weight, bias)
    static: dict[str, Any] = {"extras": extras, "count": count, "eps": float(eps)}
    operands = floating(input, *extra)
    title = "NativeLayerNormBackward0"
    return call("layer_norm", normalisation.layer_norm, *operands, title=title, **static)


def rms_norm(
    input: Any, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None
) -> Any:
    """x / √(mean of x² + eps) · weight, over the last axes."""
    count = _check_normalised("rms_norm", input, normalized_shape)
    extras, extra = _affine(weight, None)
    x, *rest = floating(input, *extra)
    eps = float(np.finfo(np.dtype(x.dtype)).eps) if eps is None else float(eps)
    static: dict[str, Any] = {"extras": extras, "count": count, "eps": eps}
    title = "MulBackward0"
    return call("rms_norm", normalisation.rms_norm, x, *rest, title=title, **static)


def group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Standardised for each sample and group of channels."""
    if len(shape_of(input)) < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {len(shape_of(input))}"
        )
    channels = shape_of(input)[1]
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(shape_of(input))} and num_groups={num_groups}"
        )
    extras, extra = _affine(weight, bias)
    static: dict[str, Any] = {"extras": extras, "groups": int(num_groups), "eps": float(eps)}
    operands = floating(input, *extra)
    title = "NativeGroupNormBackward0"
    return call("group_norm", normalisation.group_norm, *operands, title=title, **static)


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Standardised for each sample and channel, or (not `use_input_stats`) by running statistics.

    These are updated in place, by the means over the samples.
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if math.prod(shape_of(input)[2:]) == 1:
        raise ValueError(
            "Expected more than 1 spatial element when training, got input size "
            f"{list(shape_of(input))}"
        )
    extras, extra = _affine(weight, bias)
    static: dict[str, Any] = {"extras": extras, "groups": shape_of(input)[1], "eps": float(eps)}
    operands = floating(input, *extra)
    title = "ViewBackward0"
    if running_mean is not None or running_var is not None:
        _update_by_samples(operands[0], running_mean, running_var, momentum)
    return call("instance_norm", normalisation.group_norm, *operands, title=title, **static)


def _update_by_samples(x: Any, mean: Any, var: Any, momentum: float) -> None:
    """Move running statistics towards the means over samples of those of x."""
    x = tensor_of(x).detach()
    axes = tuple(range(2, len(x.shape)))
    if mean is not None:
        _update(mean, x.mean(axes).mean(0), momentum)
    if var is not None:
        _update(var, x.var(axes).mean(0), momentum)


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Standardised for each channel: by the batch's statistics in training, else by running ones.

    In training the running statistics (Tensors or arrays) are updated in place.
    """
    extras, extra = _affine(weight, bias)
    static: dict[str, Any] = {"extras": extras, "eps": float(eps)}
    title = "NativeBatchNormBackward0"
    if not training:
        operands = floating(input, running_mean, running_var, *extra)
        fixed = normalisation.batch_norm_fixed
        return call("batch_norm", fixed, *operands, title=title, **static)
    shape = shape_of(input)
    count = int(np.prod(shape)) // max(shape[1], 1)
    if count <= 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {list(shape)}"
        )
    operands = floating(input, *extra)
    y, mean, var = call("batch_norm", normalisation.batch_norm, *operands, title=title, **static)
    if running_mean is not None:
        _update(running_mean, mean, momentum)
    if running_var is not None:
        _update(running_var, var * (count / (count - 1)), momentum)
    return y


def _update(running: Any, new: Any, momentum: float) -> None:
    """running ← (1 - momentum) · running + momentum · new."""
    with modes.no_grad():
        running *= 1 - momentum
        running += momentum * (new.detach() if is_tensor_like(new) else new)


def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Any:
    """x / max(norm over `dim`, eps)."""
    (x,) = floating(as_operand(input))
    axes = normalise_all(dim, len(x.shape))
    static: dict[str, Any] = {"axes": axes, "order": float(p), "eps": float(eps)}
    return call("normalize", normalisation.normalised, x, title="DivBackward0", **static)


def local_response_norm(
    input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """x / (k + alpha · the mean of x² over `size` neighbouring channels)^beta."""
    (x,) = floating(as_operand(input))
    if len(x.shape) < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {len(x.shape)})")
    static: dict[str, Any] = {"size": int(size), "alpha": float(alpha), "beta": float(beta)}
    static |= {"shift": float(k)}
    function = normalisation.local_response
    return call("local_response_norm", function, x, title="DivBackward0", **static)


# --- indices ---


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
) -> Any:
    """The rows of `weight` that `input` names; row `padding_idx` gets no gradient."""
    if len(shape_of(weight)) != 2:
        raise RuntimeError(f"'weight' must be 2-D, got shape {list(shape_of(weight))}")
    _check_integers("embedding", input)
    rows = shape_of(weight)[0]
    pad = None if padding_idx is None else normalise(padding_idx, rows)
    return call("embedding", _embedding, as_operand(input), weight, padding=pad)


def _check_integers(name: str, x: Any) -> Any:
    x = as_operand(x)
    if np.dtype(x.dtype).kind not in "iu":
        raise EagerError(f"{name}: expected integers (Long or Int) as indices, got {x.dtype}")
    return x


def _embedding(b: Any, indices: Any, weight: Any, *, padding: int | None) -> Any:
    taken = b("gather", weight, indices, axis=0)
    if padding is None:
        return taken
    shape = b.type_of(taken).shape
    blank = b.compare("eq", indices, b.full_like(indices, padding))
    blank = b.expand(blank, (len(shape) - 1,), shape)
    return b.select(blank, b("stop_gradient", taken), taken)


def one_hot(input: Any, num_classes: int = -1) -> Any:
    """1 at the class that `input` names, else 0, along a new last axis."""
    indices = _check_integers("one_hot", input)
    num_classes, known = int(num_classes), traced((indices,)) is None
    if num_classes < 0 and not known:
        num_classes = int(indices.max()) + 1  # which asks for the value
    if num_classes < 0:
        array = np.asarray(getattr(indices, "_data", indices))
        num_classes = int(array.max()) + 1
    elif known:
        array = np.asarray(getattr(indices, "_data", indices))
    else:
        array = np.zeros(0, np.int64)
    if array.size and array.max() >= num_classes:
        raise EagerError(f"Class values must be smaller than num_classes, {num_classes}.")
    if array.size and array.min() < 0:
        raise EagerError("Class values must be non-negative.")
    return call("one_hot", _one_hot, indices, classes=num_classes)


def _one_hot(b: Any, indices: Any, *, classes: int) -> Any:
    type = b.type_of(indices)
    ramp = b("iota", dtype=type.dtype, shape=(classes,), axis=0)
    checked = b("gather", ramp, indices, axis=0)
    shape = (*type.shape, classes)
    place = b("iota", dtype=type.dtype, shape=shape, axis=type.ndim)
    return b.cast(b.compare("eq", b.expand(checked, (type.ndim,), shape), place), "i64")
