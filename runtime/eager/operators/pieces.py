"""Tensors put together of others, and index tables: what `layout` has no room for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..apply.operands import as_operand, call
from ..core import make
from ..errors import EagerError
from .cutting import narrow
from .gathering import index_select
from .layout import meshgrid
from .shaping import reshape, stack

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_shapes",
    "cartesian_prod",
    "combinations",
    "narrow_copy",
    "tril_indices",
    "triu_indices",
]


def _each(name: str, places: dict[int, tuple[Any, ...]]) -> Any:
    """A function of one tensor or several; `places` says for each rank which axes are new."""

    def one(x: Any) -> Any:
        x = as_operand(x)
        wanted = places.get(len(x.shape))
        if wanted is None:
            return x
        shape = tuple(n for part in wanted for n in (x.shape if part is ... else (part,)))
        title = "UnsqueezeBackward0" if len(x.shape) else "ViewBackward0"
        return call(name, _reshaped, x, title=title, shape=shape)

    def run(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], list | tuple):
            tensors = tuple(tensors[0])
            return tuple(one(x) for x in tensors)
        return one(tensors[0]) if len(tensors) == 1 else tuple(one(x) for x in tensors)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"The tensors, with axes of extent 1 added to those of fewer than {name[8]} axes."
    return run


def _reshaped(b: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    return b.reshape(x, shape)


atleast_1d = _each("atleast_1d", {0: (1,)})
atleast_2d = _each("atleast_2d", {0: (1, 1), 1: (1, ...)})
atleast_3d = _each("atleast_3d", {0: (1, 1, 1), 1: (1, ..., 1), 2: (..., 1)})


def narrow_copy(x: Any, dim: int, start: int, length: int) -> Any:
    """A copy of `length` entries along `dim`, from `start` on."""
    return narrow(x, dim, start, length).clone()


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape to which all of them broadcast."""
    try:
        return np.broadcast_shapes(*[(s,) if isinstance(s, int) else tuple(s) for s in shapes])
    except ValueError:
        listing = " and ".join(str(list(s)) for s in shapes)
        raise EagerError(f"Shape mismatch: {listing} cannot be broadcast to one shape") from None


def cartesian_prod(*tensors: Any) -> Any:
    """All ways to take one element of each vector, as rows."""
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(x, -1) for x in meshgrid(*tensors, indexing="ij")], 1)


def combinations(x: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """All ways to take r elements of a vector, in its order, as rows."""
    way = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(way(range(x.shape[0]), r)), np.int64).reshape(-1, r)
    return stack([index_select(x, 0, places[:, i]) for i in range(r)], 1)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64) -> Any:
    """The rows and columns of the lower triangle's elements, row by row."""
    return _indices(np.tril_indices(row, offset, col), dtype)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64) -> Any:
    """The rows and columns of the upper triangle's elements, row by row."""
    return _indices(np.triu_indices(row, offset, col), dtype)


def _indices(pair: Sequence[np.ndarray], dtype: Any) -> Any:
    return make(np.stack(pair).astype(dtype))
