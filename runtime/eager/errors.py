"""Errors of operations: PyTorch's types, what did not fit, and the term that users search for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ir import FusegradError, ShapeError
from ...ir.errors import LinAlgError

__all__ = [
    "EagerError",
    "EmptyListError",
    "LinAlgError",
    "OutOfRangeError",
    "TensorShapeError",
    "UnsupportedDtypeError",
    "explain",
]


class EagerError(FusegradError, RuntimeError):
    """Shapes or dtypes that an eager operation does not take; a RuntimeError, as in PyTorch."""


class UnsupportedDtypeError(EagerError, NotImplementedError):
    """A dtype for which an operation does not exist."""


class EmptyListError(EagerError, ValueError):
    """No tensors to join: PyTorch raises a ValueError for some functions, for others not."""


class OutOfRangeError(EagerError, IndexError):
    """An index that an axis does not have; a RuntimeError as in PyTorch, and an IndexError."""


class TensorShapeError(EagerError, ShapeError):
    """Shapes that a compiled function does not take: a RuntimeError too, for a call on Tensors."""

    @classmethod
    def of(cls, error: ShapeError) -> TensorShapeError:
        return cls(error.what, at=error.at, since=error.since, hint=error.hint)


def explain(name: str, arrays: Sequence[Any], error: Exception) -> Exception:
    """What to raise for NumPy's complaint about the operands of an operation."""
    if isinstance(error, IndexError | EagerError | LinAlgError):
        return error
    if isinstance(error, FusegradError):
        return EagerError(error.what, hint=error.hint)
    shapes = [tuple(getattr(x, "shape", ())) for x in arrays]
    clash = _clash(shapes) if len(shapes) > 1 else None
    if clash is not None:
        axis, x, y = clash
        return EagerError(
            f"{name}: shapes {_listing(shapes)} do not broadcast: the size of tensor a ({x}) must "
            f"match the size of tensor b ({y}) at non-singleton dimension {axis}"
        )
    kinds = " and ".join(str(getattr(x, "dtype", type(x).__name__)) for x in arrays)
    return UnsupportedDtypeError(
        f"{name} is not supported for {kinds}, shapes {_listing(shapes)}: {error}"
    )


def _listing(shapes: Sequence[tuple[int, ...]]) -> str:
    return " and ".join(str(list(shape)) for shape in shapes)


def _clash(shapes: Sequence[tuple[int, ...]]) -> tuple[int, int, int] | None:
    """The last axis at which shapes do not broadcast, counted in the longest; and the extents."""
    ndim = max(map(len, shapes))
    for back in range(1, ndim + 1):
        extents = [shape[-back] for shape in shapes if len(shape) >= back]
        wide = [n for n in extents if n != 1]
        if len(set(wide)) > 1:
            return ndim - back, wide[0], next(n for n in wide if n != wide[0])
    return None
