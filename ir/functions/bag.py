"""Bags: the sum, mean or maximum of those rows of a table that each bag names."""

from __future__ import annotations

from typing import Any

from ..builder import Builder, Handle
from . import order, segment
from .search import bisect


def embedding_bag(
    b: Builder,
    table: Handle,
    words: Handle,
    *rest: Handle,
    starts: int,
    last: bool,
    mode: str,
    padding: int | None,
) -> Handle:
    """The rows of `table` [n, d] that the bags name, reduced to one for each bag.

    A bag is a row of `words` [k, m]; or (`starts` = 1) reaches in `words` [m] from one of the
    places rest[0] to the next, of which (`last`) the last one is an end only. What else is in
    `rest` are factors of the words. The word `padding` counts for nothing.
    """
    factors = rest[starts:]
    bags, count = _bags(b, words, rest[:starts], last)
    words = b.reshape(words, (b.type_of(words).size,))
    trash = bool(starts) or padding is not None
    if padding is not None:
        bags = _unless(b, b.compare("eq", words, b.full_like(words, padding)), bags, count)
    taken = b("gather", table, words, axis=0)
    type = b.type_of(taken)
    for factor in factors:
        factor = b.cast(b.reshape(factor, type.shape[:1]), type.dtype)
        taken = b.mul(taken, b.expand(factor, (1,), type.shape))
    rows, size = count + int(trash), type.shape[1]
    empty = b.broadcast(b.constant(0, type.with_shape(())), (rows, size))
    if mode == "sum" or not size:
        found = order.index_add(b, empty, bags, taken, axis=0, alpha=1)
    else:
        how = {"mean": "mean", "max": "amax"}[mode]
        static: dict[str, Any] = {"axis": 0, "reduce": how, "include_self": False}
        found = segment.index_reduce(b, empty, bags, taken, **static)
    return b.slice(found, (0, 0), (count, size)) if trash else found


def _bags(b: Builder, words: Handle, starts: tuple[Handle, ...], last: bool) -> tuple[Handle, int]:
    """The bag of each word, and how many there are; words in none are in one more bag."""
    shape = b.type_of(words).shape
    if not starts:
        row = b("iota", dtype="i64", shape=shape, axis=0)
        return b.reshape(row, (b.type_of(words).size,)), shape[0]
    first = b.cast(starts[0], "i64")
    (many,) = b.type_of(first).shape
    count = max(many - int(last), 0)
    place = b("iota", dtype="i64", shape=shape, axis=0)
    found = bisect(b, b.slice(first, (0,), (count,)), place, right=True)
    bags = b.sub(found, b.full_like(found, 1))
    outside = b.compare("lt", bags, b.zeros_like(bags))
    if last and many:
        end = b.broadcast(b.slice(first, (many - 1,), (many,)), shape)
        outside = b("logical_or", outside, b.compare("ge", place, end))
    return _unless(b, outside, bags, count), count


def _unless(b: Builder, outside: Handle, bags: Handle, count: int) -> Handle:
    return b.select(outside, b.full_like(bags, count), bags)
