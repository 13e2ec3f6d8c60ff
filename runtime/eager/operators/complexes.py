"""What there is of complex tensors: they hold numbers, their parts are real tensors. No function of
complex numbers is differentiated.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..apply.dispatch import is_tensor_like, refusal, traced
from ..apply.operands import as_operand, call, floating
from ..apply.results import show
from ..core import make
from ..errors import EagerError, UnsupportedDtypeError
from ..graph.modes import STATE
from .linear_algebra import square

__all__ = [
    "angle",
    "conj",
    "conj_physical",
    "eig",
    "eigvals",
    "imag",
    "is_conj",
    "is_neg",
    "is_signed",
    "real",
    "resolve_conj",
    "resolve_neg",
]


def _is_complex(x: Any) -> bool:
    return is_tensor_like(x) and x._data.dtype.kind == "c"


def real(x: Any) -> Any:
    """The real parts; real numbers are theirs."""
    if _is_complex(x):
        return make(x._data.real)
    return x if is_tensor_like(x) else np.real(x)


def imag(x: Any) -> Any:
    """The imaginary parts, of complex numbers."""
    if _is_complex(x):
        return make(x._data.imag)
    if is_tensor_like(x):
        raise EagerError("imag is not implemented for tensors with non-complex dtypes.")
    return np.imag(x)


def conj(x: Any) -> Any:
    """The conjugate; a real number is its own."""
    if _is_complex(x):
        return make(x._data.conj())
    return x if is_tensor_like(x) else np.conj(x)


conj_physical = conj


def resolve_conj(x: Any) -> Any:
    """x itself: a conjugate is computed at once."""
    return x


resolve_neg = resolve_conj


def is_conj(x: Any) -> bool:
    """False: see `resolve_conj`."""
    return False


is_neg = is_conj


def is_signed(x: Any) -> bool:
    """Whether elements can be negative."""
    return bool(np.dtype(x.dtype).kind in "ifc")


def angle(x: Any) -> Any:
    """0, and π for negative numbers; of complex numbers the angle with the positive axis."""
    if _is_complex(x):
        return make(np.angle(x._data))
    return call("angle", _angle, *floating(as_operand(x)))


def _angle(b: Any, x: Any) -> Any:
    side = b.select(b.compare("lt", x, b.zeros_like(x)), b.full_like(x, math.pi), b.zeros_like(x))
    # (nan stays; and x is the operand, though the derivative is 0)
    return b.select(b.compare("eq", x, x), side, x)


# --- eigenvalues of matrices that are not symmetric ---


class Eig(NamedTuple):
    """Eigenvalues, and eigenvectors as columns; both are complex."""

    eigenvalues: Any
    eigenvectors: Any

    def __repr__(self) -> str:
        return show(self)


def _of_matrix(name: str, A: Any) -> np.ndarray:  # noqa: N803
    if traced((A,)) is not None:
        what = f"linalg.{name} in a compiled function, as its results are complex,"
        raise refusal(what, "linalg.eigh or linalg.eigvalsh of a symmetric matrix")
    x = square(name, A)
    if STATE.enabled and getattr(x, "requires_grad", False):
        raise UnsupportedDtypeError(
            f"linalg.{name} has complex results, which are not differentiated",
            hint="A.detach(), or linalg.eigh or linalg.eigvalsh of a symmetric matrix",
        )
    (x,) = floating(x)
    return np.asarray(getattr(x, "_data", x))


def _as_given(A: Any, x: np.ndarray, like: np.ndarray) -> Any:  # noqa: N803
    dtype = np.complex64 if like.dtype == np.float32 else np.complex128
    return make(x.astype(dtype)) if is_tensor_like(A) else x.astype(dtype)


def eig(A: Any) -> Eig:  # noqa: N803
    """Eigenvalues and eigenvectors of square matrices, always complex. Not differentiated."""
    x = _of_matrix("eig", A)
    values, vectors = np.linalg.eig(x)
    return Eig(_as_given(A, values, x), _as_given(A, vectors, x))


def eigvals(A: Any) -> Any:  # noqa: N803
    """The eigenvalues alone."""
    x = _of_matrix("eigvals", A)
    return _as_given(A, np.linalg.eigvals(x), x)
