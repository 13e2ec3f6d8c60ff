"""What each new size costs: `python -m benchmarks.sizes`.

Value and gradient of some workloads' functions, called with many random leading sizes in a row, in
one process for each peer. A size's cost is its first call less its second one. On Tensors the
function is one node, whose backward pass is part of the call.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tqdm import tqdm

from .fresh import ProgramError, run
from .peers import installed, peer_named
from .report import duration, table

WORKLOADS = ("chain", "logistic", "mlp", "normalised")
PEERS = ("fusegrad", "tensors", "jax")

PROGRAM = """
import importlib, json, random, sys, time
import numpy as np
peer, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
loss = importlib.import_module(f"benchmarks.workloads.{name}").loss
rng = np.random.default_rng(0)

def small(*shape):
    return (0.1 * rng.normal(size=shape)).astype(np.float32)

LAYERS = tuple((small(m, n), np.zeros(n, np.float32)) for m, n in ((64, 128), (128, 64), (64, 10)))

def arguments(n):
    if name == "chain":
        return (rng.normal(size=n),)
    if name == "logistic":
        return rng.normal(size=20), 0.1, rng.normal(size=(n, 20)), rng.integers(0, 2, n) * 1.0
    if name == "mlp":
        return LAYERS, small(n, 64), rng.integers(0, 10, n)
    return small(n, 128), small(128), small(128), rng.integers(0, 128, n)

argnums = (0, 1, 2) if name == "normalised" else 0
if peer == "jax":
    import jax
    jax.config.update("jax_enable_x64", True)
    f = jax.jit(jax.value_and_grad(loss(jax.numpy), argnums))
    give, wait = jax.numpy.asarray, jax.block_until_ready
else:
    import fusegrad
    f = fusegrad.value_and_grad(loss(np), argnums=argnums)
    give, wait = np.asarray, lambda x: x
if peer == "tensors":
    g = fusegrad.compile(loss(np))
    give = lambda x: fusegrad.tensor(np.asarray(x), requires_grad=np.asarray(x).dtype.kind == "f")
    f = lambda *given: g(*given).backward()

def given(x):
    return tuple(map(given, x)) if isinstance(x, tuple) else give(x)

sizes = [random.Random(1).randrange(1000, 5000)]
choose = random.Random(2)
while len(sizes) < count:
    n = choose.randrange(1000, 5000)
    if n not in sizes:
        sizes.append(n)
costs = []
for n in sizes:
    x = given(arguments(n))
    start = time.perf_counter()
    wait(f(*x))
    first = time.perf_counter()
    wait(f(*x))
    costs.append(2 * first - start - time.perf_counter())
compiled = {"fusegrad": lambda: f, "tensors": lambda: g}.get(peer)
runs = compiled().cache_info()["llvm"] if compiled else []
print(json.dumps({"costs": costs, "runs": len(runs)}))
"""


def main() -> int:
    """Print the table; 1 where a program failed."""
    parser = argparse.ArgumentParser("python -m benchmarks.sizes", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="sizes")
    parser.add_argument("--only", nargs="+", default=WORKLOADS, choices=WORKLOADS)
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    options = parser.parse_args()
    peers = [peer for peer in options.peers if peer != "jax" or installed(peer_named("jax"))]
    if len(peers) < len(options.peers):
        print("not installed, and left out: jax", file=sys.stderr)
    jobs = [(name, peer) for name in options.only for peer in peers]
    rows, failed = [], []
    for name, peer in tqdm(jobs, disable=None, leave=False):
        try:
            answer = run(PROGRAM, peer, name, str(options.count))
            rows.append(_row(name, peer, answer))
        except ProgramError as error:
            failed.append(f"\nFAILED {name}, {peer}: {error}")
    head = ["function", "peer", "first size", "second", "median of the others", "all sizes"]
    print(table([*head, "later runs of LLVM"], rows), *failed, sep="\n")
    return 1 if failed else 0


def _row(name: str, peer: str, answer: dict[str, Any]) -> list[str]:
    costs = answer["costs"]
    others = sorted(costs[2:])
    times = (costs[0], costs[1], others[len(others) // 2], sum(costs))
    runs = "each size" if peer == "jax" else str(answer["runs"])
    return [name, peer, *map(duration, times), runs]


if __name__ == "__main__":
    sys.exit(main())
