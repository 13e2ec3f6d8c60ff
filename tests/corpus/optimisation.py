"""Objectives: the classic test functions, least squares, penalties, constraints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .registry import Table

TABLE = Table("optimisation")


def _point(n, scale=1.0):
    return lambda rng: (scale * rng.normal(size=n),)


@TABLE.add(_point(6))
def rosen(x):
    x = np.asarray(x)
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0, axis=0)


@TABLE.add(_point(5))
def rastrigin(x):
    return 10 * len(x) + sum(xi**2 - 10 * np.cos(2 * np.pi * xi) for xi in x)


@TABLE.add(_point(4))
def ackley(x, a=20, b=0.2, c=2 * np.pi):
    d = x.size
    first = -a * np.exp(-b * np.sqrt(np.sum(x**2) / d))
    return first - np.exp(np.sum(np.cos(c * x)) / d) + a + np.e


@TABLE.add(_point(2))
def himmelblau(p):
    x, y = p
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


@TABLE.add(lambda rng: (rng.normal(), rng.normal()), wrt=(0, 1))
def beale(x, y):
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


@TABLE.add(_point(5, 3.0))
def griewank(x):
    i = np.arange(1, len(x) + 1)
    return 1 + np.sum(x**2) / 4000 - np.prod(np.cos(x / np.sqrt(i)))


@TABLE.add(_point(4, 2.0))
def levy(x):
    w = 1 + (x - 1) / 4
    first = np.sin(np.pi * w[0]) ** 2
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
    return first + np.sum((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)) + last


@TABLE.add(lambda rng: (100 * rng.normal(size=3),))
def schwefel(x):
    return 418.9829 * len(x) - np.sum(x * np.sin(np.sqrt(np.abs(x))))


@TABLE.add(lambda rng: (rng.uniform(0.2, 3.0, size=4),), m=5)
def michalewicz(x, m=10):
    total = 0
    for i, xi in enumerate(x, start=1):
        total -= np.sin(xi) * np.sin(i * xi**2 / np.pi) ** (2 * m)
    return total


@TABLE.add(lambda rng: (rng.random(3),))
def hartmann3(x):
    alpha = np.array([1.0, 1.2, 3.0, 3.2])
    A = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
    P = 1e-4 * np.array(
        [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
    )
    outer = 0.0
    for i in range(4):
        inner = 0.0
        for j in range(3):
            inner += A[i, j] * (x[j] - P[i, j]) ** 2
        outer += alpha[i] * np.exp(-inner)
    return -outer


@TABLE.add(_point(4))
def powell_singular(x):
    a, b, c, d = x
    return (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4


@TABLE.add(lambda rng: (rng.uniform(-5, 10), rng.uniform(0, 15)), wrt=(0, 1))
def branin(x1, x2, a=1.0, b=5.1 / (4 * np.pi**2), c=5 / np.pi, r=6.0, s=10.0, t=1 / (8 * np.pi)):
    return a * (x2 - b * x1**2 + c * x1 - r) ** 2 + s * (1 - t) * np.cos(x1) + s


@TABLE.add(lambda rng: (rng.normal(size=3), np.linspace(0, 4, 15), rng.normal(size=15)))
def exponential_fit(p, t, y):
    return 0.5 * np.sum((p[0] * np.exp(-(p[1] ** 2) * t) + p[2] - y) ** 2)


@TABLE.add(
    lambda rng: (
        np.array([3.0, 0.5, 1.0]) + 0.1 * rng.normal(size=3),
        rng.uniform(0.1, 3, size=12),
        rng.random(12),
    )
)
def michaelis_menten_soft_l1(theta, substrate, rate):
    vmax, km, hill = theta
    model = vmax * substrate**hill / (km**hill + substrate**hill)
    z = (model - rate) ** 2
    return np.sum(2 * ((1 + z) ** 0.5 - 1))


@TABLE.add(lambda rng: (rng.normal(size=4), rng.normal(size=(20, 4)), rng.normal(size=20)), lam=0.3)
def lasso_objective(w, A, b, lam):
    return 0.5 * np.linalg.norm(A @ w - b) ** 2 + lam * np.linalg.norm(w, ord=1)


@TABLE.add(lambda rng: (rng.normal(size=5), np.linspace(-1, 1, 25), rng.normal(size=25)))
def polynomial_horner_fit(coefficients, x, y):
    p = 0
    for c in coefficients[::-1]:
        p = p * x + c
    return ((p - y) ** 2).mean()


@TABLE.add(lambda rng: (rng.normal(size=6), np.linspace(-1, 1, 25)))
def polyval_smoothness(c, x):
    curve = np.polyval(c, x)
    slope = np.polyval(np.arange(5, 0, -1) * c[:-1], x)
    return np.sum(curve**2) + 0.1 * np.sum(slope**2)


@TABLE.add(lambda rng: (rng.uniform(-0.3, 0.3, size=2),), mu=0.1)
def log_barrier(x, mu=1.0):
    A = np.array([[1.0, 2.0], [-1.0, 1.0], [0.0, -1.0]])
    b = np.array([2.0, 1.5, 1.0])
    slack = b - A @ x
    if np.any(slack <= 0):
        return np.inf
    return x @ np.array([-1.0, -1.0]) - mu * np.sum(np.log(slack))


@TABLE.add(_point(2, 2.0), rho=10.0)
def quadratic_penalty(x, rho):
    objective = (x[0] - 2) ** 4 + (x[0] - 2 * x[1]) ** 2
    violation = max(0, x[0] ** 2 - x[1])
    equality = x[0] + x[1] - 1
    return objective + rho * violation**2 + rho / 2 * equality**2


@TABLE.add(lambda rng: (rng.normal(size=3), rng.normal(size=2)), wrt=(0, 1))
def augmented_lagrangian(x, multipliers, rho=5.0):
    constraints = np.array([x[0] * x[1] - x[2], np.sum(x**2) - 1])
    f = np.prod(x) + np.sin(x).sum()
    return f + multipliers.dot(constraints) + 0.5 * rho * (constraints**2).sum()


@TABLE.add(lambda rng: (rng.normal(size=5), rng.normal(size=(5, 5))))
def projected_gradient_on_simplex(x, A):
    def project(v):
        u = np.sort(v)[::-1]
        css = np.cumsum(u) - 1
        k = np.nonzero(u * np.arange(1, len(v) + 1) > css)[0][-1]
        return np.maximum(v - css[k] / (k + 1), 0)

    Q = A.T @ A
    for _ in range(3):
        x = project(x - 0.05 * (Q @ x))
    return 0.5 * x @ Q @ x


@TABLE.add(lambda rng: (rng.uniform(0.01, 0.1), rng.uniform(0.5, 0.9)), wrt=(0, 1))
def momentum_hyperparameters(rate, momentum):
    x, v = np.array([-1.0, 1.5]), np.zeros(2)
    H = np.diag([1.0, 5.0])
    for _ in range(20):
        v = momentum * v - rate * (H @ x + 0.1 * x**3)
        x = x + v
    return 0.5 * x @ H @ x


@TABLE.add(lambda rng: (0.1 + rng.random(4), rng.normal(size=(6, 4))))
def analytic_centre_newton(b, A):
    x = np.zeros(4)
    for _ in range(4):
        s = 3.0 - A @ x
        g = A.T @ (1 / s) + b * x
        H = A.T @ np.diag(1 / s**2) @ A + np.diag(b)
        x = x - np.linalg.solve(H, g)
    return np.sum(np.log(3.0 - A @ x)) - x.sum()


@TABLE.add(lambda rng: (rng.normal(size=(4, 4)), rng.normal(size=4)), wrt=(0, 1))
def conjugate_gradient_solve(M, b):
    A = M @ M.T + 2 * np.eye(4)
    x = np.zeros_like(b)
    r = b - A @ x
    p = r.copy()
    rs = r @ r
    for _ in range(4):
        Ap = A @ p
        alpha = rs / (p @ Ap)
        x += alpha * p
        r -= alpha * Ap
        new = r @ r
        p = r + (new / rs) * p
        rs = new
    return x @ x


@dataclass
class Problem:
    target: np.ndarray
    weight: float = 2.0
    scale: float = 1.0

    def residual(self, x):
        return (x - self.target) / self.scale


@TABLE.add(lambda rng: (rng.normal(size=4), rng.normal(size=4)))
def problem_class_cauchy_loss(x, target):
    problem = Problem(target, weight=0.5)
    r = problem.residual(x)
    return problem.weight * np.sum(np.log1p(r**2))


@TABLE.add(lambda rng: (rng.normal(size=(8, 2)),))
def travelling_smooth_tour(cities):
    closed = np.r_[cities, cities[:1]]
    return np.sqrt(np.sum(np.diff(closed, axis=0) ** 2, axis=1)).sum()


@TABLE.add(lambda rng: (rng.normal(size=(5, 2)), rng.normal(size=(12, 2))))
def facility_location(sites, customers):
    d = np.sqrt(
        (sites[:, 0] - customers[:, 0, None]) ** 2 + (sites[:, 1] - customers[:, 1, None]) ** 2
    )
    return np.min(d, axis=1).sum() + 0.1 * d.max()


@TABLE.add(lambda rng: (rng.random((4, 5)) + 0.1, 0.5), wrt=(0, 1))
def sinkhorn_distance(cost, epsilon):
    K = np.exp(-cost / epsilon)
    u = np.ones(4) / 4
    for _ in range(20):
        v = (1 / 5) / (K.T @ u)
        u = (1 / 4) / (K @ v)
    P = u[:, None] * K * v
    return np.sum(P * cost)


@TABLE.add(lambda rng: (0.2 * rng.normal(size=(6, 6)), 6))
def max_cut_relaxation(V, n):
    V = V + np.eye(n)
    V = V / np.sqrt((V * V).sum(axis=1))[:, None]
    W = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) % 3
    return np.sum(W * (1 - V @ V.T)) / 4
