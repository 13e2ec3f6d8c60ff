"""Results as Markdown tables and as JSON."""

from __future__ import annotations

import datetime
import math
import os
import platform
import statistics
from pathlib import Path
from typing import Any

from .peers import Peer, version
from .results import Outcome, Series

OURS, CACHED = "fusegrad", "fusegrad-cached"
FIRST = {
    "first_call": "first call, libraries loaded",
    "first_all": "with preparation",
    "first_start": "with imports",
}


def duration(seconds: float) -> str:
    """Seconds for the reader, about three digits.

    >>> duration(3.21e-7), duration(0.0456), duration(12.0)
    ('0.321 µs', '45.6 ms', '12.0 s')
    """
    units = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))
    unit, size = next((u for u in units if abs(seconds) >= u[1]), units[-1])
    value = seconds / size
    digits = max(0, 2 - math.floor(math.log10(abs(value) or 1.0)))
    digits = min(digits, 3)
    return f"{value:.{digits}f} {unit}"


def call_table(outcomes: list[Outcome], peers: list[str]) -> str:
    """A row for each workload; a peer's cell is its time and, in brackets, ours / its."""
    rows = []
    for outcome in outcomes:
        cells = [_call_cell(outcome, peer) for peer in peers]
        rows.append([outcome.workload, *cells])
    return table(["a call, value and gradient", *peers], rows)


def first_table(outcomes: list[Outcome], peers: list[str], column: str) -> str:
    """The same for first calls: a `column` of `FIRST`."""
    rows = [[o.workload, *(_first_cell(o, peer, column) for peer in peers)] for o in outcomes]
    for ours in (OURS, CACHED):
        if ours in peers:
            means = [_mean_cell(outcomes, ours, peer, column) for peer in peers]
            rows.append([f"geometric mean of {ours} / peer", *means])
    return table([FIRST[column], *peers], rows)


def _mean_cell(outcomes: list[Outcome], ours: str, peer: str, column: str) -> str:
    """The geometric mean over the workloads that both have."""
    ratios = [outcome.ratio(ours, peer, column) for outcome in outcomes]
    logs = [math.log(ratio) for ratio in ratios if ratio]
    return f"{math.exp(statistics.fmean(logs)):.2g}" if logs else ""


def failures(outcomes: list[Outcome]) -> list[str]:
    """A line for each peer that failed or disagreed."""
    return [
        f"{outcome.workload}: {peer}: {series.error.strip().splitlines()[-1]}"
        for outcome in outcomes
        for peer, series in outcome.series.items()
        if series.error is not None
    ]


def _call_cell(outcome: Outcome, peer: str) -> str:
    series = outcome.series.get(peer, Series())
    if not series.ok:
        return "failed" if series.error else ""
    return _cell(statistics.median(series.mins), outcome, peer, "mins")


def _first_cell(outcome: Outcome, peer: str, column: str) -> str:
    series = outcome.series.get(peer, Series())
    seconds = getattr(series, column)
    if not seconds:
        return "failed" if series.error else ""
    return _cell(statistics.median(seconds), outcome, peer, column)


def _cell(seconds: float, outcome: Outcome, peer: str, column: str) -> str:
    ratio = outcome.ratio(OURS, peer, column)
    if peer == OURS or ratio is None:
        return duration(seconds)
    shown = f"{ratio:.2g}" if ratio < 99.5 else f"{ratio:.0f}"
    return f"{duration(seconds)} ({shown})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    padded = [[cell.ljust(w) for cell, w in zip(line, widths, strict=True)] for line in lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in padded)


def machine() -> dict[str, Any]:
    """What the figures depend on, in general words."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def versions(peers: list[Peer]) -> dict[str, str]:
    """The versions of the peers' packages."""
    return {peer.package: version(peer.package) for peer in peers}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    cleaned = {key.strip(): value.strip() for key, value in fields.items()}
    widest = next((f for f in ("avx512f", "avx2", "asimd") if f in cleaned.get("flags", "")), "")
    return f"{cleaned.get('model name', platform.machine())} {widest}".strip()


def as_json(outcomes: list[Outcome], peers: list[Peer], missing: list[str]) -> dict[str, Any]:
    """Everything, for a file."""
    return {
        "machine": machine(),
        "versions": versions(peers),
        "missing": missing,
        "outcomes": [outcome.as_json(OURS) for outcome in outcomes],
    }


def head_line(peers: list[Peer], missing: list[str]) -> str:
    """One line on machine and versions."""
    facts = machine()
    known = ", ".join(f"{name} {number}" for name, number in versions(peers).items())
    where = f"{facts['cpu']}, {facts['cores']} cores, Python {facts['python']}"
    line = f"{facts['date']}, {where}: {known}."
    return f"{line} Not installed: {', '.join(missing)}." if missing else line
