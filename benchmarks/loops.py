"""Long Python loops: `python -m benchmarks.loops`. fusegrad beside JAX, which writes them out too.

Value and gradient of plain loops over buffers, unchanged for fusegrad, and for JAX with its own
arrays and `.at[…].set`. Each loop has a process of its own. First call: trace and compile,
everything imported. Then calls of both take turns; the figure is the best one. Where JAX has not
compiled a loop within the limit, only fusegrad's figures are there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

import fusegrad as fg

from .report import duration, table


def jacobi_2d(xp: Any, A: Any, steps: int) -> Any:
    A = xp.copy(A)
    B = xp.copy(A)
    inner = (slice(1, -1), slice(1, -1))
    for _ in range(steps):
        B = put(B, inner, 0.2 * _neighbours(A))
        A = put(A, inner, 0.2 * _neighbours(B))
    return xp.sum(A**2)


def _neighbours(A: Any) -> Any:
    return A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1]


def cholesky(xp: Any, A: Any) -> Any:
    n = A.shape[0]
    L = xp.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = 0.0
            for k in range(j):
                s = s + L[i, k] * L[j, k]
            if i == j:
                L = put(L, (i, j), xp.sqrt(A[i, i] - s))
            else:
                L = put(L, (i, j), (A[i, j] - s) / L[j, j])
    return xp.sum(xp.log(xp.diag(L))) + xp.sum(L)


def tridiagonal(xp: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    n = len(d)
    cp, dp, x = xp.zeros(n - 1), xp.zeros(n), xp.zeros(n)
    cp, dp = put(cp, 0, c[0] / b[0]), put(dp, 0, d[0] / b[0])
    for i in range(1, n):
        m = b[i] - a[i - 1] * cp[i - 1]
        if i < n - 1:
            cp = put(cp, i, c[i] / m)
        dp = put(dp, i, (d[i] - a[i - 1] * dp[i - 1]) / m)
    x = put(x, n - 1, dp[n - 1])
    for i in range(n - 2, -1, -1):
        x = put(x, i, dp[i] - cp[i] * x[i + 1])
    return xp.sum(x**2)


def lotka_volterra(xp: Any, theta: Any, start: Any, steps: int) -> Any:
    alpha, beta, delta, gamma = (theta[i] for i in range(4))
    u, v = xp.zeros(steps), xp.zeros(steps)
    u, v = put(u, 0, start[0]), put(v, 0, start[1])
    for t in range(steps - 1):
        u = put(u, t + 1, u[t] + 0.01 * (alpha * u[t] - beta * u[t] * v[t]))
        v = put(v, t + 1, v[t] + 0.01 * (delta * u[t] * v[t] - gamma * v[t]))
    return xp.mean(u) + v[steps - 1]


def put(a: Any, index: Any, value: Any) -> Any:
    """`a[index] = value`, as each library writes it."""
    if hasattr(a, "at"):
        return a.at[index].set(value)
    a[index] = value
    return a


@dataclass(frozen=True)
class Loop:
    """A function of a library's namespace, its arguments, and what stays constant."""

    function: Callable[..., Any]
    arguments: tuple[np.ndarray, ...]
    constants: dict[str, int]

    def compiled(self, library: str) -> Callable[[], Any]:
        """A call that gives value and gradients."""
        places = tuple(range(len(self.arguments)))
        if library == "fusegrad":
            ours = fg.value_and_grad(
                lambda *x: self.function(np, *x, **self.constants), argnums=places
            )
            return lambda: ours(*self.arguments)
        import jax

        jax.config.update("jax_enable_x64", True)
        theirs = jax.jit(
            jax.value_and_grad(
                lambda *x: self.function(jax.numpy, *x, **self.constants), argnums=places
            )
        )
        inputs = [jax.numpy.asarray(x) for x in self.arguments]
        return lambda: jax.block_until_ready(theirs(*inputs))


def loops(steps: int) -> dict[str, Loop]:
    """The loops of the table; `steps` are those of the Lotka–Volterra equations."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(20, 20))
    bands = (rng.random(199), 3 + rng.random(200), rng.random(199), rng.normal(size=200))
    return {
        "Jacobi, 50 steps of 30×30": Loop(jacobi_2d, (rng.random((30, 30)),), {"steps": 50}),
        "Cholesky by elements, n = 20": Loop(cholesky, (matrix @ matrix.T + 20 * np.eye(20),), {}),
        "tridiagonal solve, n = 200": Loop(tridiagonal, bands, {}),
        f"Lotka-Volterra, {steps} Euler steps": Loop(
            lotka_volterra,
            (np.array([1.1, 0.4, 0.1, 0.4]), np.array([10.0, 5.0])),
            {"steps": steps},
        ),
    }


def measure(loop: Loop, libraries: list[str], rounds: int) -> dict[str, tuple[float, float]]:
    """Seconds of the first call, and of the fastest one, by library."""
    calls, first, best = {}, {}, dict.fromkeys(libraries, float("inf"))
    values = []
    for library in libraries:
        start = time.perf_counter()
        calls[library] = loop.compiled(library)
        values.append(float(calls[library]()[0]))
        first[library] = time.perf_counter() - start
    np.testing.assert_allclose(values, values[0], rtol=1e-9)
    for _ in range(rounds):
        for library, call in calls.items():
            start = time.perf_counter()
            call()
            best[library] = min(best[library], time.perf_counter() - start)
    return {library: (first[library], best[library]) for library in libraries}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser("python -m benchmarks.loops", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="calls of each library")
    parser.add_argument("--steps", type=int, default=2000, help="Euler steps")
    parser.add_argument("--limit", type=float, default=600, help="seconds for a loop")
    parser.add_argument("--alone", action="store_true", help="without JAX")
    parser.add_argument("--only", type=int, help="measure the loop of this number here, as JSON")
    options = parser.parse_args()
    libraries = ["fusegrad"] if options.alone else ["fusegrad", "JAX"]
    table_of_loops = loops(options.steps)
    if options.only is not None:
        loop = list(table_of_loops.values())[options.only]
        print(json.dumps(measure(loop, libraries, options.rounds)))
        return
    rows = []
    for number, name in enumerate(tqdm(table_of_loops, disable=None, leave=False)):
        found = _in_a_process(options, number, options.alone) or _in_a_process(
            options, number, alone=True
        )
        cells = [[duration(x) for x in found.get(library, ())] for library in libraries]
        over = [f"over {options.limit:.0f} s", ""]
        rows.append([name, *(cell for pair in cells for cell in pair or over)])
    heads = [f"{library}, {which}" for library in libraries for which in ("first call", "call")]
    print(table(["loop", *heads], rows))


def _in_a_process(
    options: argparse.Namespace, number: int, alone: bool
) -> dict[str, tuple[float, float]]:
    """The figures of one loop; none where it took too long."""
    command = [sys.executable, "-m", "benchmarks.loops", "--only", str(number)]
    command += ["--steps", str(options.steps), "--rounds", str(options.rounds)]
    command += ["--alone"] if alone else []
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=options.limit,
            env={**os.environ, "FUSEGRAD_CACHE": "0"},
        )
    except subprocess.TimeoutExpired:
        return {}
    found: dict[str, tuple[float, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
