"""Peak memory: `python -m benchmarks.peak`. What a call needs over its inputs and results, beside
JAX.

Each figure comes from a fresh process: inputs made, code compiled but not yet run, then the highest
resident set during the first run, less what was resident before it and less the results (Linux
only, where a process may reset that mark). It includes what either keeps for later calls.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from importlib.util import find_spec

from tqdm import tqdm

from .fresh import run
from .report import table

WORKLOADS = ("chain-1e7", "chain-1e7-f32", "layer-norm")
BAR = 0.2  # of what JAX needs
MIB = 1024.0 * 1024.0

PROGRAM = """
import gc, json, sys
from benchmarks.peers import outputs, peer_named
from benchmarks.workloads import find

def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

peer, workload = peer_named(sys.argv[1]), find(sys.argv[2])
peer.load()
job = peer.prepare(workload, workload.inputs())
if peer.name == "jax":
    call = job.function.lower(*job.arguments).compile()
else:
    call = job.function
    call.explain(*job.arguments)  # compiles
gc.collect()
before = status("VmRSS")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
result = call(*job.arguments)
if peer.name == "jax":
    result[0].block_until_ready()
peak = status("VmHWM")
print(json.dumps({"bytes": peak - before - sum(x.nbytes for x in outputs(result))}))
"""


def main() -> int:
    """Print the table; 1 where a workload is over its bar."""
    parser = argparse.ArgumentParser("python -m benchmarks.peak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="processes for each figure")
    rounds = parser.parse_args().rounds
    peers = ["fusegrad", *(["jax"] if find_spec("jax") else [])]
    steps = tqdm(total=len(WORKLOADS) * len(peers) * rounds, disable=None, leave=False)
    rows, missed = [], False
    for workload in WORKLOADS:
        found = {peer: _median(peer, workload, rounds, steps) for peer in peers}
        row = [workload, *(f"{value / MIB:.1f} MiB" for value in found.values())]
        if "jax" in found:
            ratio = max(found["fusegrad"], 0.0) / max(found["jax"], 1.0)
            missed |= ratio > BAR
            row += [f"{ratio:.2g}", f"{BAR:g}"]
        rows.append(row)
    steps.close()
    print(table(["over inputs and results", *peers, "ratio", "bar"][: len(rows[0])], rows))
    return 1 if missed else 0


def _median(peer: str, workload: str, rounds: int, steps: tqdm[None]) -> float:
    """The median over fresh processes, in bytes."""
    found: list[float] = []
    for _ in range(rounds):
        found.append(float(run(PROGRAM, peer, workload)["bytes"]))
        steps.update()
    return statistics.median(found)


if __name__ == "__main__":
    sys.exit(main())
