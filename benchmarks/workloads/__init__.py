"""All workloads, in the order in which they are run."""

from __future__ import annotations

from ..workload import Workload
from . import adbench, chain, logistic, mixture, mlp, normalised, rosenbrock, scalar

__all__ = ["WORKLOADS", "find"]

WORKLOADS: tuple[Workload, ...] = (
    *scalar.WORKLOADS,
    *rosenbrock.WORKLOADS,
    *chain.WORKLOADS,
    *logistic.WORKLOADS,
    *mlp.WORKLOADS,
    *normalised.WORKLOADS,
    *mixture.WORKLOADS,
    *adbench.WORKLOADS,
)


def find(name: str) -> Workload:
    """The workload called `name`."""
    return next(workload for workload in WORKLOADS if workload.name == name)
