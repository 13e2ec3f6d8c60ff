"""Making tensors: the few lines that every operation goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .tensor import Tensor
else:
    Tensor = None  # tensor.py needs this module, and binds its class here when it is defined

__all__ = ["bind", "make", "make_view"]

_new = object.__new__
_asarray = np.asarray
_ndarray = np.ndarray


def bind(tensor_class: type[Tensor]) -> None:
    """Tell this module what a tensor is."""
    globals()["Tensor"] = tensor_class


def make(data: Any, node: Any = None) -> Tensor:
    """The tensor of `data`, an array or a NumPy scalar, which `node` has made."""
    tensor = _new(Tensor)
    tensor._data = data if data.__class__ is _ndarray else _asarray(data)
    tensor._node = node
    tensor._counter = None
    return tensor


def make_view(data: Any, node: Any, base: Tensor) -> Tensor:
    """The tensor of a view into the memory of `base`: the two count versions together."""
    tensor = make(data, node)
    tensor._counter = shared_counter(base)
    tensor._base = base if base._base is None else base._base
    return tensor


def shared_counter(tensor: Tensor) -> list[int]:
    """The version counter of a tensor, made when something first has to share it."""
    counter = tensor._counter
    if counter is None:
        counter = tensor._counter = [0]
    return counter
