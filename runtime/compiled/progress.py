"""A word about compilations that take long, while they run.

It goes to the logger "fusegrad", as a warning: on the terminal where nobody has set up logging. A
Python warning could become an error by a filter, and with that a matter of how busy a machine is.
"""

from __future__ import annotations

from ...ir import Graph, Location
from ...ir.passes.pipeline import Timings

# Seconds after which the whole is likely to take three and more: of the trace alone, and of all
# that comes before LLVM, which has half of the work.
_TRACE, _BEFORE_LLVM = 0.5, 1.5


class Progress:
    """Tells once that the compilation of a function takes long, and how large it is."""

    def __init__(self, name: str, at: Location | None) -> None:
        self._name, self._at = name, at
        self._told = False

    def traced(self, graph: Graph, timings: Timings) -> None:
        """The trace is there, and took `timings`."""
        self._tell_after(_TRACE, graph, timings)

    def lowered(self, graph: Graph, timings: Timings) -> None:
        """All is done but the machine code."""
        self._tell_after(_BEFORE_LLVM, graph, timings)

    def _tell_after(self, limit: float, graph: Graph, timings: Timings) -> None:
        seconds = sum(timings.seconds.values())
        if self._told or seconds < limit:
            return
        self._told = True
        import logging

        place = f" ({self._at})" if self._at else ""
        logging.getLogger("fusegrad").warning(
            "compiling %s%s takes a while: %d operations, %.1f s so far. Further calls with "
            "arguments of these types will not wait. Operations on whole arrays compile faster "
            "than long Python loops",
            self._name,
            place,
            len(graph.operations),
            seconds,
        )
