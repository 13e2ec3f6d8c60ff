"""Polynomials: np.polyval and its family (highest degree first), and those of np.polynomial."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ...ir.errors import ShapeError
from ..errors import CastError
from ..operands import lift
from ..registry import call, implements


def _coefficients(x: Any, who: str) -> Any:
    array: Any = lift(x, who)
    if array.ndim > 1:
        raise ShapeError(f"{who}: 1-d coefficients, got {array!r}")
    return array.reshape(-1)


# --- highest degree first ---


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    point: Any = lift(x, "np.polyval")
    return _horner(list(_coefficients(p, "np.polyval")), point)


def _horner(coefficients: list[Any], x: Any) -> Any:
    result: Any = call(np.zeros_like, x)
    for coefficient in coefficients:
        result = result * x + coefficient
    return result


@implements(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    zeros: Any = lift(seq_of_zeros, "np.poly")
    if zeros.ndim > 1:
        raise ShapeError(
            "np.poly of a matrix is not supported while tracing",
            hint="np.poly(np.linalg.eigvalsh(x)) of a symmetric one",
        )
    result = call(np.ones_like, zeros.reshape(-1), shape=(1,)) * 1.0
    for zero in zeros.reshape(-1):
        shifted = call(np.concatenate, [result, [0.0]])
        result = shifted - call(np.concatenate, [[0.0], result * zero])
    return result


def _aligned(x: Any, y: Any, who: str, *, front: bool) -> tuple[Any, Any]:
    """Both of the longer one's length, by zeros at the front or at the back."""
    parts = [_coefficients(x, who), _coefficients(y, who)]
    count = max(part.shape[0] for part in parts)
    missing = [count - part.shape[0] for part in parts]
    widths = [(n, 0) if front else (0, n) for n in missing]
    left, right = (call(np.pad, p, w) for p, w in zip(parts, widths, strict=True))
    return left, right


@implements(np.polyadd)
def _polyadd(a1: Any, a2: Any) -> Any:
    x, y = _aligned(a1, a2, "np.polyadd", front=True)
    return x + y


@implements(np.polysub)
def _polysub(a1: Any, a2: Any) -> Any:
    x, y = _aligned(a1, a2, "np.polysub", front=True)
    return x - y


@implements(np.polymul)
def _polymul(a1: Any, a2: Any) -> Any:
    return call(np.convolve, _coefficients(a1, "np.polymul"), _coefficients(a2, "np.polymul"))


@implements(np.polydiv)
def _polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """Quotient and remainder. NumPy drops zeros at the front of the remainder; here they stay."""
    rest, divisor = _coefficients(u, "np.polydiv") * 1.0, _coefficients(v, "np.polydiv") * 1.0
    count = rest.shape[0] - divisor.shape[0] + 1
    quotient = []
    for _ in range(count):
        factor = rest[0] / divisor[0]
        quotient.append(factor)
        head = rest[: divisor.shape[0]] - factor * divisor
        rest = call(np.concatenate, [head, rest[divisor.shape[0] :]])[1:]
    if not quotient:
        return call(np.zeros_like, rest, shape=(1,)), rest
    tail = rest if rest.shape[0] else call(np.zeros_like, rest, shape=(1,))
    return call(np.stack, quotient), tail


@implements(np.polyder)
def _polyder(p: Any, m: int = 1) -> Any:
    return _derivative(_coefficients(p, "np.polyder")[::-1], operator.index(m))[::-1]


@implements(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    count = operator.index(m)
    constants: Any = [0.0] * count if k is None else list(lift(k, "np.polyint").reshape(-1))
    if len(constants) == 1 and count > 1:
        constants = constants * count
    if len(constants) < count:
        raise CastError("k must be a scalar or a rank-1 array of length 1 or >m.")
    x = _coefficients(p, "np.polyint")[::-1]
    for constant in constants[:count]:
        x = _antiderivative(x, constant)
    return x[::-1]


def _derivative(x: Any, times: int) -> Any:
    """Of coefficients, lowest degree first."""
    if times < 0:
        raise CastError("Order of derivative must be positive (see polyint)")
    for _ in range(times):
        x = x[1:] * np.arange(1, x.shape[0])
    return x


def _antiderivative(x: Any, constant: Any) -> Any:
    divided = x / np.arange(1.0, x.shape[0] + 1)
    return call(np.concatenate, [lift(constant).reshape(1), divided])


# --- Vandermonde matrices and fits ---


@implements(np.vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803
    points: Any = lift(x, "np.vander")
    if points.ndim != 1:
        raise ShapeError("x must be a one-dimensional array or sequence.")
    count = points.shape[0] if N is None else operator.index(N)
    columns = _powers(points, count)
    return call(np.stack, columns if increasing else columns[::-1], -1)


def _powers(x: Any, count: int) -> list[Any]:
    columns = [call(np.ones_like, x)]
    while len(columns) < count:
        columns.append(columns[-1] * x)
    return columns[:count]


@implements(np.polyfit)
def _polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """By the QR factorisation of the scaled Vandermonde matrix, which has to have full rank."""
    if full or cov is not False:
        raise CastError("np.polyfit with full= or cov= is not supported while tracing")
    points, values = lift(x, "np.polyfit") * 1.0, lift(y, "np.polyfit") * 1.0
    left, right = _vander(points, operator.index(deg) + 1), values
    if w is not None:
        weights: Any = lift(w, "np.polyfit")
        left = left * weights[:, None]
        right = right * (weights[:, None] if right.ndim == 2 else weights)
    scale = (left * left).sum(0) ** 0.5
    q, r = call(np.linalg.qr, left / scale)
    solution = call(np.linalg.solve, r, q.T @ right)
    return (solution.T / scale).T


# --- np.polynomial: lowest degree first ---

_Family = Callable[[Any, int], list[Any]]


def _chebyshev(x: Any, count: int) -> list[Any]:
    return _recurred(x, count, x, lambda n, last, before: 2 * x * last - before)


def _legendre(x: Any, count: int) -> list[Any]:
    return _recurred(
        x, count, x, lambda n, last, before: (last * x * (2 * n - 1) - before * (n - 1)) / n
    )


def _hermite(x: Any, count: int) -> list[Any]:
    return _recurred(x, count, 2 * x, lambda n, last, before: 2 * x * last - before * (2 * (n - 1)))


def _hermite_e(x: Any, count: int) -> list[Any]:
    return _recurred(x, count, x, lambda n, last, before: x * last - before * (n - 1))


def _laguerre(x: Any, count: int) -> list[Any]:
    return _recurred(
        x, count, 1 - x, lambda n, last, before: (last * (2 * n - 1 - x) - before * (n - 1)) / n
    )


def _recurred(x: Any, count: int, first: Any, step: Callable[[int, Any, Any], Any]) -> list[Any]:
    """Polynomials of degree 0 … count - 1 by their recurrence in three terms (DLMF 18.9)."""
    found = [call(np.ones_like, x), first]
    for n in range(2, count):
        found.append(step(n, found[-1], found[-2]))
    return found[:count]


def _evaluator(family: _Family) -> Callable[..., Any]:
    def evaluate(x: Any, c: Any, tensor: bool = True) -> Any:
        coefficients: Any = lift(c, "np.polynomial") * 1.0
        point: Any = lift(x, "np.polynomial") * 1.0
        coefficients = coefficients.reshape(coefficients.shape or (1,))
        if tensor:
            coefficients = coefficients.reshape(coefficients.shape + (1,) * point.ndim)
        terms = family(point, coefficients.shape[0])
        return reduce(operator.add, (a * t for a, t in zip(coefficients, terms, strict=True)))

    return evaluate


def _vander_of(family: _Family) -> Callable[..., Any]:
    def matrix(x: Any, deg: int) -> Any:
        point: Any = lift(x, "np.polynomial") * 1.0
        point = point.reshape(point.shape or (1,))
        return call(np.stack, family(point, operator.index(deg) + 1), -1)

    return matrix


_FAMILIES: tuple[tuple[Any, str, _Family], ...] = (
    (np.polynomial.polynomial, "poly", _powers),
    (np.polynomial.chebyshev, "cheb", _chebyshev),
    (np.polynomial.legendre, "leg", _legendre),
    (np.polynomial.hermite, "herm", _hermite),
    (np.polynomial.hermite_e, "herme", _hermite_e),
    (np.polynomial.laguerre, "lag", _laguerre),
)
for _module, _prefix, _family in _FAMILIES:
    implements(getattr(_module, f"{_prefix}val"))(_evaluator(_family))
    implements(getattr(_module, f"{_prefix}vander"))(_vander_of(_family))


@implements(np.polynomial.polynomial.polyadd)
def _add_up(c1: Any, c2: Any) -> Any:
    x, y = _aligned(c1, c2, "np.polynomial.polynomial.polyadd", front=False)
    return x + y


@implements(np.polynomial.polynomial.polysub)
def _subtract_up(c1: Any, c2: Any) -> Any:
    x, y = _aligned(c1, c2, "np.polynomial.polynomial.polysub", front=False)
    return x - y


@implements(np.polynomial.polynomial.polymul)
def _multiply_up(c1: Any, c2: Any) -> Any:
    return _polymul(c1, c2)


@implements(np.polynomial.polynomial.polyder)
def _differentiate_up(c: Any, m: int = 1, scl: Any = 1, axis: int = 0) -> Any:
    x: Any = call(np.moveaxis, lift(c, "np.polynomial") * 1.0, axis, 0)
    for _ in range(operator.index(m)):
        factors = np.arange(1.0, x.shape[0]).reshape((-1,) + (1,) * (x.ndim - 1))
        x = x[1:] * factors * scl if x.shape[0] > 1 else x[:1] * 0.0
    return call(np.moveaxis, x, 0, axis)
