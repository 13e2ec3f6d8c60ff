"""Which NumPy functions traced arrays take, and the door through which each call comes.

The implementations register themselves: `implements(np.sum)` for a function of the array-function
protocol, the tables of `ufuncs` for universal functions.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from ..ir.record import record
from . import complexes
from .errors import StoreError, UnsupportedError
from .functions.refused import reason_and_cure

Call = TypeVar("Call", bound=Callable[..., Any])


@record
class Implementation:
    """What runs instead of a NumPy function, and the keywords that it knows."""

    call: Callable[..., Any]
    keywords: frozenset[str]
    positional: int | None  # how many arguments may be positional; None: any number
    places: tuple[str, ...]  # their names


UNSET: Any = np._NoValue  # NumPy's default where None would mean something

FUNCTIONS: dict[Callable[..., Any], Implementation] = {}

# Keywords that may be given as long as they ask for nothing: their defaults.
_IDLE: Mapping[str, tuple[Any, ...]] = {
    "casting": ("same_kind",),
    "order": ("K", "C", "A"),
    "subok": (True, False),
    "where": (True,),
    "mode": ("raise",),
    "ddof": (0,),
    "keepdims": (False,),
    "overwrite_input": (False, True),
    "optimize": (False, True, "greedy", "optimal"),
}


def implements(*functions: Callable[..., Any] | None) -> Callable[[Call], Call]:
    """Register what follows for NumPy functions; None is passed over (not in this NumPy)."""

    def register(call: Call) -> Call:
        parameters = inspect.signature(call).parameters.values()
        takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        positional = sum(p.kind in by_place for p in parameters)
        keywords = frozenset(p.name for p in parameters if p.kind in by_name)
        places = tuple(p.name for p in parameters if p.kind in by_place)
        made = Implementation(call, keywords, None if takes_any else positional, places)
        for function in functions:
            if function is not None:
                FUNCTIONS[function] = made
        return call

    return register


def dispatch(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a NumPy function on traced arrays."""
    if complexes.any_complex(args):
        return complexes.call_function(function, args, kwargs)
    implementation = FUNCTIONS.get(function)
    if implementation is None:
        raise unsupported(function_name(function))
    args, kwargs = named_out(function, args, kwargs)
    out = kwargs.get("out")
    if "out" in kwargs:
        kwargs = {name: value for name, value in kwargs.items() if name != "out"}
    if not kwargs.keys() <= implementation.keywords:
        kwargs = _without_idle(function, implementation, kwargs)
    if implementation.positional is not None and len(args) > implementation.positional:
        raise _too_many(function, implementation, args)
    result = implementation.call(*args, **kwargs)
    return result if out is None or out is np._NoValue else into(out, result, function)


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`dispatch` for the implementations, which are made of other NumPy functions."""
    return dispatch(function, args, kwargs)


def is_given(x: Any) -> bool:
    """Whether an argument that NumPy lets default to None or to no value was given."""
    return x is not None and x is not UNSET


def named_out(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call with what is given for `out` by position given by name."""
    implementation = FUNCTIONS.get(function)
    if implementation is None or "out" not in implementation.places[: len(args)]:
        return args, kwargs
    first = implementation.places.index("out")
    named = dict(zip(implementation.places[first:], args[first:], strict=False))
    return args[:first], {**kwargs, **named}


def into(out: Any, result: Any, function: Callable[..., Any]) -> Any:
    """`result`, stored into the traced array `out`, which is returned."""
    from .mutation import store_result
    from .surroundings.known import become_traced
    from .trace import is_traced

    become_traced(out)
    if not is_traced(out):
        raise StoreError(
            f"{function_name(function)} would store a traced array into a NumPy array from outside",
            hint="leave out=, or make that array inside of the function",
        )
    return store_result("out=", out, result)


def _without_idle(
    function: Callable[..., Any], implementation: Implementation, kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The keywords without unknown ones that are given their defaults; others are errors."""
    kept = {}
    for name, value in kwargs.items():
        if name in implementation.keywords:
            kept[name] = value
        elif not is_idle(name, value):
            raise unsupported_keyword(function_name(function), name)
    return kept


def is_idle(name: str, value: Any) -> bool:
    """Whether a keyword that is not supported may be given this value, as it changes nothing."""
    if value is None or value is np._NoValue:
        return True
    idle = _IDLE.get(name, ())
    return isinstance(value, str | bool | int) and value in idle


def _too_many(
    function: Callable[..., Any], implementation: Implementation, args: tuple[Any, ...]
) -> UnsupportedError:
    name = function_name(function)
    return UnsupportedError(
        f"{name}: {len(args)} positional arguments while tracing, at most "
        f"{implementation.positional} are supported",
        hint=f"the rest by keyword; supported are {', '.join(sorted(implementation.keywords))}",
    )


def function_name(function: Callable[..., Any]) -> str:
    """How the user calls it: ``np.linalg.norm``."""
    name = getattr(function, "__name__", str(function))
    module = getattr(function, "__module__", "") or ""
    module = module.replace("numpy", "np", 1) if module.startswith("numpy") else module
    return f"{module}.{name}" if module else name


def unsupported(name: str) -> UnsupportedError:
    """The error for a function that traced arrays do not take."""
    refused = reason_and_cure(name)
    if refused is not None:
        reason, cure = refused
        return UnsupportedError(f"{name} is not supported while tracing: {reason}", hint=cure)
    return UnsupportedError(f"{name} is not supported while tracing", hint=_nearest(name))


def unsupported_keyword(name: str, keyword: str) -> UnsupportedError:
    """The error for a keyword that an implementation does not know."""
    hint = "leave it out"
    if keyword == "out":
        hint = f"assign the result instead: result = {name}(...)"
    elif keyword == "where":
        hint = "np.where(condition, x, y) on the operand or on the result"
    return UnsupportedError(f"{name}: {keyword}= is not supported while tracing", hint=hint)


def _nearest(name: str) -> str:
    """Functions of the same module with a similar name."""
    module = name.rpartition(".")[0]
    known = [function_name(function) for function in FUNCTIONS]
    known = sorted({each for each in known if each.rpartition(".")[0] == module})
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.8)
    nearest = f"; nearest supported: {', '.join(near)}" if near else ""
    return f"call it before the compiled function or on its result{nearest}"
