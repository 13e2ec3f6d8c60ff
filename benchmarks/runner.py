"""Runs workloads: each peer in its own process on one core, the peers taking turns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from .peers import Peer
from .process import Process, WorkerError
from .results import Outcome, Series, difference
from .workload import Workload

Progress = Callable[[str], None]


class Runner:
    """`rounds` turns of about `seconds`, and `firsts` fresh processes, for each peer."""

    def __init__(
        self, peers: Iterable[Peer], core: int | None, rounds: int, seconds: float, firsts: int
    ) -> None:
        self.peers, self.core = list(peers), core
        self.rounds, self.seconds, self.firsts = rounds, seconds, firsts

    def steps(self, workload: Workload) -> int:
        """How many steps `run` reports."""
        able, timed = self._able(workload), self._timed(workload)
        return len(able) * self.firsts + len(timed) * (1 + self.rounds)

    def run(self, workload: Workload, processes: dict[str, Process], step: Progress) -> Outcome:
        """Compare the peers' results, then time them in turns."""
        outcome = Outcome(workload.name, workload.about)
        able = self._timed(workload)
        outcome.series = {peer.name: Series() for peer in self._able(workload)}
        with tempfile.TemporaryDirectory() as folder:
            for peer in able:
                step(f"{workload.name}: {peer.name} loads")
                self._load(workload, peer.name, processes, outcome, Path(folder))
            _compare([peer.name for peer in able], Path(folder), outcome)
        self._first_calls(workload, outcome, step)  # after `load`, which left byte code on the disk
        for _ in range(self.rounds):
            for peer in able:
                step(f"{workload.name}: {peer.name}")
                self._time(peer.name, processes, outcome)
        for peer in able:
            if processes[peer.name].process.poll() is None:
                processes[peer.name].ask("drop")
        return outcome

    def _able(self, workload: Workload) -> list[Peer]:
        return [peer for peer in self.peers if peer.handles(workload)]

    def _timed(self, workload: Workload) -> list[Peer]:
        return [peer for peer in self._able(workload) if not peer.first_calls_only]

    def _first_calls(self, workload: Workload, outcome: Outcome, step: Progress) -> None:
        with tempfile.TemporaryDirectory() as cache:
            caches = {peer.name: Path(cache) for peer in self.peers if peer.keeps_code}
            for name in caches:  # the process that leaves its code behind
                self._first_call(workload, name, outcome, caches)
            for name in caches:
                outcome.series[name] = Series(error=outcome.series[name].error)
            for _ in range(self.firsts):
                for name in outcome.series:
                    step(f"{workload.name}: first call of {name}")
                    self._first_call(workload, name, outcome, caches)

    def _first_call(
        self, workload: Workload, name: str, outcome: Outcome, caches: dict[str, Path]
    ) -> None:
        series = outcome.series[name]
        if series.error is not None:
            return
        try:
            with Process(name, self.core, caches.get(name)) as process:
                answer = process.ask("load", workload=workload.name)
        except WorkerError as error:
            series.error = str(error)
            return
        series.first_call.append(answer["call"])
        series.first_all.append(answer["all"])
        series.first_cpu.append(answer["cpu"])
        series.first_start.append(answer["start"])

    def _load(
        self,
        workload: Workload,
        name: str,
        processes: dict[str, Process],
        outcome: Outcome,
        folder: Path,
    ) -> None:
        try:
            processes[name].ask("load", workload=workload.name, save=str(folder / f"{name}.npz"))
        except WorkerError as error:
            outcome.series[name].error = str(error)

    def _time(self, name: str, processes: dict[str, Process], outcome: Outcome) -> None:
        series = outcome.series[name]
        if series.error is not None:
            return
        try:
            answer = processes[name].ask("time", seconds=self.seconds)
        except WorkerError as error:
            series.error = str(error)
            return
        series.mins.append(answer["min"])
        series.medians.append(answer["median"])


def _compare(names: list[str], folder: Path, outcome: Outcome) -> None:
    """Every peer against the first that has a result; who differs is not timed."""
    saved = [name for name in names if (folder / f"{name}.npz").exists()]
    for name in saved[1:]:
        worst, within = difference(folder / f"{name}.npz", folder / f"{saved[0]}.npz")
        outcome.difference[name] = worst
        if not within:
            outcome.series[name].error = f"differs from {saved[0]} by {worst:.1e}"


def open_processes(stack: ExitStack, peers: Iterable[Peer], core: int | None) -> dict[str, Process]:
    """A worker for each peer; they end with `stack`."""
    return {peer.name: stack.enter_context(Process(peer.name, core)) for peer in peers}
