"""Losses, each with `reduction` = "mean", "sum" or "none"."""

from __future__ import annotations

from ..builder import Builder, Handle
from ..errors import DTypeError, FusegradError, ShapeError
from ..types import INTEGERS
from .elementwise import minus_absolute, not_negative, softplus, square
from .reduction import log_softmax, mean


def reduce(b: Builder, losses: Handle, reduction: str) -> Handle:
    axes = tuple(range(b.type_of(losses).ndim))
    if reduction == "mean":
        return mean(b, losses, axes)
    if reduction == "sum":
        return b.sum(losses, axes)
    if reduction == "none":
        return losses
    raise FusegradError(f'reduction={reduction!r} is not "mean", "sum" or "none"')


def mse_loss(b: Builder, x: Handle, y: Handle, *, reduction: str = "mean") -> Handle:
    return reduce(b, square(b, b.sub(x, y)), reduction)


def binary_cross_entropy_with_logits(
    b: Builder,
    x: Handle,
    y: Handle,
    weight: Handle | None = None,
    pos_weight: Handle | None = None,
    *,
    reduction: str = "mean",
) -> Handle:
    """-(y log σ(x) + (1-y) log(1-σ(x))), y being the probability of class 1.

    Written as log1p(e^-|x|) plus (1-y)x or -yx, by the sign of x: nothing overflows or cancels.
    `pos_weight` multiplies the first term of the definition.
    """
    rest = b.sub(b.full_like(y, 1), y)
    if pos_weight is None:
        linear = b.select(not_negative(b, x), b.mul(rest, x), b.neg(b.mul(y, x)))
        losses = b.add(linear, b("log1p", b("exp", minus_absolute(b, x))))
    else:
        factor = b.add(rest, b.mul(pos_weight, y))
        losses = b.add(b.mul(rest, x), b.mul(factor, softplus(b, b.neg(x))))
    return reduce(b, losses if weight is None else b.mul(losses, weight), reduction)


def cross_entropy(
    b: Builder,
    x: Handle,
    target: Handle,
    *,
    axis: int = 1,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Handle:
    """-log softmax(x) of the target class, classes along `axis`.

    `target` holds class indices (integers, without the class axis) or probabilities (x's shape). An
    index out of range raises IndexError; rows of `ignore_index` count neither in sum nor in mean.
    """
    log_p = log_softmax(b, x, (axis,))
    if b.type_of(target).dtype not in INTEGERS:
        return _of_probabilities(b, log_p, target, axis, reduction, label_smoothing)
    return nll_loss(
        b,
        log_p,
        target,
        axis=axis,
        reduction=reduction,
        label_smoothing=label_smoothing,
        ignore_index=ignore_index,
    )


def _of_probabilities(
    b: Builder, log_p: Handle, target: Handle, axis: int, reduction: str, label_smoothing: float
) -> Handle:
    if b.type_of(target) != b.type_of(log_p):
        types = f"{b.type_of(log_p)} and target {b.type_of(target)}"
        if b.type_of(target).shape != b.type_of(log_p).shape:
            raise ShapeError(
                f"cross_entropy: probabilities have the shape of the input, got {types}"
            )
        raise DTypeError(f"cross_entropy: dtypes differ, {types}")
    if label_smoothing:
        classes = b.type_of(log_p).shape[axis]
        target = b.scale(target, 1 - label_smoothing)
        target = b.add(target, b.full_like(target, label_smoothing / classes))
    return reduce(b, b.neg(b.sum(b.mul(target, log_p), (axis,))), reduction)


def nll_loss(
    b: Builder,
    log_p: Handle,
    target: Handle,
    *,
    axis: int = 1,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Handle:
    """-log_p of the target class: picked by a comparison with 0, 1, 2, …, which fuses."""
    type = b.type_of(log_p)
    if type.shape[:axis] + type.shape[axis + 1 :] != b.type_of(target).shape:
        raise ShapeError(
            f"nll_loss: {type} with classes along axis {axis}, target {b.type_of(target)}"
        )
    classes = type.shape[axis]
    kept = None
    if ignore_index is not None:
        kept = b.compare("ne", target, b.full_like(target, ignore_index))
        target = b.select(kept, target, b.zeros_like(target))
    picked = b.select(_one_hot(b, target, classes, axis), log_p, b.zeros_like(log_p))
    losses = b.neg(b.sum(picked, (axis,)))
    if label_smoothing:
        even = b.neg(mean(b, log_p, (axis,)))
        losses = b.add(b.scale(losses, 1 - label_smoothing), b.scale(even, label_smoothing))
    if kept is None:
        return reduce(b, losses, reduction)
    losses = b.select(kept, losses, b.zeros_like(losses))
    if reduction != "mean":
        return reduce(b, losses, reduction)
    number = reduce(b, b.cast(kept, type.dtype), "sum")
    return b.div(reduce(b, losses, "sum"), number)


def _one_hot(b: Builder, indices: Handle, classes: int, axis: int) -> Handle:
    """Truth values with one more axis: is this the index? Reading a ramp checks the range."""
    type = b.type_of(indices)
    shape = (*type.shape[:axis], classes, *type.shape[axis:])
    ramp = b("iota", dtype=type.dtype, shape=(classes,), axis=0)
    checked = b("gather", ramp, indices, axis=0)
    position = b("iota", dtype=type.dtype, shape=shape, axis=axis)
    return b.compare("eq", b.expand(checked, (axis,), shape), position)
