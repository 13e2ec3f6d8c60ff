"""The methods of traced arrays, as ndarray has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import assignment, complexes
from .promotion import supported_dtype
from .registry import dispatch

if TYPE_CHECKING:
    from .array import TracedArray


class Methods:
    """Most are the NumPy function of the same name."""

    __slots__ = ()

    def sum(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.sum, (self, *args), kwargs)

    def prod(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.prod, (self, *args), kwargs)

    def mean(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.mean, (self, *args), kwargs)

    def var(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.var, (self, *args), kwargs)

    def std(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.std, (self, *args), kwargs)

    def max(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.max, (self, *args), kwargs)

    def min(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.min, (self, *args), kwargs)

    def argmax(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.argmax, (self, *args), kwargs)

    def argmin(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.argmin, (self, *args), kwargs)

    def argsort(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.argsort, (self, *args), kwargs)

    def argpartition(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.argpartition, (self, *args), kwargs)

    def searchsorted(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.searchsorted, (self, *args), kwargs)

    def sort(self: Any, *args: Any, **kwargs: Any) -> None:
        self[...] = dispatch(np.sort, (self, *args), kwargs)

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

    def any(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.any, (self, *args), kwargs)

    def all(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.all, (self, *args), kwargs)

    def cumsum(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.cumsum, (self, *args), kwargs)

    def cumprod(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.cumprod, (self, *args), kwargs)

    def compress(self, condition: Any, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.compress, (condition, self, *args), kwargs)

    def choose(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.choose, (self, *args), kwargs)

    def dot(self, other: Any, **kwargs: Any) -> Any:
        return dispatch(np.dot, (self, other), kwargs)

    def clip(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.clip, (self, *args), kwargs)

    def round(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.round, (self, *args), kwargs)

    def take(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.take, (self, *args), kwargs)

    def repeat(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.repeat, (self, *args), kwargs)

    def squeeze(self, axis: Any = None) -> Any:
        return dispatch(np.squeeze, (self, axis), {})

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        return dispatch(np.swapaxes, (self, axis1, axis2), {})

    def diagonal(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.diagonal, (self, *args), kwargs)

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch(np.trace, (self, *args), kwargs)

    def ravel(self, order: str = "C") -> Any:
        return dispatch(np.ravel, (self,), {"order": order})

    # --- methods with a call of their own ---

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        wanted = shape[0] if len(shape) == 1 else shape
        return dispatch(np.reshape, (self, wanted), kwargs)

    def flatten(self, order: str = "C") -> Any:
        return dispatch(np.ravel, (self,), {"order": order}).copy()

    def transpose(self, *axes: Any) -> Any:
        wanted = (axes[0] if len(axes) == 1 else axes) or None
        return dispatch(np.transpose, (self, wanted), {})

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
        return self.transpose()

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
