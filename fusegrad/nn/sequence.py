"""Sequences: the loss of unaligned texts, and sums of embeddings over bags of words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..ir.functions import alignment, order, segment
from ..runtime.eager.axes import normalise
from ..runtime.eager.core import make
from ..runtime.eager.dispatch import call, is_tensor_like, traced
from ..runtime.eager.errors import EagerError
from ..runtime.eager.operands import as_operand, shape_of, tensor_of
from .regression import check_reduction

__all__ = ["ctc_loss", "embedding_bag"]


def _values(name: str, x: Any) -> np.ndarray:
    """Integers that decide what is computed."""
    if traced((x,)) is not None:
        raise TypeError(f"{name}() depends on these integers, which a traced array does not have")
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
    rows = _lengths("input_lengths", input_lengths, cases)
    sizes = _lengths("target_lengths", target_lengths, cases)
    if rows.size and rows.max() > frames:
        raise EagerError(f"ctc_loss: Expected input_lengths of at most {frames}, got {rows.max()}")
    symbols = _with_blanks(_texts(targets, sizes), blank)
    places = np.arange(symbols.shape[1])
    skips = np.zeros(symbols.shape, bool)
    skips[:, 2:] = (symbols[:, 2:] != symbols[:, :-2]) & (symbols[:, 2:] != blank)
    last = 2 * sizes[:, None]
    ends = (places == last) | ((places == last - 1) & (last > 0))
    runs = np.arange(frames)[:, None] < rows
    static: dict[str, Any] = {"without": 0.0 if zero_infinity else math.inf}
    static["title"] = "WhereBackward0" if zero_infinity else "CtcLossBackward0"
    function = alignment.ctc_loss
    losses = call("ctc_loss", function, log_probs, symbols, skips, runs, ends, **static)
    if reduction == "mean":
        lengths = np.maximum(sizes, 1).astype(losses.dtype)
        return (losses / (make(lengths) if is_tensor_like(losses) else lengths)).mean()
    if reduction == "sum":
        return losses.sum()
    return losses.reshape(()) if single else losses


def _lengths(word: str, lengths: Any, cases: int) -> np.ndarray:
    found = _values("ctc_loss", lengths).astype(np.int64).reshape(-1)
    if found.size != cases:
        raise EagerError(f"ctc_loss: {word} must be of size batch_size, {cases}, not {found.size}")
    if found.size and found.min() < 0:
        raise EagerError(f"ctc_loss: {word} must not be negative, got {found.min()}")
    return found


def _texts(targets: Any, sizes: np.ndarray) -> np.ndarray:
    """The targets as rows, with anything behind their ends."""
    given = _values("ctc_loss", targets).astype(np.int64)
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


def _with_blanks(texts: np.ndarray, blank: int) -> np.ndarray:
    cases, longest = texts.shape
    symbols = np.full((cases, 2 * longest + 1), blank, np.int64)
    symbols[:, 1::2] = texts
    return symbols


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
    words, bags, count = _bags(input, offsets, include_last_offset)
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError("embedding_bag: per_sample_weights go with mode='sum' only")
    rows, size = shape_of(weight)
    if words.size and not (words.min() >= 0 and words.max() < rows):
        raise EagerError(f"embedding_bag: an index is out of bounds for {rows} embeddings")
    if per_sample_weights is not None:
        if shape_of(per_sample_weights) != shape_of(input):
            raise ValueError("per_sample_weights must have the same shape as input")
        per_sample_weights = as_operand(per_sample_weights).reshape((-1,))
    if padding_idx is not None:
        kept = np.flatnonzero(words != normalise(padding_idx, rows))
        words, bags = words[kept], bags[kept]
        if per_sample_weights is not None:
            per_sample_weights = tensor_of(per_sample_weights)[make(kept)]
    operands = [tensor_of(weight), words, bags]
    if per_sample_weights is not None:
        operands.append(per_sample_weights)
    return call("embedding_bag", _bag, *operands, count=count, size=size, mode=mode)


def _bags(input: Any, offsets: Any, last: bool) -> tuple[np.ndarray, np.ndarray, int]:
    """The words, the bag that each is in, and the number of bags."""
    words = _values("embedding_bag", input)
    if words.dtype.kind not in "iu":
        raise EagerError(f"embedding_bag: expected integers as indices, got {words.dtype}")
    if words.ndim == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None")
        return words.reshape(-1), np.repeat(np.arange(len(words)), words.shape[1]), len(words)
    if words.ndim != 1:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {words.ndim}"
        )
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    starts = _values("embedding_bag", offsets)
    if starts.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    if starts.size and starts[0] != 0:
        raise EagerError("offsets[0] has to be 0, i.e., the first sequence begins at 0")
    if starts.size and starts.max() > words.size:
        raise EagerError(f"offsets[-1] can not be greater than input's length {words.size}")
    count = starts.size - int(last)
    bags = np.searchsorted(starts[:count], np.arange(words.size), side="right") - 1
    inside = np.arange(words.size) < (starts[-1] if last else words.size)
    return words[inside], bags[inside], count


def _bag(
    b: Any, weight: Any, words: Any, bags: Any, *factors: Any, count: int, size: int, mode: str
) -> Any:
    taken = b("gather", weight, words, axis=0)
    if factors:
        taken = b.mul(taken, b.expand(factors[0], (1,), b.type_of(taken).shape))
    empty = b.broadcast(b.constant(0, b.type_of(weight).with_shape(())), (count, size))
    if mode == "sum" or not size:
        return order.index_add(b, empty, bags, taken, axis=0, alpha=1)
    how = {"mean": "mean", "max": "amax"}[mode]
    return segment.index_reduce(b, empty, bags, taken, axis=0, reduce=how, include_self=False)
