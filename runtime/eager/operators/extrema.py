"""The largest and the smallest elements of tensors, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..apply.adapters import keeping, reduced
from ..apply.axes import either, normalise, normalise_all
from ..apply.dispatch import public
from ..apply.operands import as_numbers, as_operand, call
from ..apply.results import Extrema, ValuesIndices
from ..core import make
from ..errors import EagerError
from .arithmetic import maximum, minimum
from .reductions import reduce_over
from .sorting import extremum_along

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "amax",
    "amin",
    "aminmax",
    "argmax",
    "argmin",
    "max",
    "min",
]


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


def _extremum(name: str, op: str, x: Any, dim: Any, keepdim: bool, title: str) -> Tensor:
    return _extremum_of(x, name, op, dim, keepdim, title)  # type: ignore[no-any-return]


@as_numbers
def _extremum_of(x: Any, name: str, op: str, dim: Any, keepdim: bool, title: str) -> Tensor:
    _filled_axes(name, x, dim)
    return reduce_over(name, reduced, x, dim, keepdim, title, op=op)


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
