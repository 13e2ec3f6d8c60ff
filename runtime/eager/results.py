"""What functions with several results return: tuples with PyTorch's field names."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Eigh", "Extrema", "Qr", "SlogDet", "Svd", "ValuesIndices"]


class ValuesIndices(NamedTuple):
    """Elements, and where along the axis they stood."""

    values: Any
    indices: Any


class Extrema(NamedTuple):
    """The smallest and the largest element."""

    min: Any
    max: Any


class SlogDet(NamedTuple):
    """The sign of a determinant, and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any


class Qr(NamedTuple):
    """The factors of a QR decomposition."""

    Q: Any
    R: Any


class Eigh(NamedTuple):
    """Eigenvalues, and eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


class Svd(NamedTuple):
    """The factors of a singular value decomposition."""

    U: Any
    S: Any
    Vh: Any
