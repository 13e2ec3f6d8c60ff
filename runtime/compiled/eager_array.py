"""The array that a NumPy function sees in eager mode: an ndarray on the outside, a Tensor inside.

A Tensor's own methods are PyTorch's (`std` divides by n−1, `max(0)` gives indices too), but the
user's function is written for NumPy. What a traced array can do, this one does as well: each method
is traced once, and then replayed as one node of the eager graph. Values are known, so `if`, `float`
and `int` work.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...tracer.array import TracedArray
from ...tracer.pytree import map_leaves
from ..eager import Tensor
from ..eager.composite import composite
from ..eager.numpy_protocol import apply_function, apply_ufunc


class EagerArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An eager Tensor with the methods, operators and promotion of an ndarray."""

    __slots__ = ("tensor",)
    __array_priority__ = 1001
    __fusegrad_trace__ = True  # functions of `fusegrad.nn` call `__fusegrad_apply__`

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    # --- NumPy's protocols, and fusegrad's ---

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return wrap(apply_ufunc(ufunc, method, unwrap(inputs), unwrap(kwargs)))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        return wrap(apply_function(function, unwrap(args), unwrap(kwargs)))

    def __fusegrad_apply__(
        self, function: Callable[..., Any], operands: Sequence[Any], static: dict[str, Any]
    ) -> Any:
        inside = [x if isinstance(x, Tensor) else np.asarray(x) for x in unwrap(list(operands))]
        return wrap(composite(function.__name__, function, inside, **static))

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        return np.array(self.tensor.numpy(), *args, **kwargs)

    # --- what is known of it ---

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensor.shape

    @property
    def ndim(self) -> int:
        return len(self.tensor.shape)

    @property
    def size(self) -> int:
        return int(self._values.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._values.dtype

    @property
    def _values(self) -> np.ndarray:
        return self.tensor._data

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._values)

    def __int__(self) -> int:
        return int(self._values)

    def __float__(self) -> float:
        return float(self._values)

    def __index__(self) -> int:
        return operator.index(self._values[()])

    def __repr__(self) -> str:
        return f"EagerArray({self._values!r})"

    # --- the rest of ndarray, as traced arrays have it ---

    def __getitem__(self, index: Any) -> Any:
        return self._run(operator.getitem, index)

    def __getattr__(self, name: str) -> Any:
        member = None if name.startswith("_") else getattr(TracedArray, name, None)
        if member is None:
            raise AttributeError(f"'ndarray' in eager mode has no attribute {name!r}")
        if isinstance(member, property):
            return self._run(member.fget)

        def method(*args: Any, **kwargs: Any) -> Any:
            return self._run(member, *args, **kwargs)

        return method

    def _run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """`function(self, *args, **kwargs)` of traced arrays, as one node."""
        return wrap(apply_function(function, (self.tensor, *unwrap(args)), unwrap(kwargs)))


def wrap(x: Any) -> Any:
    """Tensors anywhere in `x` as eager arrays."""
    return map_leaves(lambda leaf: EagerArray(leaf) if isinstance(leaf, Tensor) else leaf, x)


def unwrap(x: Any) -> Any:
    """Eager arrays anywhere in `x` as their Tensors."""
    return map_leaves(lambda leaf: leaf.tensor if isinstance(leaf, EagerArray) else leaf, x)
