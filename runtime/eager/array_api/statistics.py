"""Statistics and searches of the array API standard, for its namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..apply.axes import normalise
from ..errors import EagerError
from ..operators import extrema, reductions, shaping, spread

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "cumulative_sum",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]


def _reduction(name: str, function: Callable[..., Any], words: str) -> Callable[..., Any]:
    def reduce(x: Any, /, *, axis: Any = None, keepdims: Any = False) -> Any:
        if axis == ():
            raise EagerError(f"{name}: axis=() is not supported; leave out the reduction")
        return function(x, axis, keepdim=keepdims)

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = f"{words} over all axes, or over `axis`."
    return reduce


mean = _reduction("mean", reductions.mean, "The mean")
max = _reduction("max", extrema.amax, "The largest element")
min = _reduction("min", extrema.amin, "The smallest element")
all = _reduction("all", reductions.all, "Whether every element is true")
any = _reduction("any", reductions.any, "Whether some element is true")


def sum(x: Any, /, *, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """The sum over all axes, or over `axis`."""
    return reductions.sum(x if dtype is None else x.to(dtype), axis, keepdims)


def prod(x: Any, /, *, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """The product over all axes, or over `axis`."""
    return reductions.prod(x if dtype is None else x.to(dtype), axis, keepdims)


def std(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: Any = False) -> Any:
    """The standard deviation, by n - correction."""
    return spread.std(x, axis, correction=correction, keepdim=keepdims)


def var(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: Any = False) -> Any:
    """The variance, by n - correction."""
    return spread.var(x, axis, correction=correction, keepdim=keepdims)


def argmax(x: Any, /, *, axis: int | None = None, keepdims: Any = False) -> Any:
    """Where the largest element stands: in the flattened array, or along `axis`."""
    return extrema.argmax(x, axis, keepdims)


def argmin(x: Any, /, *, axis: int | None = None, keepdims: Any = False) -> Any:
    """Where the smallest element stands: in the flattened array, or along `axis`."""
    return extrema.argmin(x, axis, keepdims)


def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: Any = False
) -> Any:
    """Running sums along `axis`; with `include_initial` a zero stands before them."""
    if axis is None and x.ndim != 1:
        raise ValueError(f"cumulative_sum: an array of {x.ndim} axes needs axis=")
    at = normalise(axis or 0, x.ndim)
    total = reductions.cumsum(x if dtype is None else x.to(dtype), at)
    if not include_initial:
        return total
    shape = tuple(1 if i == at else n for i, n in enumerate(total.shape))
    return shaping.cat([total.new_zeros(shape), total], at)
