"""How other libraries take a tensor: NumPy by its protocols, the rest by DLPack."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..apply.dispatch import traced
from ..operators.conversion import check_device

__all__ = ["Exchange"]


class Exchange:
    """A base of `Tensor`: its elements for others."""

    __slots__ = ()

    _data: np.ndarray
    _node: Any

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The array that holds the elements, not a copy of it."""
        if self._node is not None and not force:
            raise RuntimeError(
                "numpy() would lose track of the gradient of a Tensor that requires grad; "
                "use tensor.detach().numpy()"
            )
        return self._data

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from ..apply.numpy_protocol import apply_ufunc

        if traced(inputs) is not None:
            return NotImplemented  # that array's own protocol takes Tensors
        return apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        from ..apply.numpy_protocol import apply_function

        if traced(types) is not None:
            return NotImplemented
        return apply_function(function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype, copy=copy)

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        """The functions of the Python array API standard, for tensors."""
        from . import namespace as array_api

        if api_version not in (None, "2022.12", array_api.__array_api_version__):
            raise ValueError(
                f"version {api_version!r} of the array API standard is not supported, only "
                f"{array_api.__array_api_version__}"
            )
        return array_api

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """The tensor itself: the only device is "cpu"."""
        check_device(device)
        return self

    def __dlpack__(self, **options: Any) -> Any:
        if self._node is not None:
            raise BufferError("can't export a tensor that requires gradient: use tensor.detach()")
        return self._data.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[Any, Any]:
        return self._data.__dlpack_device__()
