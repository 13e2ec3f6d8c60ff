"""Paths through a function whose control flow depends on values: which one a call takes.

A variant with conditions (see `tracer.paths`) computes, beside its results, a *verdict*: the number
of the first condition that fails, and what its value was. A call for which all conditions hold is
over. Else the answers up to that one say which other paths can be the right one, and where there is
none, with which answers the function is traced anew: the paths are a tree, of which each call walks
a branch.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ir import Graph, GraphBuilder, TensorType, Value
from ...tracer.errors import TraceError
from ...tracer.paths import Answer, Condition, agrees, first_refused, values_from
from ...tracer.source import locate, user_frame

MAX_PATHS = 64  # of one signature; what goes yet another way runs eagerly
MAX_SECONDS = 60.0  # for compiling them, as long as there are
MIN_PATHS = 4
MAX_FLOAT_PATHS = 8  # of those that hold for one value of a float: the next call has another one
MAX_ROUNDS = 4  # traces for one call, where roundings of compiled code lead to one path or another
_EXACT = 2.0**53  # integers below it are floats

Answers = tuple[Answer, ...]
VERDICT = (TensorType("i64"), TensorType("f64"))  # the failed condition's number, its value


class PathWarning(UserWarning):
    """A compiled function has taken so many paths that new ones run eagerly."""


def with_verdict(graph: Graph, conditions: Sequence[Condition]) -> Graph:
    """`graph`, whose last outputs are the values of `conditions`, with the verdict in their place.

    The number of the first condition that fails, from 1, or 0 where all hold; and the value that it
    had (0 for a truth value: it was the other one).
    """
    builder = GraphBuilder(graph.name)
    builder.inputs, builder.operations = [*graph.inputs], [*graph.operations]
    builder.note = "path"
    count = len(graph.outputs) - len(conditions)
    failed, actual = (builder.constant(0, type) for type in VERDICT)
    numbered = list(enumerate(zip(conditions, graph.outputs[count:], strict=True), 1))
    for number, (condition, value) in reversed(numbered):
        builder.location = condition.location
        holds = agrees(builder, value, condition.answer)
        failed = builder.select(holds, failed, builder.constant(number, VERDICT[0]))
        actual = builder.select(holds, actual, _as_float(builder, value))
    return builder.build([*graph.outputs[:count], failed, actual])


def _as_float(builder: GraphBuilder, value: Value) -> Value:
    if value.dtype == "bool":
        return builder.constant(0, VERDICT[1])
    found: Value = builder.cast(value, "f64")
    return found


def answers_until(conditions: Sequence[Condition], failed: int, actual: float) -> Answers | None:
    """The answers that a verdict tells, the last one other than expected; None if it can't."""
    condition = conditions[failed - 1]
    answer: Answer
    if isinstance(condition.answer, bool):
        answer = not condition.answer
    elif isinstance(condition.answer, int) and abs(actual) >= _EXACT:
        return None
    else:
        answer = condition.read(actual)
    return (*(c.answer for c in conditions[: failed - 1]), answer)


def refused_by(
    graph: Graph, conditions: Sequence[Condition], arrays: Sequence[Any]
) -> Answers | None:
    """The same answers, computed one after the other in NumPy; None where all conditions hold.

    Nothing is computed that a failed condition guards.
    """
    if not conditions:
        return None
    values = values_from(dict(zip(graph.inputs, arrays, strict=True)))
    return first_refused(conditions, graph.outputs[-len(conditions) :], values)


def agree(keys: tuple[str, ...], answered: tuple[str, ...]) -> bool:
    """Can a path whose conditions have these keys be one where questions were answered so?"""
    count = min(len(keys), len(answered))
    return keys[:count] == answered[:count]


def why_no_more(paths: Sequence[Sequence[Condition]], seconds: float) -> str | None:
    """The reason to trace no more paths, given the conditions of those there are, and how long it
    took to compile them.
    """
    floats = [conditions for conditions in paths if any(c.is_float for c in conditions)]
    if len(floats) >= MAX_FLOAT_PATHS:
        first = next(c for c in floats[0] if c.is_float)
        return (
            f"a traced value becomes a Python float at {first.location}, which is another one at "
            f"almost each call ({len(floats)} paths so far); try: np functions instead of those "
            "of the math module, and no float()"
        )
    if len(paths) >= MAX_PATHS or (len(paths) >= MIN_PATHS and seconds > MAX_SECONDS):
        return (
            f"it has taken {len(paths)} paths, which took {seconds:.1f} s to compile, with `if`, "
            f"`while` or an index that depends on values, as at {paths[0][-1].location}; "
            "try: np.where, or a fixed number of steps"
        )
    return None


def unknown_path(name: str) -> TraceError:
    """The error for a call whose path depends on values of which only the types are known."""
    return TraceError(
        f"the path that @{name} takes depends on values which are not known while tracing",
        at=locate(),
        hint="np.where instead of if, in what is called for many values at once",
    )


def not_compiled(name: str, reason: str) -> TraceError:
    """The error for a gradient that only eager mode has, in a function that is being traced."""
    return TraceError(
        f"the gradient of @{name} can't be compiled into the function around it: {reason}",
        at=locate(),
        hint="new arrays, not changes of old ones, in a mode that records no gradients",
    )


NEW_PATH = "where it takes a path that is not compiled yet"


def warn_eager(name: str, reason: str, when: str = NEW_PATH) -> None:
    """Tell, at the user's line, that calls of a function run eagerly `when` something is so."""
    frame = user_frame()
    text = f"{name} runs eagerly {when}: {reason}"
    if frame is None:
        warnings.warn(text, PathWarning, stacklevel=2)
        return
    file, line = frame.f_code.co_filename, frame.f_lineno or 0
    warnings.warn_explicit(text, PathWarning, file, line)


def verdict_of(outputs: Sequence[Any]) -> tuple[int, float]:
    """The verdict among the outputs of a call: the last two."""
    failed, actual = outputs[-2:]
    return int(np.asarray(failed)), float(np.asarray(actual))
