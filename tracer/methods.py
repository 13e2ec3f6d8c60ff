"""The methods of traced arrays, as ndarray has them; of those that stand for Tensors, as these."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import assignment, complexes
from .promotion import supported_dtype
from .registry import dispatch

if TYPE_CHECKING:
    from .array import TracedArray


_WORDS = frozenset(("dim", "dim0", "dim1", "dim2", "keepdim", "descending"))  # of Tensors alone


def _method(name: str, function: Callable[..., Any], *, same: bool = True) -> Any:
    """NumPy's method; of what stands for a Tensor, that of Tensors. Where both mean the `same`,
    only calls that NumPy would not understand need that one.
    """

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not same or len(args) > 1 or not _WORDS.isdisjoint(kwargs):
            method = self.tensor_method(name)
            if method is not None:
                return method(self, *args, **kwargs)
        return dispatch(function, (self, *args), kwargs)

    call.__name__ = name
    return call


class Methods:
    """Most are the NumPy function of the same name."""

    __slots__ = ()

    sum = _method("sum", np.sum)
    prod = _method("prod", np.prod)
    mean = _method("mean", np.mean)
    var = _method("var", np.var, same=False)
    std = _method("std", np.std, same=False)
    max = _method("max", np.max, same=False)
    min = _method("min", np.min, same=False)
    argmax = _method("argmax", np.argmax)
    argmin = _method("argmin", np.argmin)
    argsort = _method("argsort", np.argsort, same=False)

    def argpartition(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.argpartition, (self, *args), kwargs)

    def searchsorted(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.searchsorted, (self, *args), kwargs)

    def sort(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = self.tensor_method("sort")
        if method is not None:
            return method(self, *args, **kwargs)
        self[...] = dispatch(np.sort, (self, *args), kwargs)
        return None

    def partition(self: Any, *args: Any, **kwargs: Any) -> None:
        self[...] = dispatch(np.partition, (self, *args), kwargs)

    def fill(self: Any, value: Any) -> None:
        self[...] = value

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        dispatch(np.put, (self, indices, values, mode), {})

    @property
    def flat(self) -> assignment.Flat:
        return assignment.Flat(self)

    @flat.setter
    def flat(self, values: Any) -> None:
        assignment.Flat(self)[:] = values

    any = _method("any", np.any)
    all = _method("all", np.all)
    cumsum = _method("cumsum", np.cumsum)
    cumprod = _method("cumprod", np.cumprod)

    def compress(self, condition: Any, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.compress, (condition, self, *args), kwargs)

    def choose(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.choose, (self, *args), kwargs)

    dot = _method("dot", np.dot)
    clip = _method("clip", np.clip)
    round = _method("round", np.round)
    take = _method("take", np.take)
    repeat = _method("repeat", np.repeat, same=False)
    squeeze = _method("squeeze", np.squeeze, same=False)
    swapaxes = _method("swapaxes", np.swapaxes)
    diagonal = _method("diagonal", np.diagonal)
    trace = _method("trace", np.trace)
    ravel = _method("ravel", np.ravel)
    # --- methods with a call of their own ---

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        wanted = shape[0] if len(shape) == 1 else shape
        return dispatch(np.reshape, (self, wanted), kwargs)

    def flatten(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = self.tensor_method("flatten")
        return self._flattened(*args, **kwargs) if method is None else method(self, *args, **kwargs)

    def _flattened(self, order: str = "C") -> Any:
        return dispatch(np.ravel, (self,), {"order": order}).copy()

    def transpose(self: Any, *axes: Any, **kwargs: Any) -> Any:
        method = self.tensor_method("transpose")
        if method is not None:
            return method(self, *axes, **kwargs)
        wanted = (axes[0] if len(axes) == 1 else axes) or None
        return dispatch(np.transpose, (self, wanted), kwargs)

    def astype(self: Any, dtype: Any, *args: Any, copy: bool = True, **kwargs: Any) -> Any:
        """The elements in another dtype. Without `copy` it is the same array where it can be."""
        from .operands import cast_to, lift, wrap

        if not copy and not self.weak and self.dtype == dtype:
            return self
        if np.dtype(dtype).kind == "c":
            return complexes.as_complex(self).astype(dtype)

        return wrap(cast_to(lift(self), supported_dtype(dtype, "the result of astype")))

    def copy(self, order: str = "C") -> TracedArray:
        from .mutation import apart
        from .operands import lift, wrap

        return wrap(apart(lift(self).value))

    def __copy__(self) -> TracedArray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> TracedArray:
        return self.copy()

    @property
    def T(self) -> Any:
        return dispatch(np.transpose, (self,), {})

    @property
    def mT(self: Any) -> Any:
        if self.ndim < 2:
            raise ValueError("matrix transpose with ndim < 2 is undefined")
        return self.swapaxes(-1, -2)

    @property
    def real(self) -> Any:
        return self

    @property
    def imag(self) -> Any:
        return dispatch(np.zeros_like, (self,), {})

    def conj(self) -> Any:
        return self

    conjugate = conj
