"""The pass: repetitions found, and written as loops."""

from __future__ import annotations

from ...graph import Graph, Operation
from ..loops import in_regions
from .periods import Listing, Run, cuts, runs
from .steps import Steps
from .write import write_loop

LEAST_OPERATIONS = 400  # below it, code that is written out compiles in reasonable time
LEAST_JOINED = 4096  # the same for chains that fusion keeps in registers over many steps
MOST_LOOPS = 32  # one after the other
ATTEMPTS = 3  # places at which a step may begin, and whole steps that are left in front


def reroll(graph: Graph) -> Graph:
    """Write repetitions as loops.

    Requires: no kernels, equal operations merged. Ensures: same outputs, to the last bit; a loop
    has the lines of its first step. Why: tracing writes out each step of a Python loop, and the
    time to differentiate and compile them grows with their number.
    """
    for _ in range(MOST_LOOPS):
        if sum(map(_weight, graph)) < LEAST_OPERATIONS:
            break
        shorter = _roll_one(graph)
        if shorter is None:
            break
        graph = shorter
    return in_regions(graph, reroll)


def _roll_one(graph: Graph) -> Graph | None:
    """`graph` with its longest repetition as a loop; None where there is none."""
    listing = Listing(graph)
    heaviest = max(map(_weight, listing.operations), default=1)
    for run in runs(listing.numbers(), LEAST_OPERATIONS // heaviest):
        for begun in _beginnings(listing, run):
            if not _worth_it(listing, begun):
                continue
            steps = Steps(listing, begun)
            if steps.possible:
                return write_loop(steps)
    return None


def _beginnings(listing: Listing, run: Run) -> list[Run]:
    """The run begun at other operations of the period, and later."""
    found: list[Run] = []
    for first in cuts(listing, run)[:ATTEMPTS]:
        for whole in range(ATTEMPTS):
            start = run.start + first + whole * run.period
            steps = (run.stop - start) // run.period
            found.append(Run(start, run.period, steps))
    return found


def _worth_it(listing: Listing, run: Run) -> bool:
    if run.steps < 2:
        return False
    step = listing.operations[run.start : run.start + run.period]
    arrays = all(op.op.elementwise and op.result.type.size > 1 for op in step)
    return (
        run.steps * sum(map(_weight, step))
        >= (LEAST_JOINED if arrays else LEAST_OPERATIONS) - run.period * ATTEMPTS
    )


def _weight(operation: Operation) -> int:
    """How many operations it stands for: a checkpoint is written out in the end."""
    if "part" not in operation.op.traits:
        return 1
    return sum(map(_weight, operation.regions[0]))
