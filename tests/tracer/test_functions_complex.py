"""Complex numbers made of real arguments, and Fourier transforms, against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fusegrad as fg
from fusegrad.ir import FusegradError
from fusegrad.tracer import TraceError

from .running import array, check, check_compiled, check_derivatives, run

A = array("float64", 3, 4)
B = array("float64", 3, 4, seed=8)
C = array("float64", 2, 3, 6, seed=2)
V = array("float64", 4, seed=4)
W = array("float64", 7, seed=5)
S = array("float64", 4, 4, seed=3)
F = array("float32", 3, 4)
I = array("int64", 3, 4)  # noqa: E741
Z = array("float64", 3, 4, seed=11) + 1j * array("float64", 3, 4, seed=12)
SCALAR = np.array(1.5)

Case = tuple[Callable[..., Any], tuple[Any, ...]]

ARITHMETIC: list[Case] = [
    (lambda x, y: (x + 1j * y, x - 1j * y, 1j * x, (2 + 3j) - x, -(x * 1j)), (A, B)),
    (lambda x, y: ((x + 1j * y) * (y - 2j * x), (x + 1j * y) * x, 3 * (x + 1j * y)), (A, B)),
    (lambda x, y: ((x + 1j * y) / (y - 2j), (x + 1j * y) / y, 1 / (x + 1j * y), x / 2j), (A, B)),
    (lambda x: (x + Z, x * Z, Z / x, x / Z, Z - x), (A,)),
    (lambda x, y: [(x + 1j * y) ** n for n in (0, 1, 2, 5, -1, -3, 0.5, 1.7, 2 + 1j)], (A, B)),
    (lambda x: (2.0 ** (1j * x), (1j) ** x, np.abs(x) ** 1j), (A,)),
    (lambda x, y: (abs(x + 1j * y), np.abs(x + 1j * y) ** 2, np.angle(x + 1j * y)), (A, B)),
    (lambda x, y: ((x + 1j * y).real, (x + 1j * y).imag, np.conj(x + 1j * y)), (A, B)),
    (lambda x, y: (np.real(x + 1j * y), np.imag(x + 1j * y), (x + 1j * y).conj()), (A, B)),
    (lambda x: (np.angle(x), np.imag(x), np.real(x)), (A,)),
    (lambda x, y: ((x + 1j * y) == (x + 1j), (x + 1j * y) != x, np.isfinite(x + 1j * y)), (A, B)),
    (lambda x: (x.astype(complex), (x + 0j).astype(np.complex64)), (A,)),
    (lambda x: (x * 1j, x + np.complex64(2j)), (F,)),
    (lambda x: (x * 1j, np.exp(1j * x)), (I,)),
]

UFUNCS = (
    np.exp, np.log, np.sqrt, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.square,
    np.reciprocal, np.negative, np.absolute, np.log2, np.log10, np.log1p, np.expm1, np.exp2,
    np.conjugate, np.positive,
)  # fmt: skip
if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
    UFUNCS += (np.sign,)
ELEMENTARY: list[Case] = [(lambda x, y, f=f: f(x + 1j * y), (A, B)) for f in UFUNCS]

ARRANGED: list[Case] = [
    (lambda x, y: ((x + 1j * y)[1], (x + 1j * y)[:, ::2], (x + 1j * y)[[0, 2]]), (A, B)),
    (lambda x: (np.exp(1j * x).sum(), np.mean(np.exp(1j * x), axis=0, keepdims=True)), (A,)),
    (lambda x: (np.exp(1j * x).T, np.exp(1j * x).reshape(2, -1), np.ravel(1j * x)), (A,)),
    (
        lambda x: (np.concatenate([x, 1j * x]), np.stack([1j * x, x, x]), np.hstack([x, 2j * x])),
        (A,),
    ),
    (lambda x: (np.where(x > 0, 1j * x, x), np.where(x > 0, 1j, x)), (A,)),
    (
        lambda x: (np.roll(1j * x, 1), np.flip(1j * x, 0), np.diff(1j * x), np.cumsum(1j * x, 1)),
        (A,),
    ),
    (
        lambda x: (np.prod(x + 2j, axis=0), np.prod(x + 2j), np.var(x + 1j * x**2), np.std(1j * x)),
        (A,),
    ),
    (lambda x: np.linalg.norm(x + 1j * x**2), (V,)),
    (lambda x: np.split(x + 2j, 2), (V,)),
    (lambda x: (np.zeros_like(1j * x), np.ones_like(1j * x), np.diag(1j * x)), (V,)),
    (lambda x: np.pad(1j * x, 2), (V,)),
    (lambda x: (len(1j * x), (1j * x).shape, (1j * x).ndim, np.iscomplexobj(1j * x)), (A,)),
]

PRODUCTS: list[Case] = [
    (lambda x, y: ((x + 1j * y) @ (y - 1j * x).T, x @ (1j * y).T, Z @ x.T), (A, B)),
    (lambda x, y: (np.dot(x + 1j, y.T + 2j), np.vdot(x + 1j * y, y - 1j), np.inner(Z, x)), (A, B)),
    (lambda x, y: np.einsum("ij,kj->ik", x + 1j * y, y + 2j), (A, B)),
    (lambda x, y: np.einsum("ij,kj,i->k", x + 1j * y, Z, y[:, 0] * 1j), (A, B)),
    (lambda x, y: (np.outer(x[0], 1j * y[0]), np.kron(x, 1j * y), np.tensordot(Z, x, 2)), (A, B)),
    (lambda x: (np.convolve(x, 1j * x), np.correlate(x + 1j, 1j * x, "full")), (W,)),
    (lambda x: np.multiply.outer(1j * x, x), (V,)),
]

SPECTRA: list[Case] = [
    (lambda x: (np.fft.fft(x), np.fft.rfft(x), np.fft.ifft(x)), (W,)),
    (lambda x: (np.fft.fft(x), np.fft.rfft(x, axis=0), np.fft.ifft(x, axis=0)), (A,)),
    (lambda x: (np.fft.fft(x, 6), np.fft.rfft(x, 3), np.fft.rfft(x, n=9), np.fft.ifft(x, 2)), (A,)),
    (lambda x: [np.fft.rfft(x, norm=n) for n in ("ortho", "forward", "backward")], (W,)),
    (lambda x: [np.fft.ifft(x, norm=n) for n in ("ortho", "forward", "backward")], (W,)),
    (lambda x: (np.fft.irfft(np.fft.rfft(x)), np.fft.irfft(np.fft.rfft(x), 7)), (W,)),
    (lambda x: (np.fft.irfft(x), np.fft.irfft(x, 12), np.fft.irfft(1j * x, 3)), (A,)),
    (lambda x, y: np.fft.fft(x + 1j * y), (A, B)),
    (lambda x, y: np.fft.ifft(np.fft.fft(x) * np.fft.fft(y)).real, (A, B)),
    (lambda x: np.abs(np.fft.rfft(x)) ** 2, (W,)),
    (lambda x: (np.fft.fft2(x), np.fft.ifft2(x), np.fft.rfft2(x)), (A,)),
    (lambda x: (np.fft.fftn(x), np.fft.ifftn(x, axes=(0, 2))), (C,)),
    (lambda x: np.fft.rfftn(x, (3, 4), (1, 2)), (C,)),
    (lambda x: (np.fft.irfft2(np.fft.rfft2(x)), np.fft.irfftn(np.fft.rfftn(x), x.shape)), (C,)),
    (lambda x: (np.fft.hfft(x), np.fft.ihfft(x), np.fft.hfft(1j * x, 5, norm="ortho")), (W,)),
    (lambda x: (np.fft.fftshift(x), np.fft.ifftshift(x), np.fft.fftshift(1j * x, axes=1)), (A,)),
    (lambda x: np.fft.irfft(1j * np.fft.rfftfreq(7) * np.fft.rfft(x), 7), (W,)),
    (lambda x: np.fft.rfft(x), (F,)),
]  # fmt: skip


def _changed(x: Any) -> Any:
    z = x + 1j * x[::-1]
    same, part, turned = z, z[1:], z.T
    z *= 2 + 1j
    z[0] = 5j
    part += x[0] * 1j
    return z, same, part, turned, x


def _parts_changed(x: Any) -> Any:
    z = np.exp(1j * x)
    other = z.conj()
    z.real[...] = x
    z.imag += 1
    return z, other, z.real


def _spectrum_filtered(x: Any) -> Any:
    spectrum = np.fft.rfft(x)
    spectrum[3:] = 0
    spectrum[1] *= 0.5j
    return np.fft.irfft(spectrum, x.size)


def _buffers(x: Any) -> Any:
    z, w = np.zeros(4, complex), np.empty((2, 2), dtype=np.complex128)
    for i in range(4):
        z[i] = np.exp(1j * x[i])
    w[0], w[1, 0], w[1, 1] = x[:2] * 1j, x[2], 0
    w *= x[3]
    known = np.zeros(4, complex)
    known[:] = 1j * np.arange(4)
    listed = np.array([x[0] + 1j * x[1], 2.0, 1j * x[2]])
    return np.abs(z.sum()), w @ w, x * np.abs(np.fft.fft(known)), listed


def _stored(x: Any) -> Any:
    z = x * 1j
    np.multiply(z, z, out=z)
    np.exp(z, out=z)
    w = np.zeros(x.shape, complex)
    np.cumsum(z, axis=1, out=w)
    return z, w


IN_PLACE: list[Case] = [
    (_stored, (A,)),
    (_changed, (A,)),
    (_parts_changed, (A,)),
    (_spectrum_filtered, (W,)),
    (_buffers, (V,)),
]

ALL = [*IN_PLACE, *ARITHMETIC, *ELEMENTARY, *ARRANGED, *PRODUCTS, *SPECTRA]


@pytest.mark.parametrize(("function", "args"), ALL)
def test_values(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check(function, *args)


@pytest.mark.parametrize(("function", "args"), ALL)
def test_derivatives(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check_derivatives(function, *args)


@pytest.mark.parametrize(("function", "args"), ALL)
def test_compiled(function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check_compiled(function, *args)


LENGTHS = [1, 2, 3, 17, 64, 65, 97, 100, 128, 143, 360, 401, 1000, 1009, 2**12]


@pytest.mark.parametrize("n", LENGTHS)
def test_transforms_of_any_length_are_accurate(n: int) -> None:
    x = np.random.default_rng(n).normal(size=(2, n))
    for function in (np.fft.fft, np.fft.ifft, np.fft.rfft):
        expected = function(x)
        found = run(function, x)
        assert np.abs(found - expected).max() <= 2e-15 * np.abs(expected).max()


def test_a_compiled_function_returns_complex_arrays() -> None:
    x = np.linspace(0, 1, 5)
    found = fg.compile(lambda x: {"z": np.exp(2j * x), "n": 3})(x)
    np.testing.assert_allclose(found["z"], np.exp(2j * x), rtol=1e-14)
    assert found["z"].dtype == np.complex128
    eager = fg.compile(lambda x: np.exp(2j * x)).eager(x)
    np.testing.assert_allclose(eager, np.exp(2j * x), rtol=1e-14)


def test_a_complex_array_from_outside_is_read_at_each_call() -> None:
    weights = np.array([1 + 2j, 3j])
    power = fg.value_and_grad(lambda x: np.sum(np.abs(weights * x) ** 2))
    value, slope = power(np.array([1.0, 2.0]))
    np.testing.assert_allclose(value, 5 + 36)
    np.testing.assert_allclose(slope, [10, 36])
    weights[0] = 0
    np.testing.assert_allclose(power(np.array([1.0, 2.0]))[0], 36)


def test_the_gradient_of_the_size_of_zero_is_zero() -> None:
    slope = fg.grad(lambda x: np.abs(x * (1 + 1j)))(0.0)
    assert slope == 0.0


def test_roots_of_zero_have_no_nan_in_their_value() -> None:
    check(lambda x: np.sqrt(x + 0j), np.array([0.0, -4.0, 4.0, -0.0]))


BAD: list[Callable[[Any], Any]] = [
    lambda x: (1j * x) < x,
    lambda x: np.maximum(1j * x, x),
    lambda x: np.sort(1j * x),
    lambda x: np.floor(1j * x),
    lambda x: np.fft.rfft(1j * x),
    lambda x: np.fft.fft(x, 0),
    lambda x: np.fft.fft(x, norm="other"),
]


@pytest.mark.parametrize("function", BAD)
def test_what_complex_numbers_do_not_do_is_refused(function: Callable[[Any], Any]) -> None:
    with pytest.raises(FusegradError) as caught:
        run(function, A)
    assert isinstance(caught.value, TraceError | ValueError)
    assert caught.value.at is not None
