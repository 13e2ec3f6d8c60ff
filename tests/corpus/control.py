"""Control flow by values: iterations until convergence, branches, sorting, recursion."""

from __future__ import annotations

import math

import numpy as np

from .registry import Table

TABLE = Table("control flow")


@TABLE.add(lambda rng: (rng.uniform(2.0, 90.0),))
def newton_square_root(a):
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = 0.5 * (x + a / x)
    return x


@TABLE.add(lambda rng: (rng.uniform(0.1, 0.9), rng.uniform(0.5, 3.0)), wrt=(0, 1))
def kepler_equation(e, M):
    E = M if e < 0.8 else np.pi
    for _ in range(50):
        dE = (E - e * np.sin(E) - M) / (1 - e * np.cos(E))
        E -= dE
        if np.abs(dE) < 1e-14:
            break
    else:
        raise RuntimeError("no convergence")
    return np.cos(E) - e


@TABLE.add(lambda rng: (np.array([1.0, 2.0, -5.0]) + 0.2 * rng.normal(size=3),))
def bisection_then_newton(c):
    def f(x):
        return c[0] * x**3 + c[1] * x + c[2]

    lo, hi = 0.0, 5.0
    while hi - lo > 0.1:
        mid = (lo + hi) / 2
        if f(lo) * f(mid) <= 0:
            hi = mid
        else:
            lo = mid
    x = (lo + hi) / 2
    for _ in range(5):
        x = x - f(x) / (3 * c[0] * x**2 + c[1])
    return x


@TABLE.add(lambda rng: (np.array([1.0, 1.0]) + 0.1 * rng.normal(size=2),))
def newton_system_until_converged(p):
    x = np.array([1.0, 2.0])
    iterations = 0
    while True:
        F = np.array([x[0] ** 2 + x[1] ** 2 - 4 * p[0], x[0] * x[1] - p[1]])
        if np.linalg.norm(F) < 1e-12 or iterations > 30:
            break
        J = np.array([[2 * x[0], 2 * x[1]], [x[1], x[0]]])
        x = x - np.linalg.solve(J, F)
        iterations += 1
    return x[0] + 2 * x[1]


@TABLE.add(lambda rng: (rng.uniform(1.0, 3.0), rng.uniform(0.5, 1.5)), wrt=(0, 1))
def adaptive_step_heun(k, y0):
    t, y, h = 0.0, y0, 0.1
    while t < 1.0:
        h = min(h, 1.0 - t)
        k1 = -k * y + np.sin(t)
        euler = y + h * k1
        k2 = -k * euler + np.sin(t + h)
        heun = y + 0.5 * h * (k1 + k2)
        if abs(heun - euler) < 5e-3:
            t += h
            y = heun
            h *= 1.5
        else:
            h *= 0.5
    return y


@TABLE.add(lambda rng: (rng.uniform(0.5, 3.0), 5.0), wrt=(0, 1))
def adaptive_simpson(a, b):
    def f(x):
        return np.exp(-x) * np.sin(a * x)

    def simpson(lo, hi):
        return (hi - lo) / 6 * (f(lo) + 4 * f((lo + hi) / 2) + f(hi))

    def integrate(lo, hi, whole, tol):
        mid = (lo + hi) / 2
        left, right = simpson(lo, mid), simpson(mid, hi)
        if abs(left + right - whole) < 15 * tol:
            return left + right + (left + right - whole) / 15
        return integrate(lo, mid, left, tol / 2) + integrate(mid, hi, right, tol / 2)

    return integrate(0.0, b, simpson(0.0, b), 1e-3)


@TABLE.add(lambda rng: (rng.normal(size=7),))
def sorted_weights(x):
    total = 0.0
    for rank, value in enumerate(sorted(x), start=1):
        total += rank * value**2
    return total


@TABLE.add(lambda rng: (rng.normal(size=9),))
def trimmed_mean_by_sort(x):
    x = x.copy()
    x.sort()
    return np.mean(x[2:-2] ** 2)


@TABLE.add(lambda rng: (rng.normal(size=(6, 2)), rng.normal(size=2)), wrt=(0, 1))
def k_nearest_neighbours(points, query):
    distances = [math.fsum([]) + np.sum((p - query) ** 2) for p in points]
    nearest = sorted(range(len(points)), key=lambda i: distances[i])[:3]
    return sum(distances[i] for i in nearest) / 3


@TABLE.add(lambda rng: (rng.normal(size=8),))
def bubble_sort_loss(x):
    items = list(x)
    n = len(items)
    for i in range(n):
        for j in range(n - 1 - i):
            if items[j] > items[j + 1]:
                items[j], items[j + 1] = items[j + 1], items[j]
    return sum((k + 1) * item for k, item in enumerate(items)) + items[0] * items[-1]


@TABLE.add(lambda rng: (rng.uniform(0.8, 1.2), 9), wrt=0)
def fibonacci_recursion(x, n):
    if n < 2:
        return x if n == 1 else 0.5 * x
    return fibonacci_recursion(x, n - 1) + np.sin(x) * fibonacci_recursion(x, n - 2)


@TABLE.add(lambda rng: (rng.normal(size=(10, 2)), rng.uniform(0.5, 1.5, size=10)), wrt=(0, 1))
def quadtree_energy(points, mass):
    def energy(index, x0, y0, size):
        if len(index) <= 1:
            return 0.0
        if size < 1.0:
            centre = np.sum(points[index] * mass[index][:, None], axis=0) / np.sum(mass[index])
            return np.sum(mass[index] * np.sum((points[index] - centre) ** 2, axis=1))
        half, total = size / 2, 0.0
        for dx in (0, half):
            for dy in (0, half):
                inside = [
                    i
                    for i in index
                    if x0 + dx <= points[i, 0] < x0 + dx + half
                    and y0 + dy <= points[i, 1] < y0 + dy + half
                ]
                total = total + energy(inside, x0 + dx, y0 + dy, half)
        return total

    return energy(list(range(len(points))), -4.0, -4.0, 8.0) + 0.1 * np.sum(points**2)


@TABLE.add(lambda rng: (rng.normal(size=5), rng.uniform(0.5, 2.0)), wrt=(0, 1))
def early_return(x, limit):
    total = 0.0
    for value in x:
        if total > limit:
            return total * limit
        total += np.exp(value)
    return total


@TABLE.add(lambda rng: (rng.uniform(-3, 3),))
def piecewise_elif(x):
    if x < -1:
        return x**2 - 1
    elif x < 0:
        return np.sin(np.pi * x)
    elif x < 1:
        return np.pi * x * np.exp(-x)
    return np.log(x) + 2.0


@TABLE.add(lambda rng: (rng.uniform(0.1, 6.0), rng.uniform(0.5, 4.0)), wrt=(0, 1))
def series_until_small(x, a):
    term = 1 / a
    total = term
    n = 1
    while term > 1e-16 * total:
        term *= x / (a + n)
        total += term
        n += 1
    return total * np.exp(-x + a * np.log(x))


@TABLE.add(lambda rng: (rng.uniform(1.0, 9.0), rng.uniform(1.0, 9.0)), wrt=(0, 1))
def arithmetic_geometric_mean(a, b):
    assert a > 0
    assert b > 0
    while not np.isclose(a, b, rtol=1e-15, atol=0):
        a, b = (a + b) / 2, np.sqrt(a * b)
    return a


@TABLE.add(lambda rng: (np.array([-1.2, 1.0]) + 0.1 * rng.normal(size=2), 0.6), wrt=(0, 1))
def backtracking_line_search(x, shrink):
    def f(x):
        return (1 - x[0]) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2

    def df(x):
        b = x[1] - x[0] ** 2
        return np.array([-2 * (1 - x[0]) - 40 * x[0] * b, 20 * b])

    for _ in range(3):
        g = df(x)
        t = 1.0
        while f(x - t * g) > f(x) - 0.3 * t * g @ g:
            t *= shrink
        x = x - t * g
    return f(x)


@TABLE.add(lambda rng: (rng.normal(size=(4, 4)),))
def gauss_elimination_pivoting(A):
    A = A.copy()
    det = 1.0
    for k in range(4):
        p = k + np.argmax(np.abs(A[k:, k]))
        if p != k:
            A[[k, p]] = A[[p, k]]
            det = -det
        det *= A[k, k]
        for i in range(k + 1, 4):
            A[i] = A[i] - A[i, k] / A[k, k] * A[k]
    return det


@TABLE.add(lambda rng: (rng.normal(size=(5, 5)),))
def power_iteration_until_stable(M):
    A = M @ M.T + np.diag([5.0, 1, 1, 1, 1])
    v = np.ones(5) / np.sqrt(5)
    eigenvalue = 0.0
    for _ in range(300):
        w = A @ v
        v = w / np.linalg.norm(w)
        previous, eigenvalue = eigenvalue, v @ A @ v
        if abs(eigenvalue - previous) < 1e-13 * abs(eigenvalue):
            break
    return eigenvalue


@TABLE.add(lambda rng: (rng.uniform(3.0, 8.0), rng.uniform(0.6, 0.9)), wrt=(0, 1))
def bouncing_ball(height, restitution):
    t, y, v = 0.0, height, 0.0
    bounces = 0
    while bounces < 3:
        flight = (v + np.sqrt(v**2 + 2 * 9.81 * y)) / 9.81
        if t + flight > 3.0:
            break
        t += flight
        v, y = restitution * (9.81 * flight - v), 0.0
        bounces += 1
    rest = 3.0 - t
    return y + v * rest - 0.5 * 9.81 * rest**2


@TABLE.add(lambda rng: (rng.normal(size=6), rng.normal(size=7)), wrt=(0, 1))
def dynamic_time_warping(a, b):
    n, m = len(a), len(b)
    D = np.full((n + 1, m + 1), np.inf)
    D[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost = (a[i - 1] - b[j - 1]) ** 2
            D[i, j] = cost + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return D[n, m]


@TABLE.add(lambda rng: (rng.normal(size=12),))
def run_length_penalty(x):
    penalty, run = 0.0, 0.0
    for v in x:
        if v > 0:
            run += v
            continue
        penalty += run**2
        run = 0.0
    return penalty + run**2


@TABLE.add(lambda rng: (rng.uniform(0.2, 4.0, size=4),), table={"near": 1.0, "far": 0.5})
def dispatch_by_distance(r, table):
    total = 0.0
    for ri in r:
        zone = "near" if ri < 1.5 else "far"
        total += table[zone] * (ri**2 if zone == "near" else np.sqrt(ri))
    return total


@TABLE.add(lambda rng: (rng.uniform(0.0, 9.99), rng.normal(size=11)), wrt=(0, 1))
def table_lookup_by_int(x, values):
    i = int(x)
    frac = x - i
    return (1 - frac) * values[i] + frac * values[i + 1]


@TABLE.add(lambda rng: (rng.uniform(0.2, 1.2), rng.uniform(5.0, 20.0)), wrt=(0, 1))
def scalar_code_with_math_module(angle, speed):
    g = 9.81
    height = 1.5
    vx, vy = speed * math.cos(angle), speed * math.sin(angle)
    flight = (vy + math.sqrt(vy**2 + 2 * g * height)) / g
    return vx * flight


@TABLE.add(lambda rng: (rng.normal(size=6),))
def float_accumulator(x):
    total = 0.0
    for value in x:
        total += float(value) ** 2 if value > 0 else -0.5 * float(value)
    return total + np.sum(np.sin(x))
