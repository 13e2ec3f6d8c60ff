"""What happens when Python asks a traced array for its value: `if x > 0`, `range(int(n))`.

Where the arguments of the traced call are at hand the value is computed, and becomes a condition of
the path (see `paths`). Where only their types are known, there is none, and the user is told.
"""

from __future__ import annotations

import dis
import warnings
from typing import TYPE_CHECKING, Any

from ..ir.errors import FusegradError, ShapeError
from ..ir.graph import Location, Value
from .errors import TraceError
from .functions import scipy_calls
from .paths import Answer, Condition, UnknownInputError, asked
from .source import locate, user_frame

if TYPE_CHECKING:
    from .array import TracedArray
    from .trace import Trace


class DetachedWarning(UserWarning):
    """A traced value became a Python float: a constant, through which no gradient flows."""


def ask(trace: Trace, x: TracedArray, wanted: str) -> Any:
    """The value of `x`, an array of `trace`, as Python's `wanted`: "bool", "int", "index", "float".

    Raises TraceError where it can't be known ("array": values are no part of a path).
    """
    producer = x.value.producer
    if producer is not None and producer.op.name == "constant" and not x.value.shape:
        return producer.attributes["value"]
    if wanted == "array":
        raise refuse(trace, x, wanted)
    value = asked(trace.builder, _scalar(trace, x, wanted), wanted)
    detached = ""
    if wanted == "float" and x.value.type.is_float and not in_text():
        detached = scipy_calls.caller() or "float"
        if _instruction() == "STORE_SUBSCR":  # a[i] = x of an ndarray
            raise refuse(trace, x, "array")
        _warn_detached(detached)
    try:
        return answer(trace, value, wanted, detached)
    except UnknownInputError:
        raise refuse(trace, x, wanted) from None


def _scalar(trace: Trace, x: TracedArray, wanted: str) -> Value:
    """The one element of `x`. Raises as NumPy does where there are more, or where it is none."""
    type = x.value.type
    if wanted == "index" and (type.shape or type.is_float or type.dtype == "bool"):
        what = f"a {x!r} is no index, an integer is needed"
        raise TraceError(what, at=locate(), hint="int(x), or x.astype(int) for many of them")
    if type.size != 1:
        what = "truth value" if wanted == "bool" else f"value as a Python {wanted}"
        hint = "x.any() or x.all()" if wanted == "bool" else "one element: x[i]"
        raise ShapeError(f"the {what} of a {x!r} is ambiguous", at=locate(), hint=hint)
    value: Value = trace.builder.reshape(x.value, ())
    return value


def answer(trace: Trace, value: Value, wanted: str, detached: str = "") -> Answer:
    """The Python number of a scalar `value`; from now on it is a condition of the path."""
    found = trace.asked.get(value)
    if found is None:
        number = len(trace.conditions)
        if number < len(trace.answers):
            found = trace.answers[number]
        else:
            found = trace.values.answer(value)
            if wanted in ("int", "index"):
                found = int(found)
        expect(trace, value, found, detached)
    return found


def expect(trace: Trace, value: Value, found: Answer, detached: str = "") -> None:
    """Note that the path goes on for arguments that give `value` this answer."""
    trace.asked[value] = found
    if trace.arguments is not None:  # else it depends on no input
        trace.conditions.append(Condition(value, found, locate(), detached))


def _instruction() -> str:
    """The instruction that the user's code is at."""
    frame = user_frame()
    return "" if frame is None else dis.opname[frame.f_code.co_code[frame.f_lasti]]


def in_text() -> bool:
    """Is it for ``"%f" % x`` that a float is asked for? Any other operator would ask `x`."""
    return _instruction() == "BINARY_OP"


def _warn_detached(asked_by: str) -> None:
    frame = user_frame()
    if frame is None:
        return
    cure = "go on with the array, np functions and operators take it as they take a number"
    if asked_by != "float":
        cure = f"instead of {asked_by} {scipy_calls.cure_for(asked_by)}"
    warnings.warn_explicit(
        "a traced value becomes a Python float: a constant in all that follows, through which no "
        f"gradient flows, and valid for this very value; try: {cure}",
        DetachedWarning,
        frame.f_code.co_filename,
        frame.f_lineno or 0,
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


# --- errors ---


def cut_off(at: Location | None, asked_by: str = "float") -> TraceError:
    """The error for a Python float of a value that is to be differentiated."""
    if asked_by != "float":
        return scipy_calls.refusal(asked_by, at)
    return TraceError(
        "a value becomes a Python float, through which no gradient flows",
        at=at,
        hint="go on with the array: np functions and operators take it as they take a number",
    )


_WANTED = {
    "bool": (
        "the truth value of a {x} is not known while tracing",
        "np.where(condition, x, y) instead of if; & and | instead of and, or",
    ),
    "index": (
        "the value of a {x} is not known while tracing, an integer is needed",
        "a Python int from outside, or x.shape and len(x), which are known",
    ),
    "array": (
        "a {x} has no values while tracing, it cannot become a NumPy array",
        "leave out np.asarray and np.array (np.stack for a list); store into no NumPy array",
    ),
}
_INDEX_HINT = "let that array be an argument of the function too"
_WANTED_NUMBER = (
    "the value of a {x} is not known while tracing, it cannot become a Python {wanted}",
    "go on with the array: np functions and operators take it as they take a number",
)


def refuse(trace: Trace, x: TracedArray, wanted: str) -> FusegradError:
    """The error for a value that can't be known; the trace remembers it, as NumPy may hide it."""
    what, hint = _WANTED.get(wanted, _WANTED_NUMBER)
    if wanted == "array" and not x.value.type.is_float:
        hint = f"{hint}; as an index into an array from outside: {_INDEX_HINT}"
    producer = x.value.producer
    since = producer.location if producer is not None else None
    at = locate()
    trace.refused = TraceError(
        what.format(x=repr(x), wanted=wanted),
        at=at,
        since=since if since != at else None,
        hint=hint,
    )
    return trace.refused
