"""Reductions of tensors, with PyTorch's `dim=`, `keepdim=` or NumPy's `axis=`, `keepdims=`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.functions import reduction as functions
from ...ir.op import TABLE
from .adapters import keeping, reduced
from .arithmetic import as_float, to
from .axes import either, normalise, normalise_all
from .builder import apply
from .composite import composite
from .core import make
from .errors import EagerError
from .shaping import reshape

if TYPE_CHECKING:
    from .tensor import Tensor

_SUM = TABLE["sum"]
_CUMSUM = TABLE["cumsum"]


def sum(
    x: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """The sum over all axes, or over `dim`. Integers and truth values are summed in int64."""
    dim = either("sum", dim, axis)
    x = _summable(x)
    axes = normalise_all(dim, x._data.ndim)
    title = "SumBackward0" if dim is None else "SumBackward1"
    if not (keepdim or keepdims):
        return apply(_SUM, (x,), {"axes": axes}, title)
    return _kept("sum", reduced, x, axes, title, op="sum")


def prod(
    x: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """The product of all elements, or along `dim`."""
    dim = either("prod", dim, axis)
    title = "ProdBackward0" if dim is None else "ProdBackward1"
    return _reduce("prod", reduced, _summable(x), dim, keepdim or keepdims, title, op="prod")


def mean(
    x: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """The mean of all elements, or over `dim`."""
    if x._data.dtype.kind not in "fc":
        raise EagerError(f"mean() takes floating point, not {x.dtype}: cast it first, x.float()")
    dim = either("mean", dim, axis)
    title = "MeanBackward0" if dim is None else "MeanBackward1"
    return _reduce("mean", functions.mean, x, dim, keepdim or keepdims, title)


def var(
    x: Tensor,
    dim: Any = None,
    *,
    correction: float = 1,
    keepdim: bool = False,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """The variance, divided by n - correction."""
    dim, keep = either("var", dim, axis), keepdim or keepdims
    return _reduce("var", functions.var, x, dim, keep, "VarBackward0", ddof=correction)


def std(
    x: Tensor,
    dim: Any = None,
    *,
    correction: float = 1,
    keepdim: bool = False,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """The standard deviation; where it is 0, so is its gradient."""
    dim, keep = either("std", dim, axis), keepdim or keepdims
    return _reduce("std", functions.std, x, dim, keep, "StdBackward0", ddof=correction)


def logsumexp(x: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """log Σ e^x over `dim`, without overflow."""
    title = "LogsumexpBackward0"
    return _reduce("logsumexp", functions.logsumexp, as_float(x), dim, keepdim, title)


def norm(x: Tensor, p: float = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The vector norm of order `p`; the gradient of the 2-norm at 0 is 0."""
    title = "LinalgVectorNormBackward0"
    return _reduce("norm", functions.norm, x, dim, keepdim, title, order=float(p))


def amax(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The largest element over `dim`; ties share the gradient evenly."""
    return _extremum("amax", "reduce_max", x, dim, keepdim, "AmaxBackward0")


def amin(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The smallest element over `dim`; ties share the gradient evenly."""
    return _extremum("amin", "reduce_min", x, dim, keepdim, "AminBackward0")


def max(x: Tensor) -> Tensor:
    """The largest of all elements; ties share the gradient evenly."""
    return _extremum("max", "reduce_max", x, None, False, "MaxBackward1")


def min(x: Tensor) -> Tensor:
    """The smallest of all elements; ties share the gradient evenly."""
    return _extremum("min", "reduce_min", x, None, False, "MinBackward1")


def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element stands: in the flattened tensor, or along `dim`."""
    return _locate(np.argmax, x, dim, keepdim)


def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element stands: in the flattened tensor, or along `dim`."""
    return _locate(np.argmin, x, dim, keepdim)


def cumsum(x: Tensor, dim: int | None = None, *, axis: int | None = None) -> Tensor:
    """Running sums along `dim`."""
    at = either("cumsum", dim, axis)
    if x._data.ndim == 0:
        return reshape(cumsum(reshape(x, (1,)), 0), ())
    where = normalise(at, x._data.ndim)
    return apply(_CUMSUM, (_summable(x),), {"axis": where, "reverse": False})


def all(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Whether every element is true."""
    return make(np.all(x._data, axis=dim, keepdims=keepdim))


def any(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Whether some element is true."""
    return make(np.any(x._data, axis=dim, keepdims=keepdim))


def _summable(x: Tensor) -> Tensor:
    kind = x._data.dtype.kind
    return x if kind in "fc" else to(x, np.int64)


def _reduce(
    name: str,
    function: Callable[..., Any],
    x: Tensor,
    dim: Any,
    keepdim: bool,
    title: str,
    **static: Any,
) -> Tensor:
    axes = normalise_all(dim, x._data.ndim)
    if keepdim:
        return _kept(name, function, x, axes, title, **static)
    result: Tensor = composite(name, function, (x,), title, axes=axes, **static)
    return result


def _kept(
    name: str,
    function: Callable[..., Any],
    x: Tensor,
    axes: tuple[int, ...],
    title: str,
    **static: Any,
) -> Tensor:
    result: Tensor = composite(name, keeping, (x,), title, of=function, axes=axes, **static)
    return result


def _extremum(name: str, op: str, x: Tensor, dim: Any, keepdim: bool, title: str) -> Tensor:
    if not x._data.size:
        raise EagerError(f"{name}() of no elements, shape {list(x.shape)}, has no result")
    return _reduce(name, reduced, x, dim, keepdim, title, op=op)


def _locate(function: Callable[..., Any], x: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    axis = None if dim is None else normalise(dim, x._data.ndim)
    return make(np.asarray(function(x._data, axis=axis, keepdims=keepdim), np.int64))
