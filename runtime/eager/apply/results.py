"""What functions with several results return: tuples with PyTorch's field names."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Eigh", "Extrema", "Qr", "SlogDet", "Svd", "ValuesIndices"]


def show(self: Any) -> str:
    """Each field on a line of its own."""
    fields = ",\n".join(f"{word}={value!r}" for word, value in zip(self._fields, self, strict=True))
    return f"{type(self).__name__}(\n{fields})"


class ValuesIndices(NamedTuple):
    """Elements, and where along the axis they stood."""

    values: Any
    indices: Any

    def __repr__(self) -> str:
        return show(self)


class Extrema(NamedTuple):
    """The smallest and the largest element."""

    min: Any
    max: Any

    def __repr__(self) -> str:
        return show(self)


class SlogDet(NamedTuple):
    """The sign of a determinant, and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any

    def __repr__(self) -> str:
        return show(self)


class Qr(NamedTuple):
    """The factors of a QR decomposition."""

    Q: Any
    R: Any

    def __repr__(self) -> str:
        return show(self)


class Eigh(NamedTuple):
    """Eigenvalues, and eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any

    def __repr__(self) -> str:
        return show(self)


class Svd(NamedTuple):
    """The factors of a singular value decomposition."""

    U: Any
    S: Any
    Vh: Any

    def __repr__(self) -> str:
        return show(self)
