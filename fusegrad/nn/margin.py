"""Losses by margins between classes, and between distances, of `fusegrad.nn.functional`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.functions import margin as functions
from ..runtime.eager.apply.dispatch import call, public
from ..runtime.eager.apply.operands import as_operand, floating, shape_of
from ..runtime.eager.operators import reductions
from ..runtime.eager.operators.arithmetic import minimum
from ..runtime.eager.operators.limits import clamp_min
from .regression import check_reduction, pairwise_distance


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    *,
    reduction: str = "mean",
) -> Any:
    """The mean over the other classes of max(0, margin - x[target] + x[class])^p."""
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError("multi_margin_loss: only p == 1 and p == 2 supported")
    rows, labels = _rows(input, target, 0)
    if weight is not None and len(shape_of(weight)) != 1:
        raise ValueError("multi_margin_loss: weight must be one-dimensional")
    if weight is not None and shape_of(weight) != shape_of(rows)[1:]:
        raise RuntimeError(
            f"inconsistent weight size, expected {shape_of(rows)[1]} but got "
            f"{list(shape_of(weight))}"
        )
    extra = () if weight is None else (weight,)
    x, *rest = floating(rows, *extra)
    static: dict[str, Any] = {"power": int(p), "margin": float(margin), "reduction": reduction}
    static |= {"of": functions.multi_margin_loss, "single": len(shape_of(input)) == 1}
    return call("multi_margin_loss", _like_input, x, labels, *rest, **static)


def multilabel_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Σ max(0, 1 - (x[label] - x[other])) / classes, over labels, up to the first -1, and others.

    `target` [N, C] lists the labels of each sample from its beginning.
    """
    check_reduction(reduction)
    rows, labels = _rows(input, target, 1)
    (x,) = floating(rows)
    static: dict[str, Any] = {"reduction": reduction, "single": len(shape_of(input)) == 1}
    static["of"] = functions.multilabel_margin_loss
    return call("multilabel_margin_loss", _like_input, x, labels, **static)


def _rows(input: Any, target: Any, axes: int) -> tuple[Any, Any]:
    """Samples along a first axis."""
    x, labels = as_operand(input), as_operand(target)
    if not all(shape_of(x)[-1:]):
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(shape_of(x))}"
        )
    if np.dtype(labels.dtype).kind not in "iu":
        raise RuntimeError(f"expected scalar type Long (integers) but found {labels.dtype}")
    if len(shape_of(x)) == 2 and len(shape_of(labels)) == 1 + axes:
        return x, labels
    if len(shape_of(x)) != 1 or len(shape_of(labels)) != axes:
        raise RuntimeError(
            f"inconsistent size, got input {list(shape_of(x))} and target {list(shape_of(labels))}"
        )
    return x.reshape((1, -1)), labels.reshape((1, *shape_of(labels)))


def _like_input(b: Any, *operands: Any, of: Any, single: bool, **static: Any) -> Any:
    """The loss `of` the operands; that of a `single` sample has no axes."""
    result = of(b, *operands, **static)
    return b.reshape(result, ()) if single else result


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d the function given."""
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    check_reduction(reduction)
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = public(minimum)(far, distance(positive, negative))
    loss = clamp_min(near - far + margin, 0)
    return _reduced(loss, reduction)


def _reduced(loss: Any, reduction: str) -> Any:
    if reduction == "none":
        return loss
    return reductions.mean(loss) if reduction == "mean" else reductions.sum(loss)
