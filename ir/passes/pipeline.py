"""The passes in the order in which they run, and the runner."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import IRError
from ..graph import Graph
from ..verify import verify
from .cse import eliminate_common_subexpressions
from .dce import eliminate_dead_code
from .fastmath import fastmath
from .fuse import fuse
from .legalise import legalise_dots
from .loops import in_regions
from .narrow import find_values_alone
from .rolling import reroll
from .rows import fuse_rows
from .simplify import simplify
from .squeeze import drop_unit_axes
from .sums import sum_before_product
from .unroll import unroll_small_axes
from .widen import widen
from .written_out import write_out

Pass = Callable[[Graph], Graph]

CLEAN: tuple[Pass, ...] = (
    simplify,
    eliminate_common_subexpressions,
    simplify,
    eliminate_dead_code,
)
MERGE: tuple[Pass, ...] = (eliminate_common_subexpressions, eliminate_dead_code, reroll)


def lower_regions(graph: Graph) -> Graph:
    """Clean and lower the regions of loops.

    Requires: derivatives are taken. Ensures: they are fused graphs. Why: a step of a loop is a
    program as any other.
    """
    return in_regions(graph, lambda region: run_passes(region, (*CLEAN, *LOWER)))


LOWER: tuple[Pass, ...] = (
    write_out,
    lower_regions,
    find_values_alone,
    sum_before_product,
    unroll_small_axes,
    legalise_dots,
    drop_unit_axes,
    simplify,
    eliminate_common_subexpressions,
    eliminate_dead_code,
    widen,
    fuse,
    fuse_rows,
)


def lowering(fast: bool) -> tuple[Pass, ...]:
    """LOWER, for exact or for fast maths functions."""
    return (*LOWER, fastmath) if fast else LOWER


@dataclass(slots=True)
class Timings:
    """Seconds that each pass took, by name, in order."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds


def run_passes(graph: Graph, passes: tuple[Pass, ...], timings: Timings | None = None) -> Graph:
    """Run `passes` in order. With FUSEGRAD_VERIFY=1 the result of each is verified.

    A pass that fails raises IRError, which names it and shows the graph that it was given.
    """
    checking = os.environ.get("FUSEGRAD_VERIFY") == "1"
    for run in passes:
        start = time.perf_counter()
        try:
            result = run(graph)
            if checking:
                verify(result)
        except Exception as error:
            raise IRError(
                f"pass {run.__name__} failed: {error}\n"
                f"(a fault of fusegrad; the graph it was given:)\n{graph}",
                hint="run eagerly meanwhile (FUSEGRAD_EAGER=1), and report the graph above",
            ) from error
        if timings is not None:
            timings.add(run.__name__, time.perf_counter() - start)
        graph = result
    return graph
