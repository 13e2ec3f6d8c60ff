"""Where a graph repeats itself.

What is compared is the sequence of operations that compute something. Constants, and views of other
values, are what an operation reads: a view moves from step to step, and equal ones were merged
wherever two steps read the same. Nor are stores into a buffer that the next step but adds to part
of a step: what is stored is used after the loop, where the buffer is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...graph import Graph, Operation, Value
from ...record import record
from ...text import print_graph
from ..cse import attribute_key

VIEWS = frozenset({"reshape", "slice", "broadcast", "transpose", "reverse"})
SOURCES = frozenset({"constant", "dense", "iota"})
LEAST_STEPS = 16
WINDOW = 4  # operations whose like are looked for
CANDIDATES = 12  # periods that are looked at more closely


@record
class Reading:
    """What an operand is: `root`, an input or the result of an operation that computes or makes
    something, seen through the views of `path`.
    """

    root: Value
    path: tuple[Operation, ...]


@record
class Run:
    """Steps of `period` operations, from number `start` of the listing on."""

    start: int
    period: int
    steps: int

    @property
    def stop(self) -> int:
        return self.start + self.period * self.steps


class Listing:
    """The computing operations of a graph in order, and what their operands are."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        read = _read_between_stores(graph)
        self.stores = {op for op in graph if op.name == "update" and op not in read}
        beside = VIEWS | SOURCES
        self.operations = [op for op in graph if op.name not in beside and op not in self.stores]
        self.position = {operation: i for i, operation in enumerate(self.operations)}
        self._readings = {value: Reading(value, ()) for value in graph.inputs}
        self._after = dict.fromkeys(graph.inputs, -1)
        for operation in graph:
            self._read(operation)

    def _read(self, operation: Operation) -> None:
        after = max((self._after[x] for x in operation.operands), default=-1)
        after = self.position.get(operation, after)
        for result in operation.results:
            self._after[result] = after
            if operation.name in VIEWS:
                inner = self._readings[operation.operands[0]]
                self._readings[result] = Reading(inner.root, (*inner.path, operation))
            else:
                self._readings[result] = Reading(result, ())

    def reading(self, value: Value) -> Reading:
        return self._readings[value]

    def after(self, value: Value) -> int:
        """The number of the last operation that `value` depends on, -1 for none."""
        return self._after[value]

    def numbers(self) -> np.ndarray:
        """A number for each operation: equal for those that could be the same line of a loop."""
        seen: dict[Any, int] = {}
        keys = map(self._signature, self.operations)
        return np.array([seen.setdefault(key, len(seen)) for key in keys], np.int64)

    def _signature(self, operation: Operation) -> Any:
        operands = tuple([self._operand_signature(x) for x in operation.operands])
        regions = tuple(print_graph(region) for region in operation.regions)
        types = tuple([r.type for r in operation.results])
        key = attribute_key(operation)
        return (operation.op.name, key, types, operation.location, operands, regions)

    def _operand_signature(self, operand: Value) -> Any:
        reading = self.reading(operand)
        producer = reading.root.producer
        made = producer is not None and producer.name in SOURCES
        views = tuple([_view_signature(view) for view in reading.path])
        return (made, reading.root.type, views)


def _read_between_stores(graph: Graph) -> set[Operation]:
    """The stores into buffers that are read before more is stored into them."""
    readers = Counter(x for operation in graph for x in operation.operands)
    readers.update(graph.outputs)
    more = {op.operands[0] for op in graph if op.name == "update"}
    return {
        op for op in graph if op.name == "update" and op.result in more and readers[op.result] > 1
    }


def _view_signature(view: Operation) -> Any:
    """A view, without the place that a slice is taken from."""
    if view.name == "slice":
        return ("slice", view.result.type, view.attributes["step"])
    return (view.name, view.result.type, attribute_key(view))


def runs(numbers: np.ndarray, least: int) -> Iterator[Run]:
    """Repetitions of at least `least` operations, the longest first, at most one for a period.

    Of periods that cover about the same the shortest comes first: the others are its multiples.
    """
    found = [run for p in _candidates(numbers) if (run := _longest(numbers, p, least))]
    longest = max((run.period * run.steps for run in found), default=0)
    full = [run for run in found if run.period * run.steps >= 0.9 * longest]
    yield from sorted(full, key=lambda run: run.period)


def _candidates(numbers: np.ndarray) -> list[int]:
    """The distances at which windows of a few operations recur, the commonest first."""
    last: dict[tuple[int, ...], int] = {}
    distances: Counter[int] = Counter()
    listed = numbers.tolist()
    for i in range(len(listed) - WINDOW + 1):
        window = tuple(listed[i : i + WINDOW])
        if window in last:
            distances[i - last[window]] += 1
        last[window] = i
    return [p for p, count in distances.most_common(CANDIDATES) if count >= LEAST_STEPS // 2]


def _longest(numbers: np.ndarray, period: int, least: int) -> Run | None:
    """The longest stretch that is the same one period later."""
    same = numbers[period:] == numbers[:-period]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], same, [False]))))
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return None
    best = int(np.argmax(stops - starts))
    start, length = int(starts[best]), int(stops[best] - starts[best]) + period
    steps = length // period
    if steps < LEAST_STEPS or steps * period < least:
        return None
    return Run(start, period, steps)


def cuts(listing: Listing, run: Run) -> Sequence[int]:
    """Where in the period a step may best begin: few values go from one step to the next."""
    first = run.start + run.period * (run.steps // 2)
    window = listing.operations[first : first + 2 * run.period]
    place = {op: i for i, op in enumerate(window)}
    last: dict[Value, int] = {}
    for i, operation in enumerate(window):
        for operand in operation.operands:
            root = listing.reading(operand).root
            if root.producer in place:
                last[root] = i
    crossing = [0] * (2 * run.period + 1)
    for root, end in last.items():
        assert root.producer is not None
        crossing[place[root.producer] + 1] += 1
        crossing[end + 1] -= 1
    alive = np.cumsum(crossing)
    boundaries = alive[run.period : 2 * run.period]
    order: list[int] = np.argsort(boundaries, kind="stable").tolist()
    return order
