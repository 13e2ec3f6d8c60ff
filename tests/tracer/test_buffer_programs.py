"""Programs as people write them, with loops over buffers: compiled, eager, and by differences."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import linalg as sla
from scipy import special

import fusegrad as fg
from fusegrad.ir.autodiff import jvp, value_and_vjp
from fusegrad.ir.batching import batch_graph
from fusegrad.ir.interpret import interpret
from fusegrad.tracer.run import trace

from .oracle import check, differences

X = np.array([0.3, 0.7, 1.1, 0.6, 0.2, 0.9])
TABLE = np.arange(6.0)
CASES: list[Callable[..., Any]] = []


def case(f: Callable[..., Any]) -> Callable[..., Any]:
    CASES.append(f)
    return f


inner = fg.compile(lambda a, b: np.sum(a * b))


@fg.compile
def store(a: Any, b: Any) -> None:
    a[0] = b[0] * 2
    a[1:3] += b[1]


@case
def outside_copy(x: Any) -> Any:
    w = TABLE.copy()
    w[0] = x[0] * 2
    v = TABLE * 1.5
    v[1:] = x[1:]
    return np.sum(w * TABLE) + np.sum(np.sin(v))


@case
def calls_compiled(x: Any) -> Any:
    z = np.ones(6)
    z[2] = 3.0
    return inner(x, z) + inner(z, z) * x[0]


@case
def compiled_stores_into_buffer(x: Any) -> Any:
    z = np.zeros(6)
    store(z, x)
    return np.sum(z * x)


@case
def nested_grad(x: Any) -> Any:
    def g(y: Any) -> Any:
        b = np.zeros(6)
        for i in range(6):
            b[i] = y[i] ** 3
        return np.sum(b * x)

    return np.sum(fg.grad(g)(x) ** 2)


@case
def scipy_functions(x: Any) -> Any:
    z = np.linspace(0.1, 1, 6)
    e = special.erf(z)
    e[0] = x[0]
    m = sla.inv(np.eye(6) * 2) @ x
    return np.sum(special.expit(e) * m)


@case
def nn(x: Any) -> Any:
    z = np.zeros(6)
    z[1] = 1.0
    return np.sum(fg.nn.functional.softmax(z * 1.0 + x, -1) * TABLE)


@case
def breaks(x: Any) -> Any:
    b = np.zeros(50)
    b[0] = x[0]
    for i in range(49):
        b[i + 1] = b[i] * 1.3 + x[1]
        if b[i + 1] > 4:
            break
    return b[i + 1] + np.sum(b)


@case
def deep(x: Any) -> Any:
    z = np.zeros(3)
    y = copy.deepcopy(z)
    y[0] = x[0]
    w = copy.copy(y)
    w[1] = x[1]
    return np.sum(y * np.arange(3) + w)


@case
def ndenum(x: Any) -> Any:
    s = 0.0
    for (i,), v in np.ndenumerate(x):
        s = s + v * i
    for i in np.ndindex(2, 3):
        s = s + x[i[0] * 3 + i[1]] ** 2
    return s


@case
def swap(x: Any) -> Any:
    y = x.copy()
    y[0], y[1] = y[1], y[0]
    y[[2, 3]] = y[[3, 2]]
    return np.sum(y * TABLE)


@case
def list_of_buffers(x: Any) -> Any:
    bs = [np.zeros(2) for _ in range(3)]
    d = {"a": np.zeros(3)}
    for i, b in enumerate(bs):
        b[0] = x[i]
        b[1] = b[0] * x[i + 1]
    d["a"][1] = x[5]
    return (
        np.sum(np.array(bs)) + np.sum(np.concatenate(bs) ** 2) + d["a"].sum() + np.stack(bs)[1, 0]
    )


@case
def python_sums(x: Any) -> Any:
    parts = [x[i] for i in range(6)]
    return (
        sum(parts) * max(parts)
        + min(x[0], x[1])
        + abs(x[0] - x[1])
        + round(2.6)
        + len(parts)
        + sum(v**2 for v in x)
    )


@case
def while_loop(x: Any) -> Any:
    t = 0.0
    y = np.zeros(2)
    y[0] = x[0]
    hist = []
    while t < 1.0:
        y = y + 0.1 * np.array([y[1], -y[0] * x[1]])
        hist.append(y[0])
        t += 0.1
    return np.sum(np.array(hist) ** 2) + np.mean(hist)


@case
def rk4(x: Any) -> Any:
    def f(t: float, y: Any) -> Any:
        d = np.empty_like(y)
        d[0] = y[1]
        d[1] = -x[0] * y[0] - x[1] * y[1]
        return d

    y = np.array([1.0, 0.0])
    h = 0.1
    out = np.zeros((11, 2))
    out[0] = y
    for i in range(10):
        k1 = f(0, y)
        k2 = f(0, y + h / 2 * k1)
        k3 = f(0, y + h / 2 * k2)
        k4 = f(0, y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        out[i + 1] = y
    return np.sum(out**2)


@case
def poly(x: Any) -> Any:
    V = np.zeros((4, 3))
    for j in range(3):
        V[:, j] = np.arange(4) ** j
    return np.sum((V @ x[:3]) ** 2) + np.polyval(x, 0.5)


@case
def where_masks(x: Any) -> Any:
    m = np.zeros(6, bool)
    m[::2] = True
    y = np.where(m, x, 0.0)
    y[~m] = 1.0
    y[m] *= x[m]
    return np.sum(y * TABLE)


@case
def intbuf(x: Any) -> Any:
    idx = np.zeros(3, dtype=int)
    for i in range(3):
        idx[i] = 2 * i
    return np.sum(x[idx] * idx) + x[idx[1]]


@case
def float_dtype(x: Any) -> Any:
    b = np.zeros(6, dtype=np.float64)
    b[:] = x
    assert b.dtype == np.float64
    assert b.dtype == float
    c = np.zeros(3, np.float32)
    return np.sum(b) + float(c[0])


@case
def triangle(x: Any) -> Any:
    L = np.tril(np.outer(x[:3], x[3:]))
    L[np.diag_indices(3)] = np.exp(x[:3])
    return np.sum(np.log(np.diag(L))) + np.sum(L @ L.T)


@case
def flatview(x: Any) -> Any:
    b = np.zeros((2, 3))
    b.flat[:] = x
    b.flat[[0, 2]] = x[1]
    b.ravel()[1] = x[5]
    return np.sum(b * b.T.copy().T * np.arange(6).reshape(2, 3))


@pytest.mark.parametrize("function", CASES)
def test_programs(function: Callable[..., Any]) -> None:
    paths = function.__name__ == "breaks"
    check(function, X, one_path=not paths)


# --- loops over buffers ---


def jacobi(A: Any) -> Any:
    B = np.zeros_like(A)
    A = A.copy()
    B[:] = A
    for _ in range(50):
        B[1:-1, 1:-1] = 0.2 * (
            A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1]
        )
        A[1:-1, 1:-1] = 0.2 * (
            B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1]
        )
    return np.sum(A**2)


def cholesky(A: Any) -> Any:
    n = A.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = A[i, j]
            for k in range(j):
                s = s - L[i, k] * L[j, k]
            if i == j:
                L[i, i] = np.sqrt(s)
            else:
                L[i, j] = s / L[j, j]
    return np.sum(np.log(np.diag(L)))


def tridiagonal(d: Any) -> Any:
    n = len(d)
    a = -1.0
    c = -1.0
    cp = np.zeros(n)
    dp = np.zeros(n)
    x = np.zeros(n)
    b = 2.0 + d**2
    cp[0] = c / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a * cp[i - 1]
        cp[i] = c / m
        dp[i] = (d[i] - a * dp[i - 1]) / m
    x[n - 1] = dp[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return np.sum(x**2)


def lotka_volterra(p: Any) -> Any:
    n = 2000
    dt = 0.005
    x = np.zeros(n)
    y = np.zeros(n)
    x[0] = p[0]
    y[0] = p[1]
    for i in range(n - 1):
        x[i + 1] = x[i] + dt * (p[2] * x[i] - p[3] * x[i] * y[i])
        y[i + 1] = y[i] + dt * (p[3] * x[i] * y[i] - p[2] * y[i])
    return np.sum(x**2 + y**2)


RNG = np.random.default_rng(0)
M = RNG.normal(size=(20, 20))


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (jacobi, RNG.normal(size=(12, 12))),
        (cholesky, M @ M.T + 20 * np.eye(20)),
        (tridiagonal, RNG.normal(size=200)),
        (lotka_volterra, np.array([1.0, 0.5, 0.8, 0.3])),
    ],
)
def test_loops(function: Callable[..., Any], x: np.ndarray) -> None:
    value, gradient = fg.value_and_grad(function)(x)
    np.testing.assert_allclose(value, function(x), rtol=1e-12)
    some = [tuple(RNG.integers(0, n) for n in x.shape) for _ in range(4)]
    for place in some:
        line = np.zeros_like(x)
        line[place] = 1.0
        slope = differences(lambda t, line=line: function(x + t[0] * line), np.zeros(1))  # type: ignore[misc]
        np.testing.assert_allclose(gradient[place], slope[0], rtol=1e-6, atol=1e-6)


# --- the other transforms see stores as well ---


def _with_stores(x: Any) -> Any:
    b = np.zeros(6)
    b[0] = x[0]
    for i in range(5):
        b[i + 1] = b[i] * x[i] + x[i + 1]
    m = np.zeros((2, 3))
    m[:, 1] = b[:2]
    m[1] += x[:3]
    m[m > 0.5] *= 2
    np.add.at(b, [0, 0], x[:2])
    return np.sum(np.sin(b)) + np.sum(m**2)


def test_tangents_and_batches() -> None:
    v = np.array([1.0, -2.0, 0.5, 0.0, 1.0, 2.0])
    graph = trace(_with_stores, (X,), {}).graph
    _, tangent = interpret(jvp(graph, [0]), [X, v])
    slope = differences(lambda t: _with_stores(X + t[0] * v), np.zeros(1))
    np.testing.assert_allclose(tangent, slope[0], rtol=1e-7)
    rows = np.stack([X, X * 2, X - 1])
    (batch,) = interpret(batch_graph(graph, [True], 3), [rows])
    np.testing.assert_allclose(batch, [_with_stores(row) for row in rows], rtol=1e-13)
    joint = value_and_vjp(graph, [0], seed=0)
    _, gradients = interpret(batch_graph(joint, [True], 3), [rows])
    gradient = fg.grad(_with_stores)
    np.testing.assert_allclose(gradients, [gradient(row) for row in rows], rtol=1e-12)


def test_second_derivatives() -> None:
    v = np.array([1.0, -2.0, 0.5, 0.0, 1.0, 2.0])
    gradient = fg.grad(_with_stores)
    product = fg.grad(lambda x: np.sum(gradient(x) * v))(X)
    expected = (gradient(X + 1e-6 * v) - gradient(X - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(product, expected, rtol=1e-6)


def test_tangents_of_many_stores_are_linear_in_their_number() -> None:
    """One update for all tangents, not one for each."""

    def f(x: Any) -> Any:
        b = np.zeros(128)
        for i in range(128):
            b[i] = x[0] * i
        return b

    graph = jvp(trace(f, (X,), {}).graph, [0])
    assert sum(operation.name == "update" for operation in graph) == 2
