"""Losses of `fusegrad.nn.functional` between two or three operands that broadcast."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.functions import loss, normalisation, regression
from ..runtime.eager.apply import adapters
from ..runtime.eager.apply.axes import normalise
from ..runtime.eager.apply.dispatch import as_floating, call
from ..runtime.eager.apply.operands import as_operand, floating, shape_of
from ..runtime.eager.errors import EagerError

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction: str, allowed: tuple[str, ...] = REDUCTIONS) -> None:
    if reduction not in allowed:
        raise ValueError(f"{reduction!r} is not a valid value for reduction: mean, sum or none")


def _loss(
    name: str,
    function: Callable[..., Any],
    *operands: Any,
    reduction: str,
    title: str = "",
    **static: Any,
) -> Any:
    """A loss of floating-point operands that are brought to one dtype and shape."""
    check_reduction(reduction)
    _warn_of_broadcasting(name, operands)
    together = floating(*operands)
    static |= {"of": function, "reduction": reduction}
    return call(name, adapters.aligned, *together, title=title, **static)


_SAME_SIZE = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def _warn_of_broadcasting(name: str, operands: tuple[Any, ...]) -> None:
    shapes = [shape_of(x) for x in operands[:2]]
    if name in _SAME_SIZE and shapes[0] != shapes[1]:
        warnings.warn(
            f"{name}: using a target size ({list(shapes[1])}) that is different to the input size "
            f"({list(shapes[0])}): this will likely lead to incorrect results due to broadcasting",
            UserWarning,
            stacklevel=4,
        )


def _by_reduction(reduction: str, each: str, *, mean: str = "MeanBackward0") -> str:
    """The node that stands last where PyTorch composes a loss itself."""
    return {"mean": mean, "sum": "SumBackward0"}.get(reduction, each)


def mse_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """(input - target)², averaged, summed or each."""
    return _loss("mse_loss", loss.mse_loss, input, target, reduction=reduction)


def l1_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """|input - target|."""
    title = _by_reduction(reduction, "AbsBackward0")
    return _loss("l1_loss", regression.l1_loss, input, target, reduction=reduction, title=title)


def smooth_l1_loss(input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Any:
    """d² / (2 beta) where |d| < beta, else |d| - beta / 2."""
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta")
    function = regression.smooth_l1_loss
    options: dict[str, Any] = {"reduction": reduction, "beta": float(beta)}
    return _loss("smooth_l1_loss", function, input, target, **options)


def huber_loss(input: Any, target: Any, *, reduction: str = "mean", delta: float = 1.0) -> Any:
    """d² / 2 where |d| <= delta, else delta · (|d| - delta / 2)."""
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    options: dict[str, Any] = {"reduction": reduction, "delta": float(delta)}
    return _loss("huber_loss", regression.huber_loss, input, target, **options)


def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean"
) -> Any:
    """-(y log x + (1-y) log(1-x)) for probabilities x; no logarithm is less than -100."""
    if shape_of(input) != shape_of(target):
        raise ValueError(
            f"Using a target size ({list(shape_of(target))}) that is different to the input size "
            f"({list(shape_of(input))}) is not supported"
        )
    given = getattr(input, "_data", input)
    if isinstance(given, np.ndarray) and ((given < 0) | (given > 1)).any():
        raise EagerError("binary_cross_entropy: all elements of input should be between 0 and 1")
    extra = () if weight is None else (weight,)
    function = regression.binary_cross_entropy
    return _loss("binary_cross_entropy", function, input, target, *extra, reduction=reduction)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """Binary cross entropy between `target` and sigmoid(input), without overflow."""
    check_reduction(reduction)
    if shape_of(input) != shape_of(target):
        raise ValueError(
            f"Target size {list(shape_of(target))} must be the same as input size "
            f"{list(shape_of(input))}"
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


def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Any:
    """target · (log target - input); `input` holds log probabilities."""
    check_reduction(reduction, (*REDUCTIONS, "batchmean"))
    if reduction == "mean":
        warnings.warn("kl_div: 'batchmean' gives the divergence, 'mean' does not", stacklevel=2)
    mean = {"batchmean": "DivBackward0"}.get(reduction, "MulBackward0" if log_target else "")
    title = _by_reduction(reduction, mean or "SubBackward0")
    operands = floating(input, target)
    static: dict[str, Any] = {
        "of": regression.kl_div,
        "reduction": reduction,
        "log_target": bool(log_target),
    }
    return call("kl_div", adapters.aligned, *operands, title=title, **static)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    *,
    reduction: str = "mean",
) -> Any:
    """-log of a Poisson probability, up to a term without `input` (which `full` approximates)."""
    title = _by_reduction(reduction, "AddBackward0" if full else "SubBackward0")
    static: dict[str, Any] = {"log_input": bool(log_input), "full": bool(full), "eps": float(eps)}
    function = regression.poisson_nll_loss
    options: dict[str, Any] = {"reduction": reduction, "title": title, **static}
    return _loss("poisson_nll_loss", function, input, target, **options)


def gaussian_nll_loss(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    *,
    reduction: str = "mean",
) -> Any:
    """½ (log var + (input - target)² / var)."""
    title = _by_reduction(reduction, "AddBackward0" if full else "MulBackward0")
    static: dict[str, Any] = {"full": bool(full), "eps": float(eps)}
    function = regression.gaussian_nll_loss
    have, given = shape_of(input), shape_of(var)
    different = [m for n, m in zip(have, given, strict=False) if n != m]
    if given == have[:-1]:
        var = as_operand(var).reshape((*given, 1))
    elif given != have and not (len(given) == len(have) and different == [1]):
        raise ValueError(f"var is of incorrect size: {list(given)} for input of {list(have)}")
    options: dict[str, Any] = {"reduction": reduction, "title": title, **static}
    return _loss("gaussian_nll_loss", function, input, target, var, **options)


def soft_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """log(1 + e^(-target · input))."""
    function = regression.soft_margin_loss
    return _loss("soft_margin_loss", function, input, target, reduction=reduction)


def hinge_embedding_loss(
    input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean"
) -> Any:
    """input where target = 1, max(0, margin - input) where it is -1."""
    title = _by_reduction(reduction, "AddBackward0")
    function = regression.hinge_embedding_loss
    options: dict[str, Any] = {"reduction": reduction, "title": title, "margin": float(margin)}
    return _loss("hinge_embedding_loss", function, input, target, **options)


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Any:
    """max(0, -target · (input1 - input2) + margin)."""
    title = _by_reduction(reduction, "ClampMinBackward0")
    function = regression.margin_ranking_loss
    options: dict[str, Any] = {"reduction": reduction, "title": title, "margin": float(margin)}
    return _loss("margin_ranking_loss", function, input1, input2, target, **options)


def multilabel_soft_margin_loss(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean"
) -> Any:
    """The mean over classes of the binary cross entropy with logits."""
    extra = () if weight is None else (weight,)
    title = _by_reduction(reduction, "MeanBackward1")
    function = regression.multilabel_soft_margin_loss
    options: dict[str, Any] = {"reduction": reduction, "title": title}
    return _loss("multilabel_soft_margin_loss", function, input, target, *extra, **options)


# --- of vectors ---


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along `dim`."""
    operands = floating(x1, x2)
    axis = normalise(dim, max(map(len, map(shape_of, operands))))
    if not any(map(shape_of, operands)):
        x, y = (x.reshape((1,)) for x in operands)
        return cosine_similarity(x, y, 0, eps).reshape(())
    static: dict[str, Any] = {
        "of": normalisation.cosine_similarity,
        "axis": axis,
        "eps": float(eps),
    }
    return call("sum", adapters.aligned, *operands, title="SumBackward1", **static)


def pairwise_distance(
    x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Any:
    """The norm of x1 - x2 + eps along the last axis."""
    static: dict[str, Any] = {"order": float(p), "eps": float(eps), "keep": bool(keepdim)}
    static["of"] = normalisation.pairwise_distance
    return call("norm", adapters.aligned, *floating(x1, x2), title="NormBackward1", **static)


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Any:
    """1 - cosine where target = 1, max(0, cosine - margin) where it is -1."""
    check_reduction(reduction)
    if len(shape_of(input1)) != len(shape_of(target)) + 1:
        raise EagerError(
            f"{len(shape_of(target))}D target tensor expects {len(shape_of(target)) + 1}D input "
            f"tensors, but found {list(shape_of(input1))} and {list(shape_of(input2))}"
        )
    title = _by_reduction(reduction, "AddBackward0")
    static: dict[str, Any] = {"reduction": reduction, "margin": float(margin)}
    operands = floating(input1, input2, target)
    function = regression.cosine_embedding_loss
    return call("cosine_embedding_loss", function, *operands, title=title, **static)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Any:
    """max(0, |anchor - positive| - |anchor - negative| + margin)."""
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    title = _by_reduction(reduction, "ClampMinBackward0")
    static: dict[str, Any] = {
        "margin": float(margin),
        "order": float(p),
        "eps": float(eps),
        "swap": bool(swap),
    }
    function = regression.triplet_margin_loss
    options: dict[str, Any] = {"reduction": reduction, "title": title, **static}
    return _loss("triplet_margin_loss", function, anchor, positive, negative, **options)
