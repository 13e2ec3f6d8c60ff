"""Attention of `fusegrad.nn.functional`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..ir.builder import Builder, Handle
from ..ir.functions.linear import matmul
from ..ir.functions.reduction import softmax
from ..ir.matrix import compare_places, transposed
from ..runtime.eager.apply.dispatch import call
from ..runtime.eager.apply.operands import floating, shape_of
from .noise import dropout


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    """softmax(query keyᵀ · scale + mask) value; a mask of truth values says what takes part.

    `scale` is 1 / √(features) by default. With `is_causal` a query sees keys up to its own place.
    """
    if attn_mask is not None and is_causal:
        raise RuntimeError("Explicit attn_mask should not be set when is_causal=True")
    features = shape_of(query)[-1]
    static: dict[str, Any] = {
        "scale": 1 / math.sqrt(features) if scale is None else float(scale),
        "causal": bool(is_causal),
    }
    q, k, v = floating(query, key, value)
    mask = () if attn_mask is None else (attn_mask,)
    title = "ScaledDotProductAttentionBackward0"
    weights = call("attention_weights", _weights, q, k, *mask, title=title, **static)
    return dropout(weights, dropout_p) @ v


def _weights(
    b: Builder, query: Handle, key: Handle, *mask: Handle, scale: float, causal: bool
) -> Handle:
    scores = b.scale(matmul(b, query, transposed(b, key)), scale)
    shape = b.type_of(scores).shape
    if causal:
        lower = compare_places(b, "ge", shape)
        scores = b.select(lower, scores, b.full_like(scores, -np.inf))
    for given in mask:
        wide = b.broadcast(given, shape)
        if b.type_of(given).dtype == "bool":
            scores = b.select(wide, scores, b.full_like(scores, -np.inf))
        else:
            scores = b.add(scores, wide)
    return softmax(b, scores, (len(shape) - 1,))
