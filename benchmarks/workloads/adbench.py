"""ADBench: the log posterior of a Gaussian mixture, and the reprojection error of bundle
adjustment.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import adbench
from ..workload import Loss, Workload

PI = 3.14159265359  # the benchmark's own


def log_posterior(xp: Any, gamma: float, m: int) -> Loss:
    """Of alphas, means, icf and x; the prior is Wishart's with parameters gamma and m."""

    def posterior(alphas: Any, means: Any, icf: Any, x: Any) -> Any:
        (n, d), k = x.shape, len(alphas)
        log_scales, triangle = icf[:, :d], icf[:, d:]
        factors = triangle[:, _places(d)] * xp.asarray(np.tri(d, k=-1))
        factors = factors + xp.exp(log_scales)[:, :, None] * xp.asarray(np.eye(d))
        centred = x[:, None, :] - means
        scaled = xp.einsum("kij,nkj->nki", factors, centred)
        log_determinants = xp.sum(log_scales, axis=1)
        scores = alphas + log_determinants - 0.5 * xp.sum(scaled**2, axis=2)
        likelihood = xp.sum(_log_sum_exp(xp, scores)) - n * _log_sum_exp(xp, alphas)
        squares = xp.sum(xp.exp(log_scales) ** 2) + xp.sum(triangle**2)
        prior = 0.5 * gamma**2 * squares - m * xp.sum(log_determinants)
        constant = -0.5 * n * d * math.log(2 * PI) - k * _wishart_constant(d, gamma, m)
        return likelihood + prior + constant

    return posterior


def _places(d: int) -> Any:
    """Where each element of a strictly lower triangle stands, column by column; 0 elsewhere."""
    places = np.zeros((d, d), np.int64)
    columns, rows = np.triu_indices(d, k=1)
    places[rows, columns] = np.arange(len(rows))
    return places


def _log_sum_exp(xp: Any, x: Any) -> Any:
    if xp.__name__ == "torch":
        return xp.logsumexp(x, -1)
    top = xp.max(x, axis=-1, keepdims=True)
    return xp.log(xp.sum(xp.exp(x - top), axis=-1)) + top[..., 0]


def _wishart_constant(d: int, gamma: float, m: int) -> float:
    freedom = d + m + 1
    multigamma = 0.25 * d * (d - 1) * math.log(PI)
    multigamma += sum(math.lgamma(0.5 * (freedom - j)) for j in range(d))
    return freedom * d * (math.log(gamma) - 0.5 * math.log(2)) - multigamma


def residuals(xp: Any) -> Loss:
    """Of the cameras, the points and the weights: reprojection errors (p × 2), and 1 - w²."""

    def errors(
        cameras: Any, points: Any, weights: Any, features: Any, camera: Any, point: Any
    ) -> Any:
        seen = cameras[camera]
        rotation, centre, focal = seen[:, 0:3], seen[:, 3:6], seen[:, 6:7]
        offset, bend = seen[:, 7:9], seen[:, 9:11]
        local = _rotated(xp, rotation, points[point] - centre)
        flat = local[:, :2] / local[:, 2:]
        r2 = xp.sum(flat**2, axis=1, keepdims=True)
        flat = flat * (1.0 + bend[:, 0:1] * r2 + bend[:, 1:2] * r2**2)
        return weights[:, None] * (flat * focal + offset - features), 1.0 - weights**2

    return errors


def _rotated(xp: Any, rotation: Any, x: Any) -> Any:
    """Rodrigues' formula: each x turned about the axis `rotation`, by an angle of its length."""
    angle = xp.sqrt(xp.sum(rotation**2, axis=1, keepdims=True))
    axis, cosine = rotation / angle, xp.cos(angle)
    along = xp.sum(axis * x, axis=1, keepdims=True) * (1.0 - cosine)
    return x * cosine + _cross(xp, axis, x) * xp.sin(angle) + axis * along


def _cross(xp: Any, a: Any, b: Any) -> Any:
    """The cross products of rows; not every namespace has its own, with a derivative."""
    (a0, a1, a2), (b0, b1, b2) = ([v[:, i] for i in range(3)] for v in (a, b))
    return xp.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], 1)


def half_squares(xp: Any) -> Loss:
    """Half the sum of all squared residuals."""

    def loss(*arguments: Any) -> Any:
        errors, regular = residuals(xp)(*arguments)
        return 0.5 * (xp.sum(errors**2) + xp.sum(regular**2))

    return loss


def _mixture(n: int, d: int, k: int) -> Workload:
    def inputs() -> tuple[Any, ...]:
        problem = adbench.mixture(n, d, k)
        return problem.alphas, problem.means, problem.icf, problem.x

    def loss(xp: Any) -> Loss:
        problem = adbench.mixture(n, d, k)
        return log_posterior(xp, problem.gamma, problem.m)

    about = f"ADBench: Gaussian mixture, n {n}, d {d}, K {k}"
    return Workload(f"adbench-gmm-d{d}-K{k}", about, loss, inputs, argnums=(0, 1, 2))


def _bundle(name: str, n: int, m: int, p: int) -> Workload:
    def inputs() -> tuple[Any, ...]:
        problem = adbench.bundle(name, n, m, p)
        return (
            problem.cameras,
            problem.points,
            problem.weights,
            problem.features,
            problem.camera,
            problem.point,
        )

    about = f"ADBench: bundle adjustment, {n} cameras, {m} points, {p} observations"
    return Workload(f"adbench-ba-n{n}", about, half_squares, inputs, argnums=(0, 1, 2))


WORKLOADS = (
    _mixture(1000, 2, 5),
    _mixture(1000, 10, 25),
    _mixture(1000, 64, 25),
    _bundle("ba1_n49_m7776_p31843", 49, 7776, 31843),
)
