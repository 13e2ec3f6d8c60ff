"""The methods of Tensors on the arrays that stand for them while a function is traced.

Most are functions of whatever operands, which record their compositions; the few that ask a Tensor
for its elements are written here for arrays without any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...tracer.mutation import view_of

__all__ = ["method_of"]


def method_of(name: str) -> Any:
    """The method of that name; None for one that traced arrays don't have."""
    found = _OWN.get(name)
    if found is None and not name.endswith("_"):
        from ..eager.methods import Methods

        found = getattr(Methods, name, None)
    return found if callable(found) else None


def _detach(x: Any) -> Any:
    """The same elements, in the same memory, outside the graph."""
    if not x.value.type.is_float:
        return x[...]
    return view_of(x.tracer.builder("stop_gradient", x.value), x, shared=True)


def _to(x: Any, *args: Any, dtype: Any = None, copy: bool = False, **kwargs: Any) -> Any:
    """x in another dtype; x itself where it has that one, unless `copy`."""
    from ..eager.operators.conversion import check_device

    for given in args:
        if isinstance(given, str) and given == "cpu":
            continue
        dtype = getattr(given, "dtype", given) if not isinstance(given, np.dtype) else given
    check_device(kwargs.pop("device", None))
    kwargs.pop("non_blocking", None)
    if kwargs:
        raise TypeError(f"to() got an unexpected keyword argument {next(iter(kwargs))!r}")
    return x.astype(x.dtype if dtype is None else dtype, copy=copy)


def _cast(dtype: str) -> Callable[[Any], Any]:
    return lambda x: x.astype(dtype, copy=False)


_OWN: dict[str, Callable[..., Any]] = {
    "bool": _cast("bool"),
    "clone": lambda x, **kwargs: x.copy(),
    "contiguous": lambda x: x,
    "detach": _detach,
    "dim": lambda x: x.ndim,
    "double": _cast("f8"),
    "float": _cast("f4"),
    "int": _cast("i4"),
    "long": _cast("i8"),
    "ndimension": lambda x: x.ndim,
    "numel": lambda x: x.size,
    "nelement": lambda x: x.size,
    "to": _to,
    "type_as": lambda x, other: x.astype(other.dtype, copy=False),
}
