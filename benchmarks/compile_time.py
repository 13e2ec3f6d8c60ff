"""How compiling grows with the length of a trace: `python -m benchmarks.compile_time`.

The gradient of k rounds of `x = np.sin(x) * 0.5 + x`, three operations each. Every length is
compiled in a process of its own; the table has the time by stage, and what is left of it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any

from tqdm import tqdm

from .fresh import ProgramError, run
from .peers import installed, peer_named
from .report import duration, table

PROGRAM = """
import json, sys, time, resource
import numpy as np
sys.setrecursionlimit(10_000)
peer, rounds, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

def chain(xp):
    def loss(x):
        for _ in range(rounds):
            x = xp.sin(x) * 0.5 + x
        return xp.sum(x)
    return loss

x = np.float64(0.3) if size == 0 else np.linspace(0.0, 1.0, size)
if peer == "fusegrad":
    import fusegrad
    warm = fusegrad.value_and_grad(lambda x: np.sum(np.sin(x)))
    warm(x)
    f = fusegrad.value_and_grad(chain(np))
else:
    import jax
    jax.config.update("jax_enable_x64", True)
    x = jax.numpy.asarray(x)
    jax.jit(lambda x: jax.numpy.sum(jax.numpy.sin(x)))(x)
    f = jax.jit(jax.value_and_grad(chain(jax.numpy)))
cpu, wall = time.process_time(), time.perf_counter()
value = float(f(x)[0])
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
stages = f.explain(x).seconds if peer == "fusegrad" else {}
start = time.perf_counter()
for _ in range(5):
    f(x)[0].item()
call = (time.perf_counter() - start) / 5
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps(dict(value=value, wall=wall, cpu=cpu, call=call, stages=stages, peak=peak)))
"""


def main() -> int:
    """Print the tables; 1 where a compilation failed."""
    parser = argparse.ArgumentParser("python -m benchmarks.compile_time", description=__doc__)
    parser.add_argument("--operations", type=int, nargs="+", default=[10_000, 20_000, 30_000])
    parser.add_argument("--jax", type=int, nargs="*", default=[1500, 3000], metavar="OPERATIONS")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one length")
    options = parser.parse_args()
    jobs = [("fusegrad", count, size) for size in (0, 100) for count in options.operations]
    if installed(peer_named("jax")):
        pairs = [(peer, count) for count in options.jax for peer in ("jax", "fusegrad")]
        jobs += [(*pair, size) for size in (0, 100) for pair in pairs]
    else:
        print("not installed, and left out: jax", file=sys.stderr)
    answers = [_ask(job, options.timeout) for job in tqdm(jobs, disable=None, leave=False)]
    print(_table(jobs, answers))
    for job, answer in zip(jobs, answers, strict=True):
        if "error" in answer:
            print(f"\nFAILED {job}: {answer['error']}")
    return 1 if any("error" in answer for answer in answers) else 0


def _ask(job: tuple[str, int, int], timeout: float) -> dict[str, Any]:
    peer, operations, size = job
    try:
        return run(PROGRAM, peer, str(operations // 3), str(size), timeout=timeout)
    except ProgramError as error:
        return {"error": str(error).splitlines()[-1]}
    except subprocess.TimeoutExpired:
        return {"error": f"more than {timeout:.0f} s"}


def _table(jobs: list[tuple[str, int, int]], answers: list[dict[str, Any]]) -> str:
    good = [(job, answer) for job, answer in zip(jobs, answers, strict=True) if "wall" in answer]
    stages = list(dict.fromkeys(name for _, answer in good for name in answer["stages"]))
    rows = [_row(job, answer, stages) for job, answer in good]
    short = [stage.replace("eliminate_common_subexpressions", "cse") for stage in stages]
    short = [stage.replace("eliminate_dead_code", "dce") for stage in short]
    head = ["peer", "input", "operations", "wall", "cpu", "an operation", *short, "rest", "a call"]
    return table([*head, "peak"], rows)


def _row(job: tuple[str, int, int], answer: dict[str, Any], stages: list[str]) -> list[str]:
    peer, operations, size = job
    known = answer["stages"]
    shares = [duration(known[stage]) if stage in known else "" for stage in stages]
    rest = duration(answer["wall"] - sum(known.values())) if known else ""
    times = [duration(answer["wall"]), duration(answer["cpu"])]
    per, call = duration(answer["wall"] / operations), duration(answer["call"])
    kind = "scalar" if size == 0 else f"n = {size}"
    peak = f"{answer['peak'] / 1024:.0f} MB"
    return [peer, kind, str(operations), *times, per, *shares, rest, call, peak]


if __name__ == "__main__":
    sys.exit(main())
