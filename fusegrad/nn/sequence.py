"""Sequences: the loss of unaligned texts, and sums of embeddings over bags of words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..ir.functions import alignment, bag
from ..runtime.eager.apply.axes import normalise
from ..runtime.eager.apply.dispatch import call, is_tensor_like, traced
from ..runtime.eager.apply.operands import as_operand, shape_of, tensor_of
from ..runtime.eager.errors import EagerError
from .regression import check_reduction

__all__ = ["ctc_loss", "embedding_bag"]


def _values(x: Any) -> np.ndarray:
    """The integers that a Tensor, an array or a list holds."""
    return np.asarray(x._data if is_tensor_like(x) else x)


# --- texts ---


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """-log of the probability of each target, summed over its alignments with the frames.

    `log_probs` [t, n, c] (or [t, c]) holds logarithms of probabilities; `targets` [n, s], or all of
    them one after the other, numbers of classes that are not `blank`. "mean" divides each loss by
    the target's length first. A target longer than its frames has the loss inf, or 0 with
    `zero_infinity`.
    """
    check_reduction(reduction)
    log_probs = as_operand(log_probs)
    single = len(shape_of(log_probs)) == 2
    if single:
        log_probs = log_probs.reshape((shape_of(log_probs)[0], 1, shape_of(log_probs)[1]))
    frames, cases, classes = shape_of(log_probs)
    if not 0 <= blank < classes:
        raise EagerError("ctc_loss: blank must be in label range")
    if traced((log_probs, targets, input_lengths, target_lengths)) is not None:
        texts, rows, sizes = _traced_texts(targets, input_lengths, target_lengths, cases)
    else:
        rows = _lengths("input_lengths", input_lengths, cases)
        sizes = _lengths("target_lengths", target_lengths, cases)
        if rows.size and rows.max() > frames:
            raise EagerError(
                f"ctc_loss: Expected input_lengths of at most {frames}, got {rows.max()}"
            )
        texts = _texts(targets, sizes)
    static: dict[str, Any] = {"blank": int(blank), "without": 0.0 if zero_infinity else math.inf}
    static["title"] = "WhereBackward0" if zero_infinity else "CtcLossBackward0"
    losses = call("ctc_loss", alignment.ctc_loss, log_probs, texts, rows, sizes, **static)
    if reduction == "mean":
        return call("div", alignment.per_symbol, losses, sizes).mean()
    if reduction == "sum":
        return losses.sum()
    return losses.reshape(()) if single else losses


def _lengths(word: str, lengths: Any, cases: int) -> np.ndarray:
    found = _values(lengths).astype(np.int64).reshape(-1)
    if found.size != cases:
        raise EagerError(f"ctc_loss: {word} must be of size batch_size, {cases}, not {found.size}")
    if found.size and found.min() < 0:
        raise EagerError(f"ctc_loss: {word} must not be negative, got {found.min()}")
    return found


def _texts(targets: Any, sizes: np.ndarray) -> np.ndarray:
    """The targets as rows, with anything behind their ends."""
    given = _values(targets).astype(np.int64)
    longest = int(sizes.max(initial=0))
    if given.ndim == 2:
        if given.shape[1] < longest:
            raise EagerError(f"ctc_loss: targets of length {given.shape[1]}, expected {longest}")
        return given[:, :longest]
    if given.size < sizes.sum():
        raise EagerError(f"ctc_loss: {sizes.sum()} targets expected, got {given.size}")
    rows = np.zeros((sizes.size, longest), np.int64)
    start = 0
    for row, size in zip(rows, sizes, strict=True):
        row[:size] = given[start : start + size]
        start += size
    return rows


def _traced_texts(
    targets: Any, input_lengths: Any, target_lengths: Any, cases: int
) -> tuple[Any, Any, Any]:
    """The targets as rows, and the lengths, where these are not known yet: nor are they checked."""
    texts, rows, sizes = map(as_operand, (targets, input_lengths, target_lengths))
    rows, sizes = rows.reshape((cases,)), sizes.reshape((cases,))
    if len(shape_of(texts)) == 1 and cases > 1:
        texts = call("texts_of", alignment.texts_of, texts, sizes, width=shape_of(texts)[0])
    return texts.reshape((cases, -1)) if len(shape_of(texts)) == 1 else texts, rows, sizes


# --- bags ---


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """The sum, mean or maximum of the rows of `weight` that each bag of `input` names.

    A bag is a row of `input` [n, k], or reaches from one of the `offsets` into `input` [m] to the
    next. `padding_idx` counts for nothing; `per_sample_weights` go with mode "sum".
    """
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise NotImplementedError(
            "embedding_bag: max_norm, scale_grad_by_freq and sparse are not supported"
        )
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    words = as_operand(input)
    starts = _starts(words, offsets)
    factors = _factors(words, per_sample_weights, mode)
    if traced((words, weight, *starts, *factors)) is None:
        _check_bags(words, starts, shape_of(weight)[0])
        words, starts = tensor_of(words), [tensor_of(x) for x in starts]
    padding = None if padding_idx is None else normalise(padding_idx, shape_of(weight)[0])
    static: dict[str, Any] = {"starts": len(starts), "last": bool(include_last_offset)}
    operands = (tensor_of(weight), words, *starts, *factors)
    return call("embedding_bag", bag.embedding_bag, *operands, mode=mode, padding=padding, **static)


def _starts(words: Any, offsets: Any) -> list[Any]:
    """Where the bags begin, for words in one row."""
    ndim = len(shape_of(words))
    if np.dtype(words.dtype).kind not in "iu":
        raise EagerError(f"embedding_bag: expected integers as indices, got {words.dtype}")
    if ndim == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None")
        return []
    if ndim != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {ndim}")
    if offsets is None or len(shape_of(offsets)) != 1:
        raise ValueError(f"offsets has to be a 1D Tensor but got {offsets!r}")
    return [as_operand(offsets)]


def _factors(words: Any, weights: Any, mode: str) -> list[Any]:
    """The factor of each word, where there are some."""
    if weights is None:
        return []
    if mode != "sum":
        raise NotImplementedError("embedding_bag: per_sample_weights go with mode='sum' only")
    if shape_of(weights) != shape_of(words):
        raise ValueError("per_sample_weights must have the same shape as input")
    return [tensor_of(as_operand(weights))]


def _check_bags(words: Any, starts: list[Any], rows: int) -> None:
    """What can be told of the values."""
    numbers = _values(words)
    if numbers.size and not (numbers.min() >= 0 and numbers.max() < rows):
        raise EagerError(f"embedding_bag: an index is out of bounds for {rows} embeddings")
    for first in map(_values, starts):
        if first.size and first[0] != 0:
            raise EagerError("offsets[0] has to be 0, i.e., the first sequence begins at 0")
        if first.size and first.max() > numbers.size:
            size = numbers.size
            raise EagerError(f"offsets[-1] can not be greater than input's length {size}")
