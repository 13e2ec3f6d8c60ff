"""`import fusegrad` beside `import numpy`: `python -m benchmarks.import_time`.

Fresh processes in turns. The package loads its rooms when a name is first asked for, so that is
timed too. The bar for both is NumPy's own import and 0.1 s, with nothing heavy loaded.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any

from tqdm import tqdm

from .fresh import run
from .report import duration, table

HEAVY = ("llvmlite", "networkx", "scipy", "threadpoolctl", "torch", "jax")
MARGIN = 0.1  # seconds over NumPy

PROGRAM = """
import json, sys, time
cpu, wall = time.process_time(), time.perf_counter()
exec(sys.argv[1])
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps({"wall": wall, "cpu": cpu, "loaded": sorted(sys.modules)}))
"""

NUMPY = "import numpy"
STATEMENTS = (
    NUMPY,
    "import numpy, fusegrad",
    "from fusegrad import value_and_grad",
    "from fusegrad import tensor",
)


def main() -> int:
    """Print the times; 1 where the bar is missed or something heavy is loaded."""
    parser = argparse.ArgumentParser("python -m benchmarks.import_time", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for statement in STATEMENTS:
        run(PROGRAM, statement)  # leaves byte code on the disk
    answers: dict[str, list[dict[str, Any]]] = {statement: [] for statement in STATEMENTS}
    for _ in tqdm(range(rounds), disable=None, leave=False):
        for statement in STATEMENTS:
            answers[statement].append(run(PROGRAM, statement))
    heavy = {s: [name for name in HEAVY if name in answers[s][0]["loaded"]] for s in STATEMENTS}
    rows = [_row(statement, answers, heavy[statement]) for statement in STATEMENTS]
    print(table(["", "wall", "cpu", "over NumPy (wall, cpu)", "modules", "heavy ones"], rows))
    over = max(_over(answers, statement, "wall") for statement in STATEMENTS)
    return 1 if any(heavy.values()) or over > MARGIN else 0


def _over(answers: dict[str, list[dict[str, Any]]], statement: str, column: str) -> float:
    """The median over rounds of the difference to NumPy alone."""
    pairs = zip(answers[statement], answers[NUMPY], strict=True)
    return statistics.median(float(ours[column] - theirs[column]) for ours, theirs in pairs)


def _row(statement: str, answers: dict[str, list[dict[str, Any]]], heavy: list[str]) -> list[str]:
    mine = answers[statement]
    medians = [duration(statistics.median(a[column] for a in mine)) for column in ("wall", "cpu")]
    over = [duration(_over(answers, statement, column)) for column in ("wall", "cpu")]
    loaded = str(len(mine[0]["loaded"]))
    return [f"`{statement}`", *medians, ", ".join(over), loaded, ", ".join(heavy) or "none"]


if __name__ == "__main__":
    sys.exit(main())
