"""Memory that eager arrays share. A store makes a new Tensor of it, so that what backward has saved
stays as it was.

A view is known by the calls that show it, in NumPy's words: ``("[]", (3,), ())`` is ``x[3]``.
Traced arrays understand the same calls, and know what a store through a view does to the whole.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...eager import Tensor
from ...eager.apply.numpy_protocol import apply_keyed

Step = tuple[str, tuple[Any, ...], tuple[tuple[str, Any], ...]]  # name, arguments, keywords
Steps = tuple[Step, ...]


def _einsum(x: Any, subscripts: Any, *rest: Any) -> Any:
    """np.einsum of one array."""
    if isinstance(subscripts, str):
        return np.einsum(subscripts, x)
    return np.einsum(x, subscripts, *rest)


_NAMES = (
    "array_split ascontiguousarray asfortranarray astype atleast_1d atleast_2d atleast_3d diag "
    "diagonal dsplit expand_dims flip fliplr flipud hsplit matrix_transpose moveaxis permute_dims "
    "ravel real reshape rollaxis rot90 split squeeze swapaxes transpose unstack vsplit"
)
VIEWS: dict[Any, str] = {
    getattr(np, name): name for name in _NAMES.split() if hasattr(np, name)
} | {np.einsum: "einsum"}
_CALLS: dict[str, Callable[..., Any]] = {
    **{name: function for function, name in VIEWS.items()},
    "[]": operator.getitem,
    "einsum": _einsum,
}


class Memory:
    """A block of memory: a Tensor of all of it, which stores replace, and their number."""

    __slots__ = ("tensor", "version")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.version = 0

    def shown(self, steps: Steps) -> Tensor:
        """The Tensor of a view."""
        if not steps:
            return self.tensor
        key = ("show", repr(steps))
        found: Tensor = apply_keyed(key, lambda x: show(x, steps), "view", (self.tensor,), {})
        return found

    def change(
        self, key: Any, store: Callable[..., Any], steps: Steps, args: Any, kwargs: Any
    ) -> None:
        """``store(view, *args)``, which `key` names, seen by all that share the memory."""

        def run(whole: Any, *args: Any, **kwargs: Any) -> Any:
            new = whole.copy()
            new.boxed = not new.shape
            store(show(new, steps), *args, **kwargs)
            return new

        name = str(getattr(store, "__name__", "store"))
        described = ("change", key, repr(steps))
        self.tensor = apply_keyed(described, run, name, (self.tensor, *args), kwargs)
        self.version += 1


def show(x: Any, steps: Steps) -> Any:
    """The view of `x` that the steps lead to."""
    for name, args, kwargs in steps:
        x = _CALLS[name](x, *args, **dict(kwargs))
    return x


def step(name: str, args: tuple[Any, ...] = (), kwargs: Any = None) -> Step:
    """A step whose text says all: arrays among the arguments as lists."""
    named = tuple((key, _as_lists(value)) for key, value in (kwargs or {}).items())
    return (name, tuple(map(_as_lists, args)), named)


def _as_lists(x: Any) -> Any:
    if isinstance(x, list | tuple):
        return type(x)(map(_as_lists, x))
    return x.tolist() if isinstance(x, np.ndarray | np.generic) else x


def is_basic(index: Any) -> bool:
    """Does an index consist of integers, slices, None and Ellipsis?"""
    parts = index if isinstance(index, tuple) else (index,)
    return all(map(_is_basic_part, parts))


def _is_basic_part(part: Any) -> bool:
    if part is None or part is Ellipsis or isinstance(part, slice):
        return True
    return isinstance(part, int | np.integer) and not isinstance(part, bool)


def plain_index(index: Any) -> Any:
    """A basic index of Python's own integers, whose text says all."""
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    if isinstance(index, slice):
        bounds = (index.start, index.stop, index.step)
        return slice(*[None if each is None else operator.index(each) for each in bounds])
    return int(index) if isinstance(index, np.integer) else index
