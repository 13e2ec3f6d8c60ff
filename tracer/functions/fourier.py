"""np.fft: transforms of real arrays and of pairs of real and imaginary parts."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.functions import fourier
from .. import complexes
from ..complexes import ComplexArray, is_complex, parts_of
from ..errors import CastError
from ..operands import builder, cast_to, float_dtype, lift, wrap
from ..promotion import normalise_axis
from ..registry import dispatch, implements
from ..trace import current_trace

_DIRECTIONS = {"backward": 0.0, "ortho": 0.5, "forward": 1.0}


def transform(re: Any, im: Any, n: int, axis: int, sign: int, factor: float) -> Any:
    """The transform of `n` elements along `axis`, times `factor`: a call among array functions."""
    for array in (re, im):
        if hasattr(array, "__array_function__") and not isinstance(array, np.ndarray):
            return array.__array_function__(transform, (), (re, im, n, axis, sign, factor), {})
    z = re if im is None else re + 1j * im  # numbers that are known
    found = np.fft.fft(z, n, axis) * factor if sign < 0 else np.fft.ifft(z, n, axis) * (factor * n)
    return ComplexArray(found.real.copy(), found.imag.copy())


@implements(transform)
def _transform(re: Any, im: Any, n: int, axis: int, sign: int, factor: float) -> Any:
    b = builder()
    parts = tuple(None if x is None else _fitted(x, n, axis) for x in (re, im))
    found = fourier.transform(b, parts, sign=sign, table=_table)  # type: ignore[arg-type]
    scaled: Any = (x if factor == 1 else b.scale(x, factor) for x in found)
    real, imag = (dispatch(np.moveaxis, (wrap(x), -1, axis), {}) for x in scaled)
    return ComplexArray(real, imag)


def _table(array: np.ndarray[Any, Any]) -> Any:
    return current_trace().constant_array(array).value


def _fitted(x: Any, n: int, axis: int) -> Any:
    """The values of x in floats, `axis` last, cut or filled up with zeros to n elements."""
    array: Any = lift(x, "np.fft")
    array = wrap(cast_to(array, float_dtype(array.value.type.dtype)))
    array = dispatch(np.moveaxis, (array, axis, -1), {})
    have = array.shape[-1]
    if have > n:
        array = array[..., :n]
    value = array.value
    if have >= n:
        return value
    none = (0,) * array.ndim
    return builder()("pad", value, low=none, high=(*none[1:], n - have), interior=none)


# --- along one axis ---


def _extent(x: Any, n: Any, axis: int) -> int:
    shape = x.shape if hasattr(x, "shape") else np.shape(x)
    count = shape[normalise_axis(axis, len(shape), "np.fft")] if n is None else operator.index(n)
    if count < 1:
        raise CastError(f"Invalid number of FFT data points ({count}) specified.")
    return count


def _factor(norm: str | None, n: int, *, inverse: bool) -> float:
    """What a transform is multiplied by."""
    power = _DIRECTIONS.get(norm or "backward")
    if power is None:
        raise CastError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return n ** -(1 - power if inverse else power) if power != 0.5 else 1 / math.sqrt(n)


def _complex_parts(a: Any) -> tuple[Any, Any]:
    re, im = parts_of(a)
    if re is None:
        re = np.multiply(im, 0.0)
    return re, im


def _fft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    count = _extent(a, n, axis)
    return transform(*_complex_parts(a), count, axis, -1, _factor(norm, count, inverse=False))


def _ifft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    count = _extent(a, n, axis)
    return transform(*_complex_parts(a), count, axis, 1, _factor(norm, count, inverse=True))


def _rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    if is_complex(a):
        raise CastError("np.fft.rfft takes real arrays", hint="np.fft.fft")
    count = _extent(a, n, axis)
    return _front(_fft(a, count, axis, norm), axis, count // 2 + 1)


def _front(z: Any, axis: int, count: int) -> Any:
    return z[(*(slice(None),) * (axis % z.ndim), slice(count))]


def _irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    """The spectrum is completed by the conjugates of its elements, in reverse."""
    z = complexes.as_complex(a)
    count = 2 * (_extent(z, None, axis) - 1) if n is None else operator.index(n)
    if count < 1:
        raise CastError(f"Invalid number of FFT data points ({count}) specified.")
    half = count // 2 + 1
    at = axis % z.ndim
    z = _filled(z, half, at)
    before = (slice(None),) * at
    rest = np.flip(z[(*before, slice(1, count - half + 1))], at).conj()
    full = np.concatenate([z, rest], at)
    return _ifft(full, count, at, norm).real


def _filled(z: Any, n: int, axis: int) -> Any:
    """z cut or filled up with zeros to n elements."""
    have = z.shape[axis]
    if have >= n:
        return _front(z, axis, n)
    widths = [(0, n - have if i == axis else 0) for i in range(z.ndim)]
    return np.pad(z, widths)


_SWAPPED = {"backward": "forward", None: "forward", "forward": "backward"}


def _hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    return _irfft(complexes.as_complex(a).conj(), n, axis, _SWAPPED.get(norm, norm))


def _ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: None = None) -> Any:
    return _rfft(a, n, axis, _SWAPPED.get(norm, norm)).conj()


# --- along several axes ---


def _axes(a: Any, s: Any, axes: Any) -> list[tuple[int, Any]]:
    """The axes to transform along, with the number of elements of each (None: as it is)."""
    ndim = np.ndim(a) if not hasattr(a, "shape") else len(a.shape)
    if axes is None:
        axes = range(ndim) if s is None else range(ndim - len(s), ndim)
    found = [normalise_axis(axis, ndim, "np.fft") for axis in axes]
    extents = [None] * len(found) if s is None else list(s)
    if len(extents) != len(found):
        raise CastError("Shape and axes have different lengths.")
    return [(axis, None if n == -1 else n) for axis, n in zip(found, extents, strict=True)]


def _along_all(one: Callable[..., Any], default: Any) -> Callable[..., Any]:
    def rule(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: None = None) -> Any:
        for axis, n in reversed(_axes(a, s, axes)):
            a = one(a, n, axis, norm)
        return a

    return rule


def _real_along_all(default: Any) -> Callable[..., Any]:
    def rule(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: None = None) -> Any:
        *others, (last, n) = _axes(a, s, axes)
        z = _rfft(a, n, last, norm)
        for axis, extent in reversed(others):
            z = _fft(z, extent, axis, norm)
        return z

    return rule


def _to_real_along_all(default: Any) -> Callable[..., Any]:
    def rule(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: None = None) -> Any:
        *others, (last, n) = _axes(a, s, axes)
        for axis, extent in others:
            a = _ifft(a, extent, axis, norm)
        return _irfft(a, n, last, norm)

    return rule


_TRANSFORMS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.fft.fft: _fft,
    np.fft.ifft: _ifft,
    np.fft.rfft: _rfft,
    np.fft.irfft: _irfft,
    np.fft.hfft: _hfft,
    np.fft.ihfft: _ihfft,
    np.fft.fft2: _along_all(_fft, (-2, -1)),
    np.fft.ifft2: _along_all(_ifft, (-2, -1)),
    np.fft.fftn: _along_all(_fft, None),
    np.fft.ifftn: _along_all(_ifft, None),
    np.fft.rfft2: _real_along_all((-2, -1)),
    np.fft.rfftn: _real_along_all(None),
    np.fft.irfft2: _to_real_along_all((-2, -1)),
    np.fft.irfftn: _to_real_along_all(None),
}
for _function, _rule in _TRANSFORMS.items():
    implements(_function)(_rule)
    complexes.FUNCTIONS[_function] = _rule


# --- zero frequency in the middle ---


def _shifted(x: Any, axes: Any, *, back: bool) -> Any:
    array: Any = lift(x, "np.fft.fftshift")
    if axes is None:
        axes = range(array.ndim)
    along = axes if isinstance(axes, range | tuple | list) else (axes,)
    shifts = [array.shape[i] // 2 for i in along]
    if back:
        shifts = [-n for n in shifts]
    return dispatch(np.roll, (array, shifts, list(along)), {})


@implements(np.fft.fftshift)
def _fftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(x, axes, back=False)


@implements(np.fft.ifftshift)
def _ifftshift(x: Any, axes: Any = None) -> Any:
    return _shifted(x, axes, back=True)
