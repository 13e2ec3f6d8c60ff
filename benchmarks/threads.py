"""Threads: `python -m benchmarks.threads`. One thread against several, the same function and bits.

Calls on one thread and on several take turns, and the fastest of each counts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm import tqdm

import fusegrad as fg

from .report import duration, table

BAR = 1.7  # of kernels that compute, on two threads


def curve(x: Any) -> Any:
    return np.sum(np.sin(x) * np.exp(-x * x) + np.tanh(x) / (1 + x * x))


def distances(x: Any, y: Any) -> Any:
    return np.sum(np.exp(-np.sqrt((x[:, None] - y) ** 2 + 0.1)))


def attention(x: Any) -> Any:
    z = x - np.max(x, axis=1, keepdims=True)
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return -np.sum(p * np.log(p + 1e-9))


def layer(w: Any, x: Any) -> Any:
    return np.sum(np.tanh(x @ w))


def workloads() -> dict[str, tuple[Callable[..., Any], tuple[Any, ...], bool]]:
    """Function, arguments, and whether it computes rather than waits for memory."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=10**7)
    narrow = x.astype(np.float32)
    return {
        "curve 1e5": (curve, (x[: 10**5],), True),
        "curve 1e6, float32": (curve, (narrow[: 10**6],), True),
        "curve 1e7": (curve, (x,), False),
        "distances 800 x 800": (distances, (x[:800], x[800:1600]), True),
        "softmax and entropy 2000 x 500": (attention, (x[: 10**6].reshape(2000, 500),), True),
        "layer 512 x 784 x 256, float32": (
            layer,
            (narrow[: 784 * 256].reshape(784, 256) * 0.03, narrow[: 512 * 784].reshape(512, 784)),
            True,
        ),
        "sum of squares 1e7": (lambda x: np.sum(x * x), (x,), False),
    }


def measure(function: Any, arguments: tuple[Any, ...], threads: int, seconds: float) -> list[float]:
    """The fastest call on one thread and on several; AssertionError where the bits differ."""
    compiled = [fg.value_and_grad(function, threads=n) for n in (1, threads)]
    results = [call(*arguments) for call in compiled]
    bits = [np.asarray(value).tobytes() + gradient.tobytes() for value, gradient in results]
    assert bits[0] == bits[1]
    best = [float("inf")] * 2
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for i, call in enumerate(compiled):
            start = time.perf_counter()
            call(*arguments)
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def main() -> int:
    """Print the figures; 1 where a kernel that computes is under the bar, on two threads."""
    parser = argparse.ArgumentParser("python -m benchmarks.threads", description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each workload")
    given = parser.parse_args()
    rows, missed = [], False
    for name, (function, arguments, computes) in tqdm(workloads().items(), disable=None):
        one, several = measure(function, arguments, given.threads, given.seconds)
        missed |= computes and given.threads == 2 and one / several < BAR
        rows.append([name, duration(one), duration(several), f"{one / several:.2f}"])
    print(table(["value and gradient", "one thread", f"{given.threads} threads", "ratio"], rows))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
