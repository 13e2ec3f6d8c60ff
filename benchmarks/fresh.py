"""Short programs in fresh interpreters, each of which prints one JSON object."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from .process import ROOT, environment, last_core

PIN = """
import os
if hasattr(os, "sched_setaffinity") and os.environ.get("BENCHMARK_CORE"):
    os.sched_setaffinity(0, {int(os.environ["BENCHMARK_CORE"])})
"""


class ProgramError(RuntimeError):
    """A program in a fresh interpreter failed."""


def run(program: str, *arguments: str, timeout: float | None = None) -> dict[str, Any]:
    """What the last line printed by `program` says."""
    done = subprocess.run(
        [sys.executable, "-c", PIN + program, *arguments],
        cwd=ROOT,
        env=environment(last_core()),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise ProgramError(done.stderr.strip() or f"the program ended with {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
