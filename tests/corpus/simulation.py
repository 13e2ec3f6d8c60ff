"""Time stepping and linear algebra by loops over buffers, in the manner of NPBench's kernels."""

from __future__ import annotations

import numpy as np

from .registry import Table

TABLE = Table("simulation")


def _spd(rng, n):
    A = rng.normal(size=(n, n))
    return A @ A.T / n + 2 * np.eye(n)


@TABLE.add(lambda rng: (rng.random((10, 10)),))
def jacobi_2d(A, steps=50):
    A = A.copy()
    B = A.copy()
    for _ in range(1, steps):
        B[1:-1, 1:-1] = 0.2 * (
            A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1]
        )
        A[1:-1, 1:-1] = 0.2 * (
            B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1]
        )
    return np.sum(A**2)


@TABLE.add(lambda rng: (rng.random(12),))
def gauss_seidel_1d(u):
    u = u.copy()
    for _ in range(6):
        for i in range(1, len(u) - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1]) - 0.01 * u[i] ** 2
    return u.sum()


@TABLE.add(lambda rng: (_spd(rng, 8),))
def cholesky_by_loops(A):
    n = A.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = 0.0
            for k in range(j):
                s += L[i, k] * L[j, k]
            if i == j:
                L[i, j] = np.sqrt(A[i, i] - s)
            else:
                L[i, j] = (A[i, j] - s) / L[j, j]
    return np.sum(np.log(np.diag(L))) + np.sum(L)


@TABLE.add(lambda rng: (_spd(rng, 7), rng.normal(size=7)), wrt=(0, 1))
def lu_decomposition_and_solve(A, b):
    A, b = A.copy(), b.copy()
    n = len(b)
    for k in range(n - 1):
        for i in range(k + 1, n):
            factor = A[i, k] / A[k, k]
            A[i, k:] -= factor * A[k, k:]
            b[i] -= factor * b[k]
    x = np.empty(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return np.dot(x, x)


@TABLE.add(
    lambda rng: (rng.random(40), 3 + rng.random(41), rng.random(40), rng.normal(size=41)),
    wrt=(0, 1, 2, 3),
)
def tridiagonal_thomas(a, b, c, d):
    n = len(d)
    cp = np.zeros(n - 1)
    dp = np.zeros(n)
    cp[0] = c[0] / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i - 1] * cp[i - 1]
        if i < n - 1:
            cp[i] = c[i] / m
        dp[i] = (d[i] - a[i - 1] * dp[i - 1]) / m
    x = np.zeros(n)
    x[-1] = dp[-1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return (x**2).sum()


@TABLE.add(
    lambda rng: (np.array([1.1, 0.4, 0.1, 0.4]) * rng.uniform(0.9, 1.1, 4), np.array([10.0, 5.0])),
    wrt=(0, 1),
    dt=0.02,
)
def lotka_volterra_euler(theta, start, dt, n=200):
    alpha, beta, delta, gamma = theta
    prey, predator = np.zeros(n), np.zeros(n)
    prey[0], predator[0] = start
    for t in range(n - 1):
        prey[t + 1] = prey[t] + dt * (alpha * prey[t] - beta * prey[t] * predator[t])
        predator[t + 1] = predator[t] + dt * (delta * prey[t] * predator[t] - gamma * predator[t])
    return np.mean(prey) + predator[-1]


def rk4(f, y0, t, *args):
    y = np.zeros((len(t), len(y0)))
    y[0] = y0
    for i in range(len(t) - 1):
        h = t[i + 1] - t[i]
        k1 = f(y[i], t[i], *args)
        k2 = f(y[i] + k1 * h / 2.0, t[i] + h / 2.0, *args)
        k3 = f(y[i] + k2 * h / 2.0, t[i] + h / 2.0, *args)
        k4 = f(y[i] + k3 * h, t[i] + h, *args)
        y[i + 1] = y[i] + (h / 6.0) * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


@TABLE.add(
    lambda rng: (rng.uniform(0.5, 2.0), np.array([2.0, 0.0]) + 0.1 * rng.normal(size=2)), wrt=(0, 1)
)
def van_der_pol_rk4(mu, y0):
    def rhs(y, t, mu):
        return np.array([y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]])

    y = rk4(rhs, y0, np.linspace(0, 2, 21), mu)
    return np.sum(y[:, 0] ** 2)


@TABLE.add(lambda rng: (np.array([10.0, 28.0, 8 / 3]), rng.normal(size=3)), wrt=(0, 1))
def lorenz_rk4_lists(params, state):
    sigma, rho, beta = params
    dt = 0.01

    def rhs(s):
        x, y, z = s
        return np.stack([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])

    trajectory = [state]
    for _ in range(40):
        s = trajectory[-1]
        k1 = rhs(s)
        k2 = rhs(s + dt / 2 * k1)
        k3 = rhs(s + dt / 2 * k2)
        k4 = rhs(s + dt * k3)
        trajectory.append(s + dt / 6 * (k1 + 2 * (k2 + k3) + k4))
    return np.mean(np.array(trajectory)[:, 2])


@TABLE.add(lambda rng: ({"beta": 0.4, "gamma": 0.1 + 0.02 * rng.random(), "I0": 0.01},))
def sir_epidemic(params):
    s, i, r = 1 - params["I0"], params["I0"], 0.0
    infected = []
    for _day in range(60):
        new = params["beta"] * s * i
        healed = params["gamma"] * i
        s, i, r = s - new, i + new - healed, r + healed
        infected.append(i)
    return max(infected) + r


@TABLE.add(lambda rng: (rng.normal(size=5), rng.normal(size=5)), wrt=(0, 1))
def verlet_chain(q, p, n=40, dt=0.05):
    def force(q):
        f = np.zeros_like(q)
        f[:-1] += q[1:] - q[:-1]
        f[1:] -= q[1:] - q[:-1]
        f -= 0.1 * q**3
        return f

    energies = np.empty(n)
    for i in range(n):
        p = p + dt / 2 * force(q)
        q = q + dt * p
        p = p + dt / 2 * force(q)
        energies[i] = 0.5 * p @ p
    return energies.mean()


@TABLE.add(
    lambda rng: (np.array([-1.0, 0.7, 0.8, 0.08]) * rng.uniform(0.9, 1.1, size=4), 0.5), wrt=(0, 1)
)
def fitzhugh_nagumo(p, current):
    v, w = p[0], 0.0
    trace = np.zeros(120)
    for k in range(120):
        v += 0.1 * (v - v**3 / 3 - w + current)
        w += 0.1 * p[3] * (v + p[1] - p[2] * w)
        trace[k] = v
    return np.ptp(trace) + trace.std()


@TABLE.add(
    lambda rng: (0.5 + 0.1 * rng.random((8, 8)), 0.25 + 0.1 * rng.random((8, 8))), wrt=(0, 1)
)
def gray_scott(u, v, F=0.04, k=0.06):
    def laplacian(a):
        return (
            np.roll(a, 1, axis=0)
            + np.roll(a, -1, axis=0)
            + np.roll(a, (0, 1), axis=(0, 1))
            + np.roll(a, -1, axis=1)
            - 4 * a
        )

    for _ in range(10):
        uvv = u * v * v
        u = u + 0.16 * laplacian(u) - uvv + F * (1 - u)
        v = v + 0.08 * laplacian(v) + uvv - (F + k) * v
    return np.sum(u * v)


@TABLE.add(lambda rng: (rng.random(20), rng.random(19)), wrt=(0, 1))
def fdtd_1d(ez, hy):
    for t in range(15):
        hy += 0.5 * np.diff(ez)
        ez[1:-1] += 0.5 * np.diff(hy)
        ez[5] += np.exp(-(((t - 5.0) / 2) ** 2))
        ez[0] = 0.0
    return np.sum(ez**2) + np.sum(hy**2)


@TABLE.add(lambda rng: (rng.random((6, 5)), rng.random((5, 4)), rng.random(4)), wrt=(0, 1, 2))
def bicg_and_atax(A, B, x):
    tmp = B @ x
    y = np.zeros(A.shape[0])
    for i in range(A.shape[0]):
        y[i] = np.dot(A[i, :], tmp)
    z = np.zeros_like(x)
    for j in range(len(x)):
        for i in range(B.shape[0]):
            z[j] += B[i, j] * tmp[i]
    return y @ y + z.sum()


@TABLE.add(lambda rng: (rng.normal(size=(7, 4)),))
def gram_schmidt(A):
    A = A.copy()
    m, n = A.shape
    Q, R = np.zeros_like(A), np.zeros((n, n))
    for k in range(n):
        R[k, k] = np.sqrt(np.dot(A[:, k], A[:, k]))
        Q[:, k] = A[:, k] / R[k, k]
        for j in range(k + 1, n):
            R[k, j] = Q[:, k] @ A[:, j]
            A[:, j] -= Q[:, k] * R[k, j]
    return np.sum(np.log(np.diag(R))) + np.sum(Q[:, -1] * np.arange(m))


@TABLE.add(lambda rng: (rng.random((6, 6)) + 0.1,))
def floyd_warshall(path):
    path = path.copy()
    for k in range(path.shape[0]):
        path[:] = np.minimum(path[:], np.add.outer(path[:, k], path[k, :]))
    return path.sum()


@TABLE.add(lambda rng: (rng.random((3, 4, 5)), rng.random((4, 4))), wrt=(0, 1))
def doitgen(A, C4):
    out = np.empty_like(A.transpose(0, 2, 1))
    for r in range(A.shape[0]):
        for q in range(A.shape[2]):
            out[r, q] = A[r, :, q] @ C4
    return (out**2).sum()


@TABLE.add(lambda rng: (rng.uniform(2.6, 2.9), 0.3 + 0.1 * rng.random()), wrt=(0, 1))
def logistic_map(r, x):
    orbit = np.zeros(40)
    orbit[0] = x
    for i in range(39):
        orbit[i + 1] = r * orbit[i] * (1 - orbit[i])
    return orbit[20:].mean()


@TABLE.add(lambda rng: (rng.random(25), 0.4), wrt=(0, 1))
def lax_wendroff_advection(u, c):
    u = u.copy()
    new = np.empty(len(u))
    for _ in range(12):
        new[1:-1] = u[1:-1] - c / 2 * (u[2:] - u[:-2]) + c**2 / 2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        new[0], new[-1] = new[-2], new[1]
        u[:] = new
    return (u**3).sum()


@TABLE.add(lambda rng: (rng.random(10), rng.uniform(0.1, 0.3)), wrt=(0, 1))
def implicit_diffusion(u, kappa):
    n = len(u)
    A = np.zeros((n, n))
    for i in range(n):
        A[i, i] = 1 + 2 * kappa
        if i > 0:
            A[i, i - 1] = -kappa
        if i < n - 1:
            A[i, i + 1] = -kappa
    for _ in range(5):
        u = np.linalg.solve(A, u)
    return np.linalg.norm(u)
