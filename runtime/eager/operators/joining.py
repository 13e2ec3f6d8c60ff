"""Tensors joined as NumPy's stacks, and matrices as blocks of a diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..apply.operands import call, through_numpy
from ..errors import EagerError

__all__ = [
    "block_diag",
    "column_stack",
    "dstack",
    "hstack",
    "row_stack",
    "vstack",
]


def _some(name: str, tensors: Sequence[Any]) -> list[Any]:
    if not tensors:
        raise EagerError(f"{name} expects a non-empty TensorList")
    return list(tensors)


def hstack(tensors: Sequence[Any]) -> Any:
    """Joined along the second axis, vectors along the first."""
    return through_numpy("cat", np.hstack, _some("hstack", tensors))


def vstack(tensors: Sequence[Any]) -> Any:
    """Joined along the first axis, vectors as rows."""
    return through_numpy("cat", np.vstack, _some("vstack", tensors))


row_stack = vstack


def dstack(tensors: Sequence[Any]) -> Any:
    """Joined along the third axis."""
    return through_numpy("cat", np.dstack, _some("dstack", tensors))


def column_stack(tensors: Sequence[Any]) -> Any:
    """Joined along the second axis, vectors as columns."""
    return through_numpy("cat", np.column_stack, _some("column_stack", tensors))


def block_diag(*tensors: Any) -> Any:
    """The matrix that has the given ones along its diagonal, and zeros elsewhere."""
    return call("block_diag", _block_diag, *tensors)


def _block_diag(b: Any, *xs: Any) -> Any:
    shapes = [((1,) * (2 - b.type_of(x).ndim) + b.type_of(x).shape) for x in xs]
    width, first, bands = sum(n for _, n in shapes), 0, []
    for x, shape in zip(xs, shapes, strict=True):
        after = width - first - shape[1]
        cells = b.reshape(x, shape)
        bands.append(b("pad", cells, low=(0, first), high=(0, after), interior=(0, 0)))
        first += shape[1]
    return b.concatenate(bands, 0)
