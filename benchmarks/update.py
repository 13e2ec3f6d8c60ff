"""Updates in place: `python -m benchmarks.update`. A step of Adam on float32 parameters, which are
donated with both moments, or not; beside JAX.

Each row comes from a fresh process: the median time of a step that gets what the step before has
returned, and the highest resident set of the steps over what was there before them (Linux only).
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec

from tqdm import tqdm

from .fresh import run
from .report import table

SIZES = (10**4, 10**6, 10**7)
MIB = 1024.0 * 1024.0

PROGRAM = """
import gc, json, statistics, sys, time
import numpy as np

peer, donated, n = sys.argv[1], sys.argv[2] == "donated", int(sys.argv[3])

def adam(p, m, v, g, t):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g * g
    return p - 1e-3 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-8), m, v

def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

arrays = [np.abs(np.random.default_rng(i).normal(size=n)).astype(np.float32) for i in range(4)]
t = np.float32(3.0)
if peer == "jax":
    import jax
    step = jax.jit(adam, donate_argnums=(0, 1, 2) if donated else ())
    arrays = [jax.numpy.array(x) for x in arrays]
    step = step.lower(*arrays, t).compile()
else:
    import fusegrad
    step = fusegrad.compile(adam, donate=(0, 1, 2) if donated else ())
    step.explain(*arrays, t)  # compiles
state, g = arrays[:3], arrays[3]
del arrays
gc.collect()
before = status("VmRSS")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
taken = []
for _ in range(max(5, min(2000, 4 * 10**7 // n))):
    start = time.perf_counter()
    state = step(*state, g, t)
    if peer == "jax":
        state[0].block_until_ready()
    taken.append(time.perf_counter() - start)
print(json.dumps({"seconds": statistics.median(taken), "bytes": status("VmHWM") - before}))
"""


def main() -> int:
    """Print the table."""
    argparse.ArgumentParser("python -m benchmarks.update", description=__doc__).parse_args()
    peers = ["fusegrad", *(["jax"] if find_spec("jax") else [])]
    jobs = [(n, peer, how) for n in SIZES for peer in peers for how in ("new", "donated")]
    rows = []
    for n, peer, how in tqdm(jobs, disable=None, leave=False):
        found = run(PROGRAM, peer, how, str(n))
        milliseconds, most = found["seconds"] * 1e3, found["bytes"] / MIB
        rows.append([f"{n:,}", peer, how, f"{milliseconds:.3g} ms", f"{most:.1f} MiB"])
    print(table(["parameters", "", "results", "a step", "over the arguments"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
