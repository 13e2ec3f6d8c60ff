"""The discrete Fourier transform along the last axis, of real and imaginary parts.

A short transform is a product with the matrix of roots of unity; a longer one is split into two by
its factors (Cooley and Tukey 1965, in the form of Bailey's "four-step" method), and one of a large
prime length becomes a convolution (Bluestein 1970). Everything is linear in what is transformed, so
the adjoint is the transform back. An imaginary part of None is zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..builder import Builder, Handle

Table = Callable[[np.ndarray], Handle]  # a constant array as a handle
Parts = tuple[Handle, Handle | None]

_DIRECT = 64  # up to this length by a matrix
_DIRECT_PRIME = 384  # and up to this one where the length is prime


def transform(b: Builder, parts: Parts, *, sign: int, table: Table) -> Parts:
    """Σ_j x[j] exp(sign · 2πi jk / n), along the last axis."""
    extent = b.type_of(parts[0]).shape[-1]
    factor = _factor(extent)
    if extent <= _DIRECT or (factor == 1 and extent <= _DIRECT_PRIME):
        return _by_matrix(b, parts, sign, table)
    if factor == 1:
        return _by_convolution(b, parts, sign, table)
    return _by_factors(b, parts, factor, sign, table)


def _factor(extent: int) -> int:
    """The divisor nearest to the square root from below."""
    return next(k for k in range(math.isqrt(max(extent, 1)), 0, -1) if extent % k == 0)


def _roots(exponents: np.ndarray, extent: int, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """exp(sign · 2πi k / n) for integers k, reduced so that the angle has no error."""
    angle = (exponents % extent) * (2 * np.pi / extent)
    return np.cos(angle), sign * np.sin(angle)


def _constants(b: Builder, x: Handle, arrays: tuple[np.ndarray, ...], table: Table) -> list[Handle]:
    dtype = b.type_of(x).dtype
    return [b.cast(table(array), dtype) for array in arrays]


def _product(b: Builder, x: Parts, y: tuple[Handle, Handle]) -> tuple[Handle, Handle]:
    """The product of two complex numbers, elementwise."""
    (re, im), (c, s) = x, y
    if im is None:
        return b.mul(re, c), b.mul(re, s)
    return b.sub(b.mul(re, c), b.mul(im, s)), b.add(b.mul(re, s), b.mul(im, c))


def _by_matrix(b: Builder, parts: Parts, sign: int, table: Table) -> Parts:
    re, im = parts
    shape = b.type_of(re).shape
    extent = shape[-1]
    counts = np.arange(extent)
    cosines, sines = _roots(np.multiply.outer(counts, counts), extent, sign)
    (matrix,) = _constants(b, re, (np.concatenate([cosines, sines], 1),), table)
    contract = ((len(shape) - 1,), (0,))

    def both(x: Handle) -> tuple[Handle, Handle]:
        product = b("dot", x, matrix, contract=contract, batch=((), ()))
        return _entries(b, product, 0, extent), _entries(b, product, extent, 2 * extent)

    c, s = both(re)
    if im is None:
        return c, s
    ic, is_ = both(im)
    return b.sub(c, is_), b.add(s, ic)


def _entries(b: Builder, x: Handle, start: int, stop: int) -> Handle:
    """Part of the last axis."""
    shape = b.type_of(x).shape
    lead = len(shape) - 1
    return b.slice(x, (0,) * lead + (start,), (*shape[:-1], stop))


def _swapped(b: Builder, x: Handle | None) -> Handle | None:
    """The last two axes exchanged."""
    if x is None:
        return None
    ndim = b.type_of(x).ndim
    return b.transpose(x, (*range(ndim - 2), ndim - 1, ndim - 2))


def _by_factors(b: Builder, parts: Parts, first: int, sign: int, table: Table) -> Parts:
    """With j = j₁ n₂ + j₂ and k = k₁ + n₁ k₂: over j₁, times exp(±2πi j₂ k₁ / n), over j₂."""
    shape = b.type_of(parts[0]).shape
    extent = shape[-1]
    second = extent // first
    split = (*shape[:-1], first, second)
    grid = tuple(None if x is None else _swapped(b, b.reshape(x, split)) for x in parts)
    inner = transform(b, (grid[0], grid[1]), sign=sign, table=table)  # [j₂, k₁]
    exponents = np.multiply.outer(np.arange(second), np.arange(first))
    twiddles = _constants(b, parts[0], _roots(exponents, extent, sign), table)
    wide = b.type_of(inner[0]).shape
    c, s = (b.broadcast(t, wide) for t in twiddles)
    turned = _product(b, inner, (c, s))
    rows = (_swapped(b, turned[0]), _swapped(b, turned[1]))  # [k₁, j₂]
    outer = transform(b, rows, sign=sign, table=table)  # [k₁, k₂]
    re, im = (b.reshape(_swapped(b, x), shape) for x in outer)
    return re, im


def _by_convolution(b: Builder, parts: Parts, sign: int, table: Table) -> Parts:
    """By jk = (j² + k² - (k - j)²) / 2: a convolution with exp(∓πi j² / n), of a length 2^m."""
    shape = b.type_of(parts[0]).shape
    extent = shape[-1]
    size = 1 << (2 * extent - 2).bit_length()
    squares = np.arange(extent) ** 2
    chirp = _roots(squares, 2 * extent, sign)
    back = np.zeros(size, complex)
    back[:extent] = chirp[0] - 1j * chirp[1]
    back[size - extent + 1 :] = back[extent - 1 : 0 : -1]
    spectrum = np.fft.fft(back) / size
    c, s = (b.broadcast(t, shape) for t in _constants(b, parts[0], chirp, table))
    pad = (0,) * (len(shape) - 1) + (size - extent,)
    none = (0,) * len(shape)
    re, im = (b("pad", x, low=none, high=pad, interior=none) for x in _product(b, parts, (c, s)))
    re, im = transform(b, (re, im), sign=-1, table=table)
    filters = _constants(b, parts[0], (spectrum.real, spectrum.imag), table)
    wide = b.type_of(re).shape
    u, v = (b.broadcast(t, wide) for t in filters)
    re, im = transform(b, _product(b, (re, im), (u, v)), sign=1, table=table)
    return _product(b, (_entries(b, re, 0, extent), _entries(b, im, 0, extent)), (c, s))
