"""Data of ADBench (Šrajer, Kukelova, Fitzgibbon, arXiv:1807.10129): Gaussian mixtures, bundle
adjustment.

Files are white-space separated numbers. Without a data folder the same shapes are filled with
random numbers.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .workload import generator

FOLDER = "BENCHMARK_ADBENCH"  # the environment variable that tells workers where the data is

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Mixture:
    """K Gaussians in d dimensions, n points, and a Wishart prior.

    `icf` (K × d(d+1)/2) holds the factors of the inverse covariances: the logarithms of the
    diagonal, then the strictly lower triangle column by column.
    """

    alphas: Array
    means: Array
    icf: Array
    x: Array
    gamma: float
    m: int


@dataclass(frozen=True)
class Bundle:
    """n cameras (rotation 3, centre 3, focal length, principal point 2, radial distortion 2), m
    points, and p observations: which camera saw which point, where, and how much that counts.
    """

    cameras: Array
    points: Array
    weights: Array
    features: Array
    camera: Array
    point: Array


def folder() -> Path | None:
    """Where the data is, if that was said."""
    path = os.environ.get(FOLDER)
    return Path(path) if path else None


def mixture(n: int, d: int, k: int) -> Mixture:
    """A problem of the benchmark, or a random one of its shape."""
    data = folder()
    if data is not None:
        return read_mixture(data / "gmm" / f"{n // 1000}k" / f"gmm_d{d}_K{k}.txt")
    rng = generator(f"gmm {n} {d} {k}")
    alphas, means = rng.normal(size=k), rng.random((k, d))
    icf = rng.normal(size=(k, d * (d + 1) // 2))
    return Mixture(alphas, means, icf, rng.normal(size=(n, d)), 1.0, 0)


def read_mixture(path: Path) -> Mixture:
    """d K n; alphas; means; icf; x; gamma m."""
    numbers = _Numbers(path)
    d, k, n = numbers.integers(3)
    shapes = ((k,), (k, d), (k, d * (d + 1) // 2), (n, d))
    arrays = [numbers.array(*shape) for shape in shapes]
    gamma, m = numbers.array(2).tolist()
    return Mixture(*arrays, gamma, int(m))


def bundle(name: str, cameras: int, points: int, observations: int) -> Bundle:
    """A problem of the benchmark, or a random one of its shape."""
    data = folder()
    if data is not None:
        return read_bundle(data / "ba" / f"{name}.txt")
    rng = generator(f"ba {cameras} {points} {observations}")
    camera = np.concatenate([rng.normal(size=3), 40 * rng.random(3), [500.0, 5.0, -8.0, 0.1, 0.01]])
    point, feature = 5 * rng.random(3), 500 * rng.random(2)
    return _repeated((cameras, points, observations), camera, point, 0.4, feature)


def read_bundle(path: Path) -> Bundle:
    """n m p; one camera; one point; one weight; one feature: each stands for all of its kind."""
    numbers = _Numbers(path)
    n, m, p = numbers.integers(3)
    camera, point = numbers.array(11), numbers.array(3)
    weight, feature = numbers.array(1), numbers.array(2)
    return _repeated((n, m, p), camera, point, weight.item(), feature)


def _repeated(
    counts: tuple[int, int, int], camera: Array, point: Array, weight: float, feature: Array
) -> Bundle:
    n, m, p = counts
    return Bundle(
        np.tile(camera, (n, 1)),
        np.tile(point, (m, 1)),
        np.full(p, weight),
        np.tile(feature, (p, 1)),
        np.arange(p) % n,
        np.arange(p) % m,
    )


class _Numbers:
    """The numbers of a file, in order."""

    def __init__(self, path: Path) -> None:
        self.left = np.array(path.read_text(encoding="ascii").split(), np.float64)

    def array(self, *shape: int) -> Array:
        size = int(np.prod(shape))
        if self.left.size < size:
            raise ValueError(f"the file ends {size - self.left.size} numbers early")
        taken, self.left = self.left[:size], self.left[size:]
        return taken.reshape(shape)

    def integers(self, count: int) -> list[int]:
        return [int(x) for x in self.array(count)]
