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
    symbols: Handle,
    skips: Handle,
    runs: Handle,
    ends: Handle,
    *,
    without: float,
) -> Handle:
    """-log of the probability of each text [n], summed over its alignments; `without` where there
    is none.

    log_p    [t, n, c] logarithms of probabilities
    symbols  [n, s] each text with blanks around and between its symbols, as positions in c
    skips    [n, s] whether the blank before a symbol may be left out
    runs     [t, n] whether a frame is one of the row
    ends     [n, s] whether an alignment may end there
    """
    low = _IMPOSSIBLE[b.type_of(log_p).dtype]
    frames = b.type_of(log_p).shape[0]
    cases, count = b.type_of(symbols).shape
    place = b("iota", dtype="i64", shape=(cases, count), axis=1)
    first = _emitted(b, log_p, symbols, 0, low)
    impossible = b.full_like(first, low)
    state = b.select(b.compare("lt", place, b.full_like(place, 2)), first, impossible)
    for t in range(1, frames):
        moved = logaddexp(b, state, _shifted(b, state, 1, low))
        moved = logaddexp(b, moved, b.select(skips, _shifted(b, state, 2, low), impossible))
        running = b.reshape(b.slice(runs, (t, 0), (t + 1, cases)), (cases, 1))
        moved = b.add(moved, _emitted(b, log_p, symbols, t, low))
        state = b.select(b.broadcast(running, (cases, count)), moved, state)
    total = logsumexp(b, b.select(ends, state, impossible), (1,))
    possible = b.compare("gt", total, b.full_like(total, low / 2))
    return b.select(possible, b.neg(total), b.full_like(total, without))


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
