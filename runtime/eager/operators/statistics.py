"""Statistics: quantiles, the mode, covariance; integrals and slopes of sampled functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....ir.functions import order
from ....ir.functions import statistics as functions
from ..apply.axes import normalise, normalise_all
from ..apply.dispatch import is_tensor_like, traced
from ..apply.operands import as_numbers, as_operand, call, cast, floating
from ..apply.results import ValuesIndices
from ..errors import EagerError

__all__ = [
    "corrcoef",
    "cov",
    "cumulative_trapezoid",
    "gradient",
    "mode",
    "nanquantile",
    "quantile",
    "renorm",
    "trapezoid",
    "trapz",
    "vander",
]

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _values(x: Any) -> np.ndarray:
    """The elements of what is no operand of a gradient."""
    return np.asarray(x._data if is_tensor_like(x) else x)


def _rows(x: Any, dim: int) -> tuple[Any, int]:
    """x with at least one axis, and `dim` as one of them."""
    return (x, normalise(dim, len(x.shape))) if x.shape else (x.reshape((1,)), normalise(dim, 0))


# --- order ---


def quantile(
    x: Any,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Any:
    """The q-quantiles of all elements or along `dim`; a vector q adds an axis in front.

    q has no gradient.
    """
    return _quantile("quantile", x, q, dim, keepdim, interpolation, ignore_nan=False)


def nanquantile(
    x: Any,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Any:
    """The same of what is no nan."""
    return _quantile("nanquantile", x, q, dim, keepdim, interpolation, ignore_nan=True)


def _quantile(
    name: str,
    x: Any,
    q: Any,
    dim: int | None,
    keepdim: bool,
    interpolation: str,
    *,
    ignore_nan: bool,
) -> Any:
    x = as_operand(x)
    if np.dtype(x.dtype).kind != "f":
        raise EagerError(f"{name}() input tensor must be either float or double dtype")
    if traced((q,)) is not None:
        known: Any = np.nanquantile if ignore_nan else np.quantile
        return known(x, q, axis=dim, keepdims=keepdim, method=interpolation)
    at = _values(q)
    if at.ndim > 1 or not ((at >= 0) & (at <= 1)).all():
        raise EagerError(f"{name}() q values must be in the range [0, 1], a number or a vector")
    if interpolation not in _INTERPOLATIONS:
        raise EagerError(
            f"{name}() interpolation must be one of {', '.join(_INTERPOLATIONS)}, but got "
            f"{interpolation}"
        )
    rows, axis = (x.reshape((-1,)), 0) if dim is None else _rows(x, dim)
    if not rows.shape[axis]:
        raise EagerError(f"{name}() input tensor must be non-empty")
    static: dict[str, Any] = {
        "axis": axis,
        "at": tuple(map(float, at.reshape(-1))),
        "interpolation": interpolation,
        "ignore_nan": ignore_nan,
    }
    small = _without(x, dim, keepdim)
    static["shape"] = small if at.ndim == 0 else (at.size, *small)
    return call(name, _in_shape, rows, title="SqueezeBackward4", **static)


def _without(x: Any, dim: int | None, keepdim: bool) -> tuple[int, ...]:
    """The shape of x reduced along `dim`, or to one number."""
    axis = None if dim is None else normalise(dim, len(x.shape))
    if keepdim:
        return tuple(1 if axis in (None, i) else n for i, n in enumerate(x.shape))
    return () if axis is None else tuple(n for i, n in enumerate(x.shape) if i != axis)


def _in_shape(b: Any, x: Any, *, shape: tuple[int, ...], **static: Any) -> Any:
    return b.reshape(functions.quantile(b, x, **static), shape)


@as_numbers
def mode(x: Any, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The value that stands most often along `dim` (of several the smallest), and where last."""
    x = as_operand(x)
    rows, axis = _rows(x, dim)
    if not rows.shape[axis]:
        raise IndexError(f"mode(): Expected reduction dim {axis} to have non-zero size")
    keep = bool(keepdim) and bool(x.shape)
    return ValuesIndices(*call("mode", order.mode, rows, axis=axis, keep=keep))


# --- covariance ---


def cov(x: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """The covariances of the rows of x, whose columns are observations.

    `fweights` says how often each observation counts, `aweights` how much.
    """
    x, *_ = floating(*(as_operand(y) for y in (x, aweights) if y is not None))
    if len(x.shape) > 2:
        raise EagerError("cov(): expected input to have two or fewer dimensions")
    if fweights is not None and np.dtype(fweights.dtype).kind not in "iu":
        raise EagerError(
            f"cov(): expected fweights to have integral dtype but got {fweights.dtype}"
        )
    given = {"frequency": fweights, "importance": aweights}
    for word, values in (("fweights", fweights), ("aweights", aweights)):
        if values is not None and traced((values,)) is None and (_values(values) < 0).any():
            raise EagerError(f"cov(): {word} cannot be negative")
    weights = {word: w for word, w in given.items() if w is not None}
    rows = x if len(x.shape) == 2 else x.reshape((1, -1))
    static: dict[str, Any] = {"correction": float(correction), "words": tuple(weights)}
    static |= {"of": functions.covariance, "title": "SqueezeBackward0"}
    return call("cov", _squeezed, rows, *weights.values(), **static)


def _squeezed(b: Any, *operands: Any, of: Any, **static: Any) -> Any:
    """What `of` gives; of a single variable without axes."""
    result = of(b, *operands, **static)
    return b.reshape(result, ()) if b.type_of(result).size == 1 else result


def corrcoef(x: Any) -> Any:
    """The correlations of the rows of x."""
    (x,) = floating(as_operand(x))
    if len(x.shape) > 2:
        raise EagerError("corrcoef(): expected input to have two or fewer dimensions")
    rows = x if len(x.shape) == 2 else x.reshape((1, -1))
    return call("corrcoef", _squeezed, rows, title="ClampBackward1", of=functions.correlation)


# --- sampled functions ---


def trapezoid(y: Any, x: Any = None, *, dx: float = 1, dim: int = -1) -> Any:
    """The integral along `dim` of samples at x, or `dx` apart, by the trapezoidal rule."""
    return _integral("trapezoid", functions.trapezoid, y, x, dx, dim, "MulBackward1")


trapz = trapezoid


def cumulative_trapezoid(y: Any, x: Any = None, *, dx: float = 1, dim: int = -1) -> Any:
    """The integrals up to the second, third, … sample."""
    name, function = "cumulative_trapezoid", functions.cumulative_trapezoid
    return _integral(name, function, y, x, dx, dim, "CumsumBackward0")


def _integral(name: str, function: Any, y: Any, x: Any, dx: float, dim: int, title: str) -> Any:
    operands = floating(y) if x is None else floating(y, x)
    axis = normalise(dim, len(operands[0].shape))
    title = title if x is None else "DivBackward1"
    return call(name, function, *operands, title=title, axis=axis, step=float(dx))


def gradient(x: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Any, ...]:
    """Central differences along each of `dim`; `spacing` is a distance, or one for each of `dim`:
    a distance or a vector of coordinates.
    """
    (x,) = floating(as_operand(x))
    axes = normalise_all(dim, len(x.shape))
    spacing = 1 if spacing is None else spacing
    several = isinstance(spacing, Sequence)
    steps = list(spacing) if several else [spacing] * len(axes)
    if len(steps) != len(axes):
        raise EagerError(f"torch.gradient expected spacing for each of dim, got {len(steps)}")
    if edge_order not in (1, 2) or any(x.shape[a] <= edge_order for a in axes):
        raise EagerError("gradient expected each dimension size to be at least edge_order+1")
    results = []
    for axis, step in zip(axes, steps, strict=True):
        places = (step,) if np.ndim(getattr(step, "_data", step)) else ()
        static = {"axis": axis, "step": 1.0 if places else float(step), "edge": int(edge_order)}
        operands = floating(x, *places)
        results.append(call("gradient", functions.slope, *operands, title="CatBackward0", **static))
    return tuple(results)


# --- powers, lengths ---


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803
    """The powers of a vector's elements as columns, from the highest down to x⁰."""
    x = as_operand(x)
    x = x if np.dtype(x.dtype).kind == "f" else cast(x, np.int64)
    if len(x.shape) != 1:
        raise EagerError("vander(): x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else int(N)
    title = "CopySlices" if increasing else "FlipBackward0"
    return call("vander", _powers, x, title=title, count=count, increasing=bool(increasing))


def _powers(b: Any, x: Any, *, count: int, increasing: bool) -> Any:
    columns = functions.powers(b, x, count=count)
    return columns if increasing else b("reverse", columns, axes=(1,))


def renorm(x: Any, p: float, dim: int, maxnorm: float) -> Any:
    """The entries along `dim` shortened to the norm `maxnorm` where theirs is larger."""
    (x,) = floating(as_operand(x))
    if len(x.shape) < 2:
        raise EagerError(
            f"renorm: input needs at least 2 dimensions, got {len(x.shape)} dimensions"
        )
    axis = normalise(dim, len(x.shape))
    return call("renorm", functions.shortened, x, axis=axis, order=float(p), limit=float(maxnorm))
