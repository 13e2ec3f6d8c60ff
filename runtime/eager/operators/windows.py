"""Windows for spectra, as tensors (Harris, Proceedings of the IEEE 66, 1978)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..promotion import default_dtype
from .creation import _finish, on_cpu

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _window(
    name: str, length: int, periodic: bool, dtype: Any, grad: bool, shape: Callable[[Any], Any]
) -> Any:
    """`shape` of places from 0 to 1; a periodic window has one place more, which is left out."""
    target = np.dtype(dtype or default_dtype())
    if length < 0 or target.kind != "f":
        raise RuntimeError(
            f"{name} takes a length that is not negative, and a floating-point dtype"
        )
    count = length + int(periodic)
    places = np.linspace(0, 1, count) if count > 1 else np.full(count, 0.5)
    values = np.ones(length) if length < 2 else shape(places)[:length]
    return _finish(np.asarray(values, target), grad)


def _cosines(*weights: float) -> Callable[[Any], Any]:
    """w₀ - w₁ cos(2πt) + w₂ cos(4πt) …"""

    def shape(t: Any) -> Any:
        return sum((-1) ** k * w * np.cos(2 * np.pi * k * t) for k, w in enumerate(weights))

    return shape


@on_cpu
def hann_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, requires_grad: bool = False
) -> Any:
    """½ - ½ cos(2πt)."""
    cosines = _cosines(0.5, 0.5)
    return _window("hann_window", window_length, periodic, dtype, requires_grad, cosines)


@on_cpu
def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Any:
    """alpha - beta cos(2πt)."""
    cosines = _cosines(alpha, beta)
    return _window("hamming_window", window_length, periodic, dtype, requires_grad, cosines)


@on_cpu
def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, requires_grad: bool = False
) -> Any:
    """0.42 - ½ cos(2πt) + 0.08 cos(4πt)."""
    cosines = _cosines(0.42, 0.5, 0.08)
    return _window("blackman_window", window_length, periodic, dtype, requires_grad, cosines)


@on_cpu
def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: Any = None, requires_grad: bool = False
) -> Any:
    """1 - |2t - 1|."""

    def shape(t: Any) -> Any:
        return 1 - np.abs(2 * t - 1)

    return _window("bartlett_window", window_length, periodic, dtype, requires_grad, shape)


@on_cpu
def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Any:
    """I₀(beta √(1 - (2t - 1)²)) / I₀(beta)."""

    def shape(t: Any) -> Any:
        return np.i0(beta * np.sqrt(1 - (2 * t - 1) ** 2)) / np.i0(beta)

    return _window("kaiser_window", window_length, periodic, dtype, requires_grad, shape)
