"""What asks for the class of something, in a traced function: `type`, `isinstance`, `hasattr`.

Of a traced array the answer is NumPy's for what it stands for: an ndarray, or a number. What an
element or a reduction gives is a number of NumPy's; ``np.asarray(0.5)`` is an array without axes.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from ..complexes import ComplexArray
from ..trace import is_traced
from .conversions import CONVERTORS, is_eager, original_of


def is_instance(x: Any, classes: Any, /) -> bool:
    """`isinstance`."""
    wanted = _originals(classes)
    cls = original_of(type(x))
    if cls is not type(x):
        return isinstance(x, wanted)
    stands_for = class_behind(x)
    return isinstance(x, wanted) if stands_for is None else issubclass(stands_for, wanted)


def is_subclass(cls: Any, classes: Any, /) -> bool:
    """`issubclass`."""
    return issubclass(original_of(cls), _originals(classes))


def type_of(x: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`type`, in calls: with one argument its class, with three a new one.

    It is the class as the traced function sees it, so that ``type(x) is np.float64`` holds.
    """
    if args or kwargs:
        return type(x, *args, **kwargs)
    found = class_behind(x) or type(x)
    return CONVERTORS.get(found, found) if issubclass(found, np.generic) else found


def has_attribute(x: Any, name: str, /) -> bool:
    """`hasattr`."""
    stands_for = class_behind(x)
    return hasattr(x if stands_for is None else stands_for, name)


def is_scalar(element: Any) -> bool:
    """`np.isscalar`: is it a number, and no array without axes?"""
    stands_for = class_behind(element)
    return bool(np.isscalar(element)) if stands_for is None else stands_for is not np.ndarray


def class_behind(x: Any) -> type | None:
    """The class of what a traced array, an eager one or a known one stands for; else None."""
    if type(x) is ComplexArray:
        return np.ndarray if x.shape else _class_of(x.dtype)
    if not (is_eager(x) or is_traced(x) or type(x).__mro__[1:2] == (_traced_class(),)):
        return None
    if x.weak:
        return {"b": bool, "i": int, "f": float}[x.dtype.kind]
    return np.ndarray if x.shape or x.boxed else _class_of(x.dtype)


def _class_of(dtype: np.dtype[Any]) -> type:
    found: type = dtype.type
    return found


def _traced_class() -> type:
    from ..array import TracedArray

    return TracedArray


def _originals(classes: Any) -> Any:
    if isinstance(classes, tuple):
        return tuple(map(_originals, classes))
    if isinstance(classes, types.UnionType):
        return tuple(map(_originals, classes.__args__))
    return original_of(classes)
