"""Compiled loops that run for long, and a program that interrupts one by Ctrl-C and times it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import textwrap

DELAY = 0.4  # seconds into the compiled code at which the signal is sent

# Each: what is compiled, and its arguments so large that a call takes minutes.
LOOPS = {
    "outer product": """
        def f(x, y): return np.sum(np.sin(x[:, None] * y[None, :]))
        large, small = (np.ones(10**6), np.ones(10**6)), (np.ones(3), np.ones(4))
    """,
    "its gradient": """
        def f(x, y): return np.sum(np.sin(x[:, None] * y[None, :]))
        f = fg.value_and_grad(f)
        large, small = (np.ones(10**6), np.ones(10**6)), (np.ones(3), np.ones(4))
    """,
    "rows reduced": """
        def f(x, y): return np.max(np.exp(x[:, None] - y[None, :]), axis=1)
        large, small = (np.ones(10**6), np.ones(10**6)), (np.ones(3), np.ones(4))
    """,
    "columns reduced": """
        def f(x, y): return np.sum(np.exp(x[:, None] - y[None, :]), axis=0)
        large, small = (np.ones(10**6), np.ones(10**6)), (np.ones(3), np.ones(4))
    """,
    "short rows": """
        def f(x, y): return np.sum(np.cosh(x[:, None, None] * y[None, None, :3] + y[None, :, None]))
        large, small = (np.ones(10**6), np.ones(10**6)), (np.ones(3), np.ones(4))
    """,
    "matrix products": """
        def f(x):
            y = x
            for _ in range(60): y = y @ x
            return np.sum(y)
        large, small = (np.eye(4000),), (np.eye(4),)
    """,
    "a batch of small products": """
        def f(x):
            y = x
            for _ in range(3000): y = y @ x
            return np.sum(y)
        large, small = (np.ones((400_000, 8, 8)) / 8,), (np.eye(4)[None],)
    """,
    "rows of products": """
        def f(a, x):
            for _ in range(20):
                z = np.tanh(a @ x)
                x = x + np.sum(a * z[:, None], axis=0) + 1e-9 * (z @ a)
            return np.sum(x)
        f = fg.value_and_grad(f, argnums=1)
        large, small = (np.ones((10**6, 100)), np.ones(100)), (np.eye(4), np.ones(4))
    """,
    "skinny products": """
        def f(x, w):
            y = x
            for _ in range(100): y = np.sin(y @ w)
            return np.sum(y)
        large, small = (np.ones((10**6, 32)), np.eye(32)), (np.eye(4), np.eye(4))
    """,
    "matrix times vectors": """
        def f(a, x):
            for _ in range(300): x = a @ x
            return np.sum(x)
        large, small = (np.eye(6000), np.ones(6000)), (np.eye(4), np.ones(4))
    """,
    "gather": """
        def f(x, i):
            for _ in range(100): x = x[i] * 0.5
            return np.sum(x)
        i = np.random.default_rng(0).integers(0, 10**7, 10**7)
        large, small = (np.ones(10**7), i), (np.ones(4), np.arange(4))
    """,
    "scatter": """
        @fg.grad
        def f(x, i):
            for _ in range(100): x = np.tanh(x[i])
            return np.sum(x)
        i = np.random.default_rng(0).integers(0, 3 * 10**6, 3 * 10**6)
        large, small = (np.ones(3 * 10**6), i), (np.ones(4), np.arange(4))
    """,
    "a long sort": """
        def f(x):
            for _ in range(60): x = np.sort(np.sin(x * 1e3))
            return np.sum(x)
        large, small = (np.arange(10.0**7),), (np.arange(4.0),)
    """,
    "short sorts": """
        def f(x):
            for _ in range(100): x = np.sort(np.sin(x * 1e3), 0)
            return np.sum(x)
        large, small = (np.arange(10.0**7).reshape(5, -1),), (np.arange(6.0).reshape(2, 3),)
    """,
    "factors of many matrices": """
        def f(x):
            for _ in range(200): x = np.linalg.inv(x) + 1e-3 * x
            return np.sum(x)
        large, small = (np.eye(30) + np.ones((10_000, 1, 1)),), (np.eye(30)[None],)
    """,
    "cumsum": """
        def f(x):
            for _ in range(100): x = np.cumsum(x) * 1e-7
            return np.sum(x)
        large, small = (np.ones(2 * 10**7),), (np.ones(4),)
    """,
    "cumsum along columns": """
        def f(x):
            for _ in range(100): x = np.cumsum(x, 0) * 1e-3
            return np.sum(x)
        large, small = (np.ones((1000, 20_000)),), (np.ones((4, 3)),)
    """,
    "argmax": """
        def f(x):
            for _ in range(100): x = x + np.argmax(x) * 1e-9
            return np.sum(x)
        large, small = (np.ones(2 * 10**7),), (np.ones(4),)
    """,
    "concatenate": """
        def f(x):
            for _ in range(60): x = np.cumsum(np.concatenate([x[1:], x[:1]]))
            return np.sum(x)
        large, small = (np.ones(2 * 10**7),), (np.ones(4),)
    """,
    "products of a tall matrix": """
        def f(x): return np.sum((x.T @ x) @ np.ones((x.shape[1], 4)))
        large, small = (np.ones((5 * 10**5, 400)),), (np.ones((4, 3)),)
    """,
    "many kernels of medium size": """
        def f(x):
            for _ in range(3000): x = np.cumsum(np.sin(x)) * 1e-4
            return np.sum(x)
        large, small = (np.ones(60_000),), (np.ones(4),)
    """,
    "many kernels": """
        def f(x):
            for _ in range(150): x = np.sin(x) / np.sqrt(np.sum(x * x) + 1.0)
            return np.sum(x)
        large, small = (np.ones(2 * 10**7),), (np.ones(4),)
    """,
}

SCRIPT = """
import json, os, signal, threading, time
import numpy as np
import fusegrad as fg

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores Ctrl-C

{code}

compiled = f if hasattr(f, "lower") else fg.compile(f)
expected = compiled(*small)
explanation = compiled.explain(*large)
sent, took = [], []

def send():
    time.sleep({delay})
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)

while len(took) < {times} or (min(took) >= {quick} and len(took) < {times} + {more}):
    threading.Thread(target=send).start()
    try:
        compiled(*large)
        raise SystemExit("the loop ended before the signal was felt")
    except KeyboardInterrupt:
        took.append(time.perf_counter() - sent[-1])
    again = compiled(*small)
    same = [np.array_equal(a, b) for a, b in zip(np.atleast_1d(again), np.atleast_1d(expected))]
    assert all(same)
print(json.dumps([took, explanation.native]))
"""


def interrupted(
    name: str, times: int = 2, *, quick: float = math.inf, more: int = 0
) -> tuple[list[float], bool]:
    """Seconds from each signal to KeyboardInterrupt in the loop `name`, in a process of its own.

    And whether the native entry was called. Where none of the `times` stops took less than `quick`
    seconds, up to `more` signals are sent besides, until one does. Between the signals, calls on
    small arguments must give what they gave at first. Raises AssertionError where one doesn't, or
    where a loop ended before the signal was felt.
    """
    code = textwrap.dedent(LOOPS[name])
    if "value_and_grad" in code:
        code += (
            "whole = f\ndef f(x, y): return np.concatenate([np.ravel(p) for p in whole(x, y)])\n"
        )
    script = SCRIPT.format(
        code=code, delay=DELAY, times=times, quick=f"float('{quick}')", more=more
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # two of them wait for each other's core
    )
    assert run.returncode == 0, run.stderr
    seconds, native = json.loads(run.stdout)
    return seconds, native
