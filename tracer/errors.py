"""What can go wrong while a function is traced; each class is also the builtin of NumPy's error."""

from __future__ import annotations

from ..ir.errors import BoundsError, FusegradError, ShapeError

__all__ = [
    "ArgumentError",
    "AxisError",
    "BoundsError",
    "CastError",
    "MissingAttributeError",
    "NumberError",
    "RecursionDepthError",
    "StoreError",
    "TraceError",
    "UnsupportedError",
]


class TraceError(FusegradError, TypeError):
    """Something that cannot be written down: a value is asked for, or a strange object turns up."""


class UnsupportedError(TraceError):
    """A NumPy function, method or keyword that traced arrays do not take."""


class MissingAttributeError(UnsupportedError, AttributeError):
    """An attribute of ndarrays that traced arrays do not have."""


class ArgumentError(TraceError):
    """A call that does not go with the parameters of the function."""


class NumberError(FusegradError, OverflowError):
    """A Python integer that no array holds."""


class RecursionDepthError(TraceError, RecursionError):
    """Calls that are nested deeper than Python goes, most often without an end."""


class StoreError(UnsupportedError, ValueError):
    """A store into memory that a traced function can't change."""


class AxisError(ShapeError, IndexError):
    """An axis that an array does not have."""


class CastError(FusegradError, ValueError):
    """A number that an operation does not take, as an integer's negative power."""
