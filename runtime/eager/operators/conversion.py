"""Tensors of another dtype, and new ones like a given one: `to`, `type`, `new_zeros`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..apply.axes import new_shape
from ..core import make
from . import arithmetic

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["CAST_METHODS", "new_empty", "new_full", "new_ones", "new_tensor", "new_zeros", "to"]


def check_device(device: Any) -> None:
    """Raise unless `device` is the CPU: a name as "cpu" or "cpu:0", or an object that says so."""
    name = str(getattr(device, "type", device))
    if device is not None and name.partition(":")[0] != "cpu":
        raise RuntimeError(f"device {device!r} is not available: tensors are on the cpu")


def _is_device(x: Any) -> bool:
    return hasattr(x, "type") and hasattr(x, "index") and not hasattr(x, "dtype")


def to(
    x: Any,
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    copy: bool = False,
    non_blocking: bool = False,
) -> Tensor:
    """x in another dtype: to(dtype), to(device), to(device, dtype) or to(other tensor).

    x itself where it is that already, unless `copy`. The only device is "cpu".
    """
    if len(args) == 1 and isinstance(args[0], np.dtype) and device is None and not copy:
        return arithmetic.to(x, args[0])
    for given in args:
        if hasattr(given, "_data"):
            dtype = given.dtype
        elif isinstance(given, bool):
            copy = copy or (given and given is args[-1] and len(args) > 2)
        elif given is not None and (_is_device(given) or _names_device(given)):
            device = given
        elif given is not None:
            dtype = given
    check_device(device)
    result: Tensor = x if dtype is None else arithmetic.to(x, dtype)
    return arithmetic.clone(x) if copy and result is x else result


def _names_device(x: Any) -> bool:
    return isinstance(x, str) and x.partition(":")[0] in ("cpu", "cuda", "mps", "meta", "xpu")


def cpu(x: Any) -> Any:
    """x, which is there already."""
    return x


def type_as(x: Any, other: Any) -> Any:
    """x in the dtype of `other`."""
    return arithmetic.to(x, other.dtype)


def type_(x: Any, dtype: Any = None) -> Any:
    """The dtype's name; with `dtype`, x in that one."""
    return str(x.dtype) if dtype is None else arithmetic.to(x, dtype)


def _cast_to(dtype: Any) -> Callable[[Any], Any]:
    target = np.dtype(dtype)

    def call(x: Any) -> Any:
        return arithmetic.to(x, target)

    call.__doc__ = f"The elements as {target}."
    return call


CAST_METHODS = {
    name: _cast_to(dtype)
    for name, dtype in {
        "half": np.float16,
        "short": np.int16,
        "char": np.int8,
        "byte": np.uint8,
    }.items()
}


# --- new tensors, of the dtype of x unless another is given ---


def _made(array: np.ndarray, requires_grad: bool) -> Any:
    result = make(array)
    if requires_grad:
        result.requires_grad = True
    return result


def _filled(name: str, fill: Callable[..., np.ndarray], words: str) -> Callable[..., Any]:
    def call(
        x: Any, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        check_device(device)
        return _made(fill(new_shape(size), dtype or x.dtype), requires_grad)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"A tensor of {words}, in the dtype of x."
    return call


new_zeros = _filled("new_zeros", np.zeros, "zeros")
new_ones = _filled("new_ones", np.ones, "ones")
new_empty = _filled("new_empty", np.empty, "whatever the memory held")


def new_full(
    x: Any,
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """A tensor of `fill_value` in every element, in the dtype of x."""
    check_device(device)
    value = getattr(fill_value, "_data", fill_value)
    return _made(np.full(new_shape((size,)), value, dtype or x.dtype), requires_grad)


def new_tensor(
    x: Any, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """A copy of `data` as a tensor, in the dtype of x."""
    check_device(device)
    return _made(np.array(getattr(data, "_data", data), dtype or x.dtype), requires_grad)
