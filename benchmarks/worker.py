"""One peer in a process of its own: `python -m benchmarks.worker PEER`.

Reads requests from standard input and writes answers to standard output, one JSON object a line:

    {"do": "load", "workload": NAME, "save": FILE}  the first call -> call, all, cpu start
    {"do": "time", "seconds": S}                    samples for about S seconds -> min, median
    {"do": "drop"}                                  forget the workload

`call` is the first call alone, `all` with the preparation before it, `cpu` the CPU time of `all`;
`start` is `all` with the import of the peer. All in seconds.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import time
import timeit
import traceback
from typing import Any

import numpy as np

from .peers import Job, Peer, outputs, peer_named
from .workloads import find

SAMPLE = 5e-4  # seconds that a sample should take; a longer call is a sample of its own
MIN_SAMPLES = 3
SLOW_CALL = 2.0  # a call of this many seconds is sampled once a round


class Worker:
    """The state of the process: at most one workload at a time."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        start = time.perf_counter()
        peer.load()
        self.imports = time.perf_counter() - start
        self.timer: timeit.Timer | None = None
        self.calls = 1  # in a sample
        self.slow = False

    def load(self, workload: str, save: str | None = None) -> dict[str, Any]:
        """Prepare a workload and call it for the first time."""
        inputs = find(workload).inputs()
        cpu, start = time.process_time(), time.perf_counter()
        job = self.peer.prepare(find(workload), inputs)
        statement, names = job.statement()
        self.timer = timeit.Timer(statement, globals=names)
        prepared = time.perf_counter()
        self.timer.timeit(1)
        done = time.perf_counter()
        answer = {"call": done - prepared, "all": done - start, "cpu": time.process_time() - cpu}
        answer["start"] = self.imports + answer["all"]
        if save is not None:
            _save(job, save)
            self._calibrate()
        return answer

    def _calibrate(self) -> None:
        assert self.timer is not None
        once = min(self.timer.timeit(1) for _ in range(2))
        self.slow = once > SLOW_CALL
        self.calls = 1
        while once < SAMPLE and self.timer.timeit(self.calls) < SAMPLE:
            self.calls *= 2

    def time(self, seconds: float) -> dict[str, Any]:
        """Time one call: many short samples."""
        assert self.timer is not None
        samples: list[float] = []
        end = time.perf_counter() + seconds
        least = 1 if self.slow else MIN_SAMPLES
        while len(samples) < least or time.perf_counter() < end:
            samples.append(self.timer.timeit(self.calls) / self.calls)
        median = statistics.median(samples)
        return {"min": min(samples), "median": median, "samples": len(samples)}

    def drop(self) -> dict[str, Any]:
        """Forget the workload."""
        self.timer = None
        gc.collect()
        return {}


def _save(job: Job, path: str) -> None:
    found = outputs(job.function(*job.arguments))
    np.savez(path, *found)


def pin(core: int | None) -> None:
    """Stay on one core, where the system allows it."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def main() -> None:
    """Serve requests until standard input ends."""
    core = os.environ.get("BENCHMARK_CORE")
    pin(int(core) if core else None)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a peer prints must not get among the answers
    worker = Worker(peer_named(sys.argv[1]))
    for line in sys.stdin:
        request = json.loads(line)
        action = getattr(worker, request.pop("do"))
        try:
            answer = action(**request)
        except Exception:  # noqa: BLE001 - any failure of a peer is an answer
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
