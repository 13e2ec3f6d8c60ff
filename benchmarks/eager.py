"""Eager mode: `python -m benchmarks.eager`. fusegrad beside PyTorch eager and HIPS autograd.

Nothing is compiled by the user here: each operation runs when it is called, then `backward` walks
the graph. All peers take turns in one process, on one thread; the time is that of the CPU, and a
ratio is the median over rounds of the ratio within a round.
"""

from __future__ import annotations

import argparse
import fnmatch
import gc
import importlib.util
import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from .process import THREADS, last_core
from .report import duration, table
from .worker import pin

Step = Callable[[], Any]
PEERS = ("fusegrad", "torch", "autograd")


@dataclass(frozen=True)
class Workload:
    """`make(peer)` gives a step to be timed, of which the result is compared; None: not for it."""

    name: str
    bars: dict[str, float]  # the ratio that is wanted, by peer
    make: Callable[[str], Step | None]


def tensors(peer: str) -> Any:
    """The namespace of a peer that has Tensors."""
    if peer == "torch":
        import torch

        torch.set_num_threads(1)
        return torch
    import fusegrad

    return fusegrad


def normal(*shape: int, dtype: Any = np.float64) -> np.ndarray:
    """Random numbers, the same for all."""
    return np.random.default_rng(list(shape)).normal(size=shape).astype(dtype)


# --- elementwise ---


def of_one(make: Callable[[Any], Callable[[Any], Any]], x: np.ndarray) -> Callable[[str], Step]:
    """Value and gradient of the sum of `make(namespace)`, a function of one operand."""

    def step(peer: str) -> Step | None:
        if peer == "autograd":
            return _autograd_of_one(make, x)
        leaf = tensors(peer).from_numpy(x.copy()).requires_grad_()
        function = make(tensors(peer))

        def run() -> Any:
            leaf.grad = None
            function(leaf).sum().backward()
            return leaf.grad

        return run

    return step


def _autograd_of_one(make: Callable[[Any], Callable[[Any], Any]], x: np.ndarray) -> Step | None:
    import autograd
    import autograd.numpy as anp

    try:
        function = make(anp)
        gradient = autograd.grad(lambda v: anp.sum(function(v)))
        gradient(x)
    except AttributeError:
        return None  # it has no function of that name
    return lambda: gradient(x)


def scalar(xp: Any) -> Callable[[Any], Any]:
    """The scalar workload, of which the sum is taken."""
    return lambda x: xp.sin(x) * x + xp.exp(-(x**2))


def one(name: str) -> Callable[[Any], Callable[[Any], Any]]:
    """The function of that name."""
    return lambda xp: getattr(xp, name)


def product(xp: Any) -> Callable[[Any], Any]:
    """x·x + x."""
    return lambda x: x * x + x


# --- multi-layer perceptrons ---


def mlp_small(peer: str) -> Step:
    """A step of 10 operations: forward, backward, update; no array has more than 100 elements."""
    shapes = [(4, 8), (8,), (8, 8), (8, 1)]
    arrays = [normal(*shape) for shape in shapes]
    x, y = normal(8, 4), normal(8, 1)
    if peer == "autograd":
        return _autograd_step(_loss_small, arrays, x, y)
    fg = tensors(peer)
    w1, b1, w2, w3 = parameters = [fg.from_numpy(a.copy()).requires_grad_() for a in arrays]
    x, y = fg.from_numpy(x), fg.from_numpy(y)

    def run() -> Any:
        h = ((x @ w1) + b1).relu()
        h = (h @ w2).tanh()
        loss = (((h @ w3) - y) ** 2).mean()
        loss.backward()
        return _update(fg, parameters)

    return run


def _loss_small(np: Any, parameters: Any, x: Any, y: Any) -> Any:
    w1, b1, w2, w3 = parameters
    h = np.maximum((x @ w1) + b1, 0.0)
    h = np.tanh(h @ w2)
    return np.mean(((h @ w3) - y) ** 2)


def _update(fg: Any, parameters: list[Any]) -> Any:
    with fg.no_grad():
        for p in parameters:
            p -= 1e-3 * p.grad
            p.grad = None
    return parameters[0]


def mlp_large(peer: str) -> Step:
    """784-256-128-10 at batch 512 in float32, cross entropy: forward, backward, update."""
    sizes = (784, 256, 128, 10)
    arrays = []
    for i, o in itertools.pairwise(sizes):
        arrays += [normal(i, o, dtype=np.float32) / np.float32(i**0.5), normal(o, dtype=np.float32)]
    x = normal(512, 784, dtype=np.float32)
    labels = np.random.default_rng(1).integers(0, 10, 512)
    if peer == "autograd":
        return _autograd_step(_loss_large, arrays, x, labels)
    fg = tensors(peer)
    functional = fg.nn.functional
    parameters = [fg.from_numpy(a.copy()).requires_grad_() for a in arrays]
    x, labels = fg.from_numpy(x), fg.from_numpy(labels)

    def run() -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = functional.relu(x @ w1 + b1)
        h = functional.relu(h @ w2 + b2)
        functional.cross_entropy(h @ w3 + b3, labels).backward()
        return _update(fg, parameters)

    return run


def _loss_large(np: Any, parameters: Any, x: Any, labels: Any) -> Any:
    w1, b1, w2, b2, w3, b3 = parameters
    h = np.maximum(x @ w1 + b1, 0)
    z = np.maximum(h @ w2 + b2, 0) @ w3 + b3
    z = z - np.max(z, axis=1, keepdims=True)
    log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


def _autograd_step(loss: Callable[..., Any], arrays: list[Any], x: Any, y: Any) -> Step:
    import autograd
    import autograd.numpy as anp

    gradient = autograd.grad(lambda parameters: loss(anp, parameters, x, y))
    parameters = [a.copy() for a in arrays]

    def run() -> Any:
        for p, g in zip(parameters, gradient(parameters), strict=True):
            p -= 1e-3 * g
        return parameters[0]

    return run


SMALL, LARGE = {"torch": 0.5, "autograd": 0.3}, {"torch": 1.2}
MILLION = 1_000_000

WORKLOADS = (
    Workload("scalar n=1", SMALL, of_one(scalar, normal(1))),
    Workload("scalar n=100", SMALL, of_one(scalar, normal(100))),
    Workload("mlp step, 10 ops", SMALL, mlp_small),
    *(
        Workload(f"{name} n=100", {}, of_one(one(name), normal(100)))
        for name in ("relu", "sigmoid", "exp")
    ),
    *(
        Workload(
            f"{make.__name__} n=1e6 {dtype}", LARGE, of_one(make, normal(MILLION).astype(dtype))
        )
        for make in (scalar, product)
        for dtype in ("float32", "float64")
    ),
    *(
        Workload(f"{name} n=1e6 {dtype}", LARGE, of_one(one(name), normal(MILLION).astype(dtype)))
        for name in ("exp", "tanh", "relu", "sigmoid")
        for dtype in ("float32", "float64")
    ),
    Workload("mlp 784-256-128-10, batch 512", LARGE, mlp_large),
)


def seconds(step: Step, calls: int) -> float:
    """The CPU time of one of `calls` calls."""
    start = time.process_time()
    for _ in range(calls):
        step()
    return (time.process_time() - start) / calls


@dataclass
class Series:
    """The fastest sample of each round."""

    step: Step
    calls: int
    rounds: list[float]


def measure(workload: Workload, peers: list[str], rounds: int, length: float) -> dict[str, Series]:
    """Times of each peer, in turns; raises where one computes something else."""
    series: dict[str, Series] = {}
    first = None
    for peer in peers:
        step = workload.make(peer)
        if step is None:
            continue
        value = np.array(step() if peer == "autograd" else step().detach().numpy())
        first = value if first is None else first
        scale = np.max(np.abs(first))
        if not np.allclose(
            value, first, rtol=0, atol=scale * (1e-9 if first.dtype == np.float64 else 5e-4)
        ):
            raise SystemExit(f"{workload.name}: {peer} differs from {peers[0]}")
        calls = 1
        while seconds(step, calls) * calls < length / 8:
            calls *= 2
        series[peer] = Series(step, calls, [])
    gc.collect()
    for _ in range(rounds):
        for one_series in series.values():
            samples = [seconds(one_series.step, one_series.calls) for _ in range(6)]
            one_series.rounds.append(min(samples))
    return series


def ratio(ours: Series, theirs: Series) -> float:
    """Our time by theirs: the median over rounds."""
    return statistics.median(a / b for a, b in zip(ours.rounds, theirs.rounds, strict=True))


def row(workload: Workload, series: dict[str, Series], peers: list[str]) -> list[str]:
    """A line of the table."""
    cells = [workload.name]
    for peer in peers:
        found = series.get(peer)
        if found is None:
            cells.append("")
            continue
        text = duration(statistics.median(found.rounds))
        if peer != peers[0]:
            bar = workload.bars.get(peer)
            text += f" ({ratio(series[peers[0]], found):.2f}{f', bar {bar}' if bar else ''})"
        cells.append(text)
    return cells


def main() -> int:
    """Print the table; 1 where a bar is missed."""
    parser = argparse.ArgumentParser("python -m benchmarks.eager", description="Eager mode.")
    parser.add_argument("--only", nargs="+", default=["*"], metavar="NAME", help="patterns allowed")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.1, help="of a sample, about")
    options = parser.parse_args()
    pin(last_core())
    peers = [peer for peer in PEERS if importlib.util.find_spec(peer)]
    chosen = [w for w in WORKLOADS if any(fnmatch.fnmatch(w.name, p) for p in options.only)]
    rows, missed = [], 0
    for workload in tqdm(chosen, disable=None, leave=False):
        series = measure(workload, peers, options.rounds, options.seconds)
        rows.append(row(workload, series, peers))
        for peer, bar in workload.bars.items():
            if peer in series and ratio(series[peers[0]], series[peer]) > bar:
                missed += 1
    print(table(["value and gradient, eager", *peers], rows))
    return 1 if missed else 0


if __name__ == "__main__":
    if any(os.environ.get(word) != "1" for word in THREADS):
        os.environ.update(dict.fromkeys(THREADS, "1"))
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.eager", *sys.argv[1:]])
    sys.exit(main())
