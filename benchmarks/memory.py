"""Memory: `python -m benchmarks.memory`. What calls and recompilations leave behind, and the peak.

Each figure comes from a fresh process; growth is of the resident set (Linux only).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from tqdm import tqdm

from .fresh import run
from .report import table

KIB, MIB = 1024.0, 1024.0 * 1024.0

START = """
import gc, json, os, resource, sys
import numpy as np, fusegrad

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def make():
    return fusegrad.value_and_grad(lambda x: np.sum(np.sin(x) * x + np.exp(-x * x)))

x = np.linspace(0.0, 1.0, 100)
count = int(sys.argv[1])
"""

CALLS = """
f = make()
for _ in range(10_000):
    f(x)
before = resident()
for _ in range(count):
    f(x)
print(json.dumps({"bytes": resident() - before}))
"""

RECOMPILES = """
for _ in range(40):
    make()(x)
before = resident()
for _ in range(count):
    make()(x)
print(json.dumps({"bytes": (resident() - before) / count}))
"""

HELD = """
for _ in range(40):
    make()(x)
before = resident()
held = [make() for _ in range(count)]
for f in held:
    f(x)
grown = resident() - before
print(json.dumps({"bytes": grown / count}))
"""

RELEASED = """
for _ in range(40):
    make()(x)
held = [make() for _ in range(count)]
for f in held:
    f(x)
del f
before = resident()
held.clear()
print(json.dumps({"bytes": (before - resident()) / count}))
"""

PEAK = """
size = count
x = np.ones(size)
f = make()
f(x[:8])
before = peak()
f(x)
print(json.dumps({"bytes": (peak() - before) / x.nbytes}))
"""


@dataclass(frozen=True)
class Figure:
    """A measurement, and the bar that it must not exceed."""

    what: str
    program: str
    count: int
    unit: str
    scale: float
    bar: float | None


FIGURES = (
    Figure("growth over 1e6 calls", CALLS, 1_000_000, "KiB", KIB, 256.0),
    Figure("300 recompilations, growth of each", RECOMPILES, 300, "KiB", KIB, 64.0),
    Figure("300 compiled functions held, each", HELD, 300, "KiB", KIB, None),
    Figure("of that released with them, each", RELEASED, 300, "KiB", KIB, None),
    Figure("peak of a call, n = 1e7, in sizes of its input", PEAK, 10_000_000, "x", 1.0, 1.1),
)


def main() -> int:
    """Print the figures; 1 where one is over its bar."""
    parser = argparse.ArgumentParser("python -m benchmarks.memory", description=__doc__)
    parser.parse_args()
    found = [measure(figure) for figure in tqdm(FIGURES, disable=None, leave=False)]
    rows = [
        [f.what, f"{value:.4g} {f.unit}", "" if f.bar is None else f"{f.bar:g} {f.unit}"]
        for f, value in zip(FIGURES, found, strict=True)
    ]
    print(table(["memory", "found", "bar"], rows))
    missed = [f for f, v in zip(FIGURES, found, strict=True) if f.bar is not None and v > f.bar]
    return 1 if missed else 0


def measure(figure: Figure) -> float:
    """The figure in its unit."""
    answer = run(START + figure.program, str(figure.count))
    return float(answer["bytes"]) / figure.scale


if __name__ == "__main__":
    sys.exit(main())
