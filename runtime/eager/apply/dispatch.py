"""One function, three kinds of operand: Tensors, arrays that are being traced, and plain arrays.

A traced array has `__fusegrad_trace__` and records what it is given:
`x.__fusegrad_apply__(function, operands, static)`, where `function(b, *operands, **static)` is a
composition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..promotion import default_dtype
from .composite import composite
from .single import single

__all__ = ["call", "is_tensor_like", "public", "traced"]


def call(
    name: str, function: Callable[..., Any], *operands: Any, title: str = "", **static: Any
) -> Any:
    """`function(b, *operands, **static)`, whatever the operands are; `title` names the node."""
    if len(operands) == 1 and hasattr(operands[0], "_data"):
        return single(name, function, operands[0], title, static)
    for x in operands:
        if not hasattr(x, "_data"):
            break
    else:
        return composite(name, function, operands, title, **static)
    recorder = traced(operands)
    if recorder is not None:
        return recorder.__fusegrad_apply__(function, operands, static)
    if any(is_tensor_like(x) for x in operands):
        arrays = tuple(x if is_tensor_like(x) else np.asarray(x) for x in operands)
        return composite(name, function, arrays, title, **static)
    return _of_arrays(name, function, operands, static)


def _of_arrays(
    name: str, function: Callable[..., Any], operands: Any, static: dict[str, Any]
) -> Any:
    """Plain arrays in, plain arrays out; results without axes are NumPy scalars."""
    found = composite(name, function, tuple(map(np.asarray, operands)), **static)
    if isinstance(found, tuple):
        return tuple(x._data[()] for x in found)
    return found._data[()]


def traced(operands: Any) -> Any:
    """The first operand that is being traced, or None."""
    return next((x for x in operands if hasattr(x, "__fusegrad_trace__")), None)


def refusal(what: str, cure: str) -> Exception:
    """The error for what a compiled function does not take: at the user's line, with what to do."""
    from ....tracer.errors import UnsupportedError
    from ....tracer.source import locate

    return UnsupportedError(f"{what} is not supported", at=locate(), hint=cure)


def is_tensor_like(x: Any) -> bool:
    return hasattr(x, "__fusegrad_tensor__")


def as_floating(x: Any) -> Any:
    """An operand of a function of real numbers: integers become the default dtype."""
    if hasattr(x, "__fusegrad_trace__"):
        return x
    array: Any = x if is_tensor_like(x) else np.asarray(x)
    if array.dtype.kind in "fc":
        return array
    return array.to(default_dtype()) if is_tensor_like(x) else array.astype(default_dtype())


def public(function: Callable[..., Any], numpy_name: str = "") -> Callable[..., Any]:
    """The public form of a function of Tensors: other operands go to NumPy's function."""
    in_numpy = getattr(np, numpy_name or function.__name__, None)
    if in_numpy is not None and getattr(function, "evaluate", None) is in_numpy:
        return function  # which sends everything else to NumPy itself

    def run(*args: Any, **kwargs: Any) -> Any:
        if in_numpy is None or _holds_tensor(args) or _holds_tensor(kwargs.values()):
            return _worded(function, args, kwargs) if kwargs else function(*args)
        if "alpha" in kwargs and traced(args) is not None:  # which NumPy's function does not have
            return function(*args, **kwargs)
        return in_numpy(*args, **{_NUMPY_WORD.get(word, word): x for word, x in kwargs.items()})

    run.__name__ = run.__qualname__ = function.__name__
    run.__doc__ = function.__doc__
    run.plain = run  # type: ignore[attr-defined]
    return run


def _worded(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from .words import WORDS, called

    if WORDS.isdisjoint(kwargs):
        return function(*args, **kwargs)
    return called(function, args, kwargs)


_NUMPY_WORD = {"dim": "axis", "keepdim": "keepdims"}


def _holds_tensor(values: Any) -> bool:
    for value in values:
        if hasattr(value, "__fusegrad_tensor__"):
            return True
        if isinstance(value, list | tuple) and _holds_tensor(value):
            return True
    return False
