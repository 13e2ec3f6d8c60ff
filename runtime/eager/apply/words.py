"""Options that PyTorch's functions have in common: operands by name (`input=`), and `out=`."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np

from ..graph.changes import bump, write
from ..graph.modes import STATE
from .dispatch import is_tensor_like

__all__ = ["WORDS", "called", "with_words"]

# PyTorch's names of the first operand and of the second one.
_PLACES = {"input": 0, "self": 0}
_PLACES |= dict.fromkeys(("other", "exponent", "mat2", "vec", "vec2", "tensor"), 1)
WORDS = frozenset((*_PLACES, "out"))


def with_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with PyTorch's words for its operands and `out`; `plain` is itself."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if kwargs and not WORDS.isdisjoint(kwargs):
            return called(function, args, kwargs)
        return function(*args, **kwargs)

    run.plain = function  # type: ignore[attr-defined]
    return run


def called(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The function of operands named by `kwargs`, written to `out` where that is a Tensor."""
    names = _names_of(function)
    given = {_name_of(word, names): x for word, x in kwargs.items()}
    out: Any = given.get("out")
    first = out[0] if isinstance(out, tuple | list) else out
    if not is_tensor_like(first) or "out" in names:
        return function(*args, **given)
    del given["out"]
    result = function(*args, **given)
    if not isinstance(result, tuple):
        return _written(out, result)
    return type(result)(*map(_written, out, result))


@cache
def _names_of(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def _name_of(word: str, names: tuple[str, ...]) -> str:
    """What the function itself calls an operand."""
    place = _PLACES.get(word)
    return word if place is None or word in names or place >= len(names) else names[place]


def _written(out: Any, result: Any) -> Any:
    """`out` with the elements of `result`, whose shape it takes."""
    if STATE.enabled and (out._node is not None or result._node is not None):
        raise RuntimeError(
            "functions with out=... arguments don't support automatic differentiation, but one of "
            "the arguments requires grad"
        )
    if out._data.shape == result._data.shape:
        write(out, result, "out")
    else:
        if out._data.size:
            warnings.warn(
                f"an output with shape {list(out.shape)} was resized to {list(result.shape)}",
                UserWarning,
                stacklevel=4,
            )
        out._data = np.array(result._data, out._data.dtype)
    bump(out)
    return out
