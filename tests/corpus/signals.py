"""Filters, convolutions, spectra, wavelets and resampling."""

from __future__ import annotations

import numpy as np
from scipy import special

from .registry import Table

TABLE = Table("signal")


def _noisy_sine(rng, n=64):
    return np.sin(2 * np.pi * 3 * np.arange(n) / n) + 0.3 * rng.normal(size=n)


@TABLE.add(lambda rng: (_noisy_sine(rng), rng.normal(size=5)), wrt=(0, 1))
def fir_filter_convolve(x, taps):
    y = np.convolve(x, taps, mode="valid")
    return np.sum(y**2)


@TABLE.add(lambda rng: (rng.normal(size=20), rng.normal(size=4)), wrt=(0, 1))
def convolution_loops(x, h):
    y = np.zeros(len(x) + len(h) - 1)
    for n in range(len(x)):
        for k in range(len(h)):
            y[n + k] += x[n] * h[k]
    return np.sum(np.abs(y))


@TABLE.add(lambda rng: (np.array([0.2, 0.3, 0.1, -0.5, 0.2]), _noisy_sine(rng)), wrt=(0, 1))
def biquad_iir(coefficients, x):
    b0, b1, b2, a1, a2 = coefficients
    y = np.zeros(len(x))
    for n in range(len(x)):
        y[n] = b0 * x[n]
        if n >= 1:
            y[n] += b1 * x[n - 1] - a1 * y[n - 1]
        if n >= 2:
            y[n] += b2 * x[n - 2] - a2 * y[n - 2]
    return np.mean(y**2)


@TABLE.add(lambda rng: (rng.uniform(0.1, 0.9), _noisy_sine(rng)), wrt=(0, 1))
def exponential_moving_average(alpha, x):
    smoothed = [x[0]]
    for value in x[1:]:
        smoothed.append(alpha * value + (1 - alpha) * smoothed[-1])
    return np.sum((np.array(smoothed) - x) ** 2)


@TABLE.add(lambda rng: (_noisy_sine(rng),), width=7)
def moving_average_cumsum(x, width):
    c = np.cumsum(np.insert(x, 0, 0.0))
    return np.sum(((c[width:] - c[:-width]) / width) ** 2)


@TABLE.add(lambda rng: (_noisy_sine(rng),))
def power_spectrum_centroid(x):
    windowed = x * np.hanning(len(x))
    power = np.abs(np.fft.rfft(windowed)) ** 2
    freqs = np.fft.rfftfreq(len(x))
    return np.sum(freqs * power) / np.sum(power)


@TABLE.add(lambda rng: (_noisy_sine(rng, 48),))
def log_periodogram(x):
    X = np.fft.fft(x - x.mean())
    psd = (X.real**2 + X.imag**2) / len(x)
    return np.mean(np.log(psd[1 : len(x) // 2]))


@TABLE.add(lambda rng: (rng.normal(size=24),))
def dft_by_matrix(x):
    n = np.arange(len(x))
    k = n.reshape((-1, 1))
    angle = 2 * np.pi * k * n / len(x)
    re, im = np.cos(angle) @ x, -np.sin(angle) @ x
    return np.sum(np.sqrt(re**2 + im**2))


@TABLE.add(lambda rng: (rng.normal(size=32), rng.normal(size=32)), wrt=(0, 1))
def fft_circular_convolution(x, h):
    y = np.real(np.fft.ifft(np.fft.fft(x) * np.fft.fft(h)))
    return np.sum(np.tanh(y))


@TABLE.add(lambda rng: (_noisy_sine(rng),), cutoff=6)
def fft_lowpass(x, cutoff=5):
    X = np.fft.rfft(x)
    X[cutoff:] = 0
    return np.sum((np.fft.irfft(X, n=len(x)) - x) ** 2)


@TABLE.add(lambda rng: (_noisy_sine(rng, 40),), lags=8)
def autocorrelation(x, lags):
    x = x - np.mean(x)
    acf = np.correlate(x, x, mode="full")[len(x) - 1 :]
    acf = acf / acf[0]
    return np.sum(acf[1:lags] ** 2)


@TABLE.add(lambda rng: (_noisy_sine(rng, 40),))
def autocorrelation_loops(x):
    n = len(x)
    m = x.mean()
    r = np.empty(10)
    for k in range(10):
        r[k] = np.dot(x[: n - k] - m, x[k:] - m) / n
    return (r[1:] / r[0]).sum()


@TABLE.add(lambda rng: (_noisy_sine(rng, 32),))
def yule_walker(x, order=3):
    n = x.shape[0]
    r = [np.sum(x[: n - k] * x[k:]) / n for k in range(order + 1)]
    R = np.empty((order, order))
    for i in range(order):
        for j in range(order):
            R[i, j] = r[abs(i - j)]
    phi = np.linalg.solve(R, np.array(r[1:]))
    return r[0] - phi @ np.array(r[1:])


@TABLE.add(lambda rng: (rng.normal(size=12),))
def levinson_durbin(r):
    r = r.copy()
    r[0] = np.abs(r).sum()
    a = np.zeros(6)
    a[0] = 1.0
    error = r[0]
    for i in range(1, 6):
        acc = r[i]
        for j in range(1, i):
            acc += a[j] * r[i - j]
        k = -acc / error
        previous = a.copy()
        for j in range(1, i):
            a[j] = previous[j] + k * previous[i - j]
        a[i] = k
        error *= 1 - k * k
    return error + a @ a


@TABLE.add(lambda rng: (rng.normal(size=32),), levels=3)
def haar_wavelet_shrinkage(x, levels):
    approx = x
    penalty = 0.0
    for _ in range(levels):
        even, odd = approx[::2], approx[1::2]
        detail = (even - odd) / np.sqrt(2)
        approx = (even + odd) / np.sqrt(2)
        penalty += np.sum(np.sign(detail) * np.maximum(np.abs(detail) - 0.3, 0))
    return penalty + np.sum(approx**2)


@TABLE.add(lambda rng: (rng.normal(size=24),))
def daubechies_lifting(signal):
    s = signal.copy()
    half = len(s) // 2
    root3 = np.sqrt(3)
    s[0::2] += root3 * s[1::2]
    s[1::2] -= root3 / 4 * s[0::2] + (root3 - 2) / 4 * np.roll(s[0::2], 1)
    s[0::2] -= np.roll(s[1::2], -1)
    return np.sum(s[:half] ** 2 * np.linspace(0, 1, half)) + np.sum(np.abs(s[half:]))


@TABLE.add(lambda rng: (rng.normal(size=40), rng.uniform(2.0, 4.0)), wrt=(0, 1))
def morlet_power(x, scale):
    t = np.arange(-10, 11) / scale
    wavelet = np.pi**-0.25 * np.cos(5 * t) * np.exp(-0.5 * t**2) / np.sqrt(scale)
    return np.mean(np.convolve(x, wavelet, "same") ** 2)


@TABLE.add(
    lambda rng: (np.sort(rng.uniform(0, 10, size=12)), np.arange(11.0), rng.normal(size=11)),
    wrt=(0, 2),
)
def resample_linear(t, grid, values):
    return np.sum(np.interp(t, grid, values) ** 2)


@TABLE.add(lambda rng: (_noisy_sine(rng, 30),))
def total_variation_denoising(x):
    noisy = np.cos(np.arange(30.0) / 4)
    return 0.5 * np.sum((x - noisy) ** 2) + 0.3 * np.sum(np.abs(np.diff(x)))


@TABLE.add(lambda rng: (0.01 * rng.normal(size=4), _noisy_sine(rng), rng.normal(size=64)))
def lms_adaptive_filter(w, x, desired):
    errors = []
    for n in range(4, 30):
        window = x[n - 4 : n][::-1]
        e = desired[n] - w @ window
        w = w + 0.05 * e * window
        errors.append(e)
    return np.mean(np.square(errors))


@TABLE.add(lambda rng: (rng.normal(size=(10, 10)),), sigma=0.8)
def gaussian_blur_separable(image, sigma):
    k = np.exp(-0.5 * (np.arange(-2, 3) / sigma) ** 2)
    k /= k.sum()
    padded = np.pad(image, 2, mode="edge")
    rows = sum(k[i] * padded[:, i : i + 10] for i in range(5))
    out = sum(k[i] * rows[i : i + 10, :] for i in range(5))
    return np.sum((out - image) ** 2)


@TABLE.add(lambda rng: (rng.random((9, 9)),))
def sobel_edges(img):
    gx = np.zeros_like(img)
    gy = np.zeros_like(img)
    gx[1:-1, 1:-1] = (img[:-2, 2:] + 2 * img[1:-1, 2:] + img[2:, 2:]) - (
        img[:-2, :-2] + 2 * img[1:-1, :-2] + img[2:, :-2]
    )
    gy[1:-1, 1:-1] = (
        img[2:, :-2]
        + 2 * img[2:, 1:-1]
        + img[2:, 2:]
        - (img[:-2, :-2] + 2 * img[:-2, 1:-1] + img[:-2, 2:])
    )
    return np.sqrt(gx**2 + gy**2 + 1e-3).mean()


@TABLE.add(lambda rng: (rng.normal(size=15),))
def median_filter(x):
    out = x.copy()
    for i in range(2, len(x) - 2):
        out[i] = np.median(x[i - 2 : i + 3])
    return np.sum(out**2)


@TABLE.add(lambda rng: (_noisy_sine(rng, 21),))
def savitzky_golay(y, window=7, order=2):
    half = window // 2
    A = np.vander(np.arange(-half, half + 1), order + 1)
    coefficients = np.linalg.pinv(A)[-1]
    padded = np.concatenate((y[half:0:-1], y, y[-2 : -half - 2 : -1]))
    return np.sum((np.convolve(padded, coefficients[::-1], mode="valid") - y) ** 2)


@TABLE.add(lambda rng: (np.array([1.0, 3.0, 0.4]) + 0.05 * rng.normal(size=3), _noisy_sine(rng)))
def fit_sinusoid(p, y):
    amplitude, frequency, phase = p
    t = np.linspace(0, 1, len(y), endpoint=False)
    residual = y - amplitude * np.sin(2 * np.pi * frequency * t + phase)
    return residual @ residual


@TABLE.add(lambda rng: (rng.uniform(4.0, 9.0), _noisy_sine(rng, 33)), wrt=(0, 1))
def kaiser_window_gain(beta, x):
    n = len(x)
    u = 2 * np.arange(n) / (n - 1) - 1
    window = special.i0(beta * np.sqrt(1 - u**2 * (1 - 1e-9))) / special.i0(beta)
    return np.sum(window * x) ** 2 / np.sum(window**2)


@TABLE.add(lambda rng: (rng.normal(size=(3, 30)),))
def channel_correlation(channels):
    C = np.corrcoef(channels)
    return np.sum(np.triu(C, k=1) ** 2)


@TABLE.add(lambda rng: (_noisy_sine(rng, 24),))
def teager_energy_peak(x):
    psi = x[1:-1] ** 2 - x[2:] * x[:-2]
    peak = np.argmax(psi)
    return psi[peak] / (1 + np.mean(psi) ** 2)
