"""Functions of statistics, physics, learning and finance, with arguments for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray


FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[[Any], tuple[Any, ...]]]] = {}


def example(**shapes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A function to test, with shapes of its arguments (of normal numbers) or how to draw them."""

    def draw(rng: Any) -> tuple[Any, ...]:
        return tuple(s(rng) if callable(s) else rng.normal(size=s) for s in shapes.values())

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS[function.__name__] = (function, draw)
        return function

    return register


def labels(count: int, size: Any) -> Callable[[Any], Any]:
    return lambda rng: rng.integers(0, count, size)


def positive(*size: int) -> Callable[[Any], Any]:
    return lambda rng: rng.uniform(0.5, 2.0, size)


# --- regression and classification ---


@example(w=4, b=(), x=(7, 4), y=labels(2, 7))
def logistic_regression(w: Any, b: Any, x: Any, y: Any) -> Any:
    z = x @ w + b
    return np.mean(np.logaddexp(0, z) - y * z) + 0.1 * np.sum(w**2)


@example(
    p=lambda r: {"w1": r.normal(size=(4, 5)), "b1": r.normal(size=5), "w2": r.normal(size=5)},
    x=(6, 4),
    y=6,
)
def mlp(p: Any, x: Any, y: Any) -> Any:
    h = np.tanh(x @ p["w1"] + p["b1"])
    return np.mean((h @ p["w2"] - y) ** 2)


@example(w=(4, 3), x=(6, 4), y=labels(3, 6))
def softmax_cross_entropy(w: Any, x: Any, y: Any) -> Any:
    z = x @ w
    top = np.max(z, axis=1, keepdims=True)
    log_sum = np.log(np.sum(np.exp(z - top), axis=1)) + top[:, 0]
    return np.mean(log_sum - z[np.arange(6), y])


@example(w=(4, 3), x=(6, 4), y=labels(3, 6))
def softmax_with_one_hot(w: Any, x: Any, y: Any) -> Any:
    z = x @ w
    p = np.exp(z) / np.sum(np.exp(z), axis=-1, keepdims=True)
    return -np.sum(np.log(p) * (y[:, None] == np.arange(3))) / 6


@example(w=4, x=(7, 4), y=7)
def huber(w: Any, x: Any, y: Any) -> Any:
    r = x @ w - y
    a = np.abs(r)
    return np.sum(np.where(a < 1.0, 0.5 * r**2, a - 0.5))


@example(w=4, x=(7, 4), y=7)
def quantile_loss(w: Any, x: Any, y: Any) -> Any:
    r = y - x @ w
    return np.mean(np.maximum(0.9 * r, (0.9 - 1.0) * r))


@example(w=(5,), x=(7, 5), y=7)
def ridge_with_einsum(w: Any, x: Any, y: Any) -> Any:
    r = np.einsum("ij,j->i", x, w) - y
    return np.einsum("i,i->", r, r) + 0.3 * np.einsum("j,j", w, w)


@example(w=4, x=(8, 4), order=lambda r: r.permutation(8))
def cox_partial_likelihood(w: Any, x: Any, order: Any) -> Any:
    risk = x[order] @ w
    return -np.sum(risk - np.log(np.cumsum(np.exp(risk))))


@example(w=4, x=(8, 4), n=labels(6, 8))
def poisson_regression(w: Any, x: Any, n: Any) -> Any:
    eta = np.clip(x @ w, -3.0, 3.0)
    return np.sum(np.exp(eta) - n * eta)


@example(mu=(3, 2), s=positive(3), logits=3, x=(8, 2))
def gaussian_mixture(mu: Any, s: Any, logits: Any, x: Any) -> Any:
    d = x[:, None, :] - mu[None]
    log_p = -0.5 * np.sum(d * d, axis=2) / s**2 - 2 * np.log(s) + logits
    log_p = log_p - np.log(np.sum(np.exp(logits)))
    top = log_p.max(axis=1)
    return -np.sum(np.log(np.sum(np.exp(log_p - top[:, None]), axis=1)) + top)


@example(
    p=lambda r: [r.normal(size=(3, 4)), r.normal(size=(4, 4)), r.normal(size=(4, 1))], x=(5, 3)
)
def deep_network(p: Any, x: Any) -> Any:
    for w in p[:-1]:
        x = np.maximum(x @ w, 0.1 * x @ w)
    return np.sum(np.square(x @ p[-1]))


# --- optimisation and physics ---


@example(x=6)
def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@example(x=5)
def rastrigin(x: Any) -> Any:
    return 10 * len(x) + np.sum(x**2 - 10 * np.cos(2 * np.pi * x))


@example(x=2)
def beale(x: Any) -> Any:
    a, b = x
    return (1.5 - a + a * b) ** 2 + (2.25 - a + a * b**2) ** 2 + (2.625 - a + a * b**3) ** 2


@example(u=(6, 7))
def heat_residual(u: Any) -> Any:
    laplace = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
    return np.sum(laplace**2) + np.sum(u[0] ** 2) + np.sum(u[:, -1] ** 2)


@example(u=12)
def burgers_residual(u: Any) -> Any:
    left, right = np.roll(u, 1), np.roll(u, -1)
    return np.sum((u * (right - left) / 2 - 0.1 * (right - 2 * u + left)) ** 2)


@example(x=(4, 3))
def lennard_jones(x: Any) -> Any:
    d = x[:, None] - x[None, :]
    i, j = np.triu_indices(4, 1)
    r2 = np.sum(d[i, j] ** 2, axis=-1) + 0.5
    return np.sum(4 * (r2**-6 - r2**-3))


@example(theta=2, omega=positive(2))
def pendulum_steps(theta: Any, omega: Any) -> Any:
    for _ in range(5):
        omega = omega - 0.1 * np.sin(theta)
        theta = theta + 0.1 * omega
    return np.sum(theta**2 - omega)


@example(y=3)
def lorenz_runge_kutta(y: Any) -> Any:
    def slope(y: Any) -> Any:
        a, b, c = y[0], y[1], y[2]
        return np.stack([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c])

    for _ in range(3):
        k1 = slope(y)
        k2 = slope(y + 0.005 * k1)
        k3 = slope(y + 0.005 * k2)
        y = y + 0.01 / 6 * (k1 + 2 * k2 + 3 * k3)
    return np.sum(y * y)


@example(f=(3, 3), q=(3, 3), x=3, y=(4, 3))
def kalman_like(f: Any, q: Any, x: Any, y: Any) -> Any:
    total = 0.0
    p = np.eye(3)
    for k in range(4):
        x, p = f @ x, f @ p @ f.T + q @ q.T
        gain = p / (1.0 + np.trace(p))
        r = y[k] - x
        total = total + r @ r + np.log(1.0 + np.trace(p))
        x, p = x + gain @ r, p - gain @ p
    return total


# --- signals, text, attention ---


@example(w=(3, 3), x=(7, 8))
def convolution_by_slices(w: Any, x: Any) -> Any:
    h, n = x.shape[0] - 2, x.shape[1] - 2
    y = sum(w[i, j] * x[i : i + h, j : j + n] for i in range(3) for j in range(3))
    return np.sum(np.tanh(y[::2, ::2]) ** 2)


@example(table=(6, 4), w=4, ids=labels(6, (3, 5)))
def embedding(table: Any, w: Any, ids: Any) -> Any:
    return np.sum(np.tanh(table[ids].mean(axis=1) @ w))


@example(table=(6, 4), ids=labels(6, 5))
def embedding_by_take(table: Any, ids: Any) -> Any:
    return np.sum(np.take(table, ids - 6, axis=0) ** 3)


@example(x=(4, 6), g=6, b=6)
def layer_norm(x: Any, g: Any, b: Any) -> Any:
    mean = x.mean(axis=-1, keepdims=True)
    variance = x.var(axis=-1, keepdims=True)
    return np.sum(np.sin(g * (x - mean) / np.sqrt(variance + 1e-5) + b))


@example(q=(2, 3, 5, 4), k=(2, 3, 5, 4), v=(2, 3, 5, 4))
def attention(q: Any, k: Any, v: Any) -> Any:
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(4.0)
    mask = np.tril(np.ones((5, 5), bool))
    scores = np.where(mask, scores, -1e9)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    return np.sum((weights @ v) ** 2)


@example(x=(3, 5), h=4, wx=(5, 4), wh=(4, 4))
def recurrent(x: Any, h: Any, wx: Any, wh: Any) -> Any:
    for t in range(3):
        gate = 1 / (1 + np.exp(-(x[t] @ wx + h @ wh)))
        h = gate * h + (1 - gate) * np.tanh(x[t] @ wx)
    return np.sum(h)


@example(x=20)
def moving_average(x: Any) -> Any:
    total = np.cumsum(np.concatenate([np.zeros(1), x]))
    return np.sum((total[4:] - total[:-4]) ** 2)


@example(x=16, w=4)
def autoregression(x: Any, w: Any) -> Any:
    lags = np.stack([x[i : len(x) - 4 + i] for i in range(4)], axis=1)
    return np.mean((x[4:] - lags @ w) ** 2)


# --- finance, statistics, geometry ---


@example(w=5, a=(5, 5))
def portfolio_variance(w: Any, a: Any) -> Any:
    p = np.exp(w) / np.sum(np.exp(w))
    return p @ (a.T @ a) @ p


@example(a=6, b=6)
def cosine_similarity(a: Any, b: Any) -> Any:
    return a @ b / (np.linalg.norm(a) * np.sqrt(np.sum(b**2)))


@example(c=5, x=7)
def polynomial(c: Any, x: Any) -> Any:
    y = np.zeros_like(x)
    for k in range(5):
        y = y * x + c[k]
    return np.sum(y)


@example(a=(3, 4, 5), b=(5, 4, 2))
def tensordot(a: Any, b: Any) -> Any:
    return np.sum(np.tensordot(a, b, axes=[[2, 1], [0, 1]]) ** 2)


@example(a=(2, 3, 4), b=(2, 4, 5), c=(5, 3))
def einsum_chain(a: Any, b: Any, c: Any) -> Any:
    return np.einsum("bij,bjk,kl->bil", a, b, c).sum() + np.einsum("bii->", a[:, :, :3])


@example(x=(5, 3))
def whitening(x: Any) -> Any:
    z = (x - x.mean(0)) / (x.std(0) + 0.1)
    return np.sum((z.T @ z / len(x) - np.eye(3)) ** 2)


@example(q=4, v=(5, 3))
def quaternion_rotation(q: Any, v: Any) -> Any:
    w, u = q[0], q[1:]
    n = np.sqrt(np.sum(q * q))
    w, u = w / n, u / n
    t = 2 * np.stack(
        [
            u[1] * v[:, 2] - u[2] * v[:, 1],
            u[2] * v[:, 0] - u[0] * v[:, 2],
            u[0] * v[:, 1] - u[1] * v[:, 0],
        ],
        1,
    )
    return np.sum(np.sin(v + w * t))


@example(x=(6, 2), y=(4, 2), s=())
def kernel_matrix(x: Any, y: Any, s: Any) -> Any:
    d = np.sum(x**2, 1)[:, None] + np.sum(y**2, 1) - 2 * x @ y.T
    return np.sum(np.exp(-d * np.exp(s)))


@example(x=(3, 4))
def minimum_and_products(x: Any) -> Any:
    return np.sum(np.min(x, axis=0) ** 2) + np.prod(1.5 + np.tanh(x), axis=1).sum() + np.ptp(x)


@example(s=positive(5), k=positive(5), v=positive(5))
def option_like(s: Any, k: Any, v: Any) -> Any:
    d = (np.log(s / k) + v**2 / 2) / v
    phi = 1 / (1 + np.exp(-1.702 * d))
    return np.sum(s * phi - k / (1 + np.exp(-1.702 * (d - v))))


@example(x=7)
def elementary_functions(x: Any) -> Any:
    y = np.arctan2(np.sinh(x), np.cosh(x)) + np.arcsin(np.tanh(x) / 2) - np.arccos(x / 10)
    return np.sum(
        y * np.expm1(x) + np.log1p(x * x) + np.cbrt(x + 5) + np.exp2(x) + np.hypot(x, 1.0)
    )


@example(x=(4, 5))
def shapes_only(x: Any) -> Any:
    y = np.moveaxis(x.reshape(2, 2, 5), 0, -1).ravel()
    z = np.pad(np.flip(x, 0), ((1, 0), (0, 2)))
    return np.dot(y, y) + np.sum(np.tile(z, 2) ** 3) + np.repeat(x, 2, axis=1)[0].sum()


@example(x=6)
def branches(x: Any) -> Any:
    return np.sum(np.select([x < -0.5, x < 0.5], [x**2, x**3], np.sin(x)) * np.sign(x))


@example(p=lambda r: ({"a": [r.normal(size=3), 0.5]}, (r.normal(size=()),)))
def tree_of_arguments(p: Any) -> Any:
    return np.sum(p[0]["a"][0] ** 2 * p[0]["a"][1]) * np.exp(p[1][0])


@example(x=(2, 3))
def inside_out(x: Any) -> Any:
    y = x * 2
    y += x
    y *= np.cos(x)
    return (y[:, :, None] * y[:, None]).sum() + (1 / (2 + y**2)).mean()
