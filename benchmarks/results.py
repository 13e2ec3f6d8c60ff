"""What a run found, as records; and how well the peers agree."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

# How far value and gradient may differ, relative to the largest element of an output.
TOLERANCES = {"float64": 1e-9, "float32": 5e-4}


@dataclass
class Series:
    """One peer on one workload, in seconds: a turn's fastest and middle sample; first calls.

    `first_call` is the first call alone, from tracing to the result, where the peer's libraries are
    loaded; `first_all` with the preparation before it (JAX starts its backend and converts the
    inputs), `first_cpu` the latter's CPU time; `first_start` is `first_all` with the import of the
    libraries, NumPy apart.
    """

    mins: list[float] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    first_call: list[float] = field(default_factory=list)
    first_all: list[float] = field(default_factory=list)
    first_cpu: list[float] = field(default_factory=list)
    first_start: list[float] = field(default_factory=list)
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None and bool(self.mins)


@dataclass
class Outcome:
    """All peers on one workload; `differences` from the first peer, where they are too large."""

    workload: str
    about: str
    series: dict[str, Series] = field(default_factory=dict)
    difference: dict[str, float] = field(default_factory=dict)

    def ratio(self, ours: str, peer: str, column: str = "mins") -> float | None:
        """The median over rounds of ours / the peer's."""
        if ours not in self.series or peer not in self.series:
            return None
        pairs = zip(
            getattr(self.series[ours], column), getattr(self.series[peer], column), strict=False
        )
        ratios = [a / b for a, b in pairs]
        return statistics.median(ratios) if ratios else None

    def as_json(self, ours: str) -> dict[str, Any]:
        """A record for a file."""
        others = [peer for peer in self.series if peer != ours]
        columns = ("mins", "medians", "first_call", "first_all", "first_cpu", "first_start")
        return {
            "workload": self.workload,
            "about": self.about,
            "peers": {peer: vars(series) for peer, series in self.series.items()},
            "difference": self.difference,
            f"ratio of {ours}": {
                peer: {column: self.ratio(ours, peer, column) for column in columns}
                for peer in others
            },
        }


def difference(path: Path, reference: Path) -> tuple[float, bool]:
    """The largest difference between two saved results, and whether it is rounding."""
    worst, within = 0.0, True
    with np.load(path) as ours, np.load(reference) as theirs:
        if ours.files != theirs.files:
            return float("inf"), False
        for name in ours.files:
            a, b = ours[name], theirs[name]
            if a.shape != b.shape or a.dtype != b.dtype:
                return float("inf"), False
            found = _relative(a, b)
            within = within and found <= TOLERANCES[a.dtype.name]
            worst = max(worst, found)
    return worst, within


def _relative(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    scale = float(np.max(np.abs(b), initial=0.0)) or 1.0
    gap = float(np.max(np.abs(a - b), initial=0.0)) / scale
    return gap if np.isfinite(gap) else float("inf")
