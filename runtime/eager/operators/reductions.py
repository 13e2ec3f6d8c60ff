"""Sums, products, means, norms and counts of tensors, with PyTorch's `dim=` or NumPy's `axis=`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ....ir.functions import reduction as functions
from ....ir.op import TABLE
from ..apply.adapters import keeping, reduced
from ..apply.axes import either, normalise, normalise_all
from ..apply.builder import apply
from ..apply.dispatch import is_tensor_like
from ..apply.operands import as_operand, call, call_in_rows, cast, floating, through_numpy
from ..errors import EagerError
from .arithmetic import to
from .shaping import cat
from .totals import mean_of_all, sum_of_all

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "cumsum",
    "diff",
    "dist",
    "logsumexp",
    "mean",
    "nanmean",
    "nansum",
    "norm",
    "prod",
    "sum",
]

_SUM = TABLE["sum"]
_CUMSUM = TABLE["cumsum"]


def sum(
    x: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """The sum over all axes, or over `dim`. Integers and truth values are summed in int64."""
    if dtype is not None:
        total = sum(cast(x, dtype), dim, keepdim, axis=axis, keepdims=keepdims)
        return cast(total, dtype)  # type: ignore[no-any-return]
    of_all = dim is None and axis is None and not (keepdim or keepdims)
    if of_all and _is_floating_tensor(x):
        return sum_of_all(x)
    dim = either("sum", dim, axis)
    x = _summable(x)
    axes = normalise_all(dim, len(x.shape))
    title = "SumBackward0" if dim is None else "SumBackward1"
    if not (keepdim or keepdims) and hasattr(x, "_data"):
        return apply(_SUM, (x,), {"axes": axes}, title)
    return reduce_over("sum", reduced, x, dim, keepdim or keepdims, title, op="sum")


def prod(
    x: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """The product of all elements, or along `dim`."""
    if dtype is not None:
        product = prod(cast(x, dtype), dim, keepdim, axis=axis, keepdims=keepdims)
        return cast(product, dtype)  # type: ignore[no-any-return]
    dim = either("prod", dim, axis)
    title = "ProdBackward0" if dim is None else "ProdBackward1"
    return reduce_over("prod", reduced, _summable(x), dim, keepdim or keepdims, title, op="prod")


def mean(
    x: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """The mean of all elements, or over `dim`; of elements cast to `dtype`."""
    if dtype is not None:
        x = cast(x, dtype)
    if dim is None and axis is None and not (keepdim or keepdims) and _is_floating_tensor(x):
        return mean_of_all(x)
    x = as_operand(x)
    if np.dtype(x.dtype).kind not in "fc":
        raise EagerError(f"mean() takes floating point, not {x.dtype}: cast it first, x.float()")
    dim = either("mean", dim, axis)
    title = "MeanBackward0" if dim is None else "MeanBackward1"
    return reduce_over("mean", functions.mean, x, dim, keepdim or keepdims, title)


def logsumexp(x: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """log Σ e^x over `dim`, without overflow."""
    title = "LogsumexpBackward0"
    return reduce_over("logsumexp", functions.logsumexp, floating(x)[0], dim, keepdim, title)


def norm(x: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The vector norm of order `p`; the gradient of the 2-norm at 0 is 0."""
    title = "LinalgVectorNormBackward0"
    if p == "nuc":
        from .linear_algebra import matrix_norm

        return matrix_norm(x, "nuc", (-2, -1) if dim is None else dim, keepdim)  # type: ignore[no-any-return]
    order = 2.0 if p in ("fro", None) else float(p)
    return reduce_over("norm", functions.norm, floating(x)[0], dim, keepdim, title, order=order)


def dist(x: Tensor, y: Tensor, p: float = 2) -> Tensor:
    """The norm of x - y."""
    return call("dist", _dist, *floating(x, y), order=float(p))  # type: ignore[no-any-return]


def _dist(b: Any, x: Any, y: Any, *, order: float) -> Any:
    shape = np.broadcast_shapes(b.type_of(x).shape, b.type_of(y).shape)
    gap = b.sub(b.broadcast(x, shape), b.broadcast(y, shape))
    return functions.norm(b, gap, tuple(range(len(shape))), order=order)


def nansum(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The sum of what is no nan."""
    title = "NansumBackward0"
    return reduce_over("nansum", _nansum, _summable(x), dim, keepdim, title)


def _nansum(b: Any, x: Any, axes: tuple[int, ...]) -> Any:
    return b.sum(b.select(b.compare("ne", x, x), b.zeros_like(x), x), axes)


def nanmean(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The mean of what is no nan."""
    return reduce_over("nanmean", _nanmean, floating(x)[0], dim, keepdim, "DivBackward0")


def _nanmean(b: Any, x: Any, axes: tuple[int, ...]) -> Any:
    there = b.cast(b.compare("eq", x, x), b.type_of(x).dtype)
    return b.div(_nansum(b, x, axes), b.sum(there, axes))


def count_nonzero(x: Tensor, dim: Any = None) -> Tensor:
    """How many elements are not 0."""
    return reduce_over("count_nonzero", functions.count_nonzero, as_operand(x), dim, False, "")


def diff(x: Tensor, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along `dim`, n times over, of x between `prepend` and `append`."""
    x = as_operand(x)
    if n < 0:
        raise EagerError(f"diff: order must be non-negative but got {n}")
    if not len(x.shape):
        raise EagerError("diff expects input to be at least one-dimensional")
    if n and (prepend is not None or append is not None):
        x = cat([part for part in (prepend, x, append) if part is not None], dim)
    n = min(n, x.shape[normalise(dim, len(x.shape))])
    return through_numpy("sub", np.diff, x, n, dim)  # type: ignore[no-any-return]


def cumsum(
    x: Tensor, dim: int | None = None, *, dtype: Any = None, axis: int | None = None
) -> Tensor:
    """Running sums along `dim`; of elements cast to `dtype`."""
    x = _summable(x) if dtype is None else cast(x, dtype)
    where = normalise(either("cumsum", dim, axis), len(x.shape))
    if hasattr(x, "_data") and x._data.ndim:
        return apply(_CUMSUM, (x,), {"axis": where, "reverse": False})
    return call_in_rows("cumsum", _cumsum, x, axis=where)  # type: ignore[no-any-return]


def _cumsum(b: Any, x: Any, *, axis: int) -> Any:
    return b("cumsum", x, axis=axis, reverse=False)


def all(x: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None) -> Tensor:
    """Whether every element is true."""
    dim = either("all", dim, axis)
    return reduce_over("all", _of_truth, as_operand(x), dim, keepdim, "", of_truth=functions.all_)


def any(x: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None) -> Tensor:
    """Whether some element is true."""
    dim = either("any", dim, axis)
    return reduce_over("any", _of_truth, as_operand(x), dim, keepdim, "", of_truth=functions.any_)


def _of_truth(b: Any, x: Any, axes: tuple[int, ...], *, of_truth: Callable[..., Any]) -> Any:
    return of_truth(b, b.cast(x, "bool"), axes)


def _is_floating_tensor(x: Any) -> bool:
    return hasattr(x, "_data") and x._data.dtype.kind == "f"


def _summable(x: Any) -> Any:
    if hasattr(x, "_data") and x._data.dtype.kind == "f":
        return x
    x = as_operand(x)
    if np.dtype(x.dtype).kind in "fc":
        return x
    return to(x, np.int64) if is_tensor_like(x) else x.astype(np.int64)


def reduce_over(
    name: str,
    function: Callable[..., Any],
    x: Any,
    dim: Any,
    keepdim: bool,
    title: str,
    **static: Any,
) -> Tensor:
    axes = normalise_all(dim, len(x.shape))
    if keepdim:
        static["of"] = function
        function = keeping
    result: Tensor = call(name, function, x, title=title, axes=axes, **static)
    return result
