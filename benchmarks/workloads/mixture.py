"""The log-likelihood of a Gaussian mixture: small triangular products and a log-sum-exp a point."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..workload import Loss, Workload, generator


def loss(xp: Any) -> Loss:
    def negative_log_likelihood(
        weights: Any, means: Any, log_scales: Any, lower: Any, x: Any
    ) -> Any:
        d = x.shape[1]
        below, diagonal = np.tri(d, k=-1), np.eye(d)
        factors = lower * below + xp.exp(log_scales)[:, :, None] * diagonal
        centred = x[:, None, :] - means[None, :, :]
        scaled = xp.einsum("kij,nkj->nki", factors, centred)
        scores = weights + xp.sum(log_scales, axis=1) - 0.5 * xp.sum(scaled * scaled, axis=2)
        return xp.mean(_log_sum_exp(xp, weights[None, :])) - xp.mean(_log_sum_exp(xp, scores))

    return negative_log_likelihood


def _log_sum_exp(xp: Any, x: Any) -> Any:
    top = xp.max(x, axis=1, keepdims=True)
    return xp.log(xp.sum(xp.exp(x - top), axis=1)) + top[:, 0]


def loss_torch(torch: Any) -> Loss:
    def negative_log_likelihood(
        weights: Any, means: Any, log_scales: Any, lower: Any, x: Any
    ) -> Any:
        factors = torch.tril(lower, -1) + torch.diag_embed(torch.exp(log_scales))
        centred = x[:, None, :] - means[None, :, :]
        scaled = torch.einsum("kij,nkj->nki", factors, centred)
        scores = weights + torch.sum(log_scales, 1) - 0.5 * torch.sum(scaled * scaled, 2)
        return torch.logsumexp(weights, 0) - torch.mean(torch.logsumexp(scores, 1))

    return negative_log_likelihood


def _workload(points: int, d: int, k: int, *, large: bool = False) -> Workload:
    name = f"gmm-{points}-{d}-{k}"

    def inputs() -> tuple[Any, ...]:
        rng = generator(name)
        shapes = ((k,), (k, d), (k, d), (k, d, d))
        parameters = tuple(0.5 * rng.normal(size=shape) for shape in shapes)
        return (*parameters, rng.normal(size=(points, d)))

    return Workload(
        name,
        f"Gaussian mixture, n {points}, d {d}, K {k}",
        loss,
        inputs,
        argnums=(0, 1, 2, 3),
        torch=loss_torch,
        large=large,
    )


WORKLOADS = (_workload(1000, 10, 25), _workload(10_000, 32, 50, large=True))
