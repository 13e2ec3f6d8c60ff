"""Making tensors: from data, of constants, of ranges."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import numpy as np

from ..apply.axes import new_shape
from ..promotion import default_dtype
from ..tensor import Tensor
from .conversion import check_device

__all__ = [
    "arange",
    "as_tensor",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "from_numpy",
    "full",
    "full_like",
    "is_tensor",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "scalar_tensor",
    "tensor",
    "zeros",
    "zeros_like",
]


def on_cpu(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function with one more option, `device`, which has to be "cpu"; `size` also by name."""
    by_size = any(p.kind is p.VAR_POSITIONAL for p in signature(function).parameters.values())

    @wraps(function)
    def run(*args: Any, device: Any = None, **kwargs: Any) -> Tensor:
        check_device(device)
        if by_size and "size" in kwargs:
            args = (kwargs.pop("size"),)
        return function(*args, **kwargs)

    return run


@on_cpu
def tensor(data: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor that holds a copy of `data`; Python floats become the default dtype.

    >>> tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    array = _array_of(data)
    return _finish(np.array(array, dtype or _dtype_for(data, array), order="C"), requires_grad)


@on_cpu
def asarray(data: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """`data` as a tensor, sharing the memory of an array where it can; a Tensor stays as it is."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    array = _array_of(data)
    array = np.asarray(array, dtype or _dtype_for(data, array))
    return _finish(array, requires_grad)


as_tensor = asarray


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares the memory of `array`."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    return _finish(array, False)


def from_dlpack(source: Any) -> Tensor:
    """A tensor that shares the memory of another library's array, by its `__dlpack__`."""
    return source.detach() if isinstance(source, Tensor) else _finish(np.from_dlpack(source), False)


def is_tensor(x: object) -> bool:
    """Whether x is a Tensor."""
    return isinstance(x, Tensor)


def _array_of(data: Any) -> np.ndarray:
    if isinstance(data, Tensor):
        return data._data
    if isinstance(data, list | tuple):
        data = _without_tensors(data)
    try:
        return np.asarray(data)
    except ValueError as error:
        raise ValueError(f"the data is not a regular array of numbers: {error}") from None


def _without_tensors(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data._data.tolist()
    return [_without_tensors(x) for x in data] if isinstance(data, list | tuple) else data


def _dtype_for(data: Any, array: np.ndarray) -> np.dtype[Any]:
    """NumPy's own for arrays; for Python numbers the default dtype, int64 or bool."""
    if isinstance(data, np.ndarray | np.generic | Tensor):
        return np.dtype(array.dtype.type)
    if array.dtype.kind == "f" and not _holds_arrays(data):
        return default_dtype()
    return array.dtype if array.size or array.dtype.kind != "f" else default_dtype()


def _holds_arrays(data: Any) -> bool:
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return isinstance(data, np.ndarray | np.generic)


def _finish(array: np.ndarray, requires_grad: bool) -> Tensor:
    if array.dtype.kind not in "biufc":
        raise TypeError(f"a tensor can't hold elements of dtype {array.dtype}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.type)
    return Tensor(array, requires_grad=requires_grad)


@on_cpu
def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros, of shape zeros(2, 3) or zeros((2, 3))."""
    return _finish(np.zeros(new_shape(size), dtype or default_dtype()), requires_grad)


@on_cpu
def ones(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones, of shape ones(2, 3) or ones((2, 3))."""
    return _finish(np.ones(new_shape(size), dtype or default_dtype()), requires_grad)


@on_cpu
def empty(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor whose elements are whatever the memory held."""
    return _finish(np.empty(new_shape(size), dtype or default_dtype()), requires_grad)


@on_cpu
def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """`fill_value` in every element."""
    value = _array_of(fill_value)
    array = np.full(new_shape((size,)), value, dtype or _dtype_for(fill_value, value))
    return _finish(array, requires_grad)


@on_cpu
def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    for word, size in (("n", n), ("m", m)):
        if size is not None and size < 0:
            raise RuntimeError(f"{word} must be greater or equal to 0, got {size}")
    return _finish(np.eye(n, m, dtype=dtype or default_dtype()), requires_grad)


@on_cpu
def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from `start` (0 if only one bound is given) up to but not including `end`."""
    low, high = (0, start) if end is None else (start, end)
    if step == 0 or (high - low) / step < 0:
        raise RuntimeError(f"arange: no steps of {step} lead from {low} to {high}")
    whole = all(isinstance(v, int | np.integer) for v in (low, high, step))
    if not all(map(math.isfinite, (low, high, step))):
        raise RuntimeError(f"unsupported range: {low} -> {high}")
    dtype = np.dtype(dtype or (np.int64 if whole else default_dtype()))
    if dtype.kind in "iu":
        low, high, step = int(low), int(high), int(step)
    if step == 0:
        raise RuntimeError("arange: step must be nonzero")
    array = np.arange(low, high, step, dtype=dtype)
    return _finish(array, requires_grad)


@on_cpu
def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` numbers at equal distances, both ends included."""
    array = _evenly("linspace", start, end, steps, np.dtype(dtype or default_dtype()))
    return _finish(array, requires_grad)


def _evenly(
    name: str, start: Any, end: Any, steps: int, dtype: np.dtype[Any], whole: bool = True
) -> np.ndarray:
    """`steps` numbers from start to end. Integers are cut, from ends that are integers as well."""
    for bound in (start, end):
        if getattr(bound, "shape", ()):
            raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    if dtype.kind not in "iu":
        return np.linspace(float(start), float(end), steps, dtype=dtype)
    start, end = int(start), int(end)
    gap = (end - start) / (steps - 1) if steps > 1 else 0.0
    number = np.arange(steps)
    found = np.where(number < steps / 2, start + gap * number, end - gap * (steps - 1 - number))
    if steps == 1:
        found = np.array([float(start)])
    cut: np.ndarray = found.astype(dtype)
    return cut if whole else found


def _like(make_array: Callable[..., np.ndarray]) -> Callable[..., Tensor]:
    @on_cpu
    def call(x: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
        model = _array_of(x)
        return _finish(make_array(model.shape, dtype or model.dtype), requires_grad)

    return call


zeros_like = _like(np.zeros)
ones_like = _like(np.ones)
empty_like = _like(np.empty)


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` powers of `base` whose exponents stand at equal distances."""
    dtype = np.dtype(dtype or default_dtype())
    exponents = _evenly("logspace", start, end, steps, dtype, whole=False)
    array = np.power(float(base), exponents).astype(dtype)
    return _finish(array, requires_grad)


def variable(data: Tensor, requires_grad: bool = False) -> Tensor:
    """The tensor itself, as what requires grad if that is asked for: what `Variable` once was."""
    return data.detach().requires_grad_() if requires_grad else data


def scalar_tensor(value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A number as a tensor without axes, of the default dtype."""
    return _finish(np.asarray(value, dtype or default_dtype()), requires_grad)


@on_cpu
def full_like(x: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """`fill_value` in every element, with the shape and dtype of x."""
    model = _array_of(x)
    array = np.full(model.shape, fill_value, dtype or model.dtype)
    return _finish(array, requires_grad)
