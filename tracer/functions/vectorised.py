"""np.vectorize while tracing: the function is run on the elements one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np


class Vectorised:
    """Stands for `np.vectorize(function, …)`; without traced arguments it is that."""

    def __init__(self, pyfunc: Any = np._NoValue, *args: Any, **kwargs: Any) -> None:
        self._options = (args, kwargs)
        self.pyfunc = pyfunc
        self.__doc__ = getattr(pyfunc, "__doc__", None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.pyfunc is np._NoValue:  # used as a decorator with arguments
            return Vectorised(args[0], *self._options[0], **self._options[1])
        if not any(map(_asks, (*args, *kwargs.values()))):
            return np.vectorize(self.pyfunc, *self._options[0], **self._options[1])(*args, **kwargs)
        return each_element(self.pyfunc, args, kwargs)


def of(original: np.vectorize, pyfunc: Callable[..., Any]) -> Vectorised:
    """What stands for an np.vectorize that was made outside of the traced function."""
    excluded, signature = original.excluded, original.signature
    return Vectorised(pyfunc, original.otypes, None, excluded, original.cache, signature)


def each_element(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> Any:
    """`function` of the elements of the arguments, broadcast together."""
    arrays = np.broadcast_arrays(*args, *kwargs.values())
    shape, rows = arrays[0].shape, [np.reshape(x, -1) for x in arrays]
    names = list(kwargs)
    results = []
    for i in range(math.prod(shape)):
        values = [row[i] for row in rows]
        named = dict(zip(names, values[len(args) :], strict=True))
        results.append(function(*values[: len(args)], **named))
    if results and isinstance(results[0], tuple):
        columns = zip(*results, strict=True)
        return tuple(_joined(column, shape) for column in columns)
    return _joined(results, shape)


def _joined(results: Iterable[Any], shape: tuple[int, ...]) -> Any:
    return np.reshape(np.stack(list(results)), shape)


def _asks(x: Any) -> bool:
    """Is it an array that is traced, or one of eager mode?"""
    return hasattr(x, "__array_function__") and not isinstance(x, np.ndarray | np.generic)
