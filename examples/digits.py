"""Handwritten digits: softmax regression and a small network, in plain NumPy, trained with compiled
gradients.

    python examples/digits.py [--epochs 60] [--picture digits.png]

The data are the 1797 images of 8×8 pixels that come with scikit-learn. Each model is trained twice
with the same loop, the same batches and the same start: once with the compiled gradient, and once
in eager mode, operation by operation. Printed are test accuracy, how far the two loss curves are
apart, and both times.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import fusegrad as fg

mpl.use("Agg")
import matplotlib.pyplot as plt

Parameters = dict[str, np.ndarray]
BATCH = 64


# --- the models, as anybody would write them in NumPy ---


def cross_entropy(logits: Any, labels: Any) -> Any:
    """The mean of -log softmax(logits)[label]."""
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    log_normaliser = np.log(np.sum(np.exp(shifted), axis=1))
    return np.mean(log_normaliser - shifted[np.arange(len(labels)), labels])


def softmax_logits(p: Parameters, x: Any) -> Any:
    return x @ p["w"] + p["b"]


def network_logits(p: Parameters, x: Any) -> Any:
    hidden = np.tanh(x @ p["w1"] + p["b1"])
    return hidden @ p["w2"] + p["b2"]


@fg.value_and_grad
def softmax_loss(p: Parameters, x: Any, labels: Any) -> Any:
    return cross_entropy(softmax_logits(p, x), labels)


@fg.value_and_grad
def network_loss(p: Parameters, x: Any, labels: Any) -> Any:
    decay = sum(np.sum(p[name] ** 2) for name in ("w1", "w2"))
    return cross_entropy(network_logits(p, x), labels) + 1e-4 * decay


# --- training ---


@dataclass
class Model:
    """A loss with its gradient, what it predicts with, and where it starts."""

    name: str
    loss: Any
    logits: Callable[[Parameters, Any], Any]
    start: Parameters
    rate: float


@dataclass
class Run:
    """One training: the loss at each step, the parameters at the end, seconds."""

    losses: np.ndarray
    parameters: Parameters
    seconds: float


def models(rng: np.random.Generator) -> list[Model]:
    def weights(rows: int, columns: int) -> np.ndarray:
        return rng.normal(size=(rows, columns)) / np.sqrt(rows)

    return [
        Model(
            "softmax regression",
            softmax_loss,
            softmax_logits,
            {"w": weights(64, 10), "b": np.zeros(10)},
            rate=0.2,
        ),
        Model(
            "two-layer network",
            network_loss,
            network_logits,
            {"w1": weights(64, 96), "b1": np.zeros(96), "w2": weights(96, 10), "b2": np.zeros(10)},
            rate=0.1,
        ),
    ]


def train(
    model: Model,
    gradient: Callable[..., Any],
    x: np.ndarray,
    y: np.ndarray,
    epochs: int,
    title: str,
) -> Run:
    """Gradient descent with momentum over batches; their order is the same in each run."""
    parameters = {name: value.copy() for name, value in model.start.items()}
    velocity = {name: np.zeros_like(value) for name, value in parameters.items()}
    shuffle = np.random.default_rng(1)
    losses = []
    seconds = 0.0
    for _ in tqdm(range(epochs), desc=title, unit="epoch", ncols=78):
        order = shuffle.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            batch = order[start : start + BATCH]
            inputs, labels = x[batch], y[batch]
            begin = time.perf_counter()
            value, slopes = gradient(parameters, inputs, labels)
            seconds += time.perf_counter() - begin
            losses.append(float(value))
            for name, slope in slopes.items():
                velocity[name] = 0.9 * velocity[name] - model.rate * slope
                parameters[name] = parameters[name] + velocity[name]
    return Run(np.array(losses), parameters, seconds)


def accuracy(model: Model, parameters: Parameters, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean(np.argmax(model.logits(parameters, x), axis=1) == y))


# --- the report ---


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training images and labels, and every fifth of them kept for the test; pixels from 0 to 1."""
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x, y = digits.data[order] / 16.0, digits.target[order]
    test = np.arange(len(y)) % 5 == 0
    return x[~test], y[~test], x[test], y[test]


def report(model: Model, compiled: Run, eager: Run, data: tuple[np.ndarray, ...]) -> float:
    x, y, x_test, y_test = data
    score = accuracy(model, compiled.parameters, x_test, y_test)
    apart = float(np.max(np.abs(compiled.losses - eager.losses)))
    explained = model.loss.explain(model.start, x[:BATCH], y[:BATCH])
    print(f"\n{model.name}")
    print(f"  test accuracy                          {score:.4f}")
    print(f"  largest difference of the loss curves  {apart:.3g}")
    print(f"  compiled {compiled.seconds:.3f} s, eager {eager.seconds:.3f} s", end="")
    print(f"  (gradients only; ratio {compiled.seconds / eager.seconds:.3f})")
    print(f"  kernels                                {explained.kernels}")
    door = "native entry" if explained.native else explained.reason
    print(f"  calls go through                       {door}")
    return score


def save_picture(path: str, curves: dict[str, Run]) -> None:
    figure, axes = plt.subplots(figsize=(7, 4))
    for name, run in curves.items():
        axes.semilogy(run.losses, label=name, linewidth=1)
    axes.set_xlabel("step")
    axes.set_ylabel("loss on the batch")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    print(f"\nloss curves saved as {path}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--picture", default="digits.png")
    options = parser.parse_args()
    data = load()
    curves = {}
    for model in models(np.random.default_rng(2)):
        x, y = data[:2]
        compiled = train(model, model.loss, x, y, options.epochs, f"{model.name}, compiled")
        eager = train(model, model.loss.eager, x, y, options.epochs, f"{model.name}, eager")
        report(model, compiled, eager, data)
        curves[model.name] = compiled
    save_picture(options.picture, curves)


if __name__ == "__main__":
    main()
