"""Reductions of tensors, with PyTorch's `dim=`, `keepdim=` or NumPy's `axis=`, `keepdims=`."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.functions import reduction as functions
from ...ir.op import TABLE
from .adapters import keeping, reduced
from .arithmetic import maximum, minimum, to
from .axes import either, normalise, normalise_all
from .builder import apply
from .core import make
from .dispatch import is_tensor_like, public
from .errors import EagerError
from .operands import as_numbers, as_operand, call, call_in_rows, cast, floating, through_numpy
from .results import Extrema, ValuesIndices
from .shaping import cat
from .sorting import extremum_along
from .totals import mean_of_all, sum_of_all

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = [
    "all",
    "amax",
    "amin",
    "aminmax",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumsum",
    "diff",
    "dist",
    "logsumexp",
    "max",
    "mean",
    "min",
    "nanmean",
    "nansum",
    "norm",
    "prod",
    "std",
    "std_mean",
    "sum",
    "var",
    "var_mean",
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
    return _reduce("sum", reduced, x, dim, keepdim or keepdims, title, op="sum")


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
    return _reduce("prod", reduced, _summable(x), dim, keepdim or keepdims, title, op="prod")


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
    return _reduce("mean", functions.mean, x, dim, keepdim or keepdims, title)


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
    return _reduce("var", functions.var, x, dim, keep, "VarBackward0", ddof=correction)


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
    return _reduce("std", functions.std, x, dim, keep, "StdBackward0", ddof=correction)


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


def logsumexp(x: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """log Σ e^x over `dim`, without overflow."""
    title = "LogsumexpBackward0"
    return _reduce("logsumexp", functions.logsumexp, floating(x)[0], dim, keepdim, title)


def norm(x: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The vector norm of order `p`; the gradient of the 2-norm at 0 is 0."""
    title = "LinalgVectorNormBackward0"
    if p == "nuc":
        from .linear_algebra import matrix_norm

        return matrix_norm(x, "nuc", (-2, -1) if dim is None else dim, keepdim)  # type: ignore[no-any-return]
    order = 2.0 if p in ("fro", None) else float(p)
    return _reduce("norm", functions.norm, floating(x)[0], dim, keepdim, title, order=order)


def dist(x: Tensor, y: Tensor, p: float = 2) -> Tensor:
    """The norm of x - y."""
    return call("dist", _dist, *floating(x, y), order=float(p))  # type: ignore[no-any-return]


def _dist(b: Any, x: Any, y: Any, *, order: float) -> Any:
    shape = np.broadcast_shapes(b.type_of(x).shape, b.type_of(y).shape)
    gap = b.sub(b.broadcast(x, shape), b.broadcast(y, shape))
    return functions.norm(b, gap, tuple(range(len(shape))), order=order)


def amax(
    x: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """The largest element over `dim`; ties share the gradient evenly."""
    dim, keep = either("amax", dim, axis), keepdim or keepdims
    return _extremum("amax", "reduce_max", x, dim, keep, "AmaxBackward0")


def amin(
    x: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """The smallest element over `dim`; ties share the gradient evenly."""
    dim, keep = either("amin", dim, axis), keepdim or keepdims
    return _extremum("amin", "reduce_min", x, dim, keep, "AminBackward0")


@as_numbers
def aminmax(x: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Extrema:
    """The smallest and the largest element."""
    x = as_operand(x)
    axes = _filled_axes("aminmax", x, dim)
    return Extrema(*call("aminmax", _both_extrema, x, axes=axes, keep=bool(keepdim)))


def _both_extrema(b: Any, x: Any, *, axes: tuple[int, ...], keep: bool) -> tuple[Any, Any]:
    if keep:
        words = ("reduce_min", "reduce_max")
        low, high = (keeping(b, x, of=reduced, axes=axes, op=op) for op in words)
        return low, high
    return reduced(b, x, axes=axes, op="reduce_min"), reduced(b, x, axes=axes, op="reduce_max")


def max(
    x: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Any:
    """The largest of all elements, of which equal ones share the gradient evenly.

    Along `dim` the largest elements, and where the first of each stands. Of two tensors the larger
    element of each place.
    """
    return _max_or_min("max", public(maximum), x, either("max", dim, axis), keepdim or keepdims)


def min(
    x: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool = False,
) -> Any:
    """The smallest, likewise."""
    return _max_or_min("min", public(minimum), x, either("min", dim, axis), keepdim or keepdims)


def _max_or_min(
    name: str, of_two: Callable[..., Any], x: Any, dim: Any, keepdim: bool
) -> Tensor | ValuesIndices:
    if dim is None:
        title = f"{name.title()}Backward1"
        return _extremum(name, f"reduce_{name}", x, None, False, title)
    if hasattr(dim, "shape"):
        pair: Tensor = of_two(x, dim)
        return pair
    return extremum_along(name, x, dim, keepdim)


def argmax(
    x: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None
) -> Tensor:
    """Where the largest element stands: in the flattened tensor, or along `dim`."""
    return _locate("argmax", x, either("argmax", dim, axis), keepdim)


def argmin(
    x: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: int | None = None
) -> Tensor:
    """Where the smallest element stands: in the flattened tensor, or along `dim`."""
    return _locate("argmin", x, either("argmin", dim, axis), keepdim)


def nansum(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The sum of what is no nan."""
    title = "NansumBackward0"
    return _reduce("nansum", _nansum, _summable(x), dim, keepdim, title)


def _nansum(b: Any, x: Any, axes: tuple[int, ...]) -> Any:
    return b.sum(b.select(b.compare("ne", x, x), b.zeros_like(x), x), axes)


def nanmean(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The mean of what is no nan."""
    return _reduce("nanmean", _nanmean, floating(x)[0], dim, keepdim, "DivBackward0")


def _nanmean(b: Any, x: Any, axes: tuple[int, ...]) -> Any:
    there = b.cast(b.compare("eq", x, x), b.type_of(x).dtype)
    return b.div(_nansum(b, x, axes), b.sum(there, axes))


def count_nonzero(x: Tensor, dim: Any = None) -> Tensor:
    """How many elements are not 0."""
    return _reduce("count_nonzero", functions.count_nonzero, as_operand(x), dim, False, "")


def diff(x: Tensor, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along `dim`, n times over, of x between `prepend` and `append`."""
    x = as_operand(x)
    if n < 0:
        raise EagerError(f"diff: order must be non-negative but got {n}")
    if not len(x.shape):
        raise EagerError("diff expects input to be at least one-dimensional")
    if n and (prepend is not None or append is not None):
        x = cat([part for part in (prepend, x, append) if part is not None], dim)
    n = builtins.min(n, x.shape[normalise(dim, len(x.shape))])
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
    return _reduce("all", _of_truth, as_operand(x), dim, keepdim, "", of_truth=functions.all_)


def any(x: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None) -> Tensor:
    """Whether some element is true."""
    dim = either("any", dim, axis)
    return _reduce("any", _of_truth, as_operand(x), dim, keepdim, "", of_truth=functions.any_)


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


def _reduce(
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


def _extremum(name: str, op: str, x: Any, dim: Any, keepdim: bool, title: str) -> Tensor:
    return _extremum_of(x, name, op, dim, keepdim, title)  # type: ignore[no-any-return]


@as_numbers
def _extremum_of(x: Any, name: str, op: str, dim: Any, keepdim: bool, title: str) -> Tensor:
    _filled_axes(name, x, dim)
    return _reduce(name, reduced, x, dim, keepdim, title, op=op)


def _filled_axes(name: str, x: Any, dim: Any) -> tuple[int, ...]:
    """The axes that `dim` names; an error where there is nothing along one of them."""
    axes = normalise_all(dim, len(x.shape))
    for axis in axes:
        if not x.shape[axis]:
            if dim is None or dim == ():
                raise EagerError(f"{name}() of no elements, shape {list(x.shape)}, has no result")
            raise IndexError(
                f"{name}(): Expected reduction dim {axis} to have non-zero size, not shape "
                f"{list(x.shape)}"
            )
    return axes


def _locate(name: str, x: Any, dim: int | None, keepdim: bool) -> Tensor:
    x = as_operand(x)
    axis = None if dim is None else normalise(dim, len(x.shape))
    if not len(x.shape):
        return make(np.zeros((), np.int64))
    if 0 in (x.shape if axis is None else (x.shape[axis],)):
        raise IndexError(f"{name}(): Expected reduction dim to be specified, or not to be empty")
    static: dict[str, Any] = {"op": name, "axis": axis, "keep": bool(keepdim)}
    return call(name, _place, x, **static)  # type: ignore[no-any-return]


def _place(b: Any, x: Any, *, op: str, axis: int | None, keep: bool) -> Any:
    type = b.type_of(x)
    at = 0 if axis is None else axis
    flat = b.reshape(x, (type.size,)) if axis is None else x
    place = b(op, flat, axis=at)
    if not keep:
        return place
    return b.reshape(
        place, tuple(1 if axis is None or i == axis else n for i, n in enumerate(type.shape))
    )
