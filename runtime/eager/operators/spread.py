"""Variances and standard deviations of tensors, alone or with the mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ....ir.functions import reduction as functions
from ..apply.adapters import keeping
from ..apply.axes import either, normalise_all
from ..apply.operands import as_operand, call, floating
from ..errors import EagerError
from .reductions import reduce_over

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "std",
    "std_mean",
    "var",
    "var_mean",
]


def var(
    x: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    *,
    correction: float | None = 1,
    keepdim: bool = False,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """The variance, divided by n - correction."""
    x = _with_spread("var", x)
    dim, keep = either("var", dim, axis), keepdim or keepdims
    dim, correction = _correction(dim, correction, unbiased)
    return reduce_over("var", functions.var, x, dim, keep, "VarBackward0", ddof=correction)


def std(
    x: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    *,
    correction: float | None = 1,
    keepdim: bool = False,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """The standard deviation; where it is 0, so is its gradient."""
    x = _with_spread("std", x)
    dim, keep = either("std", dim, axis), keepdim or keepdims
    dim, correction = _correction(dim, correction, unbiased)
    return reduce_over("std", functions.std, x, dim, keep, "StdBackward0", ddof=correction)


def _with_spread(name: str, x: Any) -> Any:
    x = as_operand(x)
    if np.dtype(x.dtype).kind not in "fc":
        raise EagerError(f"{name} only supports floating point dtypes, not {x.dtype}: x.float()")
    return x


def _correction(dim: Any, correction: float | None, unbiased: bool) -> tuple[Any, float]:
    """The correction that was meant; a truth value in place of `dim` is `unbiased`."""
    if isinstance(dim, bool):
        return None, float(dim)
    correction = 1 if correction is None else correction
    return dim, correction if unbiased else 0.0


def var_mean(
    x: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    *,
    correction: float | None = 1,
    keepdim: bool = False,
) -> tuple[Tensor, Tensor]:
    """The variance and the mean."""
    dim, correction = _correction(dim, correction, unbiased)
    return _with_mean("var_mean", functions.var, x, dim, correction, keepdim)


def std_mean(
    x: Tensor,
    dim: Any = None,
    unbiased: bool = True,
    *,
    correction: float | None = 1,
    keepdim: bool = False,
) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean."""
    dim, correction = _correction(dim, correction, unbiased)
    return _with_mean("std_mean", functions.std, x, dim, correction, keepdim)


def _with_mean(
    name: str, of: Callable[..., Any], x: Any, dim: Any, correction: float, keepdim: bool
) -> tuple[Tensor, Tensor]:
    (x,) = floating(x)
    axes = normalise_all(dim, len(x.shape))
    static: dict[str, Any] = {"of": of, "axes": axes, "ddof": correction, "keep": bool(keepdim)}
    pair: tuple[Tensor, Tensor] = call(name, _spread_and_mean, x, **static)
    return pair


def _spread_and_mean(
    b: Any, x: Any, *, of: Callable[..., Any], axes: tuple[int, ...], ddof: float, keep: bool
) -> tuple[Any, Any]:
    if not keep:
        return of(b, x, axes, ddof=ddof), functions.mean(b, x, axes)
    spread = keeping(b, x, of=of, axes=axes, ddof=ddof)
    return spread, keeping(b, x, of=functions.mean, axes=axes)
