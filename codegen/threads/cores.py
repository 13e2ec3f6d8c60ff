"""How many threads a call may use where nobody says: what the environment and the system allow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container on Linux: "microseconds period", or "max"


def usual_threads(environment: Mapping[str, str] | None = None) -> int:
    """FUSEGRAD_NUM_THREADS; without it, the CPUs that this process may run on, at most
    OMP_NUM_THREADS of them.

    Raises ValueError where FUSEGRAD_NUM_THREADS is no positive whole number. (Of a list, which
    OpenMP reads level by level, the first counts; what OpenMP would ignore is ignored.)
    """
    environment = os.environ if environment is None else environment
    own = environment.get("FUSEGRAD_NUM_THREADS", "").strip()
    if own:
        if not own.isdecimal() or int(own) < 1:
            raise ValueError(f"FUSEGRAD_NUM_THREADS is {own!r}, it should be a whole number from 1")
        return int(own)
    allowed = environment.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    limit = int(allowed) if allowed.isdecimal() and int(allowed) > 0 else None
    cores = available_cores()
    return cores if limit is None else min(limit, cores)


def available_cores() -> int:
    """The CPUs in this process's affinity mask; no more than its container has time for."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min(cores, _quota(_QUOTA) or cores))


def _quota(path: Path) -> int | None:
    """The CPUs' worth of time that a control group grants, rounded up."""
    try:
        granted, period = path.read_text().split()
        return -(-int(granted) // int(period))
    except (OSError, ValueError):  # no such group, or no limit
        return None
