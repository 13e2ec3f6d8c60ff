"""Adding a gradient to `.grad`: the same object is changed in place, unless this is recorded."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import make

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["accumulate", "keep"]

_LOCK = threading.RLock()  # a finaliser that runs meanwhile may accumulate too


def accumulate(tensor: Tensor, ct: Any, recorded: bool) -> None:
    """Add `ct`, an array, or a Tensor where the pass is `recorded`, to `tensor.grad`."""
    with _LOCK:
        old = tensor._grad
        if recorded:
            tensor._grad = ct.clone() if old is None else old + ct
        elif old is None:
            tensor._grad = make(_owned(ct, tensor._data))
        else:
            _add_in_place(tensor, old, ct)


def keep(leaf: Tensor, ct: Any, alone: bool) -> None:
    """Add the array `ct` to `leaf.grad`. If nobody else refers to it (`alone`), it may become it.

    The first gradient is put there in one step, so that threads need no lock for it.
    """
    if leaf._grad is not None:
        accumulate(leaf, ct, False)
        return
    data = leaf._data
    if (
        not alone
        or ct.__class__ is not np.ndarray
        or ct.base is not None
        or ct.dtype is not data.dtype
        or ct.shape != data.shape
        or not ct.flags.carray
    ):
        ct = _owned(ct, data)
    gradient = make(ct)
    if leaf.__dict__.setdefault("_grad", gradient) is not gradient:
        accumulate(leaf, ct, False)


def _add_in_place(tensor: Tensor, old: Tensor, ct: Any) -> None:
    data = old._data
    if not data.flags.writeable:
        tensor._grad = make(data + ct)
        return
    np.add(data, ct, out=data, casting="unsafe")
    old._bump()


def _owned(ct: Any, like: np.ndarray) -> np.ndarray:
    """An array that nobody else holds: a cotangent may be the same object along several edges."""
    if ct.shape == like.shape:
        return np.array(ct, like.dtype, order="C")
    return np.array(np.broadcast_to(ct, like.shape), like.dtype, order="C")
