"""Ctrl-C: `python -m benchmarks.interrupt`. How soon compiled loops of minutes stop.

The loops are those of tests/codegen/long_loops.py; each runs in a process of its own.
"""

from __future__ import annotations

import argparse
import runpy
import statistics
import sys

from tqdm import tqdm

from .process import ROOT
from .report import duration, table

BAR = 0.1  # seconds


def main() -> int:
    """Print the figures; 1 where the median of a loop is over the bar."""
    parser = argparse.ArgumentParser("python -m benchmarks.interrupt", description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="signals sent to each loop")
    times = parser.parse_args().times
    loops = runpy.run_path(str(ROOT / "tests" / "codegen" / "long_loops.py"))
    found = {
        name: loops["interrupted"](name, times)[0]
        for name in tqdm(loops["LOOPS"], disable=None, leave=False)
    }
    rows = [
        [name, duration(statistics.median(seconds)), duration(max(seconds))]
        for name, seconds in found.items()
    ]
    print(table(["loop", "median", "longest"], rows))
    return 1 if any(statistics.median(seconds) > BAR for seconds in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
