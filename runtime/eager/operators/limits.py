"""Tensors limited from below and above, by numbers or by tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ir.functions import elementwise
from ..apply.operands import call, promoted, shape_of
from ..errors import EagerError

__all__ = [
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
]

_NUMBERS = (int, float, type(None))


def clamp_min(x: Any, min: Any) -> Any:
    """x, and `min` where that is larger."""
    return _limited_by("clamp_min", x, min, None)


def clamp_max(x: Any, max: Any) -> Any:
    """x, and `max` where that is smaller."""
    return _limited_by("clamp_max", x, None, max)


def clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    """x limited to [min, max], numbers or tensors; at a bound the derivative of x is 1."""
    if min is None and max is None:
        raise EagerError("clamp: At least one of 'min' or 'max' must not be None")
    return _limited_by("clamp", x, min, max)


def _limited_by(name: str, x: Any, min: Any, max: Any) -> Any:
    """x limited; the node of PyTorch is another one for bounds that are tensors."""
    word = "".join(part.title() for part in name.split("_"))
    with_tensors, with_numbers = (0, 1) if name == "clamp" else (1, 0)
    bounds = {"low": min, "high": max}
    numbers = min.__class__ in _NUMBERS and max.__class__ in _NUMBERS
    if not numbers and any(
        shape_of(v) or hasattr(v, "_node") for v in bounds.values() if v is not None
    ):
        given = {word: v for word, v in bounds.items() if v is not None}
        operands = promoted(x, *given.values())
        title = f"{word}Backward{with_tensors}"
        return call(name, _clamped, *operands, title=title, words=tuple(given))
    limits: dict[str, Any] = {w: _number(v) for w, v in bounds.items()}
    (x, *_) = promoted(x, *[v for v in bounds.values() if v is not None])
    return call(name, _limited, x, title=f"{word}Backward{with_numbers}", **limits)


def _number(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else float(value)


clip = clamp


def _limited(b: Any, x: Any, *, low: float | None, high: float | None) -> Any:
    limits = [None if bound is None else b.full_like(x, bound) for bound in (low, high)]
    return elementwise.clip(b, x, *limits)


def _clamped(b: Any, x: Any, *bounds: Any, words: tuple[str, ...]) -> Any:
    shape = np.broadcast_shapes(*(b.type_of(v).shape for v in (x, *bounds)))
    named = {w: b.broadcast(v, shape) for w, v in zip(words, bounds, strict=True)}
    return elementwise.clip(b, b.broadcast(x, shape), named.get("low"), named.get("high"))
