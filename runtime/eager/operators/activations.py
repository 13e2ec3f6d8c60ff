"""Activations and losses of tensors: compositions of `ir.functions`, one node each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....ir.functions import reduction as functions
from ..apply.axes import either, normalise
from ..apply.operands import as_operand, call_in_rows, floating

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["log_softmax", "softmax"]


def softmax(
    x: Tensor, dim: int | None = None, dtype: Any = None, *, axis: int | None = None
) -> Tensor:
    """e^x / Σ e^x along `dim`."""
    return _along("softmax", functions.softmax, x, either("softmax", dim, axis), dtype)


def log_softmax(
    x: Tensor, dim: int | None = None, dtype: Any = None, *, axis: int | None = None
) -> Tensor:
    """log softmax(x) along `dim`, without overflow."""
    return _along("log_softmax", functions.log_softmax, x, either("log_softmax", dim, axis), dtype)


def _along(name: str, function: Any, x: Tensor, dim: int | None, dtype: Any) -> Tensor:
    if dim is None:
        raise TypeError(f"{name}() needs dim=, the axis that is normalised")
    x = as_operand(x)
    if dtype is not None:
        x = x.astype(dtype) if hasattr(x, "astype") else x.to(dtype)
    (x,) = floating(x)
    axis = normalise(dim, len(x.shape))
    there = not x.shape or x.shape[axis]
    result: Tensor = call_in_rows(name, function if there else _copy, x, axes=(axis,))
    return result


def _copy(b: Any, x: Any, *, axes: tuple[int, ...]) -> Any:
    """Nothing to normalise."""
    return b.scale(x, 1)
