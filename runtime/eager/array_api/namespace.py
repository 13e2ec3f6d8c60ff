"""The namespace of the Python array API standard (2023.12): `Tensor.__array_namespace__()`.

The standard's names and signatures over the functions of this package, for real dtypes. Gradients
flow through all that have one. Promotion is PyTorch's, as everywhere here: it differs from the
standard's for 0-d tensors beside others, and is defined for dtypes of different kinds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import functions
from ..apply.axes import normalise_all
from ..facts import finfo as finfo
from ..facts import iinfo as iinfo
from ..operators import creation, cutting, diagonals, discrete, layout, limits, shaping, sorting
from ..operators.conversion import check_device
from ..operators.creation import empty_like as empty_like
from ..operators.creation import ones_like as ones_like
from ..operators.creation import zeros_like as zeros_like
from ..operators.gathering import index_select
from ..operators.gathering import nonzero as _nonzero
from ..operators.shaping import broadcast_to as broadcast_to
from ..promotion import default_dtype
from ..tensor import Tensor
from . import linalg as array_linalg
from .linalg import matmul as matmul
from .linalg import matrix_transpose as matrix_transpose
from .linalg import tensordot as tensordot
from .linalg import vecdot as vecdot
from .statistics import *  # noqa: F403

# Functions that have the standard's names and signatures as they are.
_ELEMENTWISE = """
    abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_or
    bitwise_right_shift bitwise_xor ceil copysign cos cosh divide exp expm1 floor floor_divide
    greater greater_equal hypot isfinite isinf isnan less less_equal log log1p log2 log10 logaddexp
    logical_and logical_not logical_or logical_xor maximum minimum multiply negative not_equal
    positive pow remainder round sign signbit sin sinh sqrt square subtract tan tanh trunc
"""
bitwise_invert, equal = functions.bitwise_not, functions.eq
globals().update({name: getattr(functions, name) for name in _ELEMENTWISE.split()})

__array_api_version__ = "2023.12"

linalg = array_linalg

e, inf, nan, newaxis, pi = math.e, math.inf, math.nan, None, math.pi

bool = np.dtype(np.bool_)
int8, int16, int32, int64 = (np.dtype(f"i{n}") for n in (1, 2, 4, 8))
uint8, uint16, uint32, uint64 = (np.dtype(f"u{n}") for n in (1, 2, 4, 8))
float32, float64 = np.dtype(np.float32), np.dtype(np.float64)

_KINDS = {
    "bool": (bool,),
    "signed integer": (int8, int16, int32, int64),
    "unsigned integer": (uint8, uint16, uint32, uint64),
    "real floating": (float32, float64),
    "complex floating": (),
}
_KINDS["integral"] = (*_KINDS["signed integer"], *_KINDS["unsigned integer"])
_KINDS["numeric"] = (*_KINDS["integral"], *_KINDS["real floating"])


# --- what there is ---


class Info:
    """What `__array_namespace_info__()` gives."""

    def capabilities(self) -> dict[str, Any]:
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        return "cpu"

    def devices(self) -> list[str]:
        return ["cpu"]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        check_device(device)
        names = ("real floating", "complex floating", "integral", "indexing")
        return dict(zip(names, (default_dtype(), None, int64, int64), strict=True))

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:
        check_device(device)
        known = (bool, *_KINDS["numeric"])
        return {str(d): d for d in known if kind is None or isdtype(d, kind)}


def __array_namespace_info__() -> Info:  # noqa: N807
    """Devices, dtypes and capabilities."""
    return Info()


def isdtype(dtype: Any, kind: Any) -> Any:
    """Whether a dtype is `kind`, another dtype or the name of a kind, or one of several."""
    if isinstance(kind, tuple):
        return True in [isdtype(dtype, one) for one in kind]
    if isinstance(kind, str):
        if kind not in _KINDS:
            raise ValueError(f"isdtype: there is no kind {kind!r}, only {', '.join(_KINDS)}")
        return np.dtype(dtype) in _KINDS[kind]
    return np.dtype(dtype) == np.dtype(kind)


def can_cast(from_: Any, to: Any, /) -> Any:
    """Whether the standard's promotion leads from one dtype (or the array's) to the other."""
    return np.can_cast(getattr(from_, "dtype", from_), to)


def result_type(*arrays_and_dtypes: Any) -> Any:
    """The dtype to which arrays and dtypes promote."""
    return np.result_type(*[getattr(x, "dtype", x) for x in arrays_and_dtypes])


def astype(x: Any, dtype: Any, /, *, copy: Any = True, device: Any = None) -> Any:
    """x in another dtype; a copy also where it has that one, unless copy=False."""
    return x.to(dtype, device=device, copy=copy)


# --- new arrays ---


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: Any = None) -> Any:
    """`obj` as a tensor; a copy if `copy`, never one if that is False."""
    if copy:
        return creation.tensor(obj, dtype=dtype, device=device)
    result = creation.asarray(obj, dtype=dtype, device=device)
    if copy is False and not np.shares_memory(result._data, np.asarray(getattr(obj, "_data", obj))):
        raise ValueError("asarray: copy=False, but the data can't be taken without a copy")
    return result


def arange(
    start: float,
    /,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    device: Any = None,
) -> Any:
    """Numbers from `start` (0 if only one bound is given) up to but not including `stop`."""
    low, high = (0, start) if stop is None else (start, stop)
    if (high - low) / step < 0:
        return creation.zeros(0, dtype=dtype or np.result_type(low, high, step), device=device)
    return creation.arange(low, high, step, dtype=dtype, device=device)


def linspace(
    start: float,
    stop: float,
    /,
    num: int,
    *,
    dtype: Any = None,
    device: Any = None,
    endpoint: Any = True,
) -> Any:
    """`num` numbers at equal distances."""
    check_device(device)
    return creation.asarray(
        np.linspace(start, stop, num, endpoint=endpoint, dtype=dtype or default_dtype())
    )


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Zeros."""
    return creation.zeros(shape, dtype=dtype, device=device)


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Ones."""
    return creation.ones(shape, dtype=dtype, device=device)


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Whatever the memory held."""
    return creation.empty(shape, dtype=dtype, device=device)


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """`fill_value` in every element."""
    return creation.full(shape, fill_value, dtype=dtype, device=device)


def full_like(x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """`fill_value` in every element, in the shape of x."""
    return creation.full_like(x, fill_value, dtype=dtype, device=device)


def eye(
    n_rows: int,
    n_cols: int | None = None,
    /,
    *,
    k: int = 0,
    dtype: Any = None,
    device: Any = None,
) -> Any:
    """Ones on the diagonal `k`, zeros elsewhere."""
    check_device(device)
    return creation.asarray(np.eye(n_rows, n_cols, k, dtype=dtype or default_dtype()))


def from_dlpack(x: Any, /, *, device: Any = None, copy: Any = None) -> Any:
    """Another library's array, in the same memory unless `copy`."""
    check_device(device)
    result = creation.from_dlpack(x)
    return result.clone() if copy else result


def meshgrid(*arrays: Any, indexing: str = "xy") -> list[Any]:
    """Grids of coordinates."""
    return list(layout.meshgrid(*arrays, indexing=indexing))


def tril(x: Any, /, *, k: int = 0) -> Any:
    """The lower triangle of each matrix, up to the diagonal `k`."""
    return diagonals.tril(x, k)


def triu(x: Any, /, *, k: int = 0) -> Any:
    """The upper triangle of each matrix, from the diagonal `k` on."""
    return diagonals.triu(x, k)


# --- elementwise ---


def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    """x limited to [min, max]."""
    return x if min is None and max is None else limits.clamp(x, min, max)


def where(condition: Any, x1: Any, x2: Any, /) -> Any:
    """x1 where `condition`, else x2."""
    return functions.where(condition, x1, x2)


# --- shapes ---


def broadcast_arrays(*arrays: Any) -> list[Any]:
    """All of them repeated up to one shape."""
    return list(layout.broadcast_tensors(*arrays))


def concat(arrays: Sequence[Any], /, *, axis: int | None = 0) -> Any:
    """Arrays joined along an axis; with axis=None, flattened."""
    parts = [x.reshape((-1,)) for x in arrays] if axis is None else list(arrays)
    return shaping.cat(parts, axis or 0)


def expand_dims(x: Any, /, *, axis: int = 0) -> Any:
    """x with an axis of extent 1 put in at `axis`."""
    return shaping.unsqueeze(x, axis)


def flip(x: Any, /, *, axis: Any = None) -> Any:
    """x in reverse order along `axis`."""
    return shaping.flip(x, normalise_all(axis, x.ndim))


def moveaxis(x: Any, source: Any, destination: Any, /) -> Any:
    """x with the axes `source` at the places `destination`."""
    return layout.movedim(x, source, destination)


def permute_dims(x: Any, /, axes: Sequence[int]) -> Any:
    """x with its axes in another order."""
    return shaping.permute(x, tuple(axes))


def repeat(x: Any, repeats: Any, /, *, axis: int | None = None) -> Any:
    """Each entry along `axis` repeated in its place; without axis, x flattened."""
    return layout.repeat_interleave(x, repeats, axis)


def reshape(x: Any, /, shape: Sequence[int], *, copy: Any = None) -> Any:
    """x in another shape."""
    result = shaping.view(x, tuple(shape)) if copy is False else shaping.reshape(x, tuple(shape))
    return result.clone() if copy else result


def roll(x: Any, /, shift: Any, *, axis: Any = None) -> Any:
    """x moved along `axis`; what leaves on one side enters on the other."""
    return layout.roll(x, shift, axis)


def squeeze(x: Any, /, axis: Any) -> Any:
    """x without `axis`, of extent 1."""
    if wrong := [i for i in normalise_all(axis, x.ndim) if x.shape[i] != 1]:
        raise ValueError(f"squeeze: axis {wrong[0]} of shape {list(x.shape)} has not extent 1")
    return shaping.squeeze(x, axis)


def stack(arrays: Sequence[Any], /, *, axis: int = 0) -> Any:
    """Arrays of one shape joined along a new axis."""
    return shaping.stack(arrays, axis)


def tile(x: Any, repetitions: Sequence[int], /) -> Any:
    """x laid side by side, so often along each axis."""
    return layout.tile(x, tuple(repetitions))


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The entries of x along `axis`."""
    return cutting.unbind(x, axis)


def take(x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
    """The entries along `axis` that a vector of integers names."""
    if axis is None and x.ndim != 1:
        raise ValueError(f"take: an array of {x.ndim} axes needs axis=")
    return index_select(x, axis or 0, indices)


# --- order ---


def sort(x: Any, /, *, axis: int = -1, descending: Any = False, stable: Any = True) -> Any:
    """The elements along `axis` in order."""
    return sorting.sort(x, axis, descending).values


def argsort(x: Any, /, *, axis: int = -1, descending: Any = False, stable: Any = True) -> Any:
    """Where the elements along `axis` stand that are first, second, … in order."""
    return sorting.argsort(x, axis, descending)


def nonzero(x: Any, /) -> tuple[Any, ...]:
    """Where the elements stand that are not 0: a vector of places for each axis."""
    places: tuple[Any, ...] = _nonzero(x, as_tuple=True)
    return places


def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Any:
    """Where in x1 each element of x2 would be put in, to keep the order."""
    return discrete.searchsorted(x1, x2, side=side, sorter=sorter)


# --- sets ---


class UniqueAll(NamedTuple):
    """Different elements, where each stands first, where each element of x went, and how many."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """Different elements, and how often each stands in x."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """Different elements, and which of them each element of x is."""

    values: Any
    inverse_indices: Any


def unique_all(x: Any, /) -> UniqueAll:
    """Different elements, with all that is known about them."""
    values, inverse, counts = discrete.unique(x, return_inverse=True, return_counts=True)
    first = np.unique(x._data, return_index=True, equal_nan=False)[1]
    return UniqueAll(values, Tensor(first.astype(np.int64)), inverse, counts)


def unique_counts(x: Any, /) -> UniqueCounts:
    """Different elements and their counts."""
    return UniqueCounts(*discrete.unique(x, return_counts=True))


def unique_inverse(x: Any, /) -> UniqueInverse:
    """Different elements, by which x can be put together again."""
    return UniqueInverse(*discrete.unique(x, return_inverse=True))


def unique_values(x: Any, /) -> Any:
    """The different elements."""
    return discrete.unique(x)
