"""The other end of a worker, and the surroundings in which workers run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class WorkerError(RuntimeError):
    """A peer could not do what it was asked."""


def environment(core: int | None, cache: Path | None = None) -> dict[str, str]:
    """One thread, one core, the checkout on the path, byte code kept as of an installed package.

    fusegrad keeps its object code in `cache`, or nowhere.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    own = {"PYTHONPATH": path, "PYTHONHASHSEED": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    threads = dict.fromkeys(THREADS, "1")
    pinned = {} if core is None else {"BENCHMARK_CORE": str(core)}
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    kept = {"FUSEGRAD_CACHE": "0"}
    if cache is not None:
        kept = {"FUSEGRAD_CACHE": "1", "FUSEGRAD_CACHE_DIR": str(cache)}
    return {**inherited, **threads, **own, **pinned, **kept}


def last_core() -> int | None:
    """The core on which workers run: the last one that we may use."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    return max(os.sched_getaffinity(0))


class Process:
    """A worker for one peer. As a context manager it ends with the block."""

    def __init__(self, peer: str, core: int | None, cache: Path | None = None) -> None:
        self.peer = peer
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", peer],
            cwd=ROOT,
            env=environment(core, cache),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer; raises WorkerError where the peer failed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"{self.peer}: the process ended, code {self.process.poll()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"{self.peer}: {answer['error']}")
        return answer

    def close(self) -> None:
        """End the process."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
