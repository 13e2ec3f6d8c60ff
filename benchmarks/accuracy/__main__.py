"""The command: `python -m benchmarks.accuracy`."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

from tqdm import tqdm

from fusegrad.codegen.maths import FAST

from . import report
from .functions import FUNCTIONS, Measured
from .measure import Worst, measure, sweep
from .reference import REFERENCES

UNSIEVED = 20_000  # points where each goes to MPFR, at most


def main() -> int:
    """Measure what was asked for, and print the table; 1 where a bar is missed."""
    options = _parser().parse_args()
    names = options.only or [name for name in FUNCTIONS if name in FAST or not options.fast]
    known = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    tasks = [(FUNCTIONS[name], dtype) for name in names for dtype in options.dtypes]
    for function, dtype in tqdm([] if options.print else tasks, file=sys.stderr):
        worst = _measured(function, dtype, options)
        known[f"{function.name} {dtype}"] = report.as_record(worst)
        if options.json:
            options.json.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    _print(report.table(known, options.fast))
    return 1 if report.misses(known, options.fast) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=FUNCTIONS)
    parser.add_argument("--dtypes", nargs="+", default=["f64", "f32"], choices=["f64", "f32"])
    parser.add_argument("--points", type=int, default=1_000_000, help="of float64, and of pairs")
    parser.add_argument("--exhaustive", action="store_true", help="all float32 of one operand")
    parser.add_argument("--fast", action="store_true", help="what fastmath changes")
    parser.add_argument("--json", type=Path, help="results, to which these are added")
    parser.add_argument("--print", action="store_true", help="only print what --json has")
    return parser


def _measured(function: Measured, dtype: str, options: argparse.Namespace) -> Worst:
    count, fast = options.points, options.fast
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflows are among what is measured
        if dtype == "f32" and function.arity == 1 and options.exhaustive:
            return sweep(function, fast=fast)
        sieved = REFERENCES[function.name].sieve is not None
        return measure(function, dtype, count if sieved else min(count, UNSIEVED), fast=fast)


def _print(text: Any) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
