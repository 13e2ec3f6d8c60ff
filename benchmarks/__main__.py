"""The command: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from . import adbench, report
from .peers import PEERS, Peer, installed, peer_named
from .process import last_core
from .results import Outcome
from .runner import Runner, open_processes
from .workload import Workload
from .workloads import WORKLOADS

ON_DEMAND = {"torch-compile"}  # takes minutes to compile


def main() -> int:
    """Run what was asked for; 1 where a peer failed or disagreed."""
    options = _parser().parse_args()
    if options.adbench is not None:
        os.environ[adbench.FOLDER] = str(options.adbench.resolve(strict=True))  # workers read it
    workloads = _chosen(options.only, quick=options.quick)
    if options.list:
        print("\n".join(f"{w.name:<22} {w.about}" for w in workloads))
        return 0
    wanted = [peer_named(name) for name in options.peers]
    peers = [peer for peer in wanted if installed(peer)]
    missing = [peer.name for peer in wanted if not installed(peer)]
    if missing:
        print(f"not installed, and left out: {', '.join(missing)}", file=sys.stderr)
    rounds, firsts = (2, 1) if options.quick else (options.rounds, options.first_calls)
    runner = Runner(peers, last_core(), rounds, options.seconds, firsts)
    outcomes = _run(runner, workloads, peers)
    _print(outcomes, peers, missing)
    if options.json is not None:
        record = report.as_json(outcomes, peers, missing)
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 1 if report.failures(outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description="fusegrad and its peers.")
    usual = [peer.name for peer in PEERS if peer.name not in ON_DEMAND]
    parser.add_argument("--only", nargs="+", default=["*"], metavar="NAME", help="patterns allowed")
    parser.add_argument(
        "--peers", nargs="+", default=usual, choices=[p.name for p in PEERS], metavar="PEER"
    )
    parser.add_argument("--rounds", type=int, default=7, help="turns of each peer")
    parser.add_argument("--seconds", type=float, default=0.15, help="of one turn, about")
    parser.add_argument("--first-calls", type=int, default=5, metavar="N", help="fresh processes")
    parser.add_argument("--quick", action="store_true", help="2 rounds; no large workloads")
    parser.add_argument(
        "--adbench", type=Path, metavar="FOLDER", help="ADBench's data; else random numbers"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--list", action="store_true", help="list the workloads")
    return parser


def _chosen(patterns: list[str], *, quick: bool) -> list[Workload]:
    """The workloads that match; a pattern that matches none is an error."""
    for pattern in patterns:
        if not any(fnmatch.fnmatch(w.name, pattern) for w in WORKLOADS):
            sys.exit(f"no workload is called {pattern!r}; --list shows them")
    found = [w for w in WORKLOADS if any(fnmatch.fnmatch(w.name, p) for p in patterns)]
    return [workload for workload in found if not (quick and workload.large)]


def _run(runner: Runner, workloads: list[Workload], peers: list[Peer]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    total = sum(runner.steps(workload) for workload in workloads)
    with ExitStack() as stack, tqdm(total=total, disable=None, leave=False) as bar:
        processes = open_processes(
            stack, [peer for peer in peers if not peer.first_calls_only], runner.core
        )

        def step(text: str) -> None:
            bar.set_description_str(text)
            bar.update()

        outcomes.extend(runner.run(workload, processes, step) for workload in workloads)
    return outcomes


def _print(outcomes: list[Outcome], peers: list[Peer], missing: list[str]) -> None:
    names = [peer.name for peer in peers]
    print(report.head_line(peers, missing))
    print("In brackets: fusegrad's time / the peer's, below 1 fusegrad is faster.\n")
    print(report.call_table(outcomes, [peer.name for peer in peers if not peer.first_calls_only]))
    if any(series.first_call for outcome in outcomes for series in outcome.series.values()):
        for column in report.FIRST:
            print()
            print(report.first_table(outcomes, names, column))
    for line in report.failures(outcomes):
        print(f"\nFAILED {line}")


if __name__ == "__main__":
    sys.exit(main())
