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

from ..ir.functions import loss
from ..runtime.eager.apply import adapters
from ..runtime.eager.apply.dispatch import as_floating, call, is_tensor_like, traced
from ..runtime.eager.apply.operands import floating, shape_of
from ..runtime.eager.errors import EagerError
from ..runtime.eager.operators.products import pdist
from .activation import (
    celu,
    celu_,
    elu,
    elu_,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    leaky_relu,
    leaky_relu_,
    log_softmax,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    relu_,
    selu,
    selu_,
    sigmoid,
    silu,
    softmax,
    softmin,
    softplus,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
    threshold,
    threshold_,
)
from .attention import (
    scaled_dot_product_attention,
)
from .layer import (
    batch_norm,
    bilinear,
    embedding,
    group_norm,
    instance_norm,
    layer_norm,
    linear,
    local_response_norm,
    normalize,
    one_hot,
    rms_norm,
)
from .margin import (
    multi_margin_loss,
    multilabel_margin_loss,
    triplet_margin_with_distance_loss,
)
from .noise import (
    alpha_dropout,
    alpha_dropout_,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    dropout_,
    feature_alpha_dropout,
    gumbel_softmax,
    rrelu,
    rrelu_,
)
from .pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d,
    adaptive_max_pool3d_with_indices,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool2d_with_indices,
    max_pool3d,
    max_pool3d_with_indices,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
)
from .regression import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    check_reduction,
    cosine_embedding_loss,
    cosine_similarity,
    gaussian_nll_loss,
    hinge_embedding_loss,
    huber_loss,
    kl_div,
    l1_loss,
    margin_ranking_loss,
    mse_loss,
    multilabel_soft_margin_loss,
    pairwise_distance,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
    triplet_margin_loss,
)
from .resample import (
    affine_grid,
    channel_shuffle,
    fold,
    grid_sample,
    interpolate,
    pixel_shuffle,
    pixel_unshuffle,
    unfold,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)
from .sequence import (
    ctc_loss,
    embedding_bag,
)
from .window import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    pad,
)

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "affine_grid",
    "alpha_dropout",
    "alpha_dropout_",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "celu_",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "dropout_",
    "elu",
    "elu_",
    "embedding",
    "embedding_bag",
    "feature_alpha_dropout",
    "fold",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "grid_sample",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mish",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "scaled_dot_product_attention",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unfold",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]


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
    check_reduction(reduction)
    axis = _class_axis(input)
    if _holds_classes(target):
        log_p = log_softmax(input, axis)
        return nll_loss(
            log_p,
            target,
            weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
    static: dict[str, Any] = {
        "axis": axis,
        "reduction": reduction,
        "label_smoothing": float(label_smoothing),
    }
    title = "DivBackward1" if reduction == "mean" else "NegBackward0"
    if weight is not None:
        operands = (*floating(input, target), as_floating(weight))
        weighted = adapters.weighted_cross_entropy
        return call("cross_entropy", weighted, *operands, title=title, **static)
    function = loss.cross_entropy
    return call("cross_entropy", function, *floating(input, target), title=title, **static)


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
    check_reduction(reduction)
    axis = _class_axis(input)
    _check_batch(input, target, axis)
    static: dict[str, Any] = {"axis": axis, "reduction": reduction}
    static["ignore_index"] = ignore_index if _ignores(target, ignore_index) else None
    static["title"] = "NllLossBackward0" if len(shape_of(input)) < 3 else "NllLoss2DBackward0"
    if label_smoothing:
        static |= {"label_smoothing": float(label_smoothing), "title": "AddBackward0"}
    if weight is not None:
        operands = (input, target, weight)
        return call("nll_loss", adapters.weighted_nll, *operands, **static)
    return call("nll_loss", loss.nll_loss, input, target, **static)


def _class_axis(input: Any) -> int:
    return 0 if len(shape_of(input)) == 1 else 1


def _holds_classes(target: Any) -> bool:
    dtype = target.dtype if hasattr(target, "dtype") else np.asarray(target).dtype
    return np.dtype(dtype).kind in "iu"


def _check_batch(input: Any, target: Any, axis: int) -> None:
    if not _holds_classes(target):
        raise EagerError(f"expected target dtype to be Long (integers), but got {target.dtype}")
    shape = shape_of(input)
    expected = (*shape[:axis], *shape[axis + 1 :])
    if shape_of(target) != expected:
        raise ValueError(
            f"expected target size {list(expected)} for input of shape {list(shape)} with classes "
            f"along axis {axis}, got {list(shape_of(target))}"
        )


def _ignores(target: Any, index: int) -> bool:
    """Whether rows of `index` have to be left out; while tracing they may occur."""
    if traced((target,)) is not None:
        return True
    array = target._data if is_tensor_like(target) else np.asarray(target)
    return bool((array == index).any())
