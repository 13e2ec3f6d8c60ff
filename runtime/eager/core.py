"""Making tensors: the few lines that every operation goes through."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from .graph.modes import STATE

if TYPE_CHECKING:
    from .tensor import Tensor
else:
    Tensor = None  # tensor.py needs this module, and binds its class here when it is defined

__all__ = ["InferenceCounter", "Since", "Views", "bind", "make", "make_view", "new_counter"]

_new = object.__new__
_asarray = np.asarray
_ndarray = np.ndarray
_threads_in_inference = 0


def bind(tensor_class: type[Tensor]) -> None:
    """Tell this module what a tensor is."""
    globals()["Tensor"] = tensor_class


def make(data: Any, node: Any = None) -> Tensor:
    """The tensor of `data`, an array or a NumPy scalar, which `node` has made."""
    tensor = _new(Tensor)
    tensor._data = data if data.__class__ is _ndarray else _asarray(data)
    tensor._node = node
    tensor._counter = new_counter() if _threads_in_inference else None
    return tensor


def make_view(data: Any, node: Any, base: Tensor, origin: str | None = None) -> Tensor:
    """The tensor of a view into the memory of `base`: the two count versions together.

    `origin` is what keeps the view from being changed in place while recording; see `views.py`.
    """
    tensor = make(data, node)
    tensor._counter = shared_counter(base)
    root = base if base._base is None else base._base
    tensor._base = root
    origin = origin or base._origin or _origin_of_mode()
    if origin is not None:
        tensor._origin = origin
    if root._views is None:
        root._views = Views()
    root._views.add(tensor)
    return tensor


def _origin_of_mode() -> str | None:
    if STATE.enabled:
        return None
    return "inference" if STATE.inference else "no_grad"


class Views(list["weakref.ref[Tensor]"]):
    """The views of a tensor that are alive, and some that are not any more."""

    __slots__ = ("_limit",)

    def __init__(self) -> None:
        self._limit = 32

    def add(self, view: Tensor) -> None:
        if len(self) >= self._limit:
            self[:] = [reference for reference in self if reference() is not None]
            self._limit = max(32, 2 * len(self))
        self.append(weakref.ref(view))

    def alive(self) -> list[Tensor]:
        return [view for reference in self if (view := reference()) is not None]


def shared_counter(tensor: Tensor) -> list[int]:
    """The version counter of a tensor, made when something first has to share it."""
    counter = tensor._counter
    if counter is None:
        counter = tensor._counter = [0]
    return counter


class Since(list[int]):
    """A version counter that counts from where another one stands now."""

    __slots__ = ("_counter", "_start")

    def __init__(self, counter: list[int]) -> None:
        self._counter = counter
        self._start = counter[0]

    def __getitem__(self, index: Any) -> Any:
        return self._counter[0] - self._start

    def __setitem__(self, index: Any, value: Any) -> None:
        self._counter[0] = value + self._start


class InferenceCounter(list[int]):
    """The version counter of a tensor made in inference mode: outside, it can't be read.

    Whatever saves a tensor for backward reads its version.
    """

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        if STATE.inference:
            return 0
        raise RuntimeError(
            "inference tensors cannot be saved for backward: they have no version. clone() gives a "
            "normal tensor; or compute it under no_grad() instead of inference_mode()"
        )

    def __setitem__(self, index: Any, value: Any) -> None:
        pass


_INFERENCE = InferenceCounter([0])


def new_counter() -> list[int] | None:
    """The version counter of a tensor that is made now."""
    return _INFERENCE if STATE.inference else None


def count_inference(change: int) -> None:
    """Tell this module that a thread has entered (1) or left (-1) inference mode."""
    global _threads_in_inference
    _threads_in_inference += change
