"""Losses by margins between the scores of classes."""

from __future__ import annotations

from ..builder import Builder, Handle
from .elementwise import relu
from .loss import reduce
from .order import take_along


def _classes(b: Builder, shape: tuple[int, ...]) -> Handle:
    return b("iota", dtype="i64", shape=shape, axis=len(shape) - 1)


def multi_margin_loss(
    b: Builder,
    x: Handle,
    labels: Handle,
    *weight: Handle,
    power: int,
    margin: float,
    reduction: str,
) -> Handle:
    """x [N, C], labels [N], a weight for each class or none."""
    n, count = shape = b.type_of(x).shape
    labels = b.cast(labels, "i64")
    own = take_along(b, x, b.reshape(labels, (n, 1)), axis=1)
    gap = b.sub(b.full_like(x, margin), b.sub(b.broadcast(own, shape), x))
    loss = relu(b, gap)
    loss = b.mul(loss, loss) if power == 2 else loss
    if weight:
        factor = b("gather", weight[0], labels, axis=0)
        loss = b.mul(loss, b.expand(factor, (1,), shape))
    other = b.compare("ne", b.expand(labels, (1,), shape), _classes(b, shape))
    loss = b.sum(b.select(other, loss, b.zeros_like(loss)), (1,))
    return reduce(b, b.div(loss, b.full_like(loss, count)), reduction)


def multilabel_margin_loss(b: Builder, x: Handle, labels: Handle, *, reduction: str) -> Handle:
    """x [N, C]; labels [N, C], of which those before the first negative one count."""
    n, count = b.type_of(x).shape
    labels = b.cast(labels, "i64")
    ended = b.cast(b.compare("lt", labels, b.zeros_like(labels)), "i64")
    before = b("cumsum", ended, axis=1, reverse=False)
    counts = b.compare("eq", before, b.zeros_like(before))
    safe = b.select(counts, labels, b.zeros_like(labels))
    own = take_along(b, x, safe, axis=1)
    cube = (n, count, count)  # sample, place in the list of labels, class
    named = b.compare("eq", b.expand(safe, (2,), cube), _classes(b, cube))
    named = b("logical_and", named, b.expand(counts, (2,), cube))
    is_label = b.sum(b.cast(named, "i64"), (1,))
    other = b.compare("eq", is_label, b.zeros_like(is_label))
    gap = b.sub(b.expand(own, (2,), cube), b.expand(x, (1,), cube))
    loss = relu(b, b.sub(b.full_like(gap, 1), gap))
    wanted = b("logical_and", b.expand(counts, (2,), cube), b.expand(other, (1,), cube))
    loss = b.sum(b.select(wanted, loss, b.zeros_like(loss)), (1, 2))
    return reduce(b, b.div(loss, b.full_like(loss, count)), reduction)
