"""Connectionist temporal classification (Graves et al., ICML 2006): all alignments of a text with a
longer row of frames, by the forward recursion in logarithms.
"""

from __future__ import annotations

from ..builder import Builder, Handle
from .elementwise import logaddexp
from .order import take_along
from .reduction import logsumexp

# Stands for log 0: far below every sum of logarithms, and finite, so that no nan arises.
_IMPOSSIBLE = {"f32": -1e30, "f64": -1e200}


def ctc_loss(
    b: Builder,
    log_p: Handle,
    texts: Handle,
    rows: Handle,
    sizes: Handle,
    *,
    blank: int,
    without: float,
) -> Handle:
    """-log of the probability of each text [n], summed over its alignments; `without` where there
    is none.

    log_p   [t, n, c] logarithms of probabilities
    texts   [n, s] symbols as positions in c, other than `blank`; behind their ends anything
    rows    [n] how many frames there are of each case
    sizes   [n] how long each text is
    """
    low = _IMPOSSIBLE[b.type_of(log_p).dtype]
    frames = b.type_of(log_p).shape[0]
    symbols, skips, ends = _states(b, texts, sizes, blank)
    cases, count = b.type_of(symbols).shape
    rows = b.reshape(b.cast(rows, "i64"), (cases, 1))
    place = b("iota", dtype="i64", shape=(cases, count), axis=1)
    first = _emitted(b, log_p, symbols, 0, low)
    impossible = b.full_like(first, low)
    state = b.select(b.compare("lt", place, b.full_like(place, 2)), first, impossible)
    for t in range(1, frames):
        moved = logaddexp(b, state, _shifted(b, state, 1, low))
        moved = logaddexp(b, moved, b.select(skips, _shifted(b, state, 2, low), impossible))
        running = b.compare("gt", rows, b.full_like(rows, t))
        moved = b.add(moved, _emitted(b, log_p, symbols, t, low))
        state = b.select(b.broadcast(running, (cases, count)), moved, state)
    total = logsumexp(b, b.select(ends, state, impossible), (1,))
    possible = b.compare("gt", total, b.full_like(total, low / 2))
    return b.select(possible, b.neg(total), b.full_like(total, without))


def texts_of(b: Builder, symbols: Handle, sizes: Handle, *, width: int) -> Handle:
    """Texts that stand one after the other in `symbols`, as rows [n, width]."""
    (count,), (cases,) = b.type_of(symbols).shape, b.type_of(sizes).shape
    sizes = b.cast(sizes, "i64")
    starts = b.sub(b("cumsum", sizes, axis=0, reverse=False), sizes)
    shape = (cases, width)
    place = b.add(b.expand(starts, (1,), shape), b("iota", dtype="i64", shape=shape, axis=1))
    last = b.full_like(place, max(count - 1, 0))
    return b("gather", symbols, b("minimum", place, last), axis=0)


def per_symbol(b: Builder, losses: Handle, sizes: Handle) -> Handle:
    """Losses over the lengths of their texts, which count 1 at least."""
    length = b("maximum", sizes, b.full_like(sizes, 1))
    return b.div(losses, b.cast(length, b.type_of(losses).dtype))


def _states(b: Builder, texts: Handle, sizes: Handle, blank: int) -> tuple[Handle, Handle, Handle]:
    """Each text with blanks around and between its symbols [n, 2 s + 1]; whether the blank before a
    symbol may be left out, and whether an alignment may end there.
    """
    cases, longest = b.type_of(texts).shape
    sizes = b.reshape(b.cast(sizes, "i64"), (cases, 1))
    texts = b.cast(texts, "i64")
    inside = b.compare(
        "lt",
        b("iota", dtype="i64", shape=(cases, longest), axis=1),
        b.broadcast(sizes, (cases, longest)),
    )
    spread = b.select(inside, b.sub(texts, b.full_like(texts, blank)), b.zeros_like(texts))
    if longest:
        spread = b("pad", spread, low=(0, 1), high=(0, 1), interior=(0, 1))
    else:
        spread = b.constant(0, b.type_of(spread).with_shape((cases, 1)))
    symbols = b.add(spread, b.full_like(spread, blank))
    before = _shifted(b, symbols, 2, blank)
    skips = b(
        "logical_and",
        b.compare("ne", symbols, before),
        b.compare("ne", symbols, b.full_like(symbols, blank)),
    )
    skips = b("logical_and", skips, _from_second(b, symbols))
    place = b("iota", dtype="i64", shape=b.type_of(symbols).shape, axis=1)
    last = b.broadcast(b.scale(sizes, 2), b.type_of(symbols).shape)
    on_symbol = b.compare("eq", b.add(place, b.full_like(place, 1)), last)
    return symbols, skips, b("logical_or", b.compare("eq", place, last), on_symbol)


def _from_second(b: Builder, symbols: Handle) -> Handle:
    place = b("iota", dtype="i64", shape=b.type_of(symbols).shape, axis=1)
    return b.compare("ge", place, b.full_like(place, 2))


def _emitted(b: Builder, log_p: Handle, symbols: Handle, t: int, low: float) -> Handle:
    """The logarithms of the symbols in frame t, [n, s]."""
    _, cases, classes = b.type_of(log_p).shape
    frame = b.slice(log_p, (t, 0, 0), (t + 1, cases, classes))
    found = take_along(b, b.reshape(frame, (cases, classes)), symbols, axis=1)
    bound = b.full_like(found, low)
    return b.select(b.compare("lt", found, bound), bound, found)


def _shifted(b: Builder, state: Handle, by: int, low: float) -> Handle:
    """The states `by` places before."""
    type = b.type_of(state)
    cases, count = type.shape
    kept = max(count - by, 0)
    head = b.broadcast(b.constant(low, type.with_shape(())), (cases, count - kept))
    return b.concatenate([head, b.slice(state, (0, 0), (cases, kept))], 1) if kept else head
